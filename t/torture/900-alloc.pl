# An allocation fails, the n-th of those that a request makes of its worker, for
# each n until there are no more: the worker lives, the client has a whole
# answer or a connection that was closed, and the same request is served right
# after it.  Run by scripts/test torture, with shim.c.

use lib 't/lib';
use FaasTest;
use FaasClient;

use feature 'state';

use Time::HiRes qw(sleep time);

use constant {
    MALLOC => 1,
    SLAB   => 2,
    LAST   => 2000,
};

workers(1);

our %Wanted = map { $_ => 1 } split ' ', $ENV{FAAS_TORTURE_ENDPOINTS} // '';
our $Seconds = $ENV{FAAS_TORTURE_SECONDS} || 60;

our $Source = <<'PY';
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) or b'{"a":1}'

        if self.path == "/sleep":
            time.sleep(600)

        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
PY

my $json = JSON::PP->new->allow_nonref;

sub function_json {
    my ($name, $source) = @_;
    return $json->encode({ name => $name, language => 'python',
                           source_code => $source // $Source });
}

# name => [ what it should be, the request, what is done before ], and both may
# have the number of the round

our @Endpoints = (
    [ 'raw', 200, sub { request('POST', '/function/echo/a?b', body => 'abc') } ],
    [ 'invoke', 200, sub { invoke_request('echo', '{"a":[1]}') } ],
    [ 'unknown', 404, sub { invoke_request('none', '{}') } ],
    [ 'bad-json', 400, sub { request('POST', '/functions/echo/invoke',
                                     body => '{"input":[}') } ],
    [ 'list', 200, sub { request('GET', '/functions') } ],
    [ 'read', 200, sub { request('GET', '/functions/echo') } ],
    [ 'create', 201, sub { request('POST', '/functions',
                                   body => function_json("new$_[0]")) } ],
    [ 'replace', 200, sub { request('PUT', '/functions/other',
                                    body => function_json('other',
                                                          "# $_[0]\n")) },
      sub { http(request('PUT', '/functions/other',
                         body => function_json('other'))) } ],
    [ 'delete', 204, sub { request('DELETE', '/functions/other') },
      sub { http(request('PUT', '/functions/other',
                         body => function_json('other'))) } ],
    [ 'command', 200, sub { request('POST', '/function/wc', body => 'a b') } ],
    [ 'command-fails', 500, sub { request('POST', '/function/fail',
                                          body => 'a b') } ],
    [ 'invoke-command', 200, sub { invoke_request('wc', '"a b"') } ],
    [ 'no-capacity', 503, sub { request('GET', '/function/busy') }, \&hold ],
    [ 'cold', 200, sub { invoke_request("cold$_[0]", '{}') },
      sub {
          write_file(server_root() . "/html/fn/cold$_[0].py", $Source);
          http(request('DELETE', '/functions/cold' . ($_[0] - 1)))
              if $_[0] > 1;
          sleep 0.3;    # for a spare
      } ],
);

# the one place is taken; for less than proxy_read_timeout
sub hold {
    state $began = 0;
    state $sock;

    return if time - $began < 30;

    # a function ends with its file
    undef $sock;
    unlink server_root() . '/html/fn/busy.py';
    http(request('GET', '/function/busy'));
    write_file(server_root() . '/html/fn/busy.py', $Source);

    $sock = connect_to();
    print $sock request('GET', '/function/busy/sleep');
    sleep 3;
    $began = time;
    return;
}

@Endpoints = grep { !%Wanted || $Wanted{$_->[0]} } @Endpoints;

plan tests => 2 + 2 * @Endpoints;

sub control {
    my ($kind, $n) = @_;

    open my $fh, '+<:raw', $ENV{FAAS_TORTURE} or die "$ENV{FAAS_TORTURE}: $!";

    if (!defined $kind) {
        sysread $fh, my $bytes, 12;
        my (undef, undef, $count) = unpack 'L3', $bytes;
        syswrite($fh, '') if sysseek($fh, 0, 0);
        syswrite $fh, pack('L', 0);
        return $count;
    }

    # armed by the last write
    sysseek $fh, 4, 0;
    syswrite $fh, pack('L2', $n, 0);
    sysseek $fh, 0, 0;
    syswrite $fh, pack('L', $kind);
    return;
}

# what is wrong with an answer to a request of which an allocation failed
sub complaint {
    my ($res, $expected) = @_;

    return 'no end within the time' if !$res->{closed};
    return '' if $res->{raw} eq '';
    return "no head: $res->{raw}" if $res->{status} eq '';
    return '' if defined $res->{complete} && !$res->{complete};
    return '' if $res->{status} == $expected && $expected >= 400;
    return '' if $res->{status} == 204;

    my $type = header($res, 'Content-Type') // '';

    if ($type =~ m{^application/json}) {
        return "no JSON: $res->{raw}" if !eval { decode_json($res->{body}); 1 };
    }

    return '' if $res->{status} == $expected || $res->{status} >= 500;
    return "status $res->{status}: $res->{body}";
}

# that it is served again, if need be after a start
sub recovers {
    my ($expected, $bytes) = @_;
    my $res;

    for (1 .. 3) {
        $res = http($bytes->());
        return '' if $res->{status} eq $expected;
        sleep 0.2;
    }

    return "after it: $res->{raw}";
}

sub torture {
    my ($kind, $name, $expected, $make, $before) = @_;
    my ($worker) = worker_pids();
    my $end = time + $Seconds;
    my $began = time;
    my (@bad, %seen, $n);

    for ($n = 1; $n <= LAST && time < $end; $n++) {
        $before->($n) if $before;

        my $bytes = $make->($n);

        control($kind, $n);
        my $res = http($bytes, timeout => 15);
        my $count = control();

        last if $count < $n;

        $seen{$res->{raw} eq '' ? 'closed'
              : $res->{complete} || !defined $res->{complete} ? $res->{status}
              : "$res->{status}, cut"}++;

        my $bad = complaint($res, $expected);

        $bad ||= 'worker ended' if !grep { $_ == $worker } worker_pids();

        $bad ||= recovers($expected, sub {
            $before->($n + LAST) if $before && $name ne 'cold';
            $make->($n + LAST);
        }) if $name ne 'cold';

        push @bad, "$n: $bad" if $bad;

        # one that crashes is started again
        ($worker) = worker_pids();

        last if @bad >= 5;
    }

    my $what = $kind == SLAB ? 'slab' : 'malloc';

    diag(sprintf '%s, %s: %d failed, %.1f s%s: %s', $name, $what, $n - 1,
         time - $began, time >= $end ? ', no time for more' : '',
         join ', ', map { "$_ x$seen{$_}" } sort keys %seen);

    is(join("\n", @bad), '', "$name, $what");
}

run_tests();

__DATA__

=== TEST 1: every allocation fails once
--- http_config
    faas_zone torture:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=2 concurrency=8 queue_timeout=5s;
    faas_command wc /usr/bin/wc -w;
    faas_command fail /bin/false;

    upstream functions {
        faas;
        keepalive 8;
    }
--- user_files eval
">>> fn/echo.py\n$::Source>>> fn/other.py\n$::Source>>> fn/busy.py\n$::Source"
. ">>> fn/busy.json\n{\"concurrency\":1,\"queue\":0}\n"
--- code
is(recovers(200, sub { invoke_request('echo', '{}') }), '', 'it works');

for my $endpoint (@::Endpoints) {
    torture(main::MALLOC(), @$endpoint);
    torture(main::SLAB(), @$endpoint);
}
--- log_allow eval
qr/alloc|memory|failed|12: Cannot/
--- timeout: 30
