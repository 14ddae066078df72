# proxy_cache: whoever is answered by the cache takes no slot and wakes nothing,
# and an old answer is served while there is no instance.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 87;

# Answers what "v" of the query is, and the number of the call; with "size" so
# many bytes more, after "sleep" seconds, with "status".

our $Tell = <<'_EOC_';
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

count = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def tell(self):
        global count
        count += 1
        query = dict(parse_qsl(urlsplit(self.path).query))
        time.sleep(float(query.get("sleep", 0)))
        out = f"call {count}\n".encode() + b"x" * int(query.get("size", 0))

        if self.headers.get("If-None-Match") == '"tag"':
            self.send_response(304)
            self.end_headers()
            return

        self.send_response(int(query.get("status", 200)))
        self.send_header("ETag", '"tag"')
        self.send_header("Keep-Alive", "timeout=5")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_HEAD = tell


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_


our $Http = <<'_EOC_';
    faas_runtime python prewarm=0 max_instances=1 concurrency=1;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;
_EOC_


# "200 HIT call 1", without a wait for the end of the connection

sub cached {
    my ($path, @headers) = @_;
    my $sock = connect_to();
    my $raw = '';
    my $res;

    syswrite($sock, request('GET', $path, headers => [ 'Connection: keep-alive', @headers ]));

    do {
        $raw .= read_some($sock) || return "no answer: $raw";
        $res = parse_response($raw);
    } until $res->{complete};

    my $what = $res->{body} =~ /\A(call \d+)/ ? $1
               : (eval { decode_json($res->{body})->{error}{code} } // $res->{body});

    return join(' ', $res->{status}, header($res, 'X-Cache') // 'none', $what);
}


sub code_of {
    my ($res) = @_;
    return eval { decode_json($res->{body})->{error}{code} } // $res->{raw};
}


# its instances end, and the next call starts another one

sub gone {
    my ($function) = @_;

    act_on('kill', $_->{Id}) for instances($function);
    return wait_for(10, sub { !instances($function) });
}


run_tests();

__DATA__

=== TEST 1: a hit wakes nothing, and holds nothing
--- fresh
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1h;
        add_header X-Cache $upstream_cache_status always;
        faas f;
        proxy_pass http://functions;
    }

    location /plain {
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell"
--- code
is(cached('/c/'), '200 MISS call 1', 'the first');
is(cached('/c/'), '200 HIT call 1', 'the second');
is(cached('/c/?size=30000000'), '200 MISS call 2', 'a large one');

# somebody who does not read it

my $slow = connect_to(rcvbuf => 4096);

syswrite($slow, request('GET', '/c/?size=30000000'));
read_some($slow);
is(get('/plain', timeout => 5)->{body}, "call 3\n", 'a slow reader holds nothing');
close $slow;

ok(gone('f'), 'the instance has gone');
is(cached('/c/'), '200 HIT call 1', 'a hit');
is(scalar(instances()), 0, 'wakes nothing');
is(cached('/c/?other'), '200 MISS call 1', 'all else does');

is(join(' ', headers(get('/c/'), 'Keep-Alive')), '', "a hit has no header of the function's connection");
is(http(request('HEAD', '/c/'))->{status}, 200, 'HEAD of it');
is(http(request('HEAD', '/c/?head'))->{status}, 200, 'HEAD of what is not there');
is(cached('/c/?head'), '200 HIT call 2', 'which asks for all of it');
is(post('/c/', 'x')->{body}, "call 3\n", 'POST asks the function');



=== TEST 2: errors, where nothing is in the cache
--- fresh
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid any 1h;
        proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
        faas $arg_fn;
        proxy_pass http://functions;
    }

    location /paged {
        error_page 404 502 = @instead;
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid any 1h;
        faas $arg_fn;
        proxy_pass http://functions;
    }

    location @instead {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell>>> fn/broken.py\nimport nothing\n"
--- code
for (1, 2) {
    my $res = get('/c/?fn=none');

    is("$res->{status} " . code_of($res), '404 function_not_found', 'no function');
    is(header($res, 'Content-Type'), 'application/json', 'in JSON');

    $res = get('/c/?fn=broken', timeout => 30);
    is("$res->{status} " . code_of($res), '502 function_failed', 'one that does not start');

    $res = get('/c/?fn=..');
    is("$res->{status} " . code_of($res), '400 invalid_name', 'no name');
}

is(get('/paged?fn=none')->{body}, "call 1\n", 'another one instead');
is(get('/paged?fn=broken')->{body}, "call 2\n", 'and of the one that does not start');

my @res = parallel([ map { request('GET', "/c/?fn=none&$_") } 1 .. 20 ]);

is(scalar(grep { $_->{status} == 404 } @res), 20, 'many at once');
is(get('/c/?fn=f')->{body}, "call 3\n", 'and all is well');

# it is over keep-alive as it is else

my $sock = connect_to();

for (1 .. 3) {
    syswrite($sock, request('GET', '/c/?fn=none', headers => [ 'Connection: keep-alive' ]));
    like(read_some($sock), qr{\AHTTP/1.1 404 .*function_not_found}s, 'and again');
}



=== TEST 3: no engine
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;

    upstream functions {
        faas;
    }
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1h;
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell"
--- log_allow: engine.sock failed
--- code
my @res = (get('/c/'), parallel([ map { request('GET', "/c/?$_") } 1 .. 10 ]));

is(scalar(grep { $_->{status} == 503 } @res), 11, 'refused');
is(code_of($res[0]), 'backend_unavailable', 'with the reason');
ok(header($res[0], 'Retry-After'), 'and when to try again');



=== TEST 4: an old answer while a new one is made, with one place
--- fresh
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        proxy_cache_use_stale error timeout updating http_502 http_503;
        proxy_cache_background_update on;
        proxy_cache_lock on;
        add_header X-Cache $upstream_cache_status always;
        rewrite ^/c/(?<fn>\w+)$ / break;
        faas $fn;
        proxy_pass http://functions;
    }

    location /plain {
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell"
--- code
is(cached('/c/f?sleep=2'), '200 MISS call 1', 'the first');
sleep 2.2;

for my $n (1, 2) {
    is(cached('/c/f?sleep=2'), "200 STALE call $n", 'an old one');
    like(cached('/c/f?sleep=2'), qr/\A200 UPDATING call $n\z/, 'while it is renewed');
    ok(wait_for(10, sub { cached('/c/f?sleep=2') =~ /\A200 HIT/ }), 'which it is');
    sleep 2.2;
}

is(get('/plain', timeout => 5)->{body}, "call 4\n", 'its place is free');

# the instance is gone: the old answer, while another one boots

ok(gone('f'), 'the instance has gone');

is(cached('/c/f?sleep=2'), '200 STALE call 3', 'still there');
ok(wait_for(10, sub { cached('/c/f?sleep=2') =~ /call 1/ }), 'and then a new one');

# the function does not start any more

write_file(html_dir() . '/fn/f.py', "import nothing\n");
gone('f');
sleep 2.2;
is(cached('/c/f?sleep=2'), '200 STALE call 1', 'it is broken');
sleep 3;
is(cached('/c/f?sleep=2'), '200 STALE call 1', 'and remains so');
is(cached('/c/f?another'), '502 MISS function_failed', 'who has no old answer knows');

# and it is not there any more

unlink(html_dir() . '/fn/f.py');
sleep 2.2;
like(cached('/c/f?sleep=2'), qr/\A200 STALE call 1\z/, 'it is gone: once more');



=== TEST 5: an old answer on errors, without a background
--- fresh
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        proxy_cache_use_stale error timeout http_502 http_503;
        proxy_read_timeout 1s;
        add_header X-Cache $upstream_cache_status always;
        faas f;
        proxy_pass http://functions;
    }

    location /strict {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        add_header X-Cache $upstream_cache_status always;
        faas f;
        proxy_pass http://functions;
    }

    location /fresh {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        proxy_cache_revalidate on;
        add_header X-Cache $upstream_cache_status always;
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell"
--- code
is(cached('/c/'), '200 MISS call 1', 'the first');
is(cached('/strict'), '200 MISS call 2', 'and another');
is(cached('/fresh'), '200 MISS call 3', 'and another');
sleep 2.2;
is(cached('/fresh'), '200 REVALIDATED call 3', 'asked again whether it is still so');

write_file(html_dir() . '/fn/f.py', "import nothing\n");
gone('f');
sleep 2.2;
is(cached('/c/'), '200 STALE call 1', 'it does not start');
is(cached('/strict'), '502 EXPIRED function_failed', 'who wants no old answer');

my @res = parallel([ map { request('GET', '/c/') } 1 .. 10 ]);

is(scalar(grep { $_->{body} eq "call 1\n" } @res), 10, 'many at once');
is(join(' ', headers($res[0], 'Keep-Alive')), '', "without what is the connection's");

unlink(html_dir() . '/fn/f.py');
is(cached('/c/'), '404 EXPIRED function_not_found', 'it is not there');

write_file(html_dir() . '/fn/f.py', $main::Tell);
is(cached('/c/'), '200 EXPIRED call 1', 'and here it is again');



=== TEST 6: clients that go away while they wait for a start
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1h;
        proxy_cache_lock on;
        add_header X-Cache $upstream_cache_status always;
        rewrite ^/c/(?<fn>\w+)$ / break;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, qw(f.py g.py))
--- code
for my $round (1 .. 15) {
    my @socks = map { connect_to() } 1 .. 4;

    syswrite($_, request('GET', "/c/f?$round" . ($_ % 2))) for @socks;
    sleep 0.05 * $round;
    close $_ for @socks;
}

like(cached('/c/f?last'), qr/\A200 MISS call \d+\z/, 'nothing is held');
like(cached('/c/g?first'), qr/\A200 MISS call 1\z/, 'nor elsewhere');



=== TEST 7: the time that a call has goes for its wait, too
--- faas_http eval: $::Http
--- config
    location /c/ {
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1s;
        proxy_cache_use_stale timeout;
        add_header X-Cache $upstream_cache_status always;
        faas f;
        faas_timeout 1s;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell"
--- code
wait_for(10, sub { cached('/c/first') =~ /\A200/ });
like(cached('/c/'), qr/\A200 MISS/, 'in time');
is(cached('/c/?sleep=3'), '504 MISS timeout', 'too late');
ok(wait_for(10, sub { cached('/c/again') =~ /\A200/ }), 'another instance is there');

# one that waits for the only place

my $sock = connect_to();

syswrite($sock, request('GET', '/c/?sleep=0.9'));
sleep 0.1;

my @res = parallel([ map { request('GET', "/c/?sleep=0.8&$_") } 1 .. 3 ]);

is(scalar(grep { $_->{status} == 504 } @res), 3, 'too late for a place');
close $sock;

sleep 2.2;
syswrite($sock = connect_to(), request('GET', '/c/?sleep=0.9&x'));
sleep 0.1;
syswrite(my $other = connect_to(), request('GET', '/c/?sleep=0.9&y'));
sleep 0.1;
like(cached('/c/'), qr/\A200 STALE/, 'or the old answer');
ok(wait_for(10, sub { cached('/c/again') =~ /\A200/ }), 'and all is well');



=== TEST 8: and so is who has a body that is not read first
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0;

    upstream functions {
        faas;
    }
--- config
    location /direct {
        proxy_request_buffering off;
        client_max_body_size 0;
        faas $arg_fn;
        proxy_pass http://functions;
    }

    location /paged {
        proxy_request_buffering off;
        client_max_body_size 0;
        error_page 404 502 = @instead;
        faas $arg_fn;
        proxy_pass http://functions;
    }

    location @instead {
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::Tell>>> fn/broken.py\nimport nothing\n"
--- code
my $large = 'x' x 3_000_000;

is(code_of(post('/direct?fn=none', $large)), 'function_not_found', 'no function');
is(post('/direct?fn=none', $large)->{status}, 404, 'its status');
is(code_of(post('/direct?fn=broken', $large)), 'function_failed', 'one that does not start');
is(code_of(get('/direct?fn=none')), 'function_not_found', 'without a body');
is(get('/paged?fn=none')->{body}, "call 1\n", 'another one instead');
is(post('/paged?fn=broken', 'a body')->{status}, 200, 'with a body');

# two on one connection

my $sock = connect_to();

syswrite($sock, request('POST', '/direct?fn=none', body => 'x' x 1000,
                        headers => [ 'Connection: keep-alive' ])
                . request('POST', '/direct?fn=f', body => 'x' x 1000));

my $one = parse_response(read_all($sock));

is($one->{status}, 404, 'the first of two');
is(parse_response($one->{rest})->{status}, 200, 'and the second');



=== TEST 9: without a key of its own an answer is not cached: it could be another function's
--- fresh
--- faas_http eval: $::Http
--- config
    location /k/ {
        rewrite ^/k/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        proxy_cache cache;
        proxy_cache_valid 200 1h;
        add_header X-Cache $upstream_cache_status always;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval: FaasTest::files($::Tell, 'f.py', 'g.py')
--- code
is(cached('/k/f/page'), '200 MISS call 1', 'one function');
is(cached('/k/g/page'), '200 MISS call 1', 'another one, the same page');
is(cached('/k/f/page'), '200 MISS call 2', 'the first again');
is(http(request('HEAD', '/k/f/page'))->{status}, 200, 'HEAD');
is(cached('/k/g/page?size=3000000'), '200 MISS call 2', 'a large one');
like(error_log_text(), qr/\[error\].*faas: an answer is not cached without a "proxy_cache_key"/,
     'the error log says why');
