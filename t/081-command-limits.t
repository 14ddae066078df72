# Commands that take too long, write too much, are too many, or leave something
# behind.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Digest::SHA qw(sha1_hex);
use Time::HiRes qw(sleep time);

plan tests => 82;

worker_connections(1024);


sub commands {
    return <<'_EOC_';
    faas_command cat    /bin/cat;
    faas_command true   /bin/true;
    faas_command false  /bin/false;
    faas_command code   /bin/sh -c "read n; exit $n" max=32 queue=1024;
    faas_command sleep  /bin/sleep 60.125 timeout=500ms;
    faas_command deaf   /bin/sh -c "trap '' TERM; while :; do sleep 60.25; done"
                        timeout=500ms;
    faas_command gone   /bin/sleep 60.5;
    faas_command yes    /usr/bin/yes output=1m;
    faas_command yess   /usr/bin/yes output=20k;
    faas_command noise  /bin/sh -c "yes >&2" timeout=1s;
    faas_command daemon /bin/sh -c "setsid sleep 60.75 & sleep 0.2; echo out";
    faas_command job    /bin/sh -c "sleep 60.875 & echo out";
    faas_command one    /bin/sh -c "read x; exec sleep $x" max=1 queue=2;
    faas_command drop   /bin/sh -c "sleep $0" 1.5 max=1 queue=1;
    faas_command spew   /usr/bin/head -c 300000000 /dev/zero;
_EOC_
}

sub locations {
    return <<'_EOC_';
    location ~ ^/buffered/(?<fn>[^/]+) {
        client_max_body_size 0;
        faas $fn;
        proxy_pass http://functions;
    }

    location ~ ^/unbuffered/(?<fn>[^/]+) {
        faas_request_buffering off;
        client_max_body_size 0;
        faas $fn;
        proxy_pass http://functions;
    }
_EOC_
}


# how many processes have these arguments

sub running {
    my ($args) = @_;

    return scalar(grep { (eval { slurp($_) } // '') =~ /\0\Q$args\E\0/ }
                  glob '/proc/[0-9]*/cmdline');
}


# children of the workers, zombies too

sub children {
    my %worker = map { $_ => 1 } all_worker_pids();

    return scalar(grep { (eval { slurp($_) } // '') =~ /^\d+ \(.*\) \S (\d+)/s
                         && $worker{$1} } glob '/proc/[0-9]*/stat');
}


# those of commands, in the workers

sub descriptors {
    return scalar(grep { (readlink($_) // '') =~ /^pipe:|pidfd/ }
                  map { glob "/proc/$_/fd/*" } worker_pids());
}


run_tests();

__DATA__

=== TEST 1: a deadline
--- faas_http eval: main::commands()
--- code
for (['sleep', '60.125'], ['deaf', '60.25']) {
    my ($name, $args) = @$_;
    my $res = post("/function/$name", '');

    is($res->{status}, 504, "$name: status");
    is(decode_json($res->{body})->{error}{code}, 'timeout', "$name: code");
    ok(wait_for(5, sub { !main::running($args) }), "$name: it is gone");
}

my $result = invoke('gone', undef, timeout_ms => 300);
is($result->{status}, 'timeout', 'of an invocation');
ok(wait_for(5, sub { !main::running('60.5') }), 'which ends it');

$result = invoke('gone', undef, timeout_ms => 0);
is($result->{status}, 'timeout', 'where nothing says how long');
cmp_ok($result->{duration_ms}, '>=', 4990, 'not before 5 s');
cmp_ok($result->{duration_ms}, '<', $ENV{ASAN} ? 9000 : 6500, 'nor long after them');

is(post('/function/noise', '')->{status}, 504, 'noise on stderr');
ok(wait_for(5, sub { !main::children() }), 'no process is left, nor a zombie');



=== TEST 2: output
--- faas_http eval: main::commands()
--- code
my $res = post('/function/yes', '');
is($res->{status}, 200, 'too much: it has begun');
is($res->{complete}, 0, 'and is cut off');
ok(length($res->{raw}) < 2000000, 'soon');

$res = post('/function/yess', '');
is($res->{status}, 500, 'too much at once');
is(decode_json($res->{body})->{error}{code}, 'output_too_large', 'its code');

is(http(invoke_request('yes'))->{complete}, 0, 'invoked: a result that has begun is cut off');

my $result = invoke('yess');
is($result->{status}, 'failed', 'invoked: failed');
is($result->{error_message}, 'the command wrote more than it may', 'and why');

ok(wait_for(5, sub { !main::children() }), 'no process is left');



=== TEST 3: whoever keeps the output open
--- faas_http eval: main::commands()
--- code
for (['daemon', '60.75'], ['job', '60.875']) {
    my ($name, $args) = @$_;
    my $began = time;
    my $res = post("/function/$name", '');

    is($res->{body}, "out\n", "$name: output");
    ok(time - $began < 20, "$name: nobody waits for it");
    is(invoke($name)->{output}, "out\n", "$name: invoked");
}

ok(wait_for(5, sub { !main::running('60.875') }), 'a job ends with its shell');
is(main::running('60.75'), 2, 'a session of its own goes on');

for (glob '/proc/[0-9]*/cmdline') {
    my $line = eval { slurp($_) } // '';
    kill('KILL', m{(\d+)}) if $line eq "sleep\0" . "60.75\0";
}



=== TEST 4: the client goes away
--- faas_http eval: main::commands()
--- code
my $sock = connect_to();
syswrite($sock, request('POST', '/function/gone', body => ''));
ok(wait_for(5, sub { main::running('60.5') }), 'it runs');
close $sock;
ok(wait_for(5, sub { !main::running('60.5') }), 'it is killed');
ok(wait_for(5, sub { !main::children() }), 'and waited for');



=== TEST 5: so many at a time
--- faas_http eval: main::commands()
--- code
my @res = parallel([ map { request('POST', '/function/one', body => "0.7\n") }
                     1 .. 6 ]);

my @status = sort map { $_->{status} } @res;
is("@status", '200 200 200 503 503 503', 'one runs, two wait');

my ($refused) = grep { $_->{status} == 503 } @res;
is(header($refused, 'Retry-After'), 1, 'Retry-After');
is(decode_json($refused->{body})->{error}{code}, 'no_capacity', 'its code');

@res = parallel([ map { request('POST', '/function/one', body => "0\n") } 1 .. 3 ]);
is(join(' ', map { $_->{status} } @res), '200 200 200', 'all places are free');

# whoever waits and goes
my $first = connect_to();
syswrite($first, request('POST', '/function/one', body => "1\n"));
sleep 0.2;
my @gone = map { connect_to() } 1 .. 2;
syswrite($_, request('POST', '/function/one', body => "60\n")) for @gone;
sleep 0.2;
close $_ for @gone;
sleep 0.2;
@res = parallel([ map { request('POST', '/function/one', body => "0\n") } 1 .. 2 ]);
is(join(' ', map { $_->{status} } @res), '200 200', 'it holds no place');
is(parse_response(read_all($first))->{status}, 200, 'the first one goes on');



=== TEST 6: places of a worker that was killed
--- log_allow: exited on signal 9
--- faas_http eval: main::commands()
--- code
my @socks = map { connect_to() } 1 .. 2;
syswrite($_, request('POST', '/function/one', body => "60.375\n")) for @socks;
ok(wait_for(5, sub { main::running('60.375') }), 'it runs');

kill('KILL', worker_pids());
ok(wait_for(5, sub { !main::running('60.375') }), 'it ends with its worker');
ok(wait_for(5, sub { worker_pids() == 2 }), 'other workers come');

my $res = post('/function/one', "0\n");
is($res->{status}, 200, 'the place is free');

my @res = parallel([ map { request('POST', '/function/one', body => "0.1\n") } 1 .. 3 ]);
is(join(' ', map { $_->{status} } @res), '200 200 200', 'and the queue');



=== TEST 7: nothing is left
--- faas_http eval: main::commands()
--- code
# the second worker has its title late
wait_for(5, sub { worker_pids() == 2 });

my $before = main::descriptors();
my %seen;

for (1 .. 25) {
    $seen{"$_->{status} $_->{body}"}++
        for parallel([ map { request('POST', '/function/cat', body => 'hello') }
                       1 .. 20 ]);
}

is(join(', ', map { "$_: $seen{$_}" } sort keys %seen), '200 hello: 500',
   '500 runs');
ok(wait_for(5, sub { main::descriptors() == $before }), 'no descriptor is left');
ok(wait_for(5, sub { !main::children() }), 'nor a process');



=== TEST 8: exit statuses while the configuration is read again
--- faas_http eval: main::commands()
--- code
my $master = master_pid();
my $reloader = child(sub {
    while (1) {
        kill('HUP', $master);
        sleep 0.2;
    }
});

my $wrong = 0;

for (1 .. 20) {
    my @codes = map { int rand 3 } 1 .. 16;
    my @res = parallel([ map { request('POST', '/function/code', body => "$_\n") }
                         @codes ]);

    for (0 .. $#codes) {
        my $code = $res[$_]{status} // 'none';

        if ($code ne ($codes[$_] ? 500 : 200)) {
            $wrong++;
            diag("exit $codes[$_]: $code, $res[$_]{raw}");
        }
    }
}

end_child($reloader);
is($wrong, 0, 'none of 320 is wrong');
ok(wait_for(10, sub { all_worker_pids() == 2 }), 'the old workers end');
ok(wait_for(5, sub { !main::children() }), 'no process is left');



=== TEST 9: large bodies
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $body = join('', map { pack('N', $_) x 256 } 1 .. 65536);
my $sum = sha1_hex($body);

for (qw(buffered unbuffered)) {
    my $res = post("/$_/cat", $body, timeout => 60);
    is($res->{status}, 200, "$_: 64 MB: status");
    is(sha1_hex($res->{body}), $sum, "$_: 64 MB: there and back");
}

cmp_ok(peak_memory(), '<', 32 * 1024, 'in little memory');
is(post('/unbuffered/true', $body)->{status}, 200, 'nobody reads it');
is(post('/unbuffered/cat', 'abc')->{body}, 'abc', 'a small one');

# it arrives while the command runs
my $sock = connect_to();
syswrite($sock, "POST /unbuffered/cat HTTP/1.1\r\nHost: localhost\r\n"
                . "Connection: close\r\nContent-Length: 6\r\n\r\nabc");
sleep 0.3;
is(main::children(), 1, 'the command runs before its input is there');
syswrite($sock, 'def');
is(parse_response(read_all($sock))->{body}, 'abcdef', 'all of it');



=== TEST 10: a client that is slow
--- faas_http eval: main::commands()
--- code
my $sock = connect_to(rcvbuf => 4096);
syswrite($sock, request('POST', '/function/spew', body => ''));
sleep 1;
is(main::children(), 1, 'the command waits for it');
cmp_ok(peak_memory(), '<', 32 * 1024, 'in little memory');

my ($n, $buf) = (0, '');

for (my $end = time + 20; time < $end; ) {
    my $got = sysread($sock, $buf, 1048576) or last;
    $n += $got;
    last if $n > 20_000_000;
}

cmp_ok($n, '>', 20_000_000, 'and goes on');
close $sock;
ok(wait_for(5, sub { !main::children() }), 'until it goes away');



=== TEST 11: a graceful end waits, another one does not
--- faas_http eval: main::commands()
--- code
my $sock = connect_to();
syswrite($sock, request('POST', '/function/drop', body => ''));
ok(wait_for(5, sub { main::children() }), 'it runs');
ok(stop_nginx('QUIT', 15), 'nginx ends');
is(parse_response(read_all($sock))->{status}, 200, 'with what was under way');

ok(start_nginx(), 'it starts again');
$sock = connect_to();
syswrite($sock, request('POST', '/function/gone', body => ''));
ok(wait_for(5, sub { main::running('60.5') }), 'it runs');
ok(stop_nginx('TERM', 15), 'nginx ends at once');
ok(wait_for(5, sub { !main::running('60.5') }), 'and the command with it');
ok(start_nginx(), 'it starts again');
