# One deadline for all of a call: waiting, starting, and the function's work to
# its last byte.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Fcntl qw(:flock O_RDONLY);
use Time::HiRes qw(sleep time);

plan tests => 100;

our $Busy = busy_py();
our $Threads = busy_py(threads => 1);

# A WebSocket that gives back what it is told.

our $Socket = <<'_EOC_';
Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => {
  if (request.headers.get("upgrade") !== "websocket") return new Response("plain");
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = (event) => socket.send(event.data);
  return response;
});
_EOC_

our $Passed = <<'_EOC_';
    location /raw/ {
        rewrite ^/raw/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        faas_timeout 1s;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
    }
_EOC_

# Closes a connection that was used before when a POST comes along.

our $Closing = <<'_EOC_';
import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        out = json.dumps({"host": socket.gethostname()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def do_POST(self):
        self.close_connection = True


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

# the instance that has answered, and whether it is there yet

sub host {
    my ($name) = @_;
    my $host;

    # a start may take longer than the deadline
    wait_for(15, sub {
        $host = eval { decode_json(get("/function/$name")->{body})->{host} };
    });

    return $host // 'none';
}

sub there {
    my ($host) = @_;
    return scalar grep { $_ eq $host } ids(instances());
}

sub gone {
    my ($host) = @_;
    return wait_for(10, sub { !there($host) });
}

run_tests();

__DATA__

=== TEST 1: before the head a 504, and the instance is gone
--- faas_http
    faas_runtime python prewarm=1 concurrency=1;
--- faas_locations eval: $::Passed
--- user_files eval: ">>> fn/raw.py\n$::Busy>>> fn/own.py\n$::Busy>>> fn/own.json\n{\"timeout_ms\":1500}"
--- code
my $host = host('raw');
my $began = time;
my $res = get('/raw/raw/sleep/20');

is(error_code($res), '504 timeout', 'faas_timeout');
cmp_ok(time - $began, '>', 0.9, 'not before its time');
cmp_ok(time - $began, '<', $ENV{ASAN} ? 9 : 3, 'and soon after it');
ok(gone($host), 'the instance is gone, work and all');
isnt(host('raw'), $host, 'the next call has another one');
is(get('/raw/raw')->{status}, '200', 'and is in time');
ok(settled('raw'), 'no place is taken');

# of the function, in a location that has one, too, and in one without

$host = host('own');
$began = time;
is(error_code(get('/raw/own/sleep/20')), '504 timeout', 'timeout_ms of the function');
cmp_ok(time - $began, '>', 1.4, 'comes before faas_timeout');
ok(gone($host), 'the instance is gone');
is(error_code(get('/function/own/sleep/20')), '504 timeout', 'timeout_ms alone');

# an invocation

$host = host('own');
my $run = invoke('own', '{}', timeout_ms => 0);
is($run->{status}, 'success', 'an invocation in time');



=== TEST 2: an invocation
--- faas_http
    faas_runtime python prewarm=1 concurrency=1;
--- user_files eval
">>> fn/slow.py\n" . $::Busy =~ s/what = /time.sleep(5 if self.command == "POST" else 0)\n        what = /r
. ">>> fn/own.py\n" . $::Busy =~ s/what = /time.sleep(3 if self.command == "POST" else 0)\n        what = /r
. ">>> fn/own.json\n{\"timeout_ms\":1000}\n"
. ">>> fn/long.py\n" . $::Busy =~ s/what = /time.sleep(8 if self.command == "POST" else 0)\n        what = /r
--- code
my $host = host('slow');
my $run = invoke('slow', '{}', timeout_ms => 1000);

is($run->{status}, 'timeout', 'timeout_ms of the call');
is($run->{http_status_code}, undef, 'no status');
is($run->{output}, undef, 'no output');
cmp_ok($run->{duration_ms}, '>=', 1000, 'not before its time');
ok(gone($host), 'the instance is gone');
ok(settled('slow'), 'no place is taken');

$host = host('own');
is(invoke('own', '{}', timeout_ms => 0)->{status}, 'timeout', 'timeout_ms of the function');
ok(gone($host), 'the instance is gone');
is(invoke('own', '{}', timeout_ms => 15000)->{status}, 'success', 'that of the call comes first');

# where nothing says how long

host('long');
$run = invoke('long', '{}', timeout_ms => 0);
is($run->{status}, 'timeout', 'the default');
cmp_ok($run->{duration_ms}, '>=', 4990, 'not before 5 s');
cmp_ok($run->{duration_ms}, '<', $ENV{ASAN} ? 7900 : 6500, 'nor long after them');



=== TEST 3: after the head the connection is cut
--- faas_http
    faas_runtime python prewarm=1 concurrency=1;
--- faas_locations eval
$::Passed . $::Passed =~ s{/raw/}{/pipe/}gr =~ s/proxy_buffering off;//r
--- user_files eval: ">>> fn/drip.py\n$::Busy"
--- code
for my $where ('raw', 'pipe') {
    for my $what ('trickle', 'length') {
        my $host = host('drip');
        my $began = time;
        my $res = get("/$where/drip/$what/200");
        my $took = time - $began;

        is($res->{status}, '200', "$where, $what: a head") or diag($res->{raw});
        ok($res->{closed} && !$res->{complete}, 'and no end');
        cmp_ok(length($res->{body}), '<', 200, 'it is cut') if $what eq 'trickle';
        cmp_ok($took, '>', 0.9, 'not before its time');
        cmp_ok($took, '<', 15, 'and long before the work is done');
        ok(gone($host), 'the instance is gone');
    }
}

ok(settled('drip'), 'no place is taken');
isnt(host('drip'), 'none', 'another instance');
my $res = get('/raw/drip/trickle/3');
is("$res->{complete} $res->{body}", '1 xxx', 'what ends in time is whole');

# read slowly: the function was done in time

$res = get('/pipe/drip/size/1000000');
is($res->{complete} . length($res->{body}), '11000000', 'and so is what is large');



=== TEST 4: others of the same instance finish their work
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations eval: $::Passed
--- user_files eval: ">>> fn/many.py\n$::Threads"
--- code
my $host = host('many');
my $other = sent('GET', '/function/many/sleep/6');
my $drip = sent('GET', '/function/many/trickle/60');

ok(wait_for(5, sub { stands('many')->{active} == 2 }), 'two others are at work');

my $cut = sent('GET', '/raw/many/trickle/300');
is(error_code(get('/raw/many/sleep/20')), '504 timeout', 'one is too late');

my $began = time;
my $res = answer_of($cut, 5);
is("$res->{status} $res->{complete}", '200 0', 'and one is cut');
cmp_ok(time - $began, '<', 4.5, 'which is closed');
ok(there($host), 'the instance is there yet');

isnt(host('many'), $host, 'whoever comes now has another one');

$res = answer_of($other);
is($res->{status}, '200', 'the first of the others is answered');
is(decode_json($res->{body})->{host}, $host, 'by the old one');
$res = answer_of($drip);
is("$res->{complete} $res->{body}", '1 ' . 'x' x 60, 'and the second one');
ok(gone($host), 'then it goes');
ok(settled('many'), 'no place is taken');



=== TEST 5: over the queue
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 max_instances=1;
--- faas_locations eval: $::Passed . $::Passed =~ s/raw/two/gr =~ s/ 1s/ 2s/r
--- user_files eval: ">>> fn/queue.py\n$::Busy"
--- code
my $host = host('queue');
my $busy = sent('GET', '/function/queue/sleep/6');

ok(wait_for(5, sub { stands('queue')->{active} == 1 }), 'one is at work');

my $began = time;
is(error_code(get('/raw/queue')), '504 timeout', 'one waits in vain');
cmp_ok(time - $began, '>', 0.9, 'for its time');

$began = time;
is(invoke('queue', '{}', timeout_ms => 700)->{status}, 'timeout', 'and an invocation');
cmp_ok(time - $began, '>', 0.6, 'for its time');

my $stands = stands('queue');
is("$stands->{active} $stands->{waiting}", '1 0', 'none of them waits any more');
is(answer_of($busy)->{status}, '200', 'the one at work is answered');
is(host('queue'), $host, 'and its instance serves on');

# part of the time in the queue, the rest at work

$busy = sent('GET', '/function/queue/sleep/1.5');
ok(wait_for(5, sub { stands('queue')->{active} == 1 }), 'one is at work');
my $late = get('/two/queue/sleep/1.5');
answer_of($busy);
is(error_code($late), '504 timeout', 'both count');
ok(gone($host), 'and who was at work too long is gone');



=== TEST 6: over a start
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 start_timeout=10s;
--- faas_locations eval: $::Passed
--- user_files eval: ">>> fn/boot.py\nimport time\ntime.sleep(4)\n$::Busy"
--- code
is(error_code(get('/raw/boot')), '504 timeout', 'a start is too long');
is(invoke('boot', '{}', timeout_ms => 300)->{status}, 'timeout', 'for an invocation, too');
is(get('/function/boot')->{status}, '200', 'who has the time is answered');
is(get('/raw/boot')->{status}, '200', 'and then all are');
is(scalar(() = error_log_text() =~ /"boot" is ready/g), 1, 'it was one start');
ok(settled('boot'), 'no place is taken');



=== TEST 7: a WebSocket has none
--- faas_http
    faas_runtime deno prewarm=1;
--- faas_locations
    location /ws {
        faas ws;
        faas_timeout 1s;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
--- user_files eval: ">>> fn/ws.ts\n$::Socket"
--- code
is(get('/function/ws')->{body}, 'plain', 'it serves');

my $sock = open_websocket('/ws');

ok($sock, 'switched');
is(websocket_echo($sock, 'one'), 'one', 'an echo');
sleep 2.5;
is(websocket_echo($sock, 'two'), 'two', 'and one after the deadline');
is(stands('ws')->{active}, 1, 'it has its place');
close $sock;
ok(settled('ws'), 'and leaves it');



=== TEST 8: none is left where another location goes on
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations
    location = /closing {
        error_page 502 = @other;
        faas closing;
        faas_timeout 1s;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }

    location @other {
        rewrite ^ /function/slow/sleep/2.5 break;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT;
    }
--- user_files eval: ">>> fn/closing.py\n$::Closing>>> fn/slow.py\n$::Threads"
--- code
host('slow');
host('closing');

# by one worker, whose connection to the function is kept

my @kept = (headers => [ 'Connection: keep-alive' ]);

syswrite(my $sock = connect_to(), request('GET', '/closing', @kept));

my $host = decode_json(parse_response(read_some($sock, 5, qr/\}\z/))->{body})->{host};

like($host, qr/\A[0-9a-f]{12}\z/, 'it serves');
syswrite($sock, request('POST', '/closing', body => 'x', @kept));
sleep 0.5;
is(stands('closing')->{active}, 0, 'its place is free');

my $res = parse_response(read_some($sock, 8, qr/\}\z/));

is($res->{status}, 200, 'another one has answered, after the deadline');
is(eval { decode_json($res->{body})->{service} }, 'slow', 'which is that');
is(host('closing'), $host, 'nothing has happened to the first');



=== TEST 9: nor that of a write
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- config
    location /functions {
        error_page 503 = @busy;
        faas_api /function/;
    }

    location @busy {
        rewrite ^ /sleep/4 break;
        faas slow;
        faas_timeout 1s;
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/slow.py\n$::Threads"
--- code
sysopen(my $dir, html_dir() . '/fn', O_RDONLY) or die $!;
flock($dir, LOCK_EX) or die $!;

my $res = post('/functions', '{"name":"late","language":"python","source_code":"x"}',
               timeout => 15);

flock($dir, LOCK_UN);
is($res->{status}, 504, 'the other location has its own');
sleep 0.5;
ok(!-e html_dir() . '/fn/late.py', 'and nothing is written any more');
