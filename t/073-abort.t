# Clients that go away, at every stage of a call, and what becomes of the
# function's work then.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Socket qw(SHUT_WR);
use Time::HiRes qw(sleep time);

plan tests => 151;

worker_connections(1024);

our $Busy = busy_py();
our $Threads = busy_py(threads => 1);

# Says in the engine's log what became of its work.

our $Worker = <<'_EOC_' . busy_py(threads => 1);
def work(handler, seconds):
    seen = "the client stays"
    handler.connection.setblocking(False)
    for i in range(int(seconds * 10)):
        time.sleep(0.1)
        try:
            if handler.connection.recv(1) == b"":
                seen = "the client has gone"
                break
        except BlockingIOError:
            pass
    handler.connection.setblocking(True)
    done.append(seen)


done = []
_EOC_

$Worker = "import time\n" . $Worker;
$Worker =~ s/(        if verb == "sleep":\n)/        if verb == "work":\n            work(self, arg)\n\n$1/;
$Worker =~ s/"env": dict\(os.environ\) if verb == "env" else \{\}/"done": done/;

our $Ways = CORE::join '', map { <<"_EOC_" } qw(cancel finish kill);
    location /$_/ {
        rewrite ^/$_/(?<fn>[^/]+)/?(?<rest>.*)\$ /\$rest break;
        faas \$fn;
        faas_client_abort $_;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
_EOC_

sub at_work {
    my ($name, $n) = @_;
    return wait_for(10, sub { (stands($name)->{active} // -1) == ($n // 1) });
}

sub said {
    my ($path) = @_;
    my $res = get("/function/$path");

    return eval { decode_json($res->{body}) } || { host => "none: $res->{raw}" };
}

run_tests();

__DATA__

=== TEST 1: cancel, and the default
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations eval: $::Ways
--- user_files eval: ">>> fn/w.py\n$::Worker"
--- code
my $host = said('w')->{host};

for my $n (1, 2) {
    my $where = $n == 1 ? '/cancel' : '/function';
    my $sock = sent('GET', "$where/w/work/10");

    ok(at_work('w'), 'one is at work');
    abort_connection($sock);
    ok(settled('w', 5), 'it goes away, and its place is free at once');
    ok(wait_for(5, sub { @{ said('w')->{done} } == $n }), 'the work ends');
    is(${ said('w')->{done} }[-1], 'the client has gone', 'for the function was told');
}

is(said('w')->{host}, $host, 'the instance is the same');



=== TEST 2: finish
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations eval
$::Ways . <<'_EOC_'
    location /full/ {
        rewrite ^/full/(.*)$ /$1 break;
        faas full;
        proxy_pass http://functions;
        error_page 503 = @late;
    }

    location /variable/ {
        set $upstream functions;
        rewrite ^/variable/(.*)$ /$1 break;
        faas w;
        faas_client_abort finish;
        proxy_pass http://$upstream;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }

    location @late {
        faas w;
        faas_client_abort finish;
        proxy_request_buffering off;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
_EOC_
--- user_files eval
">>> fn/w.py\n$::Worker>>> fn/full.py\n$::Busy"
. '>>> fn/full.json' . "\n" . '{"concurrency":1,"max_instances":1,"queue":1,"queue_timeout":"500ms"}'
--- code
my $host = said('w')->{host};
my $sock = sent('GET', '/finish/w/work/4');

ok(at_work('w'), 'one is at work');
abort_connection($sock);
sleep 0.5;
is(stands('w')->{active}, 1, 'it goes away, and its place is taken yet');
ok(settled('w'), 'till the work is done');
is(join(', ', @{ said('w')->{done} }), 'the client stays', 'to its end');
is(said('w')->{host}, $host, 'the instance is the same');

# also after a wait for another function, and an error_page

my $other = sent('GET', '/function/full/sleep/6');

ok(at_work('full'), 'another function is busy');
$sock = sent('GET', '/full/work/4');
ok(at_work('w'), 'who waited for that comes to this one');
abort_connection($sock);
ok(settled('w'), 'and goes away');
is(join(', ', @{ said('w')->{done} }), 'the client stays, the client stays', 'it finishes');

# and where the upstream is known by the call only

$sock = sent('GET', '/variable/work/3');
ok(at_work('w'), 'one more');
abort_connection($sock);
ok(settled('w'), 'goes away');
is(join(', ', @{ said('w')->{done} }), join(', ', ('the client stays') x 3), 'the work ends');



=== TEST 3: kill
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations eval: $::Ways
--- user_files eval: ">>> fn/w.py\n$::Worker"
--- code
my $host = said('w')->{host};
my $other = sent('GET', '/function/w/sleep/6');

ok(at_work('w'), 'one is at work');

my $sock = sent('GET', '/kill/w/sleep/20');
ok(at_work('w', 2), 'and another one');

abort_connection($sock);
ok(wait_for(5, sub { stands('w')->{active} <= 1 }), 'which goes away');
isnt(said('w')->{host}, $host, 'whoever comes now has another instance');
is(decode_json(answer_of($other)->{body})->{host}, $host, 'the old one ends its work');
ok(wait_for(10, sub { !grep { $_ eq $host } ids(instances()) }), 'and goes');
ok(settled('w'), 'no place is taken');

# the only one: at once

$host = said('w')->{host};
$sock = sent('GET', '/kill/w/sleep/60');
ok(at_work('w'), 'one is at work');
abort_connection($sock);
ok(wait_for(15, sub { !grep { $_ eq $host } ids(instances()) }), 'and is ended');

# who has the whole answer ends nothing

$host = said('w')->{host};
is(get('/kill/w')->{status}, '200', 'an answer');
$sock = sent('GET', '/kill/w', headers => [ 'Connection: keep-alive' ]);
read_some($sock);
close $sock;
$sock = sent('GET', '/kill/w/size/3000000', rcvbuf => 4096);
sleep 1;
abort_connection($sock);
sleep 0.5;
is(said('w')->{host}, $host, 'a client that has read it, or leaves nginx with it, ends nothing');



=== TEST 4: in every stage of a call
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 start_timeout=10s;
--- faas_locations eval: $::Ways
--- user_files eval
CORE::join '', map { ">>> fn/$_.py\nimport time\ntime.sleep(0.3)\n$::Busy" } qw(cancel finish kill)
--- code
for my $way ('cancel', 'finish', 'kill') {
    my $gone = sub {
        my ($stage, $code) = @_;
        my $sock = $code->();

        sleep 0.05;
        abort_connection($sock);
        ok(settled($way, 15), "$way: gone during $stage");
    };

    $gone->('the body of a cold one', sub {
        my $sock = connect_to();
        syswrite($sock, "POST /$way/$way HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123");
        sleep 0.1;
        return $sock;
    });

    unlink html_dir() . "/fn/$way.json";
    $gone->('a start', sub { sent('GET', "/$way/$way") });

    is(get("/function/$way")->{status}, '200', "$way: the next one is answered");

    $gone->('the body', sub {
        my $sock = connect_to();
        syswrite($sock, "POST /$way/$way HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123");
        return $sock;
    });

    $gone->('100-continue', sub {
        my $sock = connect_to();
        syswrite($sock, "POST /$way/$way HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                        . "Expect: 100-continue\r\n\r\n");
        return $sock;
    });

    my $busy = sent('GET', "/function/$way/sleep/1");
    main::at_work($way);
    $gone->('the wait', sub {
        my $sock = sent('GET', "/$way/$way");
        wait_for(5, sub { stands($way)->{waiting} == 1 });
        return $sock;
    });
    is(answer_of($busy)->{status}, '200', "$way: the one before it is answered");

    $gone->('its work', sub {
        my $sock = sent('GET', "/$way/$way/sleep/1");
        main::at_work($way);
        return $sock;
    });

    $gone->('its answer', sub {
        my $sock = sent('GET', "/$way/$way/trickle/10");
        read_some($sock, 10);
        return $sock;
    });

    $gone->('a large answer', sub {
        my $sock = sent('GET', "/$way/$way/size/20000000", rcvbuf => 4096);
        read_some($sock, 10);
        return $sock;
    });

    $gone->('an invocation', sub {
        my $sock = connect_to();
        syswrite($sock, invoke_request($way, '{}'));
        return $sock;
    });

    is(get("/function/$way")->{status}, '200', "$way: the next one is answered");
    ok(wait_for(15, sub { stands($way)->{instances} == 1 }), "$way: by the only instance");
}

my $logged = slurp(server_root() . '/logs/access.log');

like($logged, qr{"GET /$_/$_/sleep/1 HTTP/1.1" 499 }, "$_: logged as it is") for qw(cancel kill);



=== TEST 5: at any moment
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 max_instances=2 idle=1s;
--- faas_locations eval: $::Ways
--- user_files eval: FaasTest::files($::Busy, map { "any$_.py" } 1 .. 3)
--- code
srand(4);

for my $round (1 .. 9) {
    my @socks;

    for my $i (1 .. 56) {
        my $way = (qw(cancel finish kill function))[int rand 4];
        my $name = 'any' . (1 + int rand 3);
        my $path = ('', 'sleep/0.1', 'trickle/3', 'size/300000')[int rand 4];

        push @socks, rand() < 0.6
            ? sent('GET', "/$way/$name/$path")
            : rand() < 0.3
            ? sent('POST', "/$way/$name/$path",
                   headers => [ 'Content-Length: 10', 'Expect: 100-continue' ])
            : sent('POST', "/$way/$name/$path", body => 'x' x 10,
                   headers => [ 'Content-Length: ' . (10 + int rand 2) ]);
    }

    for my $sock (sort { rand() <=> 0.5 } @socks) {
        sleep(rand 0.02);
        rand() < 0.5 ? abort_connection($sock) : close $sock;
    }
}

for my $name (map { "any$_" } 1 .. 3) {
    ok(settled($name, 20), "$name: no place is taken");
    is(get("/function/$name")->{status}, '200', 'it is served');
    is(counted(parallel([ (request('GET', "/function/$name")) x 8 ])), '8 x 200',
       'and served again');
    cmp_ok(stands($name)->{instances}, '<=', 2, 'by two instances at most');
    ok(settled($name), "$name: no place is taken");
}

ok(wait_for(15, sub { instances() == 1 }), 'what is idle goes, one stands ready');



=== TEST 6: whoever only ends its side of the connection
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
--- faas_locations eval: $::Ways
--- user_files eval: ">>> fn/half.py\n$::Threads"
--- code
is(get('/function/half')->{status}, '200', 'it serves');

for my $way ('cancel', 'finish') {
    my $sock = sent('GET', "/$way/half/sleep/1", headers => [ 'Connection: close' ]);

    shutdown($sock, SHUT_WR);

    my $res = answer_of($sock);

    # as everywhere in nginx
    is($res->{status}, $way eq 'cancel' ? '' : '200', "$way: no more, or all of it");
    ok(settled('half'), 'no place is taken');
}



=== TEST 7: while the engine takes its time
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=1 max_instances=1;

    upstream functions {
        faas;
        keepalive 8;
    }
--- faas_locations eval: $::Ways
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock',
                      'slow ^POST \S+/(?:create\?name|start)\b');
--- user_files eval
FaasTest::files($::Busy, map { "$_.py" } qw(cancel finish kill function))
--- code
my $log = html_dir() . '/engine.sock.log';
my $late = sub { return scalar(() = slurp($log) =~ m{^late: POST \S+/$_[0]}mg) };

for my $case ([ 'create', 'cancel' ], [ 'create', 'finish' ], [ 'start', 'kill' ],
              [ 'start', 'function' ])
{
    my ($stage, $way) = @$case;
    my $n = $late->($stage);
    my $sock = sent('GET', "/$way/$way");

    ok(wait_for(30, sub { $late->($stage) > $n }), "$way: the engine has been asked: $stage");
    abort_connection($sock);

    ok(settled($way, 60), "$way: no place is taken");
    is(get("/function/$way", timeout => 60)->{status}, '200', "$way: the next one is answered");
    is(scalar(instances($way)), 1, "$way: by the only instance");
}

is(scalar(instances()), 4, 'and there is no other container');

my $logged = slurp(server_root() . '/logs/access.log');

like($logged, qr{"GET /$_/$_ HTTP/1.1" 499 }, "$_: logged as it is") for qw(cancel function kill);



=== TEST 8: while its source is loaded
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 start_timeout=10s;
    faas_runtime deno prewarm=0;
--- faas_locations eval: $::Ways
--- user_files eval
FaasTest::files("open('/tmp/begun', 'w').close()\nimport time\ntime.sleep(2)\n$::Busy",
                map { "load-$_.py" } qw(cancel finish kill function))
--- code
for my $way (qw(cancel finish kill function)) {
    ok(ready(1), "$way: one stands ready");

    my ($spare) = spares();
    my $pid = inspect($spare->{Id})->{State}{Pid};
    my $sock = sent('GET', "/$way/load-$way");

    ok(wait_for(5, sub { -e "/proc/$pid/root/tmp/begun" }), "$way: its source is being loaded");
    unlike(error_log_text(), qr/"load-$way" is ready/, "$way: it does not serve yet");
    abort_connection($sock);

    ok(settled("load-$way", 15), "$way: no place is taken");
    is(get("/function/load-$way")->{status}, '200', "$way: the next one is answered");
    is(scalar(() = error_log_text() =~ /"load-$way" is ready/g), 1, "$way: it was one start");
    ok(wait_for(10, sub { instances("load-$way") == 1 && spares() == 1 }), "$way: one instance is left")
        or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());
}

is(scalar(instances()), 5, 'and a spare');
