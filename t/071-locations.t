# "faas" in all kinds of locations, with the modules that stand before and behind
# it: whoever they refuse wakes nothing, and what they do is as for any proxied
# location.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use IO::Uncompress::Gunzip qw(gunzip);
use Time::HiRes qw(sleep time);

plan tests => 124;

# Tells what was posted to it before.

our $Last = <<'_EOC_';
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    last = b""

    def do_GET(self):
        self.answer(Handler.last)

    def do_POST(self):
        if self.path == "/sleep":
            time.sleep(1)
        Handler.last = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"told")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

# Tells what it was asked, and does what the query says: "status=", "sleep=",
# "size=", and headers of any other name.

our $Tell = <<'_EOC_';
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0

    def tell(self):
        Handler.count += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qsl(urlsplit(self.path).query)
        status, size, headers = 200, 0, []

        for key, value in query:
            if key == "status":
                status = int(value)
            elif key == "sleep":
                time.sleep(float(value))
            elif key == "size":
                size = int(value)
            else:
                headers.append((key, value))

        out = json.dumps({
            "line": self.requestline, "body": body.decode("latin1"),
            "count": Handler.count, "service": os.environ["K_SERVICE"],
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "more": "x" * size,
        }).encode()

        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if status != 204:
            self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_PUT = tell


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_


sub told {
    my ($res) = @_;
    return eval { decode_json($res->{body}) } || { service => "HTTP $res->{status}" };
}


# who answered

sub by {
    return told(get(@_))->{service};
}


sub code_of {
    my ($res) = @_;
    return eval { decode_json($res->{body})->{error}{code} } // $res->{raw};
}


sub counted {
    my %n;

    $n{$_}++ for map { $_->{status} } @_;
    return join(', ', map { "$n{$_} x $_" } sort keys %n);
}


run_tests();

__DATA__

=== TEST 1: names of all kinds of variables
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;

    split_clients $arg_client $split {
        50%  one;
        *    two;
    }

    map $arg_path $mapped {
        default              "";
        ~^/(?<in_map>\w+)/$  $in_map;
        two                  two;
    }

    upstream functions {
        faas;
        keepalive 8;
    }
--- config
    proxy_http_version 1.1;
    proxy_set_header Connection "";

    server_name ~^(?<host_fn>\w+)\.example$;

    location = /split {
        faas $split;
        proxy_pass http://functions;
    }

    location = /map {
        faas $mapped;
        proxy_pass http://functions;
    }

    location ~ ^/named/(?<fn>\w+)/(?<rest>.*)$ {
        faas $fn;
        proxy_pass http://functions;
    }

    location ~ ^/numbered/(\w+)$ {
        faas $1;
        proxy_pass http://functions;
    }

    location = /host {
        faas $host_fn;
        proxy_pass http://functions;
    }

    location = /set {
        set $fn one;

        if ($http_x_fn ~ ^fn=(?<of_if>\w+)$) {
            set $fn $of_if;
        }

        faas $fn;
        proxy_pass http://functions;
    }

    location = /header {
        faas $http_x_fn;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, qw(one.py two.py))
--- code
my %split;

for my $client (1 .. 20) {
    $split{$client}{by("/split?client=$client")}++ for 1, 2;
}

is(scalar(grep { keys %$_ > 1 } values %split), 0, 'split: a client has one');
is(join(' ', sort keys %{ { map { %$_ } values %split } }), 'one two',
   'split: and clients have both');

is(by('/map?path=/one/'), 'one', "map: a part of it");
is(by('/map?path=two'), 'two', 'map: a value');
is(get('/map?path=three')->{status}, 400, 'map: no value');

is(by('/named/two/x'), 'two', 'a named capture');
is(told(get('/named/two/x%20y?z'))->{line}, 'GET /named/two/x%20y?z HTTP/1.1',
   'and its path');
is(by('/numbered/one'), 'one', 'a numbered one');
is(by('/host', headers => [ 'Host: two.example' ]), 'two', 'of the host');
is(by('/set'), 'one', 'set');
is(by('/set', headers => [ 'X-Fn: fn=two' ]), 'two', 'set by an "if"');
is(by('/header', headers => [ 'X-Fn: two' ]), 'two', 'of a header');
is(get('/header')->{status}, 400, 'of none');
is(get('/header', headers => [ 'X-Fn: ../one' ])->{status}, 400, 'of a wrong one');
is(get('/header', headers => [ 'X-Fn: ' . 'a' x 300 ])->{status}, 400, 'a long one');



=== TEST 2: nested locations have what the outer one has, but for the function
--- fresh
--- config
    location /outer {
        faas one;
        proxy_pass http://functions;
        proxy_set_header X-Outer yes;
        add_header X-Location outer;
        add_header X-Peer $upstream_addr;

        location /outer/inner {
            faas two;
            proxy_pass http://functions;

            location ~ \.txt$ {
                return 200 "no function";
            }

            location /outer/inner/static {
                root $TEST_NGINX_SERVER_ROOT/html;
            }

            location /outer/inner/deep {
                deny all;

                location = /outer/inner/deep/allowed {
                    allow all;
                    faas one;
                    proxy_pass http://functions;
                    add_header X-Location deep;
                }

                location = /outer/inner/deep/denied {
                    faas three;
                    proxy_pass http://functions;
                }
            }

            location = /outer/inner/limited {
                limit_except POST {
                    deny all;
                }

                faas three;
                proxy_pass http://functions;
            }
        }
    }
--- user_files eval
FaasTest::files($::Tell, qw(one.py two.py three.py))
. ">>> outer/inner/static\na file\n"
--- code
my $res = get('/outer/x');

is(told($res)->{service}, 'one', 'the outer one');
is(header($res, 'X-Location'), 'outer', 'its header');

my ($one) = map { values %{ $_->{NetworkSettings}{Networks} } } instances('one');

is(header($res, 'X-Peer'), "$one->{IPAddress}:8080", 'its instance');
$res = get('/outer/inner/x?y');
is(told($res)->{service}, 'two', 'the inner one');
is(told($res)->{line}, 'GET /outer/inner/x?y HTTP/1.0', 'its path');
is(told($res)->{headers}{'x-outer'}, 'yes', "with what is the outer one's");
is(header($res, 'X-Location'), 'outer', 'and goes for all');
is(get('/outer/inner/x.txt')->{body}, 'no function', 'inside of it, no function');
is(get('/outer/inner/static')->{body}, "a file\n", 'nor here');

$res = get('/outer/inner/deep/allowed');
is(told($res)->{service}, 'one', 'and deeper one again');
is(header($res, 'X-Location'), 'deep', 'with a header of its own');

is(get('/outer/inner/deep/denied')->{status}, 403, 'one that is denied');
is(get('/outer/inner/limited')->{status}, 403, 'and one for another method');
is(scalar(instances_but('one', 'two')), 0, 'which start nothing');
is(told(post('/outer/inner/limited', 'x'))->{service}, 'three', 'till it is right');



=== TEST 3: a function decides for others, by auth_request
--- fresh
--- faas_http
    faas_runtime python concurrency=1;
--- config
    location = /auth {
        internal;
        faas auth;
        proxy_pass http://functions$request_uri;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }

    location = /none {
        internal;
        faas none;
        proxy_pass http://functions;
    }

    location /guarded {
        auth_request /auth;
        auth_request_set $who $upstream_http_x_who;
        proxy_set_header X-Who $who;
        faas guarded;
        proxy_pass http://functions;
    }

    location /itself {
        auth_request /auth;
        faas auth;
        proxy_pass http://functions;
    }

    location /by-none {
        auth_request /none;
        faas guarded;
        proxy_pass http://functions;
    }

    location /any {
        satisfy any;
        auth_request /auth;
        allow 127.0.0.1;
        deny all;
        faas guarded;
        proxy_pass http://functions/;
    }
--- user_files eval: FaasTest::files($::Tell, qw(auth.py guarded.py))
--- code
my $res = get('/guarded?status=401&WWW-Authenticate=Bearer');

is($res->{status}, 401, 'refused');
is(header($res, 'WWW-Authenticate'), 'Bearer', 'with a challenge');
is(code_of($res), 'unauthorized', 'in JSON');
is(get('/guarded?status=403&size=100000')->{status}, 403, 'and forbidden');
is(get('/guarded?status=418')->{status}, 500, 'an answer that is none');
is(get('/by-none')->{status}, 500, 'no function that could decide');
is(scalar(instances_but('auth')), 0, 'and nothing was woken');

$res = post('/guarded?status=204&X-Who=Ada', 'the body');
is($res->{status}, 204, 'let in');

$res = post('/guarded?X-Who=Ada', 'the body');
is(told($res)->{body}, 'the body', 'with its body');
is(told($res)->{headers}{'x-who'}, 'Ada', 'and a header of the one that let it in');
is(told(get('/itself'))->{service}, 'auth', 'one that decides for itself');

my @res = parallel([ map { request('POST', '/itself', body => 'x' x 100_000) } 1 .. 8 ]);
is(counted(@res), '8 x 200', 'many times at once, with one place');

is(by('/any?status=401'), 'guarded', 'any of two: an address is enough');



=== TEST 4: limit_req and limit_conn
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python concurrency=8;

    limit_req_zone $arg_key zone=req:1m rate=1r/m;
    limit_req_zone $arg_key zone=delay:1m rate=5r/s;
    limit_conn_zone $arg_key zone=conn:1m;

    upstream functions {
        faas;
        keepalive 8;
    }
--- config
    location = /spend {
        limit_req zone=req;
        root $TEST_NGINX_SERVER_ROOT/html;
    }

    location /req {
        limit_req zone=req;
        faas limited;
        proxy_pass http://functions;
    }

    location /delay {
        limit_req zone=delay burst=10;
        faas other;
        proxy_pass http://functions;
    }

    location /conn {
        limit_conn conn 2;
        limit_conn_status 429;
        faas other;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, qw(limited.py other.py)) . ">>> spend\nspent\n"
--- code
is(get('/spend?key=a')->{body}, "spent\n", 'limit_req: the first');

my $res = post('/req?key=a', 'a body');

is($res->{status}, 503, 'limit_req: too many');
is(code_of($res), 'unavailable', 'limit_req: in JSON');
ok(header($res, 'Retry-After'), 'limit_req: and when to try again');
is(scalar(instances_but()), 0, 'limit_req: nothing is woken');
is(by('/req?key=b'), 'limited', 'limit_req: another client');

is(counted(parallel([ map { request('GET', '/delay?key=a') } 1 .. 4 ])), '4 x 200',
   'limit_req: delayed, and served');

my @res = parallel([ map { request('GET', '/conn?key=a&sleep=1') } 1 .. 6 ]);

is(counted(@res), '2 x 200, 4 x 429', 'limit_conn: so many');
is(counted(parallel([ map { request('GET', "/conn?key=$_&sleep=0.5") } 1 .. 4 ])),
   '4 x 200', 'limit_conn: of each client');
is(get('/conn?key=a')->{status}, 200, 'limit_conn: and then again');



=== TEST 5: proxy_cache
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;

    upstream functions {
        faas;
        keepalive 8;
    }
--- config
    proxy_cache cache;
    proxy_cache_key $request_uri;
    proxy_cache_valid 200 404 1m;
    add_header X-Cache $upstream_cache_status always;

    location /cached {
        faas cached;
        proxy_pass http://functions;
    }

    location /lock {
        proxy_cache_lock on;
        proxy_cache_lock_timeout 20s;
        faas locked;
        proxy_pass http://functions;
    }

    # else no configuration would know this charset, whoever names it

    location = /secret {
        internal;
        charset koi8-r;
        return 200 "secret";
    }
--- user_files eval: FaasTest::files($::Tell, qw(cached.py locked.py))
--- code
my @res = map { get('/cached?status=200') } 1 .. 3;

is(join(' ', map { header($_, 'X-Cache') } @res), 'MISS HIT HIT', 'kept');
is(join(' ', map { told($_)->{count} } @res), '1 1 1', 'the function ran once');
is(join(' ', map { get('/cached?status=404')->{status} } 1, 2), '404 404', 'a 404');
is(join(' ', map { header(get('/cached?status=500'), 'X-Cache') } 1, 2), 'MISS MISS',
   'not a 500');
is(join(' ', map { header(post('/cached', 'x'), 'X-Cache') // 'none' } 1, 2), 'none none',
   'nor a POST');
is(join(' ', map { header(get('/cached?none&Cache-Control=no-store'), 'X-Cache') } 1, 2),
   'MISS MISS', 'nor what must not be');

# of many that ask at once, one has it called

@res = parallel([ map { request('GET', '/lock?sleep=0.5') } 1 .. 10 ]);

is(counted(@res), '10 x 200', 'ten at once, and cold');
is(join(' ', sort map { told($_)->{count} } @res), join(' ', (1) x 10),
   'the function ran once');

# a function is not trusted, wherever its answer comes from

for my $header (qw(X-Accel-Redirect=/secret X-Accel-Charset=koi8-r
                   X-Accel-Limit-Rate=1 X-Accel-Buffering=no))
{
    my @res = map { get("/cached?a&$header", timeout => 5) } 1, 2;

    is(join(' ', map { "$_->{status} " . header($_, 'X-Cache') . " $_->{complete}" } @res),
       '200 MISS 1 200 HIT 1', "$header, and from the cache");
    is($res[1]{body}, $res[0]{body}, "$header: the same answer");
    is(header($res[1], 'Content-Type'), 'application/json', "$header: of its own type");
}



=== TEST 6: mirror
--- config
    location /one {
        mirror /copy;
        faas one;
        proxy_pass http://functions;
    }

    location /none {
        mirror /nobody;
        mirror /copy;
        faas one;
        proxy_pass http://functions;
    }

    location = /copy {
        internal;
        log_subrequest on;
        access_log $TEST_NGINX_SERVER_ROOT/logs/copy.log;
        faas two;
        proxy_pass http://functions$request_uri;
    }

    location = /nobody {
        internal;
        faas nobody;
        proxy_pass http://functions$request_uri;
    }

    location /two {
        faas two;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, qw(one.py two.py))
--- code
my $log = server_root() . '/logs/copy.log';
my $lines = sub { scalar(() = (eval { slurp($log) } // '') =~ /\n/g) };

is(told(post('/one?x=1', 'a body'))->{service}, 'one', 'the answer');
ok(wait_for(10, sub { $lines->() == 1 }), 'the copy has its own');
like(slurp($log), qr{"POST /one\?x=1 HTTP/1.1" 200}, 'which nobody sees');
is(told(get('/two'))->{count}, 2, 'the other was called');

my $large = 'x' x 1_000_000;

is(told(post('/one', $large))->{body}, $large, 'a large body');
ok(wait_for(10, sub { $lines->() == 2 }), 'and its copy');

my @res = parallel([ map { request('POST', '/none', body => $_) } 1 .. 5 ]);

is(counted(@res), '5 x 200', 'a mirror that is not there does no harm');
is(join(' ', map { told($_)->{body} } @res), '1 2 3 4 5', 'each has its body');
ok(wait_for(10, sub { $lines->() == 7 }), 'and so have their copies');



=== TEST 7: gzip, and filters of the answer
--- config
    gzip on;
    gzip_types application/json;
    gzip_min_length 100;

    location /functions {
        faas_api /function/;
    }

    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }

    location /replaced {
        sub_filter "xxxx" "yyyy";
        sub_filter_types application/json;
        sub_filter_once off;
        faas tell;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/tell.py\n$::Tell"
--- code
my @gzip = (headers => [ 'Accept-Encoding: gzip' ]);

sub unzipped {
    my ($res) = @_;

    return 'not compressed' if (header($res, 'Content-Encoding') // '') ne 'gzip';
    gunzip(\$res->{body}, \my $text) or return 'broken';
    return $text;
}

my $text = unzipped(get('/function/tell?size=100000', @gzip));

is(length(decode_json($text)->{more}), 100_000, 'a raw answer');
is(header(get('/function/tell?size=1000'), 'Content-Encoding'), undef,
   'for who likes it only');

my $result = unzipped(http(invoke_request('tell', '{"a":1}', @gzip)));

is(eval { decode_json($result)->{output}{body} } // $result, '{"a":1}', 'an invocation');
like(unzipped(get('/function/none' . 'x' x 60, @gzip)), qr/function_not_found|not compressed/,
     'an error');
like(told(get('/replaced?size=100'))->{more}, qr/\A(?:yyyy){25}\z/, 'sub_filter');



=== TEST 8: error_page, and try_files
--- config
    proxy_read_timeout 1s;
    recursive_error_pages on;
    root $TEST_NGINX_SERVER_ROOT/html;

    location /moved {
        error_page 404 /sorry;
        faas none;
        proxy_pass http://functions;
    }

    location /named {
        error_page 404 = @sorry;
        faas none;
        proxy_pass http://functions;
    }

    location /chain {
        error_page 404 = @broken;
        faas none;
        proxy_pass http://functions;
    }

    location @broken {
        error_page 502 =200 @sorry;
        faas broken;
        proxy_pass http://functions;
    }

    location /late {
        error_page 504 = @later;
        faas tell;
        proxy_pass http://functions;
    }

    location /own {
        proxy_intercept_errors on;
        error_page 404 500 = @sorry;
        faas tell;
        proxy_pass http://functions;
    }

    location /functions-own {
        faas_api /invoked/;
    }

    location /invoked/ {
        rewrite ^ /?status=404 break;
        proxy_intercept_errors on;
        error_page 404 = @sorry;
        faas tell;
        proxy_pass http://functions;
    }

    location /denied {
        error_page 403 = @sorry;
        deny all;
        faas none;
        proxy_pass http://functions;
    }

    location /sorry {
        faas sorry;
        proxy_pass http://functions;
    }

    location @sorry {
        faas sorry;
        proxy_pass http://functions;
    }

    location @later {
        rewrite ^ /later? break;
        faas sorry;
        proxy_pass http://functions;
    }

    location /try {
        try_files $uri @sorry;
    }
--- user_files eval
FaasTest::files($::Tell, qw(tell.py sorry.py)) . ">>> fn/broken.py\nimport nothing\n"
. ">>> try/file\na file\n"
--- code
my $res = post('/moved?x', 'a body');

is("$res->{status} " . told($res)->{service}, '404 sorry', 'a path: its status stays');
is(told($res)->{line}, 'GET /sorry HTTP/1.0', 'a path: asked by GET');

$res = post('/named?x', 'a body');
is("$res->{status} " . told($res)->{service}, '200 sorry', 'a name: its own status');
is(told($res)->{line}, 'POST /named?x HTTP/1.0', 'a name: asked as it was');
is(told($res)->{body}, 'a body', 'a name: with the body');

is(told(post('/chain', 'a body'))->{body}, 'a body', 'one that fails as well');
is(told(post('/late?sleep=3', 'a body'))->{service}, 'sorry', 'one that is late');
is(by('/own?status=404'), 'sorry', "a function's own error");
is(by('/own?status=500'), 'sorry', 'and another');
is(by('/own?status=200'), 'tell', 'all is well');

my $result = decode_json(post('/functions-own/tell/invoke', '{}')->{body});

is("$result->{http_status_code} $result->{output}{service}", '404 tell',
   'a result is of the function, whatever that says');
is(by('/denied'), 'sorry', 'one that is denied');

is(get('/try/file')->{body}, "a file\n", 'a file that is there');
is(by('/try/none'), 'sorry', 'and one that is not');

# all slots are back

is(counted(parallel([ map { request('GET', $_) } ('/named', '/own?status=404', '/moved') x 4 ])),
   '4 x 200, 8 x 404', 'and so again, many at once');



=== TEST 9: protocols that are not HTTP lead to no function
--- config
    location = /fastcgi {
        faas tell;
        fastcgi_pass functions;
    }

    location = /scgi {
        faas tell;
        scgi_pass functions;
    }

    location = /uwsgi {
        faas tell;
        uwsgi_pass functions;
    }

    location = /grpc {
        faas tell;
        grpc_pass functions;
    }

    location = /memcached {
        set $memcached_key x;
        faas tell;
        memcached_pass functions;
    }

    location = /proxy {
        faas tell;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, 'tell.py')
--- code
my @pids = worker_pids();

for my $protocol (qw(fastcgi scgi uwsgi grpc memcached)) {
    is(get("/$protocol")->{status}, 500, $protocol);
}

is(scalar(() = error_log_text() =~ /\[error\].*nothing but "proxy_pass" leads to a function/g),
   5, 'the error log says why');
is(by('/proxy'), 'tell', 'it serves');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');



=== TEST 10: a body in a file, which an invocation and a mirror share
--- config
    location /functions {
        mirror /copy;
        faas_api /function/;
    }

    location /function/ {
        rewrite ^/function/([^/]+) / break;
        faas $1;
        proxy_pass http://functions;
    }

    location = /copy {
        internal;
        faas last;
        proxy_pass http://functions/;
    }

    location = /last {
        mirror /mirrored/one/invoke;
        faas last;
        proxy_pass http://functions/sleep;
    }

    location /mirrored {
        faas_api /function/;
    }
--- user_files eval
FaasTest::files($::Tell, 'one.py') . ">>> fn/last.py\n$::Last"
--- code
my $large = qq({"input":") . 'x' x 1_000_000 . qq("});
my $one = result(post('/functions/one/invoke', $large));

is(length($one->{output}{body} // ''), 1_000_002, 'the input is what is invoked')
    or diag($one->{error_message});
ok(wait_for(10, sub { get('/last')->{body} eq $large }), 'the mirror has all of the body');

# the other way round, while the mirrored one is still to be sent

is(post('/last', $large)->{body}, 'told', 'a body that is invoked by a mirror, too');
ok(wait_for(10, sub { get('/last')->{body} eq $large }), 'is what it was');
