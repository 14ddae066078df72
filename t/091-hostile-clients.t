# Clients that reset what they began, over HTTP/2 and before they are told to go
# on, connections until there are no more, and functions, and an engine, that
# write a byte at a time.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep);

plan tests => 65;

worker_connections(256);

our $Busy = busy_py(threads => 1);

# Writes all that it says a byte at a time, each in a packet of its own.

our $Bytes = <<'_EOC_';
import os
import re
import socket
import threading
import time

BODY = b'{"text":"\xc3\xa9\xf0\x9f\x98\x80","n":[1,2.50,-0]}'
ANSWERS = {
    b"length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY),
    b"chunks": b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
               b"1\r\n \r\n0\r\n\r\n" % (len(BODY), BODY),
    b"end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY,
}


def serve(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1)
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(1)
    what = body[1:-1] if body else head.split(b" ")[1].strip(b"/")
    for byte in ANSWERS[what]:
        client.sendall(bytes([byte]))
        time.sleep(0.001)
    client.close()


server = socket.create_server(("", int(os.environ["PORT"])))
while True:
    threading.Thread(target=serve, args=server.accept()[:1]).start()
_EOC_


sub h2_frame {
    my ($type, $flags, $stream, $data) = @_;
    return substr(pack('N', length $data), 1) . pack('CCN', $type, $flags, $stream)
           . $data;
}


# so many requests, each with its reset behind it, of an odd number or more

sub h2_resets {
    my ($first, $n, $path) = @_;
    my @headers = (':method' => 'GET', ':scheme' => 'http',
                   ':authority' => 'localhost', ':path' => $path);
    my ($block, $frames) = ('', '');

    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= "\x10" . pack('C/a C/a', $name, $value);
    }

    for my $i (0 .. $n - 1) {
        my $stream = $first + 2 * $i;

        $frames .= h2_frame(1, 5, $stream, $block)
                   . h2_frame(3, 0, $stream, pack('N', 8));
    }

    return $frames;
}


sub h2_connect {
    my ($port) = @_;
    my $sock = connect_to(port => $port);

    syswrite($sock, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . h2_frame(4, 0, 0, ''));
    return $sock;
}


# Writes what the other side takes; true when it took all.

sub pour {
    my ($sock, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite($sock, $bytes) or return 0;
        substr($bytes, 0, $n) = '';
    }

    return 1;
}

run_tests();

__DATA__

=== TEST 1: thousands of resets over HTTP/2
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python concurrency=4 queue=64;
    keepalive_requests 1100;
    http2_max_concurrent_streams 1000;      # closed after twice as many at once

    upstream functions {
        faas;
        keepalive 8;
    }

    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;

        location /function/ {
            rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
            faas $fn;
            proxy_pass http://functions;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }

        location /functions {
            faas_api /function/;
        }
    }
--- user_files eval: FaasTest::files($::Busy, qw(warm.py cold.py))
--- code
my ($port) = slurp(server_root() . '/conf/nginx.conf') =~ /127\.0\.0\.1:(\d+) http2/;

is(get('/function/warm')->{status}, '200', 'a function serves');
my @pids = worker_pids();

# "cold" has no instance when the first of its requests comes

for my $path ('/function/warm/sleep/1', '/function/warm', '/function/cold',
              '/functions/warm', '/function/none')
{
    for my $i (1 .. 2) {
        my $sock = main::h2_connect($port);

        # GOAWAY comes after the last of keepalive_requests
        main::pour($sock, main::h2_resets(1, 1000, $path));

        if ($i == 1) {
            abort_connection($sock);
            next;
        }

        # whose PING is answered was read
        my $ping = main::h2_frame(6, 0, 0, 'resets??');
        my $pong = main::h2_frame(6, 1, 0, 'resets??');

        main::pour($sock, $ping);
        ok(index(read_some($sock, undef, qr/\Q$pong\E/), $pong) >= 0, "$path: all were taken");
        close $sock;
    }

    is(get('/functions/warm')->{status}, '200', "a thousand twice: $path");
}

for my $name (qw(warm cold)) {
    ok(settled($name, 30), "$name: no place is taken, and nobody waits");
    is(counted(parallel([ (request('GET', "/function/$name")) x 8 ])), '8 x 200',
       "$name: it serves");
}

is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');
ok(wait_for(10, sub { instances() == 2 }), 'and one container of each');

# what was not cut off, at least
my $taken = () = slurp(server_root() . '/logs/access.log') =~ m{ HTTP/2\.0" }g;
cmp_ok($taken, '>=', 5000, 'thousands were taken');



=== TEST 2: whoever waits for 100-continue goes away
--- faas_http
    faas_runtime python concurrency=4;
--- user_files eval: ">>> fn/expect.py\n$::Busy"
--- code
is(get('/function/expect')->{status}, '200', 'a function serves');

my @pids = worker_pids();

for my $path ('/function/expect', '/functions/expect/invoke', '/functions') {
    for my $i (1 .. 1334) {
        my $sock = sent('POST', $path,
                        headers => [ 'Expect: 100-continue', 'Content-Length: 100' ]);

        # before, or after it was told to go on; some with a part of the body
        read_some($sock) if $i % 3 == 0;
        syswrite($sock, '{"input":') if $i % 3 == 1;
        abort_connection($sock);
    }

    is(get('/function/expect')->{status}, '200', "1334 times $path");
}

ok(settled('expect'), 'no place is taken');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');



=== TEST 3: connections until there are no more
--- log_allow
worker_connections are not enough
--- faas_http
    faas_limits min_instances=1;
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Busy, qw(warm.py cold.py kept.py)) . ">>> fn/kept.json\n{\"min_instances\":1}"
--- code
is(get('/function/warm')->{status}, '200', 'a function serves');
ok(wait_for(20, sub { containers('kept') == 1 }), 'one is kept');

my ($kept) = containers('kept');
my @pids = worker_pids();
my @socks = map { connect_to() } 1 .. 700;
sleep 0.5;

# it is to be replaced, and nothing can be asked of the engine
act_on('kill', $kept);

# there may be none for the function, or for the engine
my @answers = map { sent('GET', "/function/$_") } ('warm', 'cold') x 3;
sleep 0.5;

like(error_log_text(), qr/worker_connections are not enough/, 'there are no more');
close $_ for @socks;
read_all($_, 20) for @answers;

is(get("/function/$_")->{status}, '200', "$_: it serves when they are gone")
    for qw(warm cold);
ok(settled($_), "$_: no place is taken") for qw(warm cold);
ok(wait_for(30, sub { my ($other) = containers('kept'); defined $other && $other ne $kept }),
   'another one is kept');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');



=== TEST 4: a function that writes a byte at a time
--- faas_http
    faas_runtime python concurrency=8;
--- user_files eval: ">>> fn/bytes.py\n$::Bytes"
--- code
my @kinds = qw(length chunks end);
my $text = "{\"text\":\"\xc3\xa9\xf0\x9f\x98\x80\",\"n\":[1,2.50,-0]}";
my @raw = parallel([ map { request('GET', "/function/bytes/$_") } @kinds ]);
my @invoked = parallel([ map { invoke_request('bytes', "\"$_\"") } @kinds ]);

for my $i (0 .. $#kinds) {
    my $expected = $text . ($kinds[$i] eq 'chunks' ? ' ' : '');

    is($raw[$i]{body}, $expected, "$kinds[$i]: raw");
    like($invoked[$i]{body}, qr/"status":"success".*"output":\Q$text\E ?,"error_message":null/,
         "$kinds[$i]: invoked");
}



=== TEST 5: an engine that writes a byte at a time
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=4;

    upstream functions {
        faas;
        keepalive 8;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'bytes');
--- user_files eval: ">>> fn/f.py\n$::Busy"
--- code
my $res = get('/function/f', timeout => 60);
my $host = eval { decode_json($res->{body})->{host} } // $res->{raw};

like($host, qr/\A[0-9a-f]{12}\z/, 'a function is started');
ok(wait_for(60, sub { (stands('f')->{state} // '') eq 'ready'
                      && slurp(html_dir() . '/engine.sock.log') =~ m{/events\?} }), 'and known');
is(act_on('kill', $host), 204, 'its end is an event');
ok(wait_for(60, sub { error_log_text() =~ /container "\S+" has ended/ }), 'which is heard');
like(get('/function/f', timeout => 60)->{body}, qr/"host": "(?!$host)/, 'another one is started');
is(http(request('DELETE', '/functions/f'))->{status}, 204, 'it is deleted');
ok(wait_for(60, sub { !instances() }), 'and removed');



=== TEST 6: connections until there are no more descriptors
--- main_config
    worker_rlimit_nofile 64;
--- log_allow
accept4?\(\) failed \(24: |socket\(\) failed \(24: |failed \(24: Too many open files\)
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: FaasTest::files($::Busy, qw(warm.py cold.py gone.py))
--- code
is(get('/function/warm')->{status}, '200', 'a function serves');

my $gone = decode_json(get('/function/gone')->{body})->{host};
my @pids = worker_pids();

# of whoever was let in before, some in each worker

my @kept = map { sent('GET', '/functions/warm', headers => [ 'Connection: keep-alive' ]) }
           1 .. 16;

read_some($_) for @kept;

my @idle = map { connect_to() } 1 .. 200;

ok(wait_for(10, sub { error_log_text() =~ /accept4?\(\) failed \(24: / }), 'there are no more');

# it is to be replaced, by a worker that can open nothing
is(act_on('kill', $gone), 204, 'a container ends');
sleep 0.5;

my @paths = map { ("/function/$_", "/functions/$_") } qw(warm cold gone none);

syswrite($kept[$_], request('GET', $paths[$_ % @paths])) for 0 .. $#kept;

my @answers = map { parse_response(read_all($_, 20)) } @kept;

is(scalar(grep { !$_->{complete} } @answers), 0, 'whoever is there has a whole answer');
is(join(' ', map { $_->{status} } grep { $_->{status} !~ /^(?:200|404|50[0234])$/ } @answers), '',
   counted(@answers));
is(join("\n", map { $_->{body} } grep { !eval { decode_json($_->{body}); 1 } } @answers), '',
   'in JSON');

close $_ for @idle;

is(counted(parallel([ (request('GET', "/function/$_")) x 4 ])), '4 x 200',
   "$_: it serves when they are gone") for qw(warm cold gone);
ok(settled($_), "$_: no place is taken") for qw(warm cold gone);
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');
