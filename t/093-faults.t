# Faults that belong nowhere else: a shim that is killed, a configuration that is
# none, a module for another nginx, and what is told to the log and to clients.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 58;

worker_connections(1024);

our $Where = FaasTest::where_py();
our $Echo = FaasTest::echo_py();

run_tests();

__DATA__

=== TEST 1: the shim of a container is killed
--- faas_http
    faas_runtime python prewarm=0 concurrency=1;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, 'f.py')
--- code
for my $busy (0, 1) {
    my $old = where(get('/function/f'))->{host};
    my $pid = inspect($old)->{State}{Pid};
    my ($shim) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) \S (\d+)/s;
    my $sock;

    like(slurp("/proc/$shim/cmdline"), qr/shim/, 'it is a shim');

    if ($busy) {
        $sock = connect_to();
        syswrite($sock, request('GET', '/function/f/sleep/5'));
        sleep 0.3;
    }

    kill('KILL', $shim);
    kill('KILL', $pid);

    is(parse_response(read_all($sock, 15))->{status}, 502, 'who was there is told')
        if $busy;

    wait_for(5, sub { !alive($pid) });

    my $new = where(get('/function/f'))->{host};

    like($new, qr/^[0-9a-f]{12}$/, 'the next one is served');
    isnt($new, $old, 'by another one');
    ok(wait_for(20, sub { instances() == 1 }), 'the old one is removed');
}



=== TEST 2: a reload of what is none
--- log_allow
\[emerg\].*(?:faas_no_such|unknown directive)
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, 'f.py')
--- code
my $host = where(get('/function/f'))->{host};
my @workers = worker_pids();

change_conf('faas_root' => 'faas_no_such on; faas_root');
signal_master('HUP');

ok(wait_for(5, sub { error_log_text() =~ /unknown directive "faas_no_such"/ }),
   'it is told');
is(where(get('/function/f'))->{host}, $host, 'the function is where it was');
is(join(' ', sort { $a <=> $b } worker_pids()), join(' ', sort { $a <=> $b } @workers),
   'the workers are the same');

change_conf('faas_no_such on; ' => '');
ok(reload_nginx(), 'a better one');
is(where(get('/function/f'))->{host}, $host, 'and is where it was');



=== TEST 3: the log is opened again
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, 'f.py', 'g.py')
--- code
my $log = server_root() . '/logs/error.log';

is(get('/function/f')->{status}, 200, 'it serves');

rename($log, "$log.1") or die "rename: $!";
signal_master('USR1');
ok(wait_for(5, sub { -e $log }), 'a new log');

is(get('/function/g')->{status}, 200, 'another one');
ok(wait_for(5, sub { error_log_text() =~ /function "g" is ready/ }), 'is told there');
unlike(slurp("$log.1"), qr/function "g" is ready/, 'and not in the old one');



=== TEST 4: a line of the log is a line
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- user_files eval
">>> fn/shout.py\nimport sys\nprint('\\n2026/01/01 00:00:00 [debug] forged\\x1b[31m\\0\\r\\n[debug] too',"
. " file=sys.stderr)\nsys.exit(1)\n"
--- config
    faas_command shout /bin/sh -c "printf 'a\\n2026/01/01 00:00:00 [debug] forged\\033[31m' >&2";

    location /functions {
        faas_api /function/;
    }

    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }

    location /command/ {
        faas shout;
    }
--- code
is(post('/command/', '')->{status}, 200, 'a command');
isnt(get('/function/shout')->{status}, 200, 'a function that does not start');

for my $path ('/function/x%0a2026/01/01%2000:00:00%20[debug]%20forged',
              '/functions/%1b[31m%0d%0a[debug]')
{
    get($path);
    get($path, headers => [ "X-A: \x1b[31m" ]);
}

my $text = error_log_text();

unlike($text, qr/^(?!\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#\d+: )./m,
       'each line has a time, a level and a process');
unlike($text, qr/[\0\x1b\r]/, 'and no escapes');



=== TEST 5: nothing of the memory is told
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
    faas_buffer_size 4k;
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
# memory that is freed, and memory that is new, is of one byte for nginx now

my $mark = 0x5c;

ok(stop_nginx('QUIT'), 'nginx ends');

{
    local $ENV{MALLOC_PERTURB_} = $mark;
    ok(start_nginx(), 'and starts, with such a memory');
}

my $marked = sub { $_[0] =~ /[\Q${\ chr($mark ^ 0xff)}${\ chr $mark}\E]{4}/ ? 1 : 0 };

for my $size (0, 1, 4095, 4096, 4097, 70000) {
    my $res = post('/function/echo', 'x' x $size);

    is(length($res->{body}) . ' ' . $marked->($res->{raw}), "$size 0", "$size bytes");
    is($marked->(http(invoke_request('echo', '"' . 'x' x $size . '"'))->{raw}), 0,
       'and invoked');
}

for my $res (get('/functions/none'), get('/function/none'), get('/functions'),
             post('/functions', '{'), post('/functions', '{"name":"a","code":""}'),
             get('/functions/echo'), post('/functions/echo/invoke', '{"input":'))
{
    is($marked->($res->{raw}), 0, "an answer of $res->{status}");
}



=== TEST 6: a million keys
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
    client_max_body_size 64m;
    upstream functions { faas; }
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
my $keys = '{' . join(',', map { "\"k$_\":$_" } 1 .. 1_000_000) . '}';
my $deep = '"' . ('\\u0041\\"' x 1_000_000) . '"';
my $open = '[' x 1_000_000;

# linear: what takes a second for a megabyte would not be done in time

for my $input ($keys, $deep) {
    my $res = http(invoke_request('echo', $input, timeout_ms => 20000), timeout => 30);

    is($res->{status}, 200, length($input) . ' bytes');
    ok(index(substr($res->{body}, 0, 100), '"status":"success"') > 0, 'have an answer');
}

is(http(invoke_request('echo', $open), timeout => 30)->{status}, 400, 'brackets');



=== TEST 7: a module for another nginx
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- code
my ($module, $other) = ($ENV{TEST_NGINX_LOAD_MODULES}, server_root() . '/logs/other.so');
my $bytes = slurp($module);

# the signature of ngx_module.h, by which nginx knows what a module was built for

my $n = ($bytes =~ s/(\d,\d,\d,[01]{34})/my $s = $1; $s =~ tr,01,10,; $s/ge);
cmp_ok($n, '>', 0, 'it has one');
FaasClient::write_file($other, $bytes);

my $conf = slurp(server_root() . '/conf/nginx.conf');
$conf =~ s/\Q$module\E/$other/ or die 'no load_module';
FaasClient::write_file(server_root() . '/logs/other.conf', $conf);

my $out = `$ENV{TEST_NGINX_BINARY} -t -p ${\ server_root()}/ -c ${\ server_root()}/logs/other.conf -e stderr 2>&1`;
like($out, qr/is not binary compatible/, 'nginx says so');
