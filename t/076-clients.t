# Clients of all kinds: many requests on a connection, a byte at a time, and
# many connections that say nothing.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 33;

worker_connections(1024);

our $Threads = busy_py(threads => 1);
our $Busy = busy_py();

# Leaves something behind, and says what it finds.

our $Canary = <<'_EOC_';
import builtins
import glob
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

VERSION = 1


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        found = glob.glob("/tmp/canary*") + [
            name for name in dir(builtins) if name.startswith("canary")
        ] + [name for name in os.environ if name.startswith("CANARY")]

        open("/tmp/canary", "w").close()
        builtins.canary = 1
        os.environ["CANARY"] = "1"

        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([VERSION, sorted(found)]).encode())


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

run_tests();

__DATA__

=== TEST 1: a hundred requests in a row, sent at once
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=2;
    keepalive_requests 1000;
--- user_files eval: ">>> fn/pipe.py\n$::Busy"
--- code
my $sock = connect_to();
my @keep = (headers => [ 'Connection: keep-alive' ]);
my $bytes = join '', map {
    $_ % 3 ? request('GET', "/function/pipe/$_", @keep)
           : $_ % 2 ? request('POST', "/function/pipe/$_", @keep, body => 'x' x $_)
                    : invoke_request('pipe', "\"$_\"", @keep)
} 1 .. 99;

syswrite($sock, $bytes . request('GET', '/function/pipe/100'));

my $rest = read_all($sock, 40);
my (@paths, $n);

while ($rest ne '') {
    my $res = parse_response($rest);

    last if !$res->{complete} || $res->{status} ne '200';

    my $body = decode_json($res->{body});

    $n++;
    push @paths, ($body->{output} // $body)->{path};
    $rest = $res->{rest};
}

is($n, 100, 'a hundred answers');
is(join(' ', @paths), join(' ', map { $_ % 3 || $_ % 2 ? "/$_" : '/' } 1 .. 100),
   'in the order of the requests');
is($rest, '', 'and nothing else');
is(fn_count(get('/function/pipe')), 101, 'each was called once');
ok(settled('pipe'), 'no place is taken');



=== TEST 2: a byte at a time
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
--- user_files eval: ">>> fn/slow.py\n$::Threads"
--- code
my %requests = (
    'raw' => request('POST', '/function/slow/x', body => 'x' x 40),
    'chunked' => request('POST', '/function/slow/x', body => "a\r\n0123456789\r\n0\r\n\r\n",
                         headers => [ 'Transfer-Encoding: chunked' ]),
    'an invocation' => invoke_request('slow', '{"a":[1,2,"\u00fc"]}'),
    'a creation' => request('POST', '/functions',
                            body => '{"name":"new","language":"python","source_code":"x = 1"}'),
);

for my $kind (sort keys %requests) {
    my $sock = connect_to(rcvbuf => 1024);
    my $raw = '';

    for my $byte (split //, $requests{$kind}) {
        syswrite($sock, $byte);
        sleep 0.001;
    }

    1 while sysread($sock, $raw, 1, length $raw);

    my $res = parse_response($raw);

    like($res->{status}, qr/^20[01]$/, $kind);
    is($res->{complete}, 1, 'all of the answer');
    is(eval { decode_json($res->{body}); 1 }, 1, 'which is what it should be');
}

ok(settled('slow'), 'no place is taken');



=== TEST 3: connections that say nothing
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=2;
--- user_files eval: ">>> fn/quiet.py\n$::Busy"
--- code
my $before = peak_memory();
my @socks = map { connect_to() } 1 .. 300;

syswrite($_, "GET /function/quiet HTTP/1.1\r\n") for @socks[0 .. 99];

is(get('/function/quiet')->{status}, '200', 'a function is started');
is(counted(parallel([ (request('GET', '/function/quiet')) x 20 ])), '20 x 200', 'and serves');
is(stands('quiet')->{active}, 0, 'no place is taken');
cmp_ok(peak_memory() - $before, '<', 8192, 'and little memory');

syswrite($socks[0], "Host: localhost\r\nConnection: close\r\n\r\n");
is(answer_of($socks[0])->{status}, '200', 'one goes on');
close $_ for @socks;
is(get('/function/quiet')->{status}, '200', 'and the next one is served');



=== TEST 4: what a call leaves behind
--- faas_http
    faas_runtime python prewarm=2 concurrency=1;
--- user_files eval: FaasTest::files($::Canary, 'a.py', 'b.py')
--- code
ok(ready(2), 'two stand ready');
is(get('/function/a')->{body}, '[1, []]', 'nothing, at first');
is(get('/function/a')->{body}, '[1, ["/tmp/canary", "CANARY", "canary"]]',
   'the next call of the same instance finds it');
is(get('/function/b')->{body}, '[1, []]', 'that of another function does not');

write_file(html_dir() . '/fn/a.py', $main::Canary =~ s/VERSION = 1/VERSION = 2/r);
is(get('/function/a')->{body}, '[2, []]', 'nor that of another source');
