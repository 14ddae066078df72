# What goes wrong in a function, in the engine and in a configuration.

# Workers as they are in earnest: not root, and in the group of the socket.

BEGIN {
    my $group = getgrgid((stat '/var/run/docker.sock')[5] || 0);

    if (defined $group && $group ne 'root') {
        $ENV{TEST_NGINX_WORKER_USER} //= "www-data $group";
    }
}

use lib 't/lib';
use FaasTest;
use FaasClient;

use Time::HiRes qw(sleep time);

plan tests => 296;

worker_connections(1024);

# A server without a library: answers by the request's path, or by its body when
# that is a JSON string, with whatever bytes it is told.

our $Evil = <<'_EOC_';
import os
import re
import socket
import struct
import threading
import time

OK = b"HTTP/1.1 200 OK\r\n"
L = b"Content-Length: 3\r\n"
TE = OK + b"Transfer-Encoding: chunked\r\n\r\n"

CASES = {
    "plain": OK + L + b"\r\nok\n",
    "version-10": b"HTTP/1.0 200 OK\r\n" + L + b"\r\nok\n",
    "lf-only": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n",
    "no-length": OK + b"\r\nok\n",
    "chunk-trailer": TE + b"3\r\nok\n\r\n0\r\nX-Injected: a\r\n\r\n",
    "chunk-after": TE + b"3\r\nok\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: a\r\n\r\n",
    "two-answers": (OK + L + b"\r\nok\n") * 2,
    "length-long": OK + L + b"\r\nok\nHTTP/1.1 200 OK\r\nX-Injected: a\r\n\r\n",
    "header-8bit": OK + b"X-8bit: \xff\xfe\r\n" + L + b"\r\nok\n",

    "nothing": b"",
    "garbage": b"garbage\r\n\r\n",
    "binary": b"\x00\x01\x02\xff\r\n\r\n",
    "http-09": b"<html>hello</html>",
    "only-crlf": b"\r\n\r\n",
    "icy": b"ICY 200 OK\r\n" + L + b"\r\nok\n",
    "version-x": b"HTTP/x.y 200 OK\r\n" + L + b"\r\nok\n",
    "status-99": b"HTTP/1.1 99 Odd\r\n" + L + b"\r\nok\n",
    "status-000": b"HTTP/1.1 000 Odd\r\n" + L + b"\r\nok\n",
    "status-600": b"HTTP/1.1 600 Odd\r\n" + L + b"\r\nok\n",
    "status-999": b"HTTP/1.1 999 Odd\r\n" + L + b"\r\nok\n",
    "status-1000": b"HTTP/1.1 1000 Odd\r\n" + L + b"\r\nok\n",
    "status-text": b"HTTP/1.1 abc Odd\r\n" + L + b"\r\nok\n",
    "status-minus": b"HTTP/1.1 -200 OK\r\n" + L + b"\r\nok\n",
    "status-none": b"HTTP/1.1\r\n" + L + b"\r\nok\n",
    "status-100-many": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + OK + L + b"\r\nok\n",
    "status-101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                  b"Connection: Upgrade\r\n\r\nhello",
    "status-line-endless": b"HTTP/1.1 200 " + b"a" * 1000000,
    "header-huge": OK + b"X-Huge: " + b"a" * 100000 + b"\r\n" + L + b"\r\nok\n",
    "headers-many": OK + b"X-Many: a\r\n" * 10000 + L + b"\r\nok\n",
    "header-endless": OK + b"X-Endless: " + b"a" * 1000000,
    "header-nul": OK + b"X-Nul: a\0X-Injected: b\r\n" + L + b"\r\nok\n",
    "header-name-nul": OK + b"X-\0Nul: a\r\n" + L + b"\r\nok\n",
    "header-cr": OK + b"X-Cr: a\rX-Injected: b\r\n" + L + b"\r\nok\n",
    "header-space": OK + b"X Space: a\r\n" + L + b"\r\nok\n",
    "header-fold": OK + b"X-Fold: a\r\n b\r\n" + L + b"\r\nok\n",
    "header-no-name": OK + b": a\r\n" + L + b"\r\nok\n",
    "length-two": OK + L + L + b"\r\nok\n",
    "length-two-differ": OK + L + b"Content-Length: 2\r\n\r\nok\n",
    "length-list": OK + b"Content-Length: 3, 3\r\n\r\nok\n",
    "length-minus": OK + b"Content-Length: -1\r\n\r\nok\n",
    "length-plus": OK + b"Content-Length: +3\r\n\r\nok\n",
    "length-hex": OK + b"Content-Length: 0x3\r\n\r\nok\n",
    "length-text": OK + b"Content-Length: abc\r\n\r\nok\n",
    "length-huge": OK + b"Content-Length: 99999999999999999999\r\n\r\nok\n",
    "length-empty": OK + b"Content-Length: \r\n\r\nok\n",
    "length-and-chunks": OK + L + b"Transfer-Encoding: chunked\r\n\r\n"
                         b"3\r\nok\n\r\n0\r\n\r\n",
    "cut-status": b"HTTP/1.1 20",
    "cut-header": OK + b"Content-Len",
    "cut-headers": OK + L,

    "length-short": OK + b"Content-Length: 10\r\n\r\nok\n",
    "cut-body": OK + b"Content-Length: 100000\r\n\r\n" + b"a" * 50000,
    "chunk-garbage": TE + b"zzz\r\nok\n\r\n0\r\n\r\n",
    "chunk-huge": TE + b"ffffffffffffffffff\r\nok\n\r\n0\r\n\r\n",
    "chunk-short": TE + b"10\r\nok\n",
    "chunk-no-end": TE + b"3\r\nok\n\r\n",
    "chunk-nothing": TE,
    "chunk-bad-end": TE + b"3\r\nok\nxx0\r\n\r\n",
    "reset-length": OK + b"Content-Length: 100000\r\n\r\n" + b"a" * 50000,
    "reset-chunk": TE + b"3\r\nok\n\r\n",
    "reset-no-length": OK + b"\r\nok\n",
}


def read_request(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536) or b"\r\n\r\n"
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    while length and len(body) < int(length.group(1)):
        body += client.recv(65536)
    path = head.split(b" ")[1].decode().strip("/")
    return body.decode()[1:-1] if body[:1] == b'"' else path


def serve(client):
    with client:
        what = read_request(client)

        if what == "hang":
            time.sleep(60)

        client.sendall(CASES.get(what, b""))

        if what.startswith("reset"):
            time.sleep(0.1)
            linger = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return

        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


server = socket.create_server(("", int(os.environ["PORT"])), backlog=256)
while True:
    threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
_EOC_

# Answers more than it was asked.

our $Twice = <<'_EOC_';
import os
import socket
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


def serve(client):
    while data := client.recv(65536):
        path = data.split(b" ")[1]
        answer = ANSWER % (len(path), path)
        if path == b"/first":
            answer += ANSWER % (6, b"forged")
        client.sendall(answer)


server = socket.create_server(("", int(os.environ["PORT"])))
while True:
    threading.Thread(target=serve, args=server.accept()[:1]).start()
_EOC_

# Does to itself what it is told, in the middle of a request.

our $Die = <<'_EOC_';
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LATER = 0.5


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        what = json.loads(body)

        if what == "raise":
            raise ValueError("no such luck")
        elif what == "exit":
            print("last words", file=sys.stderr, flush=True)
            os._exit(3)
        elif what == "signal":
            signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
        elif what == "memory":
            bytearray(500 * 1024 * 1024)
        elif what == "child memory":
            what = subprocess.run([sys.executable, "-c",
                                   "bytearray(500 * 1024 * 1024)"]).returncode
        elif what == "hang":
            time.sleep(60)
        elif what == "slow":
            time.sleep(1.5)

        out = json.dumps([socket.gethostname(), what]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()

        if what == "body":
            self.wfile.write(out[:5])
            self.wfile.flush()
            os._exit(4)

        self.wfile.write(out)

    def log_message(self, *args):
        pass


time.sleep(LATER)
ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

# Keeps the first line of every request it gets, and gives the list.

our $Record = <<'_EOC_';
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINES = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        super().handle_one_request()
        line = self.raw_requestline.decode("latin-1").strip()
        if line and not line.startswith("GET /lines "):
            LINES.append(line)

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = json.dumps(LINES if self.path == "/lines" else "ok").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_PUT = answer


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

our $Dies = join '', map { ">>> fn/$_.py\n$Die" }
                        qw(raise exit signal memory body child raw-exit
                           raw-body);

our $Greet = FaasClient::slurp('data/functions/greet.py');
our $Hello = '{"message":"Hello, world"}';


# What is left of all containers, after some time for their removal: nothing.  Of
# a function that never served none has its name.

sub left {
    my @left;

    wait_for(30, sub { @left = instances(); !@left });
    return join '; ', map { ($_->{Names}[0] // 'removed') . ": $_->{Status}" } @left;
}


# Reads the configuration again, waits for the new workers.

sub reload {
    my %old = map { $_ => 1 } worker_pids();

    signal_master('HUP');

    return wait_for(10, sub {
        my @pids = worker_pids();
        return @pids == 2 && !grep { $old{$_} } @pids;
    });
}

run_tests();

__DATA__

=== TEST 1: sources that do not become a server, each with its reason
--- faas_http
    faas_runtime python start_timeout=8s;
    faas_runtime deno start_timeout=8s;
--- user_files
>>> fn/syntax.py
import os

def f(:
    pass
>>> fn/syntax.ts
const a: number = 1;

const b = = 2;
>>> fn/unclosed.ts
const a: number = 1;

function f( {
>>> fn/import.py
import os
import nothing_of_this_name
>>> fn/import.ts

import { a } from "./nothing.ts";
>>> fn/raise.py
def f():
    raise RuntimeError('a "quoted" \\ word')

f()
>>> fn/raise.ts

throw new Error("a word");
>>> fn/end.py
print("done")
>>> fn/end.ts
console.log("done");
>>> fn/empty.py
>>> fn/exit.py
import sys
sys.exit("enough")
>>> fn/status.py
import os
os._exit(7)
>>> fn/signal.py
import os
os.kill(os.getpid(), 11)
>>> fn/memory.py
bytearray(1024 * 1024 * 1024)
>>> fn/loopback.py
from http.server import BaseHTTPRequestHandler, HTTPServer
HTTPServer(("127.0.0.1", 8080), BaseHTTPRequestHandler).serve_forever()
>>> fn/never.py
import sys
import time
print("thinking", file=sys.stderr)
time.sleep(600)
>>> fn/never.ts
setInterval(() => {}, 1000);
--- code
my @cases = (
    [ 'syntax.py', qr/syntax\.py", line 3/, qr/SyntaxError/ ],
    [ 'syntax.ts', qr/syntax\.ts:3:11/, qr/SyntaxError/ ],
    [ 'unclosed.ts', qr/unclosed\.ts:3/, qr/SyntaxError/ ],
    [ 'import.py', qr/import\.py", line 2/, qr/nothing_of_this_name/ ],
    [ 'import.ts', qr/import\.ts:2/, qr/nothing\.ts/ ],
    [ 'raise.py', qr/raise\.py", line 4.*line 2/s,
      qr/RuntimeError: a "quoted" \\ word/ ],
    [ 'raise.ts', qr/raise\.ts:2/, qr/Error: a word/ ],
    [ 'end.py', qr/end\.py ended without listening on port 8080/ ],
    [ 'end.ts', qr/end\.ts ended without listening on port 8080/ ],
    [ 'empty.py', qr/ended without listening/ ],
    [ 'exit.py', qr/ended without listening/, qr/enough/ ],
    [ 'status.py', qr/status 7/ ],
    [ 'signal.py', qr/signal 11/ ],
    [ 'memory.py', qr/memory/i ],
    [ 'loopback.py', qr/127\.0\.0\.1/, qr/0\.0\.0\.0/ ],
    [ 'never.py', qr/did not listen on port 8080 within 8000 ms/, qr/thinking/ ],
    [ 'never.ts', qr/did not listen on port 8080 within 8000 ms/ ],
);

my @answers = parallel([ map { invoke_request($_->[0], undef,
                                              timeout_ms => 40000) } @cases ],
                       timeout => 45);

for my $i (0 .. $#cases) {
    my ($name, @patterns) = @{ $cases[$i] };
    my $result = result($answers[$i]);

    is($result->{status}, 'failed', "$name: failed");
    like($result->{error_message}, $_, "$name: says why") for @patterns;
    unlike($result->{error_message}, qr/data:application|<string>|html\/fn/,
           "$name: in the function's own words");
}

is(left(), '', 'no container is left');

# raw it is a 502, without the reason

my $res = get('/function/syntax.py');

is($res->{status}, 502, 'raw');
is(decode_json($res->{body})->{error}{code}, 'function_failed', 'its code');
unlike($res->{body}, qr/syntax/, 'no word of the source');
like(error_log_text(),
     qr/\[error\].*: function "syntax\.py" did not start in "\S+": .*SyntaxError/,
     'the error log says why');

# once corrected it works

write_file(html_dir() . '/fn/syntax.py', $main::Greet);
is(get('/function/syntax.py')->{body}, $main::Hello, 'corrected');



=== TEST 2: functions that end in the middle of a request
--- faas_http
    faas_runtime python start_timeout=10s;
--- user_files eval: $::Dies
--- code
my @cases = (
    [ 'raise', qr/ValueError: no such luck/ ],
    [ 'exit', qr/status 3\nlast words/ ],
    [ 'signal', qr/signal 11/ ],
    [ 'memory', qr/out of memory/ ],
    [ 'body', qr/status 4/ ],
);

my @names = (map({ $_->[0] } @cases), qw(child raw-exit raw-body));
my $all = sub {
    return map { (result($_)->{output} || [ "?$_->{raw}" ])->[0] }
               parallel([ map { invoke_request($_, '"host"', timeout_ms => 40000) }
                          @names ], timeout => 45);
};

my @before = $all->();

my @answers = parallel([
    map({ invoke_request($_->[0], qq("$_->[0]"), timeout_ms => 10000) } @cases),
    invoke_request('child', '"child memory"', timeout_ms => 10000),
    request('POST', '/function/raw-exit', body => '"exit"'),
    request('POST', '/function/raw-body', body => '"body"'),
]);

for my $i (0 .. $#cases) {
    my $result = result($answers[$i]);

    is($result->{status}, 'failed', "$cases[$i][0]: failed");
    like($result->{error_message}, $cases[$i][1], "$cases[$i][0]: says why");
}

is(result($answers[5])->{output}[1], -9, 'a child that ran out of memory');
is($answers[6]{status}, 502, 'raw: no answer');
is(decode_json($answers[6]{body})->{error}{code}, 'bad_gateway', 'its code');
is($answers[7]{complete}, 0, 'raw: half an answer');

# the exit of a function is not taken for its child's lack of memory

like(invoke('child', '"exit"')->{error_message}, qr/status 3/,
     'an exit after that');

my @after = $all->();

for my $i (0 .. $#names) {
    like($after[$i], qr/\A[0-9a-f]{12}\z/, "$names[$i]: works again");
    isnt($after[$i], $before[$i], "$names[$i]: in another container");
}



=== TEST 3: answers that are not HTTP, or not all of it
--- faas_http
    faas_runtime python concurrency=256 pids=512;
--- user_files eval: ">>> fn/evil.py\n$::Evil>>> fn/twice.py\n$::Twice"
--- code
my @cases = $main::Evil =~ /^    "([a-z0-9-]+)": /mg;
my %cut = map { $_ => 1 } qw(length-short cut-body chunk-garbage chunk-huge
                             chunk-short chunk-no-end chunk-nothing
                             chunk-bad-end reset-length reset-chunk
                             reset-no-length);
my ($bad, %kind) = ('good');

for my $name (@cases) {
    $bad = 'bad' if $name eq 'nothing';
    $kind{$name} = $cut{$name} ? 'cut' : $bad;
}

my @raw = parallel([ map { request('GET', "/function/evil/$_") } @cases ]);
my @invoked = parallel([ map { invoke_request('evil', qq("$_")) } @cases ]);

for my $i (0 .. $#cases) {
    my ($name, $res) = ($cases[$i], $raw[$i]);
    my $result = result($invoked[$i]);

    if ($kind{$name} eq 'good') {
        is("$res->{status} $res->{body}", "200 ok\n", "$name: raw");
        is("$result->{status} $result->{output}", "success ok\n",
           "$name: invoked");

    } elsif ($kind{$name} eq 'bad') {
        is($res->{status} . (eval { decode_json($res->{body})->{error}{code} }
                             // ''), '502bad_gateway', "$name: raw");
        is($result->{status}, 'failed', "$name: invoked");

    } else {
        is($res->{complete} // 1, 0, "$name: raw, cut off");
        is($result->{status}, 'failed', "$name: invoked");
    }
}

is(scalar(grep { $_->{raw} =~ /X-Injected/i } @raw, @invoked), 0,
   'no header is injected');
is(scalar(grep { $_->{rest} ne '' } @raw, @invoked), 0,
   'and nothing follows an answer');
is(scalar(grep { !$_->{closed} } @raw, @invoked), 0, 'none hangs');

is(get('/function/evil/plain')->{body}, "ok\n", 'a good one is served after all');

# what follows an answer is not taken for the answer of the next request

my @bodies;

for my $i (1 .. 20) {
    push @bodies, map { get("/function/twice/$_")->{body} } 'first', $i;
}

is("@bodies", join(' ', map { "/first /$_" } 1 .. 20), 'each has its own');



=== TEST 4: a function that accepts and never answers
--- faas_http
    faas_runtime python concurrency=8;
    proxy_read_timeout 1s;
--- user_files eval: ">>> fn/evil.py\n$::Evil>>> fn/record.py\n$::Record"
--- code
is(get('/function/evil/plain')->{status}, 200, 'it serves');
is(get('/function/record/lines')->{status}, 200, 'another one too');

my ($old) = map { $_->{Id} } instances('evil');
my @answers = parallel([ map { request('GET', $_) }
                         ('/function/evil/hang') x 4, '/function/record/lines' ]);

is(join(' ', map { $_->{status} } @answers), '504 504 504 504 200',
   'raw: after proxy_read_timeout, and the workers are free meanwhile');
is(decode_json($answers[0]{body})->{error}{code}, 'timeout', 'its code');
cmp_ok($answers[4]{seconds}, '<', $answers[0]{seconds}, 'no waiting for others');

# whoever has not answered is not used again

like($old // '', qr/\A[0-9a-f]{64}\z/, 'the instance of it');
ok(wait_for(10, sub { !grep { $_->{Id} eq $old } instances() }), 'which is removed');

is(invoke('evil', '"hang"', timeout_ms => 300)->{status}, 'timeout', 'invoked');
is(get('/function/evil/plain')->{status}, 200, 'and then it serves again');



=== TEST 5: no engine: a 503 at once, and whoever is warm is served
--- http_config
    faas_zone other:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;

    upstream functions {
        faas;
    }
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- user_files eval
">>> fn/greet.py\n$::Greet>>> fn/other.py\n$::Greet>>> static\nstatic\n"
--- code
my $path = html_dir() . '/engine.sock';
my $down = sub {
    my ($what) = @_;

    for my $res (get('/function/other'), http(invoke_request('other'))) {
        is($res->{status}, 503, "$what: status");
        is(eval { decode_json($res->{body})->{error}{code} },
           'backend_unavailable', "$what: code");
        like(header($res, 'Retry-After'), qr/\A\d+\z/, "$what: Retry-After");
        cmp_ok($res->{seconds}, '<', 1, "$what: at once");
        unlike($res->{body}, qr/sock|docker|connect/i, "$what: no details");
    }
};

my @pids = worker_pids();

is(get('/static')->{body}, "static\n", 'nginx starts without an engine');
$down->('no socket');

my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5);
close $listener;
chmod 0777, $path;
$down->('nobody listens');
unlink $path;

SKIP: {
    skip 'workers are root', 10 if !$ENV{TEST_NGINX_WORKER_USER};

    my $umask = umask 0177;
    $listener = IO::Socket::UNIX->new(Local => $path, Listen => 5);
    umask $umask;
    $down->('no permission');
    close $listener;
    unlink $path;
}

# here it comes

symlink '/var/run/docker.sock', $path;
is(get('/function/greet')->{body}, $main::Hello, 'it comes, and functions start');

# and there it goes

unlink $path;
is(get('/function/greet')->{body}, $main::Hello, 'it goes, and the warm are served');
is(result(http(invoke_request('greet')))->{status}, 'success', 'invoked too');
$down->('gone');

is("@{[ worker_pids() ]}", "@pids", 'no worker has ended');

symlink '/var/run/docker.sock', $path;
is(get('/function/other')->{body}, $main::Hello, 'it comes back');



=== TEST 6: reloads keep a warm instance, and a timeout ends it
--- log_allow
unknown directive "broken"
--- user_files eval: ">>> fn/die.py\n$::Die"
--- code
my $conf = server_root() . '/conf/nginx.conf';
my $good = slurp($conf);
my $host = invoke('die', '"host"')->{output}[0];
my @pids = worker_pids();

write_file($conf, "$good\nbroken on;\n");
signal_master('HUP');

ok(wait_for(10, sub { error_log_text() =~ /unknown directive "broken"/ }),
   'the configuration is refused');
is(invoke('die', '"host"')->{output}[0], $host, 'the old one serves, and warm');
is("@{[ worker_pids() ]}", "@pids", 'with the same workers');

write_file($conf, $good);

my $sock = connect_to();
syswrite($sock, invoke_request('die', '"slow"'));
sleep 0.2;

ok(reload(), 'the next is accepted, there are new workers');
is(invoke('die', '"host"')->{output}[0], $host, 'the instance is the same')
    for 1 .. 2;

is(result(parse_response(read_all($sock)))->{output}[1], 'slow',
   'what was under way is completed');
is(scalar(instances('die')), 1, 'there is one container');

# a timeout ends the work, and the container

$host = invoke('die', '"host"')->{output}[0];

like($host, qr/\A[0-9a-f]{12}\z/, 'it listens only after half a second');

my $result = invoke('die', '"hang"', timeout_ms => 200);

is($result->{status}, 'timeout', 'a timeout');
is(wait_for(10, sub { engine('GET', "/containers/$host/json")->{status} == 404 }),
   1, 'its container is gone');
isnt(invoke('die', '"host"')->{output}[0], $host, 'the next has another');
