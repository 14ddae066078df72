# Faults that belong nowhere else: a shim that is killed, what is told to the log
# and to clients, and what is long to read.

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



=== TEST 2: a line of the log is a line
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



=== TEST 3: nothing of the memory is told
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



=== TEST 4: a million keys
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
