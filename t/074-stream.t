# What streams, in both directions, and what holds no place meanwhile: slow
# clients and cached answers.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Digest::SHA;
use Time::HiRes qw(sleep time);

plan tests => 143;

worker_connections(1024);

our $Busy = busy_py();

# Events, the next one when it is told to; what it has of an upload so far; and
# as many bytes as one likes.

our $Stream = <<'_EOC_';
import hashlib
import os
import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

turns = queue.Queue()
seen = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def head(self, *headers):
        self.send_response(200)
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()

    def say(self, text):
        self.head(("Content-Length", str(len(text))))
        self.wfile.write(text.encode())

    def events(self, chunked):
        self.head(("Content-Type", "text/event-stream"),
                  ("Transfer-Encoding", "chunked") if chunked
                  else ("Connection", "close"))
        for n in range(1, 6):
            text = b"data: %d\n\n" % n
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text)
                             if chunked else text)
            turns.get(timeout=20)
        self.wfile.write(b"0\r\n\r\n" if chunked else b"")

    def large(self, mib, chunked):
        self.head(("Transfer-Encoding", "chunked") if chunked
                  else ("Content-Length", str(mib << 20)))
        piece = bytes(range(256)) * 256
        for _ in range(mib * 16):
            self.wfile.write(b"10000\r\n%s\r\n" % piece if chunked else piece)
        self.wfile.write(b"0\r\n\r\n" if chunked else b"")

    def pieces(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                while size:
                    piece = self.rfile.read1(min(size, 65536))
                    size -= len(piece)
                    yield piece
                self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers.get("Content-Length") or 0)
            while left:
                piece = self.rfile.read1(min(left, 65536))
                if not piece:
                    break
                left -= len(piece)
                yield piece

    def do_POST(self):
        global seen
        seen = 0
        digest = hashlib.sha1()
        for piece in self.pieces():
            seen += len(piece)
            digest.update(piece)
        self.say("%d %s" % (seen, digest.hexdigest()))

    def do_GET(self):
        _, verb, *args = self.path.split("/")
        if verb in ("events", "until"):
            self.events(verb == "events")
        elif verb in ("large", "pieces"):
            self.large(int(args[0]), verb == "pieces")
        elif verb == "next":
            turns.put(1)
            self.say("next")
        elif verb == "seen":
            self.say(str(seen))
        else:
            self.say("stream")

    def log_message(self, *args):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

our $Socket = <<'_EOC_';
Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => {
  if (request.headers.get("upgrade") !== "websocket") return new Response("plain");
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(event.data);
  return response;
});
_EOC_

our $Unbuffered = <<'_EOC_';
    location /stream/ {
        rewrite ^/stream/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $upgrade;
        proxy_buffering off;
        proxy_request_buffering off;
        client_max_body_size 0;
    }
_EOC_

# a key and its certificate

our $Pem = CORE::join '', `openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x -keyout - -out - 2>/dev/null`;

# reads till there is what is wanted; whether it is

sub next_of {
    my ($sock, $got, $wanted) = @_;

    while ($$got !~ /$wanted/s) {
        my $bytes = read_some($sock, 10);

        last if $bytes eq '';
        $$got .= $bytes;
    }

    return $$got =~ /$wanted/s ? 1 : 0;
}

# sends so many MiB, in pieces; chunked or with a length

sub upload {
    my ($path, $mib, $chunked) = @_;
    my $piece = CORE::join('', map { chr } 0 .. 255) x 256;
    my $sock = connect_to();

    syswrite($sock, "POST $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    . ($chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                : 'Content-Length: ' . ($mib << 20) . "\r\n\r\n"));

    for (1 .. $mib * 16) {
        print $sock ($chunked ? "10000\r\n$piece\r\n" : $piece);
    }

    print $sock "0\r\n\r\n" if $chunked;
    $sock->flush;

    return answer_of($sock);
}

sub digest {
    my ($mib) = @_;
    my $sha = Digest::SHA->new(1);

    $sha->add(CORE::join('', map { chr } 0 .. 255) x 4096) for 1 .. $mib;
    return ($mib << 20) . ' ' . $sha->hexdigest;
}

# reads to the end and keeps nothing: how many bytes there were

sub download {
    my ($path) = @_;
    my $sock = sent('GET', $path);
    my ($n, $end) = (0, '');

    while (my $got = sysread($sock, my $bytes, 65536)) {
        $n += $got;
        $end = substr($end . $bytes, -16);
    }

    return ($n, $end);
}

# whoever is refused stops reading
$SIG{PIPE} = "IGNORE";

run_tests();

__DATA__

=== TEST 1: events, one by one
--- faas_http
    map $http_upgrade $upgrade { default upgrade; '' ''; }
    faas_runtime python prewarm=1 concurrency=8;
--- faas_locations eval: $::Unbuffered
--- user_files eval: ">>> fn/sse.py\n$::Stream"
--- code
is(get('/function/sse')->{body}, 'stream', 'it serves');

for my $path ('/stream/sse/events', '/stream/sse/until', '/function/sse/events') {
    my $sock = sent('GET', $path);
    my $got = '';

    # the next one is not made before this one is here

    for my $n (1 .. 5) {
        ok(next_of($sock, \$got, "data: $n\n\n"), "$path: event $n") or diag($got);
        unlike($got, qr/data: @{[$n + 1]}/, 'and none after it') if $n < 5;
        is(get('/function/sse/next')->{body}, 'next', 'the next one') if $n == 5;
        get('/function/sse/next') if $n < 5;
    }

    my $res = parse_response($got . read_all($sock));
    is(join('', $res->{body} =~ /\d/g), '12345', 'all of them');
    isnt($res->{complete}, 0, 'and the end');
}

ok(settled('sse'), 'no place is taken');



=== TEST 2: a request that streams
--- faas_http
    map $http_upgrade $upgrade { default upgrade; '' ''; }
    faas_runtime python prewarm=1 concurrency=8;
--- faas_locations eval: $::Unbuffered
--- user_files eval: ">>> fn/up.py\n$::Stream"
--- code
is(get('/function/up')->{body}, 'stream', 'it serves');

for my $chunked (0, 1) {
    my $sock = connect_to();
    my $part = sub { $chunked ? sprintf("%x\r\n%s\r\n", length $_[0], $_[0]) : $_[0] };

    syswrite($sock, "POST /stream/up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    . ($chunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 10')
                    . "\r\n\r\n" . $part->('12345'));

    ok(wait_for(10, sub { get('/function/up/seen')->{body} == 5 }),
       'the function sees the first bytes');
    syswrite($sock, $part->('6'));
    ok(wait_for(10, sub { get('/function/up/seen')->{body} == 6 }), 'and more');
    syswrite($sock, $part->('7890') . ($chunked ? "0\r\n\r\n" : ''));
    is(answer_of($sock)->{body}, '10 ' . Digest::SHA::sha1_hex('1234567890'), 'and all');
}

# else it sees nothing before the last one is here

my $sock = connect_to();
syswrite($sock, "POST /function/up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                . "Content-Length: 3\r\n\r\n12");
sleep 0.5;
is(get('/function/up/seen')->{body}, 10, 'a buffered one is not seen');
is(stands('up')->{active}, 0, 'and has no place');
syswrite($sock, '3');
is(answer_of($sock)->{body}, '3 ' . Digest::SHA::sha1_hex('123'), 'till it is complete');

# broken off: the function is told

$sock = connect_to();
syswrite($sock, "POST /stream/up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1");
ok(wait_for(10, sub { get('/function/up/seen')->{body} == 1 }), 'one more');
abort_connection($sock);
ok(settled('up'), 'and it goes away');

# a cold one, and one that there is not

write_file(html_dir() . '/fn/cold.py', $main::Stream);
is(upload('/stream/cold', 1)->{body}, main::digest(1), 'a cold one has all of it');
is(error_code(post('/stream/none', 'x')), '404 function_not_found', 'an unknown one');



=== TEST 3: 64 MB up and down, and no more memory for it
--- faas_http
    map $http_upgrade $upgrade { default upgrade; '' ''; }
    faas_runtime python prewarm=1 concurrency=8;
--- faas_locations eval
$::Unbuffered . <<'_EOC_'
    location /buffered/ {
        rewrite ^/buffered/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        client_max_body_size 0;
    }
_EOC_
--- user_files eval: ">>> fn/big.py\n$::Stream"
--- code
my $digest = main::digest(64);

# each of them once, small

for my $where ('stream', 'buffered') {
    main::upload("/$where/big", 1, $_) for 0, 1;
    main::download("/$where/big/$_/1") for 'large', 'pieces';
}

my $before = peak_memory();

for my $where ('stream', 'buffered') {
    for my $chunked (0, 1) {
        is(upload("/$where/big", 64, $chunked)->{body}, $digest, "$where: up, $chunked");
    }

    my ($n, $end) = download("/$where/big/large/64");
    cmp_ok($n, '>=', 64 << 20, "$where: down");

    ($n, $end) = download("/$where/big/pieces/64");
    cmp_ok($n, '>=', 64 << 20, "$where: down, chunked");
    like($end, qr/\r\n0\r\n\r\n\z/, 'to its end');
}

cmp_ok(peak_memory() - $before, '<', 3 * 1024, 'kilobytes more at most');
ok(settled('big'), 'no place is taken');



=== TEST 4: a WebSocket over an idle period and a reload
--- faas_http
    map $http_upgrade $upgrade { default upgrade; '' ''; }
    faas_runtime deno prewarm=0 idle=1s;
--- faas_locations eval: $::Unbuffered
--- user_files eval: ">>> fn/ws.ts\n$::Socket>>> fn/other.ts\n$::Socket"
--- code
my $sock = open_websocket('/stream/ws');
ok($sock, 'switched');
is(websocket_echo($sock, 'one'), 'one', 'an echo');

my ($host) = ids(instances('ws'));

is(get('/function/other')->{body}, 'plain', 'another function');
ok(wait_for(10, sub { !instances('other') }), 'is idle, and gone');
is(join(' ', ids(instances('ws'))), $host, 'that of the WebSocket is not');
is(websocket_echo($sock, 'two'), 'two', 'an echo');

signal_master('HUP');
ok(wait_for(10, sub { worker_pids() == 2 && all_worker_pids() > 2 }), 'a reload');
is(websocket_echo($sock, 'three'), 'three', 'an echo');
sleep 3;
is(websocket_echo($sock, 'four'), 'four', 'and later, too');
is(join(' ', ids(instances('ws'))), $host, 'of the same instance');

my $second = open_websocket('/stream/ws');
is(websocket_echo($second, 'five'), 'five', 'a second one, of the new worker');
is(stands('ws')->{active}, 2, 'two have a place');

close $_ for $sock, $second;
ok(settled('ws'), 'and none has, when they are closed');
ok(wait_for(15, sub { !instances('ws') }), 'then it goes');
ok(wait_for(10, sub { all_worker_pids() == 2 }), 'and the old worker');



=== TEST 5: HTTP/2
--- faas_http
    faas_runtime python prewarm=1 concurrency=8;

    server {
        listen unix:$TEST_NGINX_HTML_DIR/h2.sock http2;
        listen unix:$TEST_NGINX_HTML_DIR/tls.sock ssl http2;
        ssl_certificate     $TEST_NGINX_HTML_DIR/tls.pem;
        ssl_certificate_key $TEST_NGINX_HTML_DIR/tls.pem;
        client_max_body_size 0;

        location /functions {
            faas_api /function/;
        }

        location /function/ {
            rewrite ^/\w+/(?<fn>\w+)/?(.*)$ /$2 break;
            faas $fn;
            proxy_pass http://functions;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }

        location /stream/ {
            rewrite ^/\w+/(?<fn>\w+)/?(.*)$ /$2 break;
            faas $fn;
            proxy_pass http://functions;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
        }
    }
--- user_files eval: ">>> fn/h2.py\n$::Stream>>> tls.pem\n$::Pem"
--- code
my $file = html_dir() . '/data';
my $curl = 'curl -sS --noproxy "*" -m 20 --http2-prior-knowledge --unix-socket '
           . html_dir() . '/h2.sock';
my $run = sub { my $out = `$curl @_ 2>&1`; return $out };

write_file($file, join('', map { chr } 0 .. 255) x 4096 x 4);

is($run->('http://x/function/h2 -w " %{http_version} %{http_code}"'), 'stream 2 200', 'a GET');

for my $where ('function', 'stream') {
    is($run->("http://x/$where/h2 --data-binary \@$file"), main::digest(4), "$where: a POST");
    is($run->("http://x/$where/h2/pieces/8 -o /dev/null -w '%{size_download}'"), 8 << 20,
       "$where: a large answer");
}

is($run->(q(http://x/functions/h2/invoke -d '{"input":1,"timeout_ms":15000}'))
   =~ /"status":"success".*"output":"1 [0-9a-f]{40}"/, 1, 'an invocation');
is($run->('http://x/function/none -o /dev/null -w "%{http_code}"'), '404', 'an unknown one');

# twenty streams of one connection; curl does this right with TLS only

my $tls = 'curl -sSk --noproxy "*" -m 20 --http2 --unix-socket ' . html_dir() . '/tls.sock'
          . ' --no-progress-meter --parallel --parallel-max 20'
          . ' -w "%{http_version} %{http_code} %{num_connects}\n"'
          . ' -o /dev/null https://x/function/h2' x 20;

is(join('', sort `$tls 2>&1`), "2 200 0\n" x 19 . "2 200 1\n", 'twenty at a time');

# events, and a client that goes away

is($run->('-N -m 2 http://x/stream/h2/events') =~ /data: 1\n\n/, 1, 'an event');
ok(settled('h2', 30), 'no place is taken');



=== TEST 6: slow uploads hold no place
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=3;
--- faas_locations
    location /short/ {
        client_body_timeout 1s;
        faas slow;
        proxy_pass http://functions/;
    }
--- user_files eval: ">>> fn/slow.py\n$::Busy"
--- code
my @socks = map {
    my $sock = connect_to();

    syswrite($sock, "POST /function/slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    . "Content-Length: 20\r\n\r\n");
    $sock;
} 1 .. 200;

my $before = peak_memory();

for my $byte (1 .. 10) {
    syswrite($_, 'x') for @socks;
    is(get('/function/slow')->{status}, '200', 'another one is served');
}

my $stands = stands('slow');

is("$stands->{active} $stands->{waiting}", '0 0', 'they have no place, nor wait for one');
cmp_ok(peak_memory() - $before, '<', 4096, 'and little memory');

# one after another, for the queue is short

is(counted(map { syswrite($_, 'x' x 10); answer_of($_) } @socks), '200 x 200',
   'at their end they are served');

# one that never ends

my $sock = connect_to();
syswrite($sock, "POST /short/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nx");
like(read_all($sock, 10), qr{\A(?:HTTP/1.1 408 .*)?\z}s, 'and one too slow is closed');
ok(wait_for(5, sub { slurp(server_root() . '/logs/access.log') =~ m{"POST /short/ [^"]*" 408 } }),
   'which is logged');
ok(settled('slow'), 'no place is taken');



=== TEST 7: slow downloads hold no place
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1;
--- user_files eval: ">>> fn/slow.py\n$::Busy"
--- code
is(get('/function/slow/size/1000000')->{status}, '200', 'it serves');

my $before = peak_memory();
my @socks = map { sent('GET', '/function/slow/size/20000000', rcvbuf => 4096) } 1 .. 6;

ok(settled('slow', 20), 'nginx has taken all of the answers');
is(get('/function/slow')->{status}, '200', 'another one is served');
cmp_ok(peak_memory() - $before, '<', 3072, 'and it needs little memory');

my $n = 0;

for my $sock (@socks[0, 1]) {
    my $res = answer_of($sock);

    $n++ if $res->{complete} && length($res->{body}) == 20000000;
}

is($n, 2, 'who reads on has all of it');
close $_ for @socks;
is(get('/function/slow')->{status}, '200', 'and the next one is served');
ok(settled('slow'), 'no place is taken');



=== TEST 8: the cache is asked first
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=0 idle=3s;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;

    upstream functions {
        faas;
    }
--- config
    location /functions {
        faas_api /cached/;
    }

    proxy_cache cache;
    proxy_cache_key $request_uri;
    add_header X-Cache $upstream_cache_status always;

    location /cached/ {
        rewrite ^/\w+/(?<fn>\w+)/?(.*)$ /$2 break;
        proxy_cache_valid 200 1h;
        faas $fn;
        proxy_pass http://functions;
    }

    location /stale/ {
        rewrite ^/\w+/(?<fn>\w+)/?(.*)$ /$2 break;
        proxy_cache_valid 200 1s;
        proxy_cache_use_stale updating error timeout http_503;
        proxy_cache_background_update on;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Busy, 'a.py', 'b.py')
--- code
my $events = watch_events();
my $cached = sub {
    my $res = get($_[0]);
    return join ' ', $res->{status}, header($res, 'X-Cache') // '-', fn_count($res);
};

is($cached->('/cached/a/1'), '200 MISS 1', 'not there yet');
is($cached->('/cached/a/1'), '200 HIT 1', 'there');
is($cached->('/stale/a/1'), '200 MISS 2', 'another one');
ok(wait_for(15, sub { !instances() }), 'the function is idle, and gone');

my $made = () = events($events, 'create');

is($cached->('/cached/a/1'), '200 HIT 1', 'the answer is there still') for 1 .. 5;
sleep 1;
is(scalar(() = events($events, 'create')), $made, 'nobody was woken for it');
is(scalar(instances()), 0, 'nobody is there');

# an old one, while the function boots

my $began = time;
is($cached->('/stale/a/1'), '200 STALE 2', 'an old answer');
is($cached->('/stale/a/1') =~ /^200 (?:UPDATING 2|HIT 1)$/, 1, 'while there is no new one');
ok(wait_for(10, sub { $cached->('/stale/a/1') =~ /^200 HIT [1-9]/ }), 'then the new one');
cmp_ok(scalar(() = events($events, 'create')), '>', $made, 'for which it was started');

# our own errors

is(error_code(get('/cached/none')), '404 function_not_found', 'an unknown one') for 1, 2;

my $busy = sent('GET', '/cached/b/sleep/4');
ok(wait_for(10, sub { stands('b')->{active} == 1 }), 'one is at work');

my $res = get('/cached/b/2');
is(error_code($res), '503 no_capacity', 'there is no place');
like(header($res, 'Retry-After'), qr/^[1-9]/, 'with Retry-After');
is(answer_of($busy)->{status}, '200', 'the other one is answered');
is($cached->('/cached/b/2') =~ /^200 MISS/, 1, 'and then the next one');
ok(settled('b'), 'no place is taken');
