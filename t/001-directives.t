# The directives: what they take, and how they say what they do not.

use lib 't/lib';
use FaasTest;

plan tests => repeat_each() * 56;

no_shuffle();
run_tests();

__DATA__

=== TEST 1: a zone, a root and two locations are enough; no engine is asked
--- http_config
    faas_zone test;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    upstream functions { faas; }
--- request
GET /functions
--- response_body
[]
--- response_headers
Content-Type: application/json



=== TEST 2: all directives
--- http_config
    faas_zone    test:64k;
    faas_root    html/fn;
    faas_docker  unix:/nowhere/docker.sock;
    faas_runtime python ext=.py image=some:tag concurrency=2 prewarm=1
                 memory=64m cpus=0.5 pids=32 tmpfs=1m start_timeout=1500ms;
    faas_runtime deno;
    faas_buffer_size 16k;
    upstream functions { faas; keepalive 2; }
--- request
GET /functions/
--- response_body
[]



=== TEST 3: a runtime alone is the only one
--- faas_http
    faas_runtime deno;
--- request
POST /functions
{"name":"a","language":"python","source_code":""}
--- error_code: 400
--- response_body
{"error":{"code":"invalid_language","message":"there is no such language here"}}



=== TEST 4: faas_zone twice
--- http_config
    faas_zone a:1m;
    faas_zone b:1m;
--- must_die
--- error_log
"faas_zone" directive is duplicate



=== TEST 5: faas_zone without a name
--- http_config
    faas_zone :1m;
--- must_die
--- error_log
invalid zone ":1m"



=== TEST 6: faas_zone without a size that is one
--- http_config
    faas_zone a:much;
--- must_die
--- error_log
invalid zone "a:much"



=== TEST 7: faas_zone too small
--- http_config
    faas_zone a:8k;
--- must_die
--- error_log
zone "a" is too small



=== TEST 8: faas_zone without faas_root
--- http_config
    faas_zone a:1m;
--- config
--- must_die
--- error_log
"faas_zone" needs a "faas_root"



=== TEST 9: faas without faas_zone
--- http_config
    upstream functions { faas; }
--- config
    location / { faas a; proxy_pass http://functions; }
--- must_die
--- error_log
"faas" needs a "faas_zone"



=== TEST 10: faas_api without faas_zone
--- http_config
--- config
    location /functions { faas_api /function/; }
--- must_die
--- error_log
"faas_api" needs a "faas_zone"



=== TEST 11: faas_api with a prefix that is none
--- config
    location /functions { faas_api function; }
--- must_die
--- error_log
invalid prefix "function", it must begin and end with a slash



=== TEST 12: faas_api in a location that is not a prefix
--- config
    location ~ ^/functions { faas_api /function/; }
--- must_die
--- error_log
"faas_api" directive is allowed in a prefix location only



=== TEST 13: faas twice
--- config
    location / { faas a; faas b; proxy_pass http://functions; }
--- must_die
--- error_log
"faas" directive is duplicate



=== TEST 14: faas_docker that is no unix socket
--- faas_http
    faas_docker tcp://127.0.0.1:2375;
--- must_die
--- error_log
invalid engine "tcp://127.0.0.1:2375", it must be "unix:" and an absolute path



=== TEST 15: faas_docker twice
--- faas_http
    faas_docker unix:/a;
    faas_docker unix:/b;
--- must_die
--- error_log
"faas_docker" directive is duplicate



=== TEST 16: a runtime that there is none of
--- faas_http
    faas_runtime perl;
--- must_die
--- error_log
unknown runtime "perl", there are "python" and "deno"



=== TEST 17: a runtime twice
--- faas_http
    faas_runtime python;
    faas_runtime python;
--- must_die
--- error_log
"faas_runtime" directive is duplicate



=== TEST 18: parameters out of their bounds
--- faas_http
    faas_runtime python concurrency=0;
--- must_die
--- error_log
invalid parameter "concurrency=0"



=== TEST 19: memory less than a container can have
--- faas_http
    faas_runtime python memory=4m;
--- must_die
--- error_log
invalid parameter "memory=4m"



=== TEST 20: an extension with a slash
--- faas_http
    faas_runtime python ext=.a/b;
--- must_die
--- error_log
invalid parameter "ext=.a/b"



=== TEST 21: a parameter that there is none of
--- faas_http
    faas_runtime python colour=red;
--- must_die
--- error_log
invalid parameter "colour=red"



=== TEST 22: an upstream of ours without a function
--- faas_locations
    location /bare { proxy_pass http://functions; }
--- request
GET /bare
--- error_code: 500
--- error_log
faas: no function to proxy to, is there a "faas" directive in this location?



=== TEST 23: two runtimes of one extension
--- faas_http
    faas_runtime deno ext=.py;
    faas_runtime python;
--- must_die
--- error_log
runtimes "deno" and "python" have the same extension
