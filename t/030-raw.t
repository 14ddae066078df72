# Functions served raw: what goes in and what comes out through nginx's proxy.

use lib 't/lib';
use FaasTest;
use FaasClient;

use Digest::SHA qw(sha1_hex);

plan tests => 282;

worker_connections(1024);

# Tells what it was sent, and answers what the path says.

our $Echo = <<'_EOC_';
import hashlib
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def echo(self):
        Handler.count += 1
        body = self.body()
        parts = urlsplit(self.path)
        self.act(parts.path.strip("/"), parse_qsl(parts.query), body)

    def act(self, what, query, body):
        if what == "status":
            status = int(query[0][1])
            out = b"" if status in (204, 304) else b"status\n"
            self.answer(status, [("ETag", '"tag"')], out)

        elif what == "headers":
            self.answer(200, query, b"headers\n")

        elif what == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in [value.encode() for _, value in query]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")

        elif what == "close":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"until the end\n")

        elif what == "empty":
            self.answer(200, [], b"")

        elif what == "large":
            self.answer(200, [], b"0123456789" * 100000)

        elif what == "count":
            self.answer(200, query, b"%d\n" % Handler.count)

        else:
            out = {
                "line": self.requestline,
                "headers": [[k.lower(), v] for k, v in self.headers.items()],
                "length": len(body),
                "sha1": hashlib.sha1(body).hexdigest(),
                "service": os.environ["K_SERVICE"],
            }
            self.answer(200, [("Content-Type", "application/json")],
                        json.dumps(out).encode())

    def answer(self, status, headers, out):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = echo
    do_HEAD = do_PROPFIND = do_PURGE = echo


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

# Switches protocols, asked or not.

our $Switch = <<'_EOC_';
import os
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Handler(StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\n"
                         b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        for line in self.rfile:
            self.wfile.write(b"got " + line)


ThreadingTCPServer.allow_reuse_address = True
ThreadingTCPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

our $Greet = FaasClient::slurp('data/functions/greet.py');
our $GreetTs = FaasClient::slurp('data/functions/greet.ts');


# what the echo was sent

sub seen {
    my ($res) = @_;
    return eval { decode_json($res->{body}) } || { line => $res->{raw} };
}

sub seen_headers {
    my ($res, $name) = @_;
    return join ', ', map { $_->[1] } grep { $_->[0] eq lc $name }
                      @{ seen($res)->{headers} };
}

run_tests();

__DATA__

=== TEST 1: methods, paths and headers reach the function
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
# every method reaches the function

for my $method (qw(GET POST PUT DELETE PATCH OPTIONS PROPFIND PURGE)) {
    my $res = http(request($method, '/function/echo/x'));
    is(seen($res)->{line}, "$method /x HTTP/1.1", $method);
}

my $res = http(request('HEAD', '/function/echo/x'));

is($res->{status}, 200, 'HEAD');
cmp_ok(header($res, 'Content-Length'), '>', 0, 'HEAD: the length');
is($res->{rest}, '', 'HEAD: no body');

# path and query reach it as they are, without the name

{
    for my $case (
        [ '/function/echo', '/' ],
        [ '/function/echo/', '/' ],
        [ '/function/echo/a/b', '/a/b' ],
        [ '/function/echo/a/', '/a/' ],
        [ '/function/echo?', '/' ],
        [ '/function/echo?a=b&c', '/?a=b&c' ],
        [ '/function/echo/a?b?c', '/a?b?c' ],
        [ '/function/echo/a%20b', '/a%20b' ],
        [ '/function/echo/%C3%A9', '/%C3%A9' ],
        [ '/function/echo/a%3Fb=c', '/a%3Fb=c' ],
        [ '/function/echo/a%23b', '/a%23b' ],
        [ '/function/echo/a%25b', '/a%25b' ],
        [ '/function/echo/a;b=c,d', '/a;b=c,d' ],
        [ '/function/echo/x?q=%20%0d%0a%00+%zz&r=%2f', '/x?q=%20%0d%0a%00+%zz&r=%2f' ],
        [ '/function/echo/a/../b/./c', '/b/c' ],
    )
    {
        my $res = get($case->[0]);
        is(seen($res)->{line}, "GET $case->[1] HTTP/1.1", $case->[0]);
    }

    my $res = get('/function/echo/' . 'a' x 4000 . '?' . 'b' x 3000);
    is(length(seen($res)->{line}), 7015, 'a long one');

    for my $path ('/function/echo/a%0d%0aX-Injected:%201',
                  '/function/echo/a%0aX-Injected:%201')
    {
        my $res = get($path);
        unlike($res->{body}, qr/x-injected",/i, 'a line break is no header');
    }
}

# the request's headers

{
    my $res = get('/function/echo', headers => [
        'X-One: 1', 'X-Two: a', 'X-Two: b', 'Cookie: c=d', 'X-Empty:',
        'Accept-Encoding: gzip', 'TE: trailers', 'Keep-Alive: timeout=5',
        'Authorization: Basic Zm9v', 'X_Underscore: 1', 'Connection: close, X-One',
    ]);

    is(seen_headers($res, 'X-Two'), 'a, b', 'repeated');
    is(seen_headers($res, 'Cookie'), 'c=d', 'a cookie');
    is(seen_headers($res, 'Authorization'), 'Basic Zm9v', 'credentials');
    is(seen_headers($res, 'Accept-Encoding'), 'gzip', 'encodings');
    is(seen_headers($res, 'Keep-Alive'), '', 'not the ones of the connection');
    is(seen_headers($res, 'X_Underscore'), '', 'nor with an underscore');
    is(seen($res)->{service}, 'echo', 'the name is in the environment');
}



=== TEST 2: request bodies of every size and form, and many requests
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
# request bodies of every size and form

for my $size (0, 1, 8192, 100_000, 5_000_000) {
    my $body = substr(join('', map { chr } 0 .. 255) x ($size / 256 + 1),
                      0, $size);
    my $res = post('/function/echo', $body);

    is(seen($res)->{length}, $size, "$size bytes: the length");
    is(seen($res)->{sha1}, sha1_hex($body), "$size bytes: as they were sent");
}

my $body = join '', map { "line $_\n" } 1 .. 50000;
my $chunked = join '', map { sprintf("%x\r\n%s\r\n", length $_, $_) }
                       $body =~ /(.{1,7777})/gs;

my $res = http(request('PUT', '/function/echo', body => "${chunked}0\r\n\r\n",
                       headers => [ 'Transfer-Encoding: chunked' ]));

is(seen($res)->{sha1}, sha1_hex($body), 'chunked');
is(seen_headers($res, 'Content-Length'), length $body, 'its length is known');
is(seen_headers($res, 'Transfer-Encoding'), '', 'and how it came is not');

my $sock = connect_to();
syswrite($sock, request('POST', '/function/echo', headers => [
                        'Expect: 100-continue', 'Content-Length: 5' ]));
is(read_some($sock, 5, qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n", 'told to go on');
syswrite($sock, 'hello');
$res = parse_response(read_all($sock));
is(seen($res)->{sha1}, sha1_hex('hello'), 'after the wait');
is(seen_headers($res, 'Expect'), '', 'which is no matter of the function');

# many requests over one connection, one after the other and at once

{
    my $sock = connect_to();

    syswrite($sock, join '', map {
        request('POST', "/function/echo/$_", body => "body $_",
                headers => [ $_ == 20 ? 'Connection: close'
                                      : 'Connection: keep-alive' ])
    } 1 .. 20);

    my $rest = read_all($sock);
    my @lines;

    for (1 .. 20) {
        my $res = parse_response($rest);
        push @lines, seen($res)->{line};
        $rest = $res->{rest};
    }

    is(join("\n", @lines), join("\n", map { "POST /$_ HTTP/1.1" } 1 .. 20),
       'answered in order');
    is($rest, '', 'and no more than that');
}



=== TEST 3: a body past client_max_body_size starts nothing
--- fresh
--- config
    location /function/ {
        client_max_body_size 1k;
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/upload.py\n$::Echo"
--- code
my $res = post('/function/upload', 'a' x 1025);
is($res->{status}, 413, 'too large');
is(header($res, 'Content-Type'), 'application/json', 'in JSON');
is(scalar(instances_but()), 0, 'no container');

is(post('/function/upload', 'a' x 1024)->{status}, 200, 'one byte less');



=== TEST 4: status codes, headers and bodies of an answer
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
# status codes, with and without a body

for my $status (200, 201, 202, 203, 206, 299, 300, 301, 302, 303, 307, 308, 400,
                401, 403, 404, 405, 409, 410, 413, 418, 422, 429, 451, 499, 500,
                501, 502, 503, 504, 507, 599)
{
    my $res = get("/function/echo/status?code=$status");
    is("$res->{status} $res->{body}", "$status status\n", "status $status");
}

for my $status (204, 304) {
    my $res = get("/function/echo/status?code=$status");

    is("$res->{status} $res->{rest}", "$status ", "status $status");
    is(header($res, 'Transfer-Encoding'), undef, "status $status: no chunks");
    is(header($res, 'ETag'), '"tag"', "status $status: its headers");
}

# the answer's headers and the forms of its body

{
    my $res = get('/function/echo/headers?Set-Cookie=a&Set-Cookie=b&X-A=1&x-a=2'
                  . '&Link=%3C/x%3E&Link=%3C/y%3E&Content-Type=a/b&WWW-Authenticate=B'
                  . '&Cache-Control=no-store&Cache-Control=private&X-Empty=');

    is(join('|', headers($res, 'Set-Cookie')), 'a|b', 'repeated cookies');
    is(join('|', headers($res, 'X-A')), '1|2', 'repeated of its own');
    is(join('|', headers($res, 'Link')), '</x>|</y>', 'repeated links');
    is(join('|', headers($res, 'Cache-Control')), 'no-store|private', 'for caches');
    is(header($res, 'Content-Type'), 'a/b', 'its type');
    is(header($res, 'WWW-Authenticate'), 'B', 'a challenge');

    is(get('/function/echo/chunked?a=foo&b=bar')->{body}, 'foobar', 'chunked');

    $res = get('/function/echo/chunked');
    is("$res->{complete} $res->{body}", '1 ', 'chunked and empty');

    $res = get('/function/echo/empty');
    is("$res->{complete} $res->{body}", '1 ', 'empty');

    $res = get('/function/echo/close');
    is("$res->{complete} $res->{body}", "1 until the end\n", 'without a length');

    $res = get('/function/echo/close', version => '1.0');
    is($res->{body}, "until the end\n", 'the same for HTTP/1.0');

    is(sha1_hex(get('/function/echo/large')->{body}),
       sha1_hex('0123456789' x 100000), 'a megabyte');
}

# headers that are for the connection end at nginx

{
    my $res = get('/function/echo/headers?Keep-Alive=timeout=5&Proxy-Connection=close'
                  . '&Trailer=X-T&Upgrade=h2c&TE=trailers&Connection=X-Hop&X-Hop=1'
                  . '&X-Stays=1&Status=404&Refresh=0&Set-Cookie=a&Proxy-Authenticate=b'
                  . '&Server=Other');

    for my $name (qw(Keep-Alive Proxy-Connection Trailer Upgrade TE X-Hop)) {
        is(header($res, $name), undef, "$name is not passed on");
    }

    is(header($res, 'Connection'), 'close', "the connection's header is nginx's");
    is($res->{status}, 200, '"Status" is just a header');
    is(header($res, 'X-Stays'), 1, 'all else is');
    is(header($res, 'Refresh'), 0, '"Refresh", too');
    is(join('|', map { m{^(nginx)\b} } headers($res, 'Server')), 'nginx', "the server is nginx");
    is($res->{body}, "headers\n", 'with the body');
}



=== TEST 5: X-Accel headers of a function are neither obeyed nor passed on
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;

    upstream functions {
        faas;
    }
--- config
    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }

    location = /cached {
        faas echo;
        proxy_pass http://functions/count?X-Accel-Expires=100;
        proxy_cache cache;
        proxy_cache_key $request_uri;
    }

    location = /really-cached {
        faas echo;
        proxy_pass http://functions/count?Cache-Control=max-age%3D100;
        proxy_cache cache;
        proxy_cache_key $request_uri;
    }

    # else no configuration would know this charset, whoever names it

    location = /secret {
        internal;
        charset koi8-r;
        return 200 "secret";
    }
--- user_files eval
">>> fn/echo.py\n$::Echo>>> secret.txt\nsecret\n"
--- code
for my $name (qw(X-Accel-Redirect x-accel-redirect)) {
    for my $target ('/secret', '/secret.txt', '@named') {
        my $res = get("/function/echo/headers?$name=$target");
        is($res->{body}, "headers\n", "$name: $target is not served");
        is(header($res, $name), undef, "$name: nor told");
    }
}

my $res = get('/function/echo/headers?X-Accel-Charset=koi8-r&Content-Type=text/plain');
is(header($res, 'Content-Type'), 'text/plain', 'X-Accel-Charset');
is(header($res, 'X-Accel-Charset'), undef, 'X-Accel-Charset is not told');

for my $name (qw(X-Accel-Buffering X-Accel-Limit-Rate X-Accel-Expires)) {
    my $res = get("/function/echo/headers?$name=1");
    is("$res->{complete} $res->{body}", "1 headers\n", $name);
    is(header($res, $name), undef, "$name is not told");
}

my ($one, $two) = map { get('/cached')->{body} } 1, 2;
isnt($one, $two, 'X-Accel-Expires makes nothing cacheable');

($one, $two) = map { get('/really-cached')->{body} } 1, 2;
is($one, $two, 'Cache-Control does, as ever');



=== TEST 6: protocols are switched where it is enabled, and nowhere else
--- faas_locations
    location = /ws {
        faas switch;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
--- user_files eval: ">>> fn/switch.py\n$::Switch"
--- code
my @upgrade = ('Connection: Upgrade', 'Upgrade: websocket');

my $sock = connect_to();
syswrite($sock, request('GET', '/ws', headers => \@upgrade));
like(read_some($sock, 5, qr/\r\n\r\n/), qr{\AHTTP/1\.1 101 .*Upgrade: websocket}s, 'switched');

syswrite($sock, "hello\n");
is(read_some($sock, 5, qr/\n/), "got hello\n", 'both ways');
syswrite($sock, "world\n");
is(read_some($sock, 5, qr/\n/), "got world\n", 'and on');
close $sock;

is(get('/ws')->{status}, 502, 'not for a client that did not ask');
is(get('/function/switch')->{status}, 502, 'nor elsewhere');
is(get('/function/switch', headers => \@upgrade)->{status}, 502,
   'whoever asks');



=== TEST 7: any location can be a function, by any name
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;

    map $http_x_version $version {
        default  greet;
        two      greet.ts;
    }

    upstream functions {
        faas;
    }
--- config
    location = /fixed {
        faas greet;
        proxy_pass http://functions/;
    }

    location = /mapped {
        faas $version;
        proxy_pass http://functions/;
    }

    location ~ ^/by/(?<name>[a-z]+)$ {
        faas $name;
        proxy_pass http://functions;
    }

    location = /arg {
        faas $arg_fn;
        proxy_pass http://functions/;
    }

    location = /joined {
        faas "gr${arg_fn}t";
        proxy_pass http://functions/;
    }

    location = /if {
        if ($arg_other) {
            faas greet.ts;
            proxy_pass http://functions;
        }

        faas greet;
        proxy_pass http://functions/;
    }
--- user_files eval
">>> fn/greet.py\n$::Greet>>> fn/greet.ts\n$::GreetTs"
--- code
my $hello = '{"message":"Hello, world"}';

is(get('/fixed')->{body}, $hello, 'a fixed one');
is(get('/fixed?name=Ada')->{body}, '{"message":"Hello, Ada"}', 'its query');
is(get('/mapped')->{body}, $hello, 'of a map');
is(get('/by/greet')->{body}, $hello, 'of a capture');
is(get('/arg?fn=greet')->{body}, $hello, 'of the query');
is(get('/joined?fn=ee')->{body}, $hello, 'of parts');
is(get('/if')->{body}, $hello, 'where an "if" is');
is(scalar(instances_but('greet')), 0, 'none of the other yet');
is(get('/if?other=1')->{body}, $hello, 'and in it');

my $res = get('/mapped', headers => [ 'X-Version: two' ]);
is($res->{body}, $hello, 'with its extension');
is(scalar(instances('greet.ts')), 1, 'which has a container of its own');

for my $case ([ 'none', 404, 'function_not_found' ], [ '', 400, 'invalid_name' ],
              [ '..%2fgreet', 400, 'invalid_name' ], [ '.greet', 400, 'invalid_name' ],
              [ 'a%00b', 400, 'invalid_name' ], [ 'a/b', 400, 'invalid_name' ])
{
    my $res = get("/arg?fn=$case->[0]");

    is($res->{status}, $case->[1], "name \"$case->[0]\": status");
    is(eval { decode_json($res->{body})->{error}{code} }, $case->[2],
       "name \"$case->[0]\": code");
}



=== TEST 8: error_page is for our errors too, and may be a function
--- config
    location /fn/ {
        error_page 404 = /sorry;
        error_page 502 = @fallback;
        faas $arg_fn;
        proxy_pass http://functions/;
    }

    location /intercepted {
        error_page 404 = @fallback;
        proxy_intercept_errors on;
        faas echo;
        proxy_pass http://functions/status;
    }

    location @fallback {
        faas greet;
        proxy_pass http://functions;
    }

    location = /sorry {
        return 200 "sorry";
    }
--- user_files eval
">>> fn/greet.py\n$::Greet>>> fn/echo.py\n$::Echo>>> fn/broken.py\nimport nothing\n"
--- code
my $hello = '{"message":"Hello, world"}';

is(get('/fn/?fn=none')->{body}, 'sorry', 'no such function');
is(get('/fn/?fn=broken')->{body}, $hello, 'one that does not start');
is(get('/fn/status?code=404&fn=echo')->{status}, 404, "not a function's own 404");
is(get('/intercepted?code=404')->{body}, $hello, 'unless they are intercepted');
is(get('/intercepted?code=200')->{body}, "status\n", 'all else passes');



=== TEST 9: whoever is refused starts nothing
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    limit_req_zone $uri zone=limit:1m rate=1r/m;

    upstream functions {
        faas;
    }
--- config
    location /basic {
        auth_basic realm;
        auth_basic_user_file $TEST_NGINX_SERVER_ROOT/html/users;
        faas guarded;
        proxy_pass http://functions/;
    }

    location /deny {
        deny all;
        faas guarded;
        proxy_pass http://functions/;
    }

    location /request {
        auth_request /no;
        faas guarded;
        proxy_pass http://functions/;
    }

    location = /no {
        return 401;
    }

    location /limit {
        limit_req zone=limit;
        limit_req_status 429;
        faas guarded;
        proxy_pass http://functions/;
    }

    location /api {
        deny all;
        faas_api /function/;
    }

    location = /spent {
        limit_req zone=limit;
        limit_req_status 429;
        return 204;
    }
--- user_files eval
">>> fn/guarded.py\n$::Greet>>> users\nada:{PLAIN}secret\n"
--- code
for my $case ([ '/basic', 401 ], [ '/deny', 403 ], [ '/request', 401 ]) {
    my $res = get($case->[0]);

    is($res->{status}, $case->[1], "$case->[0]: status");
    is(header($res, 'Content-Type'), 'application/json', "$case->[0]: JSON");
    like(decode_json($res->{body})->{error}{code}, qr/\A[a-z_]+\z/,
         "$case->[0]: a code");
}

like(header(get('/basic'), 'WWW-Authenticate'), qr/\ABasic/, 'a challenge');

is(post('/api/guarded/invoke', '{}')->{status}, 403, 'an invocation');
is(get('/basic', headers => [ 'Authorization: Basic bm86bm8=' ])->{status}, 401,
   'of a wrong user');

is(scalar(instances_but()), 0, 'no container');

is(get('/basic', headers => [ 'Authorization: Basic YWRhOnNlY3JldA==' ])
   ->{status}, 200, 'the right one is served');

is(get('/limit')->{status}, 200, 'so is the first');
is(get('/limit')->{status}, 429, 'the second is not');



=== TEST 10: functions included by SSI
--- config
    location /page {
        ssi on;
        root $TEST_NGINX_SERVER_ROOT/html;
        default_type text/html;
    }

    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval
">>> fn/greet.py\n$::Greet>>> fn/broken.py\nimport nothing\n"
. ">>> page/one\n[<!--# include virtual=\"/function/greet?name=Ada\" -->]\n"
. ">>> page/two\n[<!--# include virtual=\"/function/greet?name=Ada\" -->"
. "|<!--# include virtual=\"/function/greet?name=Bob\" -->]\n"
. ">>> page/wait\n[<!--# include virtual=\"/function/greet?name=Ada\" wait=\"yes\" -->"
. "|<!--# include virtual=\"/function/greet?name=Bob\" wait=\"yes\" -->]\n"
. ">>> page/bad\n[<!--# include virtual=\"/function/none\" -->"
. "|<!--# include virtual=\"/function/broken\" -->"
. "|<!--# include virtual=\"/function/greet\" -->]\n"
--- code
my ($ada, $bob) = map { qq({"message":"Hello, $_"}) } qw(Ada Bob);

is(get('/page/two')->{body}, "[$ada|$bob]\n", 'two at a time, and cold');
is(get('/page/one')->{body}, "[$ada]\n", 'one');
is(get('/page/two')->{body}, "[$ada|$bob]\n", 'two, and warm');
is(get('/page/wait')->{body}, "[$ada|$bob]\n", 'one after the other');

my $res = get('/page/bad');
is($res->{complete}, 1, 'with functions that are none: complete');
like($res->{body}, qr/\A\[.*\|.*\|\{"message":"Hello, world"\}\]\n\z/s,
     'and the others are there');
is($res->{raw} =~ s/HTTP\/1\.1 200//gr =~ /HTTP\/1/ ? 1 : 0, 0, 'one answer');



=== TEST 11: a body that came along with the header is never another request
--- config
    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        faas_timeout 8s;
        proxy_pass http://functions;
    }

    location /short {
        faas never;
        faas_timeout 300ms;
        proxy_pass http://functions/;
    }

    location /said {
        error_page 404 = /sorry;
        faas none;
        proxy_pass http://functions/;
    }

    location = /sorry {
        return 200 "sorry";
    }

    location /given {
        error_page 404 /page.html;
        faas none;
        proxy_pass http://functions/;
    }

    location /passed {
        error_page 404 = @function;
        faas none;
        proxy_pass http://functions/;
    }

    location @function {
        faas echo;
        proxy_pass http://functions;
    }
--- user_files eval
">>> page.html\ngiven\n>>> fn/echo.py\n$::Echo>>> fn/cold.py\n$::Echo>>> fn/broken.py\nimport nothing\n"
. ">>> fn/never.py\nimport time\ntime.sleep(600)\n"
--- code
my $smuggled = request('GET', '/function/echo/smuggled');
my $sha1 = sha1_hex($smuggled);

# the header in the buffer that all have, and in a larger one

for my $headers ([], [ 'X-Long: ' . 'a' x 3000 ]) {

    for my $case ([ '/function/none', 404, qr/"function_not_found"/ ],
                  [ '/function/-bad', 400, qr/"invalid_name"/ ],
                  [ '/function/broken', 502, qr/"function_failed"/ ],
                  [ '/function/cold', 200, qr/"sha1": "$sha1"/ ],
                  [ '/function/cold', 200, qr/"sha1": "$sha1"/ ],
                  [ '/short', 504, qr/"error"/ ],
                  [ '/said', 200, qr/\Asorry\z/ ],
                  [ '/given', 404, qr/\Agiven\n\z/ ],
                  [ '/passed', 200, qr/"sha1": "$sha1"/ ])
    {
        my ($path, $status, $body) = @$case;
        my $sock = connect_to();

        syswrite($sock, request('POST', $path, body => $smuggled,
                                headers => [ 'Connection: keep-alive', @$headers ])
                        . request('GET', '/function/echo/next'));

        my $res = parse_response(read_all($sock, 20));
        my $next = parse_response($res->{rest});

        is($res->{status}, $status, "$path: its status");
        like($res->{body}, $body, "$path: its answer");
        # nginx ends a connection with a 400

        like(seen($next)->{line}, $status == 400 ? qr/\A\z/ : qr{\AGET /next HTTP},
             "$path: then the next request");
        is($next->{rest}, '', "$path: and no more");
    }
}
