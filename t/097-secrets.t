# What must not come out: memory that was not written, what belongs to the host,
# lines of the log that somebody else has made; and how long odd JSON takes.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use List::Util qw(sum);
use POSIX ();

plan tests => 45;

worker_connections(1024);

our $Tricky = <<'_EOC_';
import json
import os
import socket
import sys
import threading

L = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
MANY = b"{" + b'"a":1,' * 666666 + b'"b":1}'
FORGED = "a\r\n2026/11/23 00:00:00 [error] forged\r\x1b[2J\x1b]0;forged\x07 \x9b31m"

ANSWERS = {
    "none": L % (0, b""),
    "short": L % (5000, b"short"),
    "nothing": b"",
    "head": b"HTTP/1.1 200 OK\r\n",
    "no-body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty-header": b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-:\r\nContent-Length: 0\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "bytes": L % (3, b"\xff\xfe\xfd"),
    "json": L % (9, b'{"a":[1]}'),
    "escape": b"HTTP/1.1 \x1b[2J\r\x1bforged\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nX-A: \x1b[31m\r forged\r\n\r\n",
    "many": L % (len(MANY), MANY),
}


def serve(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536) or b"\r\n\r\n"
    head, body = data.split(b"\r\n\r\n", 1)
    what = head.split(b" ")[1].decode().strip("/")
    if not what:
        while not body.endswith(b'"'):
            body += client.recv(65536) or b'"'
        what = json.loads(body)
    if what == "exit":
        print(FORGED, file=sys.stderr, flush=True)
        os._exit(3)
    client.sendall(ANSWERS.get(what, b""))
    client.close()


server = socket.create_server(("", int(os.environ["PORT"])), backlog=128)
while True:
    threading.Thread(target=serve, args=server.accept()[:1]).start()
_EOC_

our $Kinds = [ $main::Tricky =~ /^    "([a-z-]+)": /mg ];

# It does not start, and says so in lines of its own.

our $Forging = <<'_EOC_';
raise ValueError("a\r\n2026/11/23 00:00:00 [error] forged\n\x1b[2J\x07 forged\x85\x9b2J")
_EOC_

our $Commands = <<'_EOC_';
    faas_runtime python prewarm=0 concurrency=64 pids=128;
    faas_runtime deno prewarm=0;
    faas_command bad /usr/bin/printf "a\r\n2026/11/23 00:00:00 [error] forged\033[2J\302\2332J\2332J";
    faas_command fails /bin/sh -c "printf '\r\n[error] forged\033[2J\007\302\2332J\2332J' >&2; exit 1";
    faas_command none /no/such/program;
_EOC_


# All kinds of requests, each on its own: good, bad, cut, and of functions that
# give nothing.

sub all_kinds {
    my @requests = map { (request('GET', "/function/tricky/$_"),
                          request('HEAD', "/function/tricky/$_"),
                          invoke_request('tricky', "\"$_\"")) }
                   grep { $_ ne 'many' } @$main::Kinds;

    my $name = '%0d%0a2026%20[error]%20forged%1b[2J';
    my $source = '{"name":"new","language":"python","source_code":"#"}';

    push @requests, request($_->[0], $_->[1], body => $_->[2]) for
        [ 'GET', '/functions' ], [ 'POST', '/functions', '' ],
        [ 'POST', '/functions', $source ], [ 'GET', '/functions/new' ],
        [ 'POST', '/functions', $source ], [ 'PUT', '/functions/new', $source ],
        [ 'DELETE', '/functions/new' ], [ 'GET', '/functions/none' ],
        [ 'POST', '/functions/none/invoke', '{' ], [ 'BREW', '/functions' ],
        [ 'GET', "/function/$name" ], [ 'GET', "/functions/$name" ],
        [ 'GET', "/function/tricky/$name?$name" ], [ 'POST', "/functions/$name/invoke", '' ],
        [ 'POST', '/functions', "{\"name\":\"a\\n[error] forged\\u001b[2J\"}" ],
        [ 'POST', '/functions', "{\"a\\n[error] forged\\u001b[2J\":1}" ],
        [ 'GET', '/function/forging' ], [ 'POST', '/functions/forging/invoke', '' ],
        [ 'GET', '/nothing' ], map({ [ 'POST', "/function/$_", '' ] } qw(bad fails none));

    push @requests, request('GET', '/function/none', headers =>
        [ "User-Agent: \x1b[2J", "Referer: a\x1b]0;forged\x07", "Host: a\x1b[2J" ]);

    return @requests;
}


# ticks of the processor, of all workers

sub ticks {
    return sum(map { (split / /, slurp("/proc/$_/stat"))[13, 14] } worker_pids());
}

no_shuffle();
run_tests();

__DATA__

=== TEST 1: memory that was not written, and what belongs to the host
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=64 pids=128;
    faas_runtime deno prewarm=0;
    faas_command bad /usr/bin/printf "a";
    faas_command fails /bin/false;
    faas_command none /no/such/program;

    upstream functions {
        faas;
        keepalive 8;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'relay');
--- user_files eval: ">>> fn/tricky.py\n$::Tricky>>> fn/forging.py\n$::Forging"
--- code
ok(stop_nginx('TERM', 15), 'nginx ends');

{
    # what is allocated is 0x5a then, and what is freed 0xa5
    local $ENV{MALLOC_PERTURB_} = 165;
    ok(start_nginx(), 'and starts anew');
}

is(get('/function/tricky/json')->{body}, '{"a":[1]}', 'a function serves');

# some one at a time, so that memory is used again and again

my @raw = map { $_->{raw} } parallel([ main::all_kinds() ]),
          map({ http($_) } (request('GET', '/functions'), request('GET', '/nothing'),
                            request('POST', '/functions', body => '{'),
                            request('GET', '/function/tricky/none'),
                            request('HEAD', '/function/tricky/json'),
                            invoke_request('tricky', '"bytes"')) x 5);
my $root = server_root();
my $all = join "\n\n", @raw;
my $asked = slurp(html_dir() . '/engine.sock.log');

cmp_ok(scalar(grep { /\AHTTP\/1\.1 \d/ } @raw), '>=', @raw - 2, @raw . ' answers');
unlike($all, qr/ZZZ|WlpaWlpa|\xa5\xa5|paWlpaWl/, 'clients get nothing of it');
unlike($asked, qr/ZZZ|\xa5\xa5/, 'nor does the engine');
unlike($all, qr/\Q$root\E|\/tmp\/|\/no\/such|198\.1[89]\.|faas-[0-9a-f]{8}|docker/i,
       'nor of the host: no path, address, container, or engine');
unlike($all, qr/[0-9a-f]{64}|FAAS_|\.[ch]:\d/, 'no id, and nothing of the inside');



=== TEST 2: lines of the log
--- faas_http eval: $::Commands
--- user_files eval: ">>> fn/tricky.py\n$::Tricky>>> fn/forging.py\n$::Forging"
--- code
is(get('/function/tricky/json')->{body}, '{"a":[1]}', 'a function serves');

my @answers = parallel([ main::all_kinds() ]);
my $result = invoke('tricky', '"exit"');

is($result->{status}, 'failed', 'a function exits');
like($result->{error_message}, qr/forged/, 'with its last words');

my $log = error_log_text();
my @lines = split /\n/, $log;
my $start = qr/\A\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: /;

like($log, qr/forged/, 'they try');
is(join("\n", grep { !/$start/ } @lines), '', 'each line is of nginx');
is(join("\n", grep { /faas: / && (/[\x00-\x08\x0b-\x1f\x7f]/ || /\xc2[\x80-\x9f]/
                               || !utf8::decode(my $text = $_)) } @lines), '',
   'and none of ours has what a terminal would obey');



=== TEST 3: the time that odd JSON takes
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0 concurrency=64 pids=128;
    faas_runtime deno prewarm=0;
    client_max_body_size 8m;

    upstream functions {
        faas;
    }
--- user_files eval: ">>> fn/tricky.py\n$::Tricky"
--- code
my $n = 4 << 20;

# a tenth of a second for each MB; of a second there are a hundred ticks

my $soon = $ENV{ASAN} ? 100 : 40;
my $fill = sub { $_[0] x ($n / length $_[0]) };
my %odd = (
    'members' => '{"input":{' . $fill->('"a":1,') . '"b":1}}',
    'members of other names' => '{"input":{'
        . join(',', map { "\"k$_\":0" } 1 .. 300_000) . '}}',
    'the outermost' => '{' . join(',', map { "\"k$_\":0" } 1 .. 300_000) . '}',
    'arrays' => '{"input":[' . $fill->('[],') . '1]}',
    'nested, over and over' => '{"input":['
        . $fill->('[' x 900 . ']' x 900 . ',') . '1]}',
    'too deep' => '{"input":' . $fill->('['),
    'escapes' => '{"input":"' . $fill->('\\u0041') . '"}',
    'backslashes' => '{"input":"' . $fill->('\\\\') . '"}',
    'a name' => '{"' . $fill->('x') . '":1}',
    'digits' => '{"input":' . $fill->('9') . '}',
    'white space' => $fill->(" \n") . '{}',
    'no end' => '{"input":"' . $fill->('a'),
    'letters' => '{"input":"' . $fill->("\xf0\x9f\x98\x80") . '"}',
);

my %status = map { $_ => 404 } keys %odd;

@status{ 'the outermost', 'too deep', 'a name', 'no end' } = (400) x 4;

for my $name (sort keys %odd) {
    my $before = main::ticks();
    my $res = post('/functions/none/invoke', $odd{$name}, timeout => 60);

    is($res->{status}, $status{$name}, "$name: an answer");

    cmp_ok(main::ticks() - $before, '<', $soon, "$name: soon");
}

my $before = main::ticks();
my $res = http(invoke_request('tricky', '"many"'), timeout => 60);

is($res->{status}, 200, 'an output with many members');
cmp_ok(main::ticks() - $before, '<', $soon, 'soon');
