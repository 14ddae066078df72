# The python loader, in a container: what functions see, verdicts, the protocol.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use JSON::PP qw(decode_json);
use Loader;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'no docker, or no image faas-python' if !Loader::available('faas-python');
plan tests => 130;

my $HELLO = <<'PY';
import os
from http.server import HTTPServer, BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
PY

# What a plain function sees.

{
    my $loader = Loader->new('python');
    my $verdict = $loader->load(<<'PY');
first_names = sorted(globals())
import http.server, inspect, json, os, pickle, socket, sys, threading

class Thing:
    pass

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        import __main__
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({
            "name": __name__, "file": __file__, "argv": sys.argv,
            "names": first_names,
            "service": os.environ.get("K_SERVICE"),
            "faas": [k for k in os.environ if k.startswith("FAAS")],
            "main": __main__.Thing is Thing,
            "pickle": type(pickle.loads(pickle.dumps(Thing()))) is Thing,
            "source": inspect.getsource(Thing),
            "threads": threading.active_count(),
            "sockets": sum(os.readlink("/proc/self/fd/%s" % f).startswith("socket")
                           for f in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/%s" % f)
                           or os.path.islink("/proc/self/fd/%s" % f)),
            "listen": "listen" in vars(socket.socket),
            "tmp": open("/tmp/x", "w").write("abc"),
        }).encode())

if __name__ == "__main__":
    http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
PY
    is $verdict, 'READY', 'http.server: READY';
    my $seen = eval { decode_json($loader->get) } // {};
    is $seen->{name}, '__main__', '__name__';
    is $seen->{file}, 'greet.py', '__file__';
    is_deeply $seen->{argv}, ['greet.py'], 'sys.argv';
    is_deeply $seen->{names}, [qw(__builtins__ __cached__ __doc__ __file__ __loader__
        __name__ __package__ __spec__)], 'a clean namespace';
    is $seen->{service}, 'greet', 'env of the frame';
    is_deeply $seen->{faas}, [], 'no FAAS_* in the environment';
    ok $seen->{main}, 'import __main__';
    ok $seen->{pickle}, 'pickle of a class of __main__';
    is $seen->{source}, "class Thing:\n    pass\n", 'inspect.getsource';
    is $seen->{threads}, 1, 'no thread left';
    is $seen->{sockets}, 2, 'no socket left: the server and this connection';
    ok !$seen->{listen}, 'socket.listen is itself again';
    is $seen->{tmp}, 3, '/tmp is writable';
    is $loader->connect_once(8081), undef, 'a second frame has nobody to take it';
}

# Kinds of servers.

my %servers = (
    'ThreadingHTTPServer' => $HELLO =~ s/HTTPServer\b/ThreadingHTTPServer/gr,
    'asyncio' => <<'PY',
import asyncio, os
async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]))
    await server.serve_forever()
asyncio.run(main())
PY
    'a raw socket without SO_REUSEADDR' => <<'PY',
import socket
s = socket.socket()
s.bind(("0.0.0.0", 8080))
s.listen(5)
while True:
    c, _ = s.accept()
    c.recv(1000)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
    c.close()
PY
    'wsgiref' => <<'PY',
from wsgiref.simple_server import make_server
def app(environ, start):
    start("200 OK", [])
    return [b"hello"]
make_server("0.0.0.0", 8080, app).serve_forever()
PY
    'a thread that begins late' => "import threading, time\n" . ($HELLO
        =~ s/^(HTTPServer.*)/def late():\n    time.sleep(.3)\n    $1\nthreading.Thread(target=late).start()/mr),
    'a forked child' => "import os\n" . ($HELLO
        =~ s/^(HTTPServer.*)/if os.fork() == 0:\n    $1\nos.wait()/mr),
    # as asyncio has two sockets for a host of "", in any order
    'a socket for IPv6 only, and one for IPv4 a moment later' => <<"PY",
import socket, time
six = socket.socket(socket.AF_INET6)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
six.bind(("::", 8080))
six.listen(5)
time.sleep(.3)
$HELLO
PY
    'a socket for IPv6 and IPv4' => $HELLO =~ s/^HTTPServer\(.*?\)/HTTPServer.address_family = 10\n$&/mr
        =~ s/0\.0\.0\.0/::/r,
    'a source in latin-1 that says so, with CRLF' => "# -*- coding: latin-1 -*- \xe9\r\n# \xe9\r\n"
        . ($HELLO =~ s/\n/\r\n/gr),
);

for my $kind (sort keys %servers) {
    for my $way ([0, 'awaited'], [1, 'rehearsed']) {
        my $loader = Loader->new('python', rehearse => $way->[0]);
        is $loader->load($servers{$kind}), 'READY', "$kind, $way->[1]: READY";
        is $loader->get, 'hello', "$kind, $way->[1]: answers";
    }
}

# FAILED.

my @failures = (
    ['a syntax error', "a = 1\nb = = 2\n",
        qr/\AFAILED\n  File "greet\.py", line 2\n    b = = 2\n {8}\^\nSyntaxError: invalid syntax\n\z/],
    ['a bad indentation', "if 1:\nb = 2\n", qr/line 2\n.*IndentationError/s],
    ['an import error', "import os\nimport nowhere\n",
        qr/line 2, in <module>\n    import nowhere\nModuleNotFoundError: No module named 'nowhere'\n\z/],
    ['an exception', "def f():\n    return g()\n\ndef g():\n    return {}['k']\n\nf()\n",
        qr/\AFAILED\nTraceback \(most recent call last\):\n  File "greet\.py", line 7, in <module>\n    f\(\)\n  File "greet\.py", line 2, in f\n    return g\(\)\n.*line 5, in g\n    return \{\}\['k'\]\n(?: +[~^]+\n)?KeyError: 'k'\n\z/s],
    ['a chained exception', "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise ValueError('caf\xc3\xa9') from e\n",
        qr/line 2, in <module>\n    1\/0\n.*direct cause.*line 4, in <module>\n.*ValueError: caf\xc3\xa9\n\z/s],
    ['a bind error', "import socket\ns = socket.socket()\ns.bind(('192.0.2.1', 8080))\n",
        qr/\AFAILED\nTraceback.*\n  File "greet.py", line 3.*OSError: \[Errno 99\]/s],
    ['an error of listen', "import socket\na = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\na.listen(1)\n",
        qr/\AFAILED\nTraceback[^\n]*\n  File "greet.py", line 3, in <module>\n    a.listen\(1\)\nOSError/],
    ['sys.exit(3)', "import sys\nsys.exit(3)\n",
        qr/\AFAILED\ngreet\.py ended without listening on port 8080, exit status 3\n\z/],
    ['sys.exit of a text', "import sys\nsys.exit('no luck')\n", qr/exit status 1: no luck\n\z/],
    ['an end', "print('x')\n", qr/\AFAILED\ngreet\.py ended without listening on port 8080\n\z/],
    ['an empty source', "", qr/\AFAILED\ngreet\.py ended without listening on port 8080\n\z/],
    ['a wrong port', "import socket\ns = socket.create_server(('0.0.0.0', 9000))\n",
        qr/ended without listening on port 8080 \(it listened on 9000\)\n\z/],
    ['the loopback address', "import socket\ns = socket.create_server(('127.0.0.1', 8080))\ns.accept()\n",
        qr/\AFAILED\ngreet\.py listens on 127\.0\.0\.1 port 8080, .*listen on 0\.0\.0\.0\n\z/],
    ['a NUL', "a = 1\n\0b = 2\n", qr/"greet.py", line 2\nSyntaxError: .*null bytes\n\z/],
    ['a bad UTF-8', "a = 1\nb = 2 # \xff\n", qr/"greet.py", line 2\nSyntaxError: .*0xff/],
    ['a bad UTF-8 at the start', "\xff\xfe", qr/\AFAILED\n  File "greet.py", line 1\nSyntaxError: .*0xff[^\n]*\n\z/],
    ['a bad UTF-8 in line 2', "# a\n# \xff\n", qr/\AFAILED\n  File "greet.py", line 2\nSyntaxError: .*0xff[^\n]*\n\z/],
    ['an unknown encoding', "#!x\n# coding: klingon\n",
        qr/\AFAILED\n  File "greet.py", line 2\nSyntaxError: [^\n]*klingon\n\z/],
    ['an encoding that is none', "# coding: undefined\n",
        qr/\AFAILED\n  File "greet.py", line 1\nSyntaxError: [^\n]*undefined[^\n]*\n\z/],
    ['an exception, with a thread running', "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n1/0\n",
        qr/ZeroDivisionError/],
    ['a text too long', "def f(n):\n    raise ValueError('\\n'.join(['\xc3\xa9' * 50] * 500) + 'end')\nf(1)\n",
        qr/end\n\z/, sub {
            my $n = length($_[0]) - length "FAILED\n";
            return $n <= 8192 && $n > 8000 && utf8::decode($_[0]);
        }],
);

for (@failures) {
    my ($kind, $source, $expected, $more) = @$_;
    my $loader = Loader->new('python', rehearse => 0);
    my $verdict = $loader->load($source);
    like $verdict, $expected, "$kind: FAILED";
    ok $more->($verdict), "$kind: cut well" if $more;
    is $loader->exit_status, 1, "$kind: exit status 1";
}

# After READY.

{
    my $loader = Loader->new('python');
    my $verdict = $loader->load(<<'PY');
import socket, threading, time
s = socket.create_server(("0.0.0.0", 8080))
def worker():
    raise ValueError("in a thread")
t = threading.Thread(target=worker)
t.start()
t.join()
raise KeyError("late")
PY
    is $verdict, 'READY', 'an error after READY: READY';
    is $loader->exit_status, 1, 'an error after READY: exit status';
    my $log = $loader->log;
    like $log, qr/^Traceback [^\n]*\n  File "greet.py", line 8, in <module>\n    raise KeyError\("late"\)\nKeyError: 'late'$/m,
        'an error after READY: traceback in the log';
    like $log, qr/Exception in thread Thread-1.*raise ValueError\("in a thread"\)\nValueError/s,
        'an error in a thread: traceback in the log';
}

{
    my $loader = Loader->new('python');
    is $loader->load("import socket, sys\ns = socket.create_server(('0.0.0.0', 8080))\nsys.exit(5)\n"),
        'READY', 'sys.exit after READY: READY';
    is $loader->exit_status, 5, 'sys.exit after READY: its status';
}

# Keep-alive without 40 ms of Nagle against delayed ACK.

for my $way ([0, 'awaited'], [1, 'rehearsed']) {
    my $loader = Loader->new('python', rehearse => $way->[0]);
    is $loader->load($HELLO =~ s/( +)def do_GET/$1protocol_version = "HTTP\/1.1"\n$1def do_GET/r),
        'READY', "keep-alive, $way->[1]: READY";
    my $socket = $loader->connect_once(8080);
    my $start = time;
    for (1 .. 20) {
        Loader::write_all($socket, "GET / HTTP/1.1\r\nHost: fn\r\n\r\n");
        my $reply = '';
        while ($reply !~ /hello\z/ && sysread $socket, my $piece, 4096) {
            $reply .= $piece;
        }
    }
    cmp_ok((time - $start) / 20, '<', 0.02, "keep-alive, $way->[1]: no stall");
}

# The protocol.

{
    my $loader = Loader->new('python');
    my @silent = map { $loader->connect } 1 .. 3;
    my @bad = (
        ['a wrong token', $loader->frame($HELLO, token => 'f' x 32)],
        ['a short token', $loader->frame($HELLO, token => 'f')],
        ['a token that is no string', $loader->frame($HELLO, token => 17)],
        ['garbage', "\x16\x03\x01\0\xff\xfe garbage\n"],
        ['an HTTP request', "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
        ['an array', "[]\n"],
        ['deep nesting', '[' x 50000 . "\n"],
        ['a header too long', 'x' x 90000],
        ['a size too large', $loader->frame('', size => 16 * 1024 * 1024 + 1)],
        ['a negative size', $loader->frame('', size => -1)],
        ['a size that is no number', $loader->frame('', size => 'many')],
        ['an env that is no text', $loader->frame('', env => { A => 1 })],
    );
    for (@bad) {
        my ($kind, $bytes) = @$_;
        my $socket = $loader->connect;
        Loader::write_all($socket, $bytes);
        is Loader::read_all($socket, 4), '', "$kind: closed";
    }

    my $half = $loader->connect;
    Loader::write_all($half, substr $loader->frame($HELLO), 0, -10);
    close $half;

    my $socket = $loader->connect;
    for my $piece ($loader->frame($HELLO) =~ /(.{1,40})/gs) {
        Loader::write_all($socket, $piece);
        sleep 0.005;
    }
    is $loader->verdict($socket), 'READY', 'then a good frame, in pieces: READY';
    is $loader->get, 'hello', 'it answers';
    is Loader::read_all($silent[0], 4), '', 'a silent connection: closed';
}

{
    my $loader = Loader->new('python');
    my $socket = $loader->connect;
    Loader::write_all($socket, "{");
    my $start = time;
    is Loader::read_all($socket, 10), '', 'a slow connection: closed';
    cmp_ok time - $start, '<', 7, 'after some seconds';
    my $large = $HELLO . '#' x (16 * 1024 * 1024 - 1 - length $HELLO) . "\n";
    is $loader->load($large), 'READY', 'a source of 16 MiB: READY';
}

# As who only wants to know whether it has booted.

{
    my $loader = Loader->new('python');
    close $loader->connect for 1 .. 40;
    my $socket = $loader->connect;
    shutdown $socket, 1;
    is Loader::read_all($socket, 4), '', 'a connection without a frame: closed';
    is $loader->load($HELLO), 'READY', 'then a frame: READY';
    is $loader->get, 'hello', 'it answers';
}

# It tries the host, which may answer or not, and lets go of it.

{
    my $host = IO::Socket::INET->new(Listen => 8, LocalAddr => Loader::gateway(), Timeout => 20);
    my $loader = Loader->new('python', knock => Loader::gateway() . ':' . $host->sockport);
    ok $host->accept, 'the host hears of it';
    is $loader->load($HELLO), 'READY', 'then a frame: READY';
    is $loader->get, 'hello', 'it answers';
}

{
    my $nobody = Loader::gateway() =~ s/\d+$/250/r;
    my $loader = Loader->new('python', knock => "$nobody:9");
    my $start = time;
    like $loader->load("pass\n"), qr/ended without listening/, 'nobody is there: FAILED';
    cmp_ok time - $start, '<', 20, 'and nothing waits for him';
}
