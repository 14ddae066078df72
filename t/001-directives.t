# The directives: what they take, and how they say what they do not.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => repeat_each() * 218;

# what nginx -t says of a configuration: its exit status and its words
sub nginx_t {
    my ($http) = @_;
    my $dir = html_dir() . '/t';

    mkdir $dir;
    mkdir "$dir/logs";

    write_file("$dir/nginx.conf", join "\n",
        (map { "load_module $_;" } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // ''),
        'pid logs/nginx.pid;', 'events {}', "http { access_log off; $http }", '');

    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $said = `$nginx -p $dir/ -e stderr -t -c nginx.conf 2>&1`;

    return ($? >> 8, $said);
}

our $Zone = 'faas_zone a; faas_root x;';

# of one directive more in http, or of one location
sub http_t { return nginx_t("$main::Zone $_[0]") }

sub location_t {
    my $socket = html_dir() . '/t/socket';
    return http_t("upstream f { faas; } server { listen unix:$socket; $_[0] }");
}

sub valid {
    my ($conf, $rc, $said) = @_;
    ok($rc == 0 && $said !~ /\[(?:warn|error|crit|alert|emerg)\]/, $conf)
        or diag($said);
}

# one line that says what is wrong, and where where nginx can know it
sub invalid {
    my ($conf, $error, $rc, $said) = @_;
    my @emerg = $said =~ /\[emerg\] \S+ (.*)/g;

    ok($rc == 1 && @emerg == 1 && index($emerg[0], $error) == 0, $conf)
        or diag($said);
}

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



=== TEST 24: nginx -t, a start and a reload need no engine
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/none.sock;
--- code
main::valid('no engine', main::http_t('faas_docker unix:/nowhere/docker.sock;'));
is(get('/functions')->{body}, "[]\n", 'started');

my @before = worker_pids();
signal_master('HUP');

ok(wait_for(15, sub {
    my @now = worker_pids();
    my %old = map { $_ => 1 } @before;
    return @now == 2 && !grep { $old{$_} } @now;
}), 'reloaded');

is(get('/functions')->{body}, "[]\n", 'serves');



=== TEST 25: nginx -t does not talk to the engine
--- code
my $socket = html_dir() . '/engine.sock';
my $log = fake_engine($socket, 'silent');

main::valid('an engine that says nothing', main::http_t("faas_docker unix:$socket;"));
is(slurp($log), '', 'and is asked nothing');



=== TEST 26: values that are accepted
--- code
for my $conf ('', 'faas_docker unix:/a;', 'faas_runtime python;', 'faas_runtime deno;',
              'faas_runtime deno; faas_runtime python;', 'faas_buffer_size 1k;',
              'faas_runtime python ext=.ts; faas_runtime deno ext=.py;',
              'upstream u { faas; }', 'upstream u { faas; keepalive 1; }')
{
    main::valid("http: '$conf'", main::http_t($conf));
}

for my $param (qw(ext=.x ext=.1234567 image=a image=host:5000/a/b:c concurrency=1
                  concurrency=65535 prewarm=0 prewarm=256 memory=8m memory=1g
                  memory=134217728 tmpfs=64k tmpfs=1g pids=8 pids=32768
                  cpus=0.01 cpus=.5 cpus=1.25 cpus=1024 start_timeout=1ms
                  start_timeout=2s start_timeout=1m30s seccomp=engine))
{
    main::valid($param, main::http_t("faas_runtime deno $param;"));
}

mkdir html_dir() . '/t';
write_file(html_dir() . '/t/filter.json', '{"defaultAction":"SCMP_ACT_ERRNO"}');
main::valid('seccomp=filter.json', main::http_t('faas_runtime deno seccomp=filter.json;'));

for my $zone ('a', 'a:32k', 'a:1m', 'functions:64m') {
    main::valid("faas_zone $zone", main::nginx_t("faas_zone $zone; faas_root x;"));
}

for my $root ('x', 'x/y/', '/', '/nowhere/at/all') {
    main::valid("faas_root $root", main::nginx_t("faas_zone a; faas_root $root;"));
}

for my $conf ('faas_buffer_size 1k; location / { faas_buffer_size 2k; }',
              'location / { faas a; proxy_pass http://f; }',
              'location / { faas $uri; proxy_pass http://f; }',
              'location ~ ^/(?<fn>x) { faas $fn; proxy_pass http://f; }',
              'location @named { faas a-$args; proxy_pass http://f; }',
              'location / { if ($args) { faas a; proxy_pass http://f; } }',
              'location / { faas_api /f/; } location /f/ { faas a; proxy_pass http://f; }',
              'location ^~ /a { faas_api /f/; }',
              'location /a { faas_api /f/; location /a/b { faas_api /f/; } }')
{
    main::valid($conf, main::location_t($conf));
}



=== TEST 27: values that are not
--- code
for my $param (qw(ext= ext=. ext=py ext=.12345678 ext=.a/b ext=.. ext=.a.b ext=.a-b image=
                  seccomp= concurrency=
                  concurrency=0 concurrency=-1 concurrency=65536 concurrency=x
                  concurrency=1.5 prewarm=-1 prewarm=257 prewarm=x memory= memory=x
                  memory=8388607 memory=-1 memory=99999999999999999999 tmpfs=63k
                  tmpfs=x pids=7 pids=32769 pids=x cpus=0 cpus=0.001 cpus=1025
                  cpus=-1 cpus=x start_timeout=0 start_timeout=-1 start_timeout=x
                  memory = Memory=64m user=root privileged=1))
{
    main::invalid($param, qq(invalid parameter "$param" in ),
                  main::http_t("faas_runtime python $param;"));
}

main::invalid('no profile', 'profile "/nowhere/x.json" cannot be read in ',
              main::http_t('faas_runtime python seccomp=/nowhere/x.json;'));
mkdir html_dir() . '/t';
my $other = html_dir() . '/t/other.json';
write_file($other, '{}');
main::invalid('another file', qq("$other" is not a seccomp profile in ),
              main::http_t("faas_runtime python seccomp=$other;"));

for my $name ('Python', 'perl', 'python3', '""') {
    my $text = $name eq '""' ? '' : $name;
    main::invalid("runtime $name",
                  qq(unknown runtime "$text", there are "python" and "deno" in ),
                  main::http_t("faas_runtime $name;"));
}

for my $zone ('""', 'a:', 'a:x', 'a:-1', ':1m', 'a:99999999999999999999g') {
    my $text = $zone eq '""' ? '' : $zone;
    main::invalid("zone $zone", qq(invalid zone "$text" in ),
                  main::nginx_t("faas_zone $zone; faas_root x;"));
}

for my $size ('0', '8k', '31k') {
    main::invalid("zone a:$size", 'zone "a" is too small in ',
                  main::nginx_t("faas_zone a:$size; faas_root x;"));
}

for my $engine ('unix:', 'unix:relative', '/var/run/docker.sock', 'http://localhost',
                '127.0.0.1:2375')
{
    main::invalid("engine $engine", qq(invalid engine "$engine", it must be "unix:" )
                                    . 'and an absolute path in ',
                  main::http_t("faas_docker $engine;"));
}

main::invalid('engine of 200 characters', 'too long path in the unix domain socket',
              main::http_t('faas_docker unix:/' . 'x' x 200 . ';'));
main::invalid('an empty root', '"faas_zone" needs a "faas_root"',
              main::nginx_t('faas_zone a; faas_root "";'));

for my $size ('x', '-1') {
    main::invalid("faas_buffer_size $size",
                  '"faas_buffer_size" directive invalid value in ',
                  main::http_t("faas_buffer_size $size;"));
}

for my $prefix ('/', 'a', 'a/', '/a', '""') {
    my $text = $prefix eq '""' ? '' : $prefix;
    main::invalid("faas_api $prefix", qq(invalid prefix "$text", it must begin and )
                                      . 'end with a slash in ',
                  main::location_t("location / { faas_api $prefix; }"));
}

for my $upstream ('faas; server 127.0.0.1:1;', 'server 127.0.0.1:1; faas;') {
    main::invalid("upstream with $upstream",
                  'upstream "u" has "faas", and so no "server"',
                  main::http_t("upstream u { $upstream }"));
}

main::invalid('an unknown variable', 'unknown "none" variable',
              main::location_t('location / { faas $none; proxy_pass http://f; }'));
main::invalid('faas_api in a named location',
              '"faas_api" directive is allowed in a prefix location only in ',
              main::location_t('location @named { faas_api /f/; }'));



=== TEST 28: duplicates, numbers of arguments, and places
--- code
for my $conf ('faas_root y;', 'faas_zone b;') {
    my ($name) = $conf =~ /(\w+)/;
    main::invalid("$name twice", qq("$name" directive is duplicate in ),
                  main::http_t($conf));
}

main::invalid('faas_buffer_size twice', '"faas_buffer_size" directive is duplicate in ',
              main::http_t('faas_buffer_size 1k; faas_buffer_size 2k;'));
main::invalid('faas_api twice', '"faas_api" directive is duplicate in ',
              main::location_t('location / { faas_api /a/; faas_api /b/; }'));

for my $conf ('faas_zone;', 'faas_zone a b;', 'faas_root;', 'faas_root a b;',
              'faas_docker;', 'faas_docker a b;', 'faas_runtime;', 'faas_buffer_size;',
              'faas_buffer_size 1k 2k;')
{
    my ($name) = $conf =~ /(\w+)/;
    main::invalid($conf, qq(invalid number of arguments in "$name" directive in ),
                  main::nginx_t($conf));
}

for my $conf ('faas;', 'faas a b;', 'faas_api;', 'faas_api /a/ /b/;') {
    my ($name) = $conf =~ /(\w+)/;
    main::invalid($conf, qq(invalid number of arguments in "$name" directive in ),
                  main::location_t("location / { $conf }"));
}

main::invalid('faas with a name in an upstream',
              'invalid number of arguments in "faas" directive in ',
              main::http_t('upstream u { faas a; }'));

for my $conf ('faas a;', 'faas_api /a/;') {
    my ($name) = $conf =~ /(\w+)/;
    main::invalid("$name in http", qq("$name" directive is not allowed here in ),
                  main::http_t($conf));
    main::invalid("$name in server", qq("$name" directive is not allowed here in ),
                  main::http_t("server { $conf }"));
}

for my $conf ('faas_zone a;', 'faas_root x;', 'faas_docker unix:/a;',
              'faas_runtime deno;')
{
    my ($name) = $conf =~ /(\w+)/;
    main::invalid("$name in server", qq("$name" directive is not allowed here in ),
                  main::http_t("server { $conf }"));
}
