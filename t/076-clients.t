# Clients of all kinds: many requests on a connection, a byte at a time, and
# many connections that say nothing.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 56;

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

# Notes each path that it is asked for in a file.  The path says what becomes of
# its connection: that of "once" has no answer the first time, and behind that of
# "last" it is closed, without a word of that.

our $Count = <<'_EOC_';
import os
import re
import socket
import threading

seen = os.open("/tmp/seen", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
once = set()



def serve(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head, data = data.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        length = int(length[1]) if length else 0
        while len(data) < length:
            data += client.recv(65536)
        body, data = data[:length], data[length:]
        path = body[1:-1].decode() if body[:1] == b'"' else head.split()[1].decode()
        os.write(seen, path.encode() + b"\n")
        if "once" in path and path not in once:
            once.add(path)
            return
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if "last" in path:
            return


def run(client):
    with client:
        serve(client)


server = socket.create_server(("", int(os.environ["PORT"])), backlog=256)
while True:
    threading.Thread(target=run, args=server.accept()[:1], daemon=True).start()
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
    faas_command cat /bin/cat;
--- user_files eval: ">>> fn/slow.py\n$::Threads"
--- code
my %requests = (
    'raw' => request('POST', '/function/slow/x', body => 'x' x 40),
    'chunked' => request('POST', '/function/slow/x', body => "a\r\n0123456789\r\n0\r\n\r\n",
                         headers => [ 'Transfer-Encoding: chunked' ]),
    'an invocation' => invoke_request('slow', '{"a":[1,2,"\u00fc"]}'),
    'a command' => request('POST', '/function/cat', body => '{"a":[1,2]}'),
    'an invoked command' => invoke_request('cat', '{"a":[1,2]}'),
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



=== TEST 5: how often a call is made
--- faas_http
    faas_runtime python prewarm=0 concurrency=64 pids=128;
    proxy_next_upstream error timeout non_idempotent;   # does not apply
--- user_files eval: ">>> fn/count.py\n$::Count"
--- code
my %status;
my $bytes = sub {
    my ($kind, $id, $connection) = @_;
    my @opt = (headers => [ "Connection: $connection" ]);

    return invoke_request('count', "\"/invoke/$id\"", @opt) if $kind eq 'invoke';
    return request($kind, "/function/count/$kind/$id", @opt,
                   body => $kind eq 'GET' ? undef : 'x');
};

is(get('/function/count')->{status}, '200', 'it serves');

my ($seen) = seen_by('count');

# There are kept connections all the time, good ones and those that close while
# they are taken.

for my $round (1 .. 8) {
    for my $kind (qw(POST PATCH invoke GET)) {
        my @ids = map { ("$round-$_", $_ % 3 ? "last-$round-$_" : ()) } 1 .. 8;
        my @answers = parallel([ map { $bytes->($kind, $_, 'close') } @ids ]);

        $status{"/$kind/$ids[$_]"} = $kind eq 'invoke' ? result($answers[$_])->{status}
                                                       : $answers[$_]{status} for 0 .. $#ids;
    }
}

my @never = grep { !m{^/GET/} } sort keys %status;
my %n = seen_in(seen_by('count'), $seen);
my @good = grep { $status{$_} =~ /^(?:200|success)$/ } @never;

is(join(' ', grep { ($n{$_} // 0) > 1 } @never), '', @never . ' calls: none is repeated');
is(join(' ', grep { !$n{$_} } @good), '', @good . ' with an answer: each was made');
is(join(' ', grep { $status{$_} ne '200' } grep { m{^/GET/} } sort keys %status), '',
   'what may be repeated has an answer');

# the connection is kept, by the same worker, and then closed without an answer

for my $kind (qw(POST PATCH invoke GET)) {
    my $sock = sent('GET', '/function/count/warm', headers => [ 'Connection: keep-alive' ]);

    like(read_some($sock), qr/\A\S+ 200 /, "$kind: a kept connection");
    ($seen) = seen_by('count');
    syswrite($sock, $bytes->($kind, 'once', 'close'));

    my $res = answer_of($sock);

    %n = seen_in($seen);
    is($kind eq 'invoke' ? result($res)->{status} : $res->{status},
       { GET => '200', invoke => 'failed' }->{$kind} // '502', "$kind: its outcome");
    is($n{"/$kind/once"}, $kind eq 'GET' ? 2 : 1, "$kind: how often it was made");
}
