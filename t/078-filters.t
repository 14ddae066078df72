# Filters that take an answer away and give another one: the function's has
# still to come, and is of no use to anybody.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use File::Temp ();

our $Filter = '/usr/lib/nginx/modules/ngx_http_image_filter_module.so';
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $conf = File::Temp->new;

print $conf "load_module $Filter;\npid /dev/null;\nevents {\n}\n";
close $conf;

plan skip_all => 'the image filter is not for this nginx'
    if system("$nginx -t -q -c $conf >/dev/null 2>&1") != 0;

plan tests => 15;

# no image, in pieces: as many and as far apart as the query says

our $NoImage = <<'_EOC_';
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", "600000")
        self.end_headers()
        try:
            for _ in range(6):
                self.wfile.write(b"x" * 100000)
                self.wfile.flush()
                time.sleep(float(query.get("pause", ["0"])[0]))
        except OSError:
            pass


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

run_tests();

__DATA__

=== TEST 1: an answer that is no image
--- main_config eval: "load_module $::Filter;"
--- faas_http
    faas_runtime python prewarm=0 concurrency=2;
    proxy_cache_path $TEST_NGINX_SERVER_ROOT/html/cache keys_zone=cache:1m;
--- config
    location /functions {
        faas_api /function/;
    }

    location /image/ {
        image_filter resize 10 10;
        faas f;
        proxy_pass http://functions;
    }

    location /direct/ {
        image_filter resize 10 10;
        proxy_buffering off;
        faas f;
        proxy_pass http://functions;
    }

    location /cached/ {
        image_filter resize 10 10;
        proxy_cache cache;
        proxy_cache_key $request_uri;
        proxy_cache_valid 200 1m;
        faas f;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/f.py\n$::NoImage"
--- code
my @pids = worker_pids();

for my $where (qw(image direct cached)) {
    for my $pause (0, 0.2) {
        my @answers = parallel([ map { request('GET', "/$where/$_?pause=$pause") }
                                 1 .. 2 ]);

        is(join(' ', map { $_->{status} } @answers), '415 415',
           "$where, $pause s: the filter's own answer");
        sleep 1;
        ok(settled('f'), "$where, $pause s: no place is taken");
    }
}

is(get('/image/?pause=0')->{status}, 415, 'and so again');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');
