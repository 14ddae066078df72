# Functions that take all they can get: memory, by a child and by /tmp, processes,
# and output without an end.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

plan tests => 30;

# Does to itself what its path says.

our $Greedy = <<'_EOC_';
import errno
import json
import os
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def child():
    code = "bytearray(500 * 1024 * 1024)"
    return subprocess.run([sys.executable, "-c", code]).returncode


def forks():
    for n in range(1000):
        try:
            if os.fork() == 0:
                time.sleep(600)
        except OSError as error:
            return [n, errno.errorcode[error.errno]]
    return [n, "no end"]


def fill():
    written = 0
    try:
        with open("/tmp/full", "wb", buffering=0) as f:
            while True:
                written += f.write(b"x" * 65536)
    except OSError as error:
        return [written >> 20, errno.errorcode[error.errno]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        what = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = json.loads(what) if what else self.path.strip("/")
        seen = None

        if what == "endless":
            return self.endless()
        elif what == "child":
            seen = child()
        elif what == "fill":
            seen = fill()
        elif what in ("forks", "hang"):
            seen = forks()

        if what == "hang":
            time.sleep(600)

        out = json.dumps([socket.gethostname(), seen]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        part = b"10000\r\n" + b"yes\n" * 16384 + b"\r\n"
        while True:
            self.wfile.write(part)

    def log_message(self, *args):
        pass

    do_GET = do_POST = answer


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

our $Location = <<'_EOC_';
    location = /endless {
        faas endless;
        faas_timeout 1s;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
_EOC_


sub output {
    my ($name, $what) = @_;
    return invoke($name, "\"$what\"")->{output} || [ 'none' ];
}


sub gone {
    my ($host) = @_;
    return wait_for(15, sub { engine('GET', "/containers/$host/json")->{status} == 404 });
}


# Reads an answer that may be too large to keep: its length, and its end.

sub drain {
    my ($sock) = @_;
    my ($n, $tail) = (0, '');

    while (sysread($sock, my $bytes, 1 << 20)) {
        $n += length $bytes;
        $tail = substr($tail . $bytes, -100);
    }

    return ($n, $tail);
}

run_tests();

__DATA__

=== TEST 1: memory, by a child and by /tmp
--- faas_http
    faas_runtime python prewarm=2 concurrency=4 memory=48m tmpfs=64m;
    faas_runtime deno prewarm=0;
--- user_files eval: FaasTest::files($::Greedy, qw(child.py full.py))
--- code
my $before = main::output('child', 'host')->[0];
my ($host, $seen) = @{ main::output('child', 'child') };

like($host, qr/\A[0-9a-f]{12}\z/, 'a child: the call is answered');
is($seen, -9, 'a child: it was killed');
is($host, $before, 'a child: its parent is the instance that there was');
ok(main::gone($host), 'a child: which is removed then');
isnt(main::output('child', 'host')->[0], $host, 'a child: the next call has another');
ok(settled('child'), 'a child: no place is taken');
like(error_log_text(), qr/container "$host\S*" ran out of memory/, 'a child: the log says why');

# how its process ended a busy engine may tell too late

$before = main::output('full', 'host')->[0];
my $result = invoke('full', '"fill"');

is($result->{status}, 'failed', '/tmp: failed');
like($result->{error_message}, qr/\Athe function gave no valid answer/, '/tmp: says so');
ok(main::gone($before), '/tmp: the container is removed');

$host = main::output('full', 'host')->[0];
like($host, qr/\A[0-9a-f]{12}\z/, '/tmp: the next call is answered');
isnt($host, $before, '/tmp: by another one');



=== TEST 2: forks, and output, without an end
--- faas_http
    faas_runtime python prewarm=2 concurrency=4 pids=24;
    faas_runtime deno prewarm=0;
--- faas_locations eval: $::Location
--- user_files eval: FaasTest::files($::Greedy, qw(forks.py hang.py endless.py))
--- code
my $other = main::output('endless', 'host')->[0];
my ($host, $seen) = @{ main::output('forks', 'forks') };

like($host, qr/\A[0-9a-f]{12}\z/, 'forks: the call is answered');
cmp_ok($seen->[0], '<', 24, 'forks: no more processes than pids says');
cmp_ok($seen->[0], '>', 10, 'forks: but many');
is($seen->[1], 'EAGAIN', 'forks: then the function is told');

$host = main::output('hang', 'host')->[0];
is(invoke('hang', '"hang"', timeout_ms => 1000)->{status}, 'timeout',
   'forks and hangs: a timeout');
ok(main::gone($host), 'forks and hangs: which ends them all');
isnt(main::output('hang', 'host')->[0], $host, 'forks and hangs: the next call has another');
is(main::output('endless', 'host')->[0], $other, 'another one has not noticed');

for my $bytes (request('GET', '/endless'),
               invoke_request('endless', '"endless"', timeout_ms => 1000))
{
    my $kind = $bytes =~ /\AGET/ ? 'raw output' : 'invoked output';
    my $sock = connect_to();

    $host = main::output('endless', 'host')->[0];
    syswrite($sock, $bytes);

    my ($n, $tail) = main::drain($sock);

    cmp_ok($n, '>', 100_000, "$kind: the client gets some of it");
    unlike($tail, qr/(?:\A|\r\n)0\r\n\r\n\z/, "$kind: cut at the end of its time");
    ok(main::gone($host), "$kind: the container is removed");
}

like(main::output('endless', 'host')->[0], qr/\A[0-9a-f]{12}\z/,
     'output: the next call is answered');
cmp_ok(peak_memory(), '<', 40 * 1024, 'output: in little memory');
