# Faults that belong nowhere else: limits of a container, streams that are reset,
# a configuration that is none, and what is told to the log and to clients.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 76;

worker_connections(1024);

our $Busy = busy_py();
our $Where = FaasTest::where_py();
our $Echo = FaasTest::echo_py();

# Goes against its limits as it is told to, in a child or itself.

our $Limits = <<'_EOC_';
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def memory():
    child = subprocess.run([sys.executable, "-c", "b = bytearray(1 << 30)\n"
                            "for i in range(0, 1 << 30, 4096): b[i] = 1"])
    return "child %d" % child.returncode


def disk():
    try:
        with open("/tmp/full", "wb") as f:
            while True:
                f.write(bytes(1 << 20))
                f.flush()
    except OSError as e:
        os.unlink("/tmp/full")
        return e.strerror


def forks():
    pids = []
    try:
        while True:
            pid = os.fork()
            if pid == 0:
                import signal
                signal.pause()
            pids.append(pid)
    except OSError as e:
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        return "%s after %s" % (e.strerror, "few" if len(pids) < 40 else "many")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        what = {"/memory": memory, "/disk": disk, "/forks": forks}
        out = what.get(self.path, lambda: "alive")().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

sub h2_frame {
    my ($type, $flags, $stream, $data) = @_;
    return substr(pack('N', length $data), 1) . pack('CCN', $type, $flags, $stream)
           . $data;
}


run_tests();

__DATA__

=== TEST 1: a function against its limits
--- faas_http
    faas_runtime python prewarm=0 memory=64m tmpfs=8m pids=40;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/limits.py\n$::Limits"
--- code
is(get('/function/limits/disk', timeout => 30)->{body}, 'No space left on device',
   'its disk is full');
is(get('/function/limits/forks', timeout => 30)->{body},
   'Resource temporarily unavailable after few', 'no more processes');
is(get('/function/limits/memory', timeout => 30)->{body}, 'child -9',
   'a child that wants too much is killed');
is(get('/function/limits/')->{body}, 'alive', 'and it serves on');
is(scalar(instances('limits')), 1, 'where it was');



=== TEST 2: streams of HTTP/2 that are reset at once
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0 concurrency=2 max_instances=1 queue=4096;
    faas_runtime deno prewarm=0;

    upstream functions {
        faas;
        keepalive 8;
    }

    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
        http2_max_concurrent_streams 4096;
        keepalive_requests 100000;

        location /function/ {
            rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
            faas $fn;
            proxy_pass http://functions;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
--- config
    location /functions {
        faas_api /function/;
    }

    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/where.py\n$::Where"
--- code
my ($port) = slurp(server_root() . '/conf/nginx.conf') =~ /127\.0\.0\.1:(\d+) http2/;
my $block = join '', map { "\x10" . pack('C/a C/a', @$_) }
                 [ ':method' => 'GET' ], [ ':scheme' => 'http' ],
                 [ ':authority' => 'localhost' ],
                 [ ':path' => '/function/where/sleep/0.01' ];

is(get('/function/where')->{status}, 200, 'it serves');

my ($sent, @workers) = (0, worker_pids());

for my $round (1 .. 4) {
    my $sock = connect_to(port => $port);
    my $stream = 1;

    syswrite($sock, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . h2_frame(4, 0, 0, ''));

    # nginx may say that this is enough

    local $SIG{PIPE} = 'IGNORE';

    for (1 .. 50) {
        my $out = '';

        for (1 .. 10) {
            $out .= h2_frame(1, 5, $stream, $block)
                    . h2_frame(3, 0, $stream, pack('N', 8));
            $stream += 2;
            $sent++;
        }

        last if !defined syswrite($sock, $out);
    }

    read_some($sock, 1);
    abort_connection($sock) if $round % 2;
}

cmp_ok($sent, '>', 500, "$sent streams");
is(get('/function/where')->{status}, 200, 'the next one is served');
ok(wait_for(10, sub { stands('where')->{active} == 0 && stands('where')->{waiting} == 0 }),
   'no place is taken') or diag(get('/functions/where')->{body});
is(join(' ', sort { $a <=> $b } worker_pids()), join(' ', sort { $a <=> $b } @workers),
   'the workers are the same');



=== TEST 3: clients that expect to go on, and do not
--- faas_http
    faas_runtime python prewarm=0 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
is(post('/function/echo', 'x')->{body}, 'x', 'it serves');

my @workers = worker_pids();

for my $i (1 .. 400) {
    my $sock = connect_to();
    my @path = ('/function/echo', '/functions/echo/invoke', '/functions');

    syswrite($sock, request('POST', $path[$i % 3],
                            headers => [ 'Content-Length: 100', 'Expect: 100-continue' ]));
    read_some($sock, 5) if $i % 2;
    syswrite($sock, '{"input"') if $i % 5 == 0;
    abort_connection($sock);
}

is(post('/function/echo', 'y')->{body}, 'y', 'the next one is served');
is(join(' ', sort { $a <=> $b } worker_pids()), join(' ', sort { $a <=> $b } @workers),
   'the workers are the same');
is(stands('echo')->{active}, 0, 'no place is taken');
is(scalar(@{ decode_json(get('/functions')->{body}) }), 1, 'nothing was created');



=== TEST 4: the shim of a container is killed
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



=== TEST 5: a reload of what is none
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



=== TEST 6: the log is opened again
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



=== TEST 7: a line of the log is a line
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



=== TEST 8: nothing of the memory is told
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



=== TEST 9: a million keys
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



=== TEST 10: a module for another nginx
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
