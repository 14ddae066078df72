# The engine ends, dies, hangs, has no room, and comes back.  It is one of the
# test's own, on a small disk and in a network of its own, where nginx and the
# clients are, too.

BEGIN {
    if (!$ENV{FAAS_TEST_NETWORK}) {
        $ENV{FAAS_TEST_NETWORK} = 1;
        exec('unshare', '--net', '--', $^X, $0, @ARGV) or die "unshare: $!";
    }
}

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale qw(error_code);

use File::Temp qw(tempdir);
use POSIX ();
use Socket;
use Time::HiRes qw(sleep time);

our ($Dir, $Dockerd, $Sock);
our $Where = where_py();

BEGIN {
    $Dir = tempdir('/tmp/faas-engine.XXXXXX');
    chmod(0755, $Dir);
    mkdir("$Dir/data");
    $Sock = "$Dir/engine.sock";
}

no_shuffle();
plan tests => 156;


# the loopback interface is down in a new network

sub loopback_up {
    socket(my $sock, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $up = pack('a16 s x22', 'lo', 0x41);
    ioctl($sock, 0x8914, $up) or die "ioctl: $!";
}


sub engine_answers {
    my $res = eval { engine('GET', '/_ping') };
    return $res && $res->{status} eq '200';
}


sub engine_start {
    my @options = @_;

    for my $file ("$Dir/engine.pid", "$Dir/exec/containerd/containerd.pid") {
        chomp(my $pid = (eval { slurp($file) }) // '');
        wait_for(5, sub { !alive($pid) }) if $pid;
        unlink $file;
    }

    $Dockerd = fork // die "fork: $!";

    if (!$Dockerd) {
        POSIX::setsid();
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>>', "$Dir/log");
        open(STDERR, '>&', \*STDOUT);
        exec('dockerd', '-H', "unix://$Sock", '--data-root', "$Dir/data",
             '--exec-root', "$Dir/exec", '-p', "$Dir/engine.pid",
             '--containerd-namespace', 'faas-test',
             '--containerd-plugins-namespace', 'faas-test-plugins', @options)
            or POSIX::_exit(1);
    }

    return wait_for(20, \&engine_answers);
}


sub engine_stop {
    my ($signal) = @_;

    return if !$Dockerd;

    kill('CONT', $Dockerd);
    kill($signal, $Dockerd);

    my $ended = wait_for(15, sub { waitpid($Dockerd, POSIX::WNOHANG()) });

    if (!$ended) {
        kill('KILL', $Dockerd);
        waitpid($Dockerd, 0);
    }

    undef $Dockerd;
    return $ended;
}


# what the workers have open

sub worker_fds {
    return scalar map { glob "/proc/$_/fd/*" } worker_pids();
}


# Within so many seconds the engine and nginx are of one opinion about these.

sub agree {
    my ($seconds, @functions) = @_;
    my $began = time;

    my $rc = wait_for($seconds, sub {
        my @answers = parallel([ map { request('GET', "/function/$_") }
                                 @functions ]);

        for my $function (@functions) {
            my $where = where(shift @answers);
            my @running = grep { $_->{State} eq 'running' } instances($function);

            return 0 if @running != 1 || $where->{service} ne $function
                        || index($running[0]{Id}, $where->{host}) != 0;
        }

        return 1;
    });

    Test::More::note(sprintf('of one opinion after %.1f s', time - $began));

    # what the engine thinks, and what nginx does

    Test::More::diag(join("\n", map({ "$_->{Names}[0] $_->{Status}" } instances()),
                                map({ "$_: " . get("/function/$_")->{raw} } @functions),
                                grep { /faas: / } split /\n/, error_log_text()))
        if !$rc;

    return $rc;
}


# an engine that was killed forgets the shims of containers that have ended

sub end_shims {
    for my $file (glob '/proc/[0-9]*/cmdline') {
        my $line = eval { slurp($file) } // next;
        my ($pid) = $file =~ /(\d+)/;

        kill('KILL', $pid) if $line =~ /^[^\0]*containerd-shim/
                              && index($line, "$Dir/exec/") >= 0;
    }
}


# cold ones are refused, soon and in words

sub refused {
    my ($what, $seconds, $codes) = @_;

    for my $res (parallel([ map { request('GET', "/function/$_") }
                            qw(cold colder) ]))
    {
        like($res->{status}, $codes || qr/\A503\z/, "$what: a cold one is refused");
        like($res->{status} eq '503' ? header($res, 'Retry-After') // '' : 1,
             qr/\A\d+\z/, "$what: Retry-After");
        cmp_ok($res->{seconds}, '<', $seconds, "$what: soon");
    }
}

my $owner = $$;

END {
    my $rc = $?;

    if ($$ == $owner) {
        eval { stop_nginx('TERM', 15) };

        engine_start() if !engine_answers();

        my @ids = split ' ', `docker ps -aq 2>/dev/null`;
        system("docker rm -f @ids >/dev/null 2>&1") if @ids;
        engine_stop('TERM');
        end_shims();

        for (reverse slurp('/proc/self/mounts') =~ /^\S+ (\Q$Dir\E\S*)/mg) {
            system('umount', '-l', $_);
        }

        system('rm', '-rf', $Dir);

        # there is nothing left to look at
        delete $ENV{DOCKER_HOST};
    }

    $? = $rc;
}

loopback_up();

system('mount', '-t', 'tmpfs', '-o', 'size=384m', 'tmpfs', "$Dir/data") == 0
    or die 'mount';

system("docker save -o $Dir/image.tar faas-python") == 0 or die 'docker save';

$ENV{DOCKER_HOST} = "unix://$Sock";
$FaasEngine::Socket = $Sock;

engine_start() or die "dockerd does not start, see $Dir/log";

system("docker load -qi $Dir/image.tar >/dev/null") == 0 or die 'docker load';

run_tests();

__DATA__

=== TEST 1: the engine ends, and its containers with it
--- fresh
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=1 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py colder.py))
--- code
is(where(get('/function/warm'))->{service}, 'warm', 'a function serves');
ok(ready(1), 'a spare');

for my $round (1 .. 3) {
    ok(main::engine_stop('TERM'), "$round: the engine ends");

    my $res = get('/function/warm');

    like($res->{status}, qr/\A50[234]\z/, "$round: so does the function");
    cmp_ok($res->{seconds}, '<', 4, "$round: as is told soon");
    main::refused($round, 1);

    my $load = load(1, '/function/warm', pause => 0.1);

    ok(main::engine_start(), "$round: the engine is back");

    my $soon = time + ($ENV{ASAN} ? 6 : 2);

    ok(main::agree(5, 'warm'), "$round: the function, too");
    sleep(0.1) while time < $soon;
    sleep 1;

    my @calls = grep { $_->{began} > $soon } load_end($load);

    cmp_ok(scalar(@calls), '>', 0, "$round: it is called");
    is(failed_calls(@calls), '', "$round: and no call fails any more");
}

ok(main::agree(10, qw(warm cold colder)), 'and those that were refused');
ok(wait_for(10, sub { spares() == 1 && instances() == 4 }),
   'a spare, and nothing else is left');



=== TEST 2: the engine is killed: the warm serve on, until its next start
--- fresh
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=1 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py colder.py))
--- code
my $host = where(get('/function/warm'))->{host};

ok(ready(1), 'a spare');

main::engine_stop('KILL');

is(join(' ', map { where(get('/function/warm'))->{host} } 1 .. 5),
   join(' ', ($host) x 5), 'the warm serve on');

# the spare is of use, if it can be had without the engine

my ($first) = get('/function/cold');

like($first->{status}, qr/\A(?:200|503)\z/, 'a cold one may have the spare');
like(get('/function/colder')->{status}, qr/\A503\z/, 'another is refused');
is(where(get('/function/warm'))->{host}, $host, 'the warm serve on');

ok(main::engine_start(), 'the engine is back');
ok(main::agree(10, qw(warm cold colder)), 'and nginx knows who died');
ok(wait_for(10, sub { spares() == 1 && instances() == 4 }),
   'a spare, and nothing else is left');



=== TEST 3: the engine is killed while a container starts
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=0 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(f1.py f2.py f3.py))
--- code
my $pause = 0.02;

for my $name (qw(f1 f2 f3)) {
    my $sock = connect_to();
    my $began = time;

    syswrite($sock, request('GET', "/function/$name"));
    sleep $pause;
    main::engine_stop('KILL');

    my $res = parse_response(read_all($sock, 20));

    my $told = $res->{status} eq '200'
               ? $res->{status}
               : error_code($res) . ' ' . (header($res, 'Retry-After') // 'never');

    like($told, qr/\A(?:200|503 backend_unavailable \d+)\z/, "$name: an answer, or when to ask again");
    cmp_ok(time - $began, '<', 12, "$name: in time");

    ok(main::engine_start(), "$name: the engine is back");
    ok(main::agree(8, $name), "$name: it serves") or diag(get("/function/$name")->{raw});
    $pause += 0.1;
}

ok(main::agree(10, qw(f1 f2 f3)), 'all serve');
ok(wait_for(10, sub { instances() == 3 }), 'and nothing else is left')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());



=== TEST 4: the engine's disk is full
--- fresh
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=0 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py colder.py tight.py))
--- code
my $host = where(get('/function/warm'))->{host};
my $file = "$main::Dir/data/full";

# its name comes a moment after the answer, and needs room, too
wait_for(10, sub { instances('warm') == 1 });

system("dd if=/dev/zero of=$file bs=4k >/dev/null 2>&1");
main::refused('full', 10);

my $res = get('/function/cold');

like($res->{body}, qr/\A\{"error":\{"code":"backend_unavailable",/, 'full: in JSON');
unlike($res->{raw}, qr/\Q$main::Dir\E|space|overlay|containers?\b/i,
       'full: not a word of it');
is(where(get('/function/warm'))->{host}, $host, 'full: the warm one serves');
ok(wait_for(90, sub { instances() == 1 }), 'full: nothing is left');

# with a little room it gets further before it fails

for my $room (8, 64) {
    system("dd if=/dev/zero of=$file bs=4k oflag=append conv=notrunc >/dev/null 2>&1");
    truncate($file, (-s $file) - $room * 1024) or die "truncate: $!";

    $res = get('/function/tight');
    like("$res->{status} $res->{body}",
         qr/\A(?:200 |503 \{"error":\{"code":"backend_unavailable",)/,
         "$room KB: it serves, or says that it cannot");

    act_on('rm', $_->{Id}) for instances('tight');
    ok(wait_for(90, sub { instances() == 1 }), "$room KB: nothing is left")
        or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());
}

unlink $file;

ok(main::agree(20, qw(warm cold colder tight)), 'there is room: all serve');
is(where(get('/function/warm'))->{host}, $host, 'the warm one as before');
ok(wait_for(10, sub { instances() == 4 }), 'and nothing else is left');



=== TEST 5: live-restore: they live, whether the engine ends or is killed
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=0 concurrency=4;"
--- post_setup_server_root
main::engine_stop('TERM');
main::engine_start('--live-restore') or die 'engine';
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py colder.py))
--- code
my $host = where(get('/function/warm'))->{host};

for my $signal (qw(TERM KILL)) {
    my $load = load(1, '/function/warm', pause => 0.05);

    main::engine_stop($signal);
    sleep 0.5;
    main::refused($signal, 1);

    ok(main::engine_start('--live-restore'), "$signal: the engine is back");
    sleep 2;

    my @calls = load_end($load);

    is(failed_calls(@calls), '', "$signal: no call has failed: " . @calls);
    is(join(' ', keys %{ { map { where($_)->{host} => 1 } @calls } }), $host,
       "$signal: in the same container all the time");
    ok(main::agree(5, 'warm'), "$signal: the engine has the same opinion");
}

ok(main::agree(10, qw(warm cold colder)), 'and those that were refused serve');
is(scalar(instances()), 3, 'nothing else is left');



=== TEST 6: nginx ends while it waits for an engine that hangs
--- fresh
--- log_allow
connect\(\) to unix:\S+engine\.sock failed
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=1 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py small.py))
    . qq(>>> fn/small.json\n{"memory": "64m"}\n)
--- code
is(where(get('/function/warm'))->{service}, 'warm', 'a function serves');
ok(ready(1), 'and a spare waits');

# the new workers ask at once which containers there are

kill('STOP', $main::Dockerd) or die "kill: $!";
ok(reload_nginx(), 'a reload');
is(where(get('/function/warm'))->{service}, 'warm', 'it serves on');

# limits of its own take a call to the engine, which its answer does not wait for

is(where(get('/function/small'))->{service}, 'small', 'a spare becomes a function');
sleep 1;

ok(stop_nginx('TERM', 20), 'nginx ends');
kill('CONT', $main::Dockerd) or die "kill: $!";

ok(start_nginx(), 'and starts');
ok(main::agree(10, qw(warm cold small)), 'all serve');
ok(wait_for(10, sub { instances() == 4 }), 'and nothing is left of the time before');



=== TEST 7: the engine hangs
--- fresh
--- faas_http eval: "faas_docker unix:$::Sock; faas_runtime python prewarm=0 concurrency=4;"
--- user_files eval
FaasTest::files($::Where, qw(warm.py cold.py colder.py), map { "c$_.py" } 1 .. 8)
--- code
my $host = where(get('/function/warm'))->{host};
my $load = load(1, '/function/warm', pause => 0.05);

kill('STOP', $main::Dockerd) or die "kill: $!";

my @open = main::worker_fds();

for my $round (1 .. 3) {
    my $until = time + 10;

    main::refused("stopped, $round", 12, qr/\A50[34]\z/);
    parallel([ (request('GET', '/function/cold')) x 20 ]);
    push @open, main::worker_fds();
    sleep(0.1) while time < $until;
}

# some are in use at any moment, but not one for each of the 66 calls

cmp_ok($open[3], '<', $open[0] + 20, "nothing piles up: @open descriptors");

# the engine does few starts at a time, but one is enough to see that it hangs

my $began = time;
my @answers = parallel([ map { request('GET', "/function/c$_") } 1 .. 8 ], timeout => 40);

is(join(' ', map { "$_->{status} " . (eval { decode_json($_->{body})->{error}{code} } || '') }
             @answers),
   join(' ', ('503 backend_unavailable') x 8), 'all of many are refused');
cmp_ok(time - $began, '<', 9, 'none waits for the time of another');

kill('CONT', $main::Dockerd) or die "kill: $!";

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call of a warm one has failed: ' . @calls);
cmp_ok((sort { $b <=> $a } map { $_->{ended} - $_->{began} } @calls)[0], '<', 2,
       'nor has one waited for the engine');
ok(main::agree(10, qw(warm cold colder)), 'all serve');
is(where(get('/function/warm'))->{host}, $host, 'the warm one as before');
ok(wait_for(10, sub { instances() == 3 }), 'and nothing else is left');



=== TEST 8: a start that hangs does not hold the request that has begun it
--- fresh
--- faas_http eval
"faas_docker unix:$::Sock; faas_runtime python prewarm=0 concurrency=1 max_instances=2;"
--- faas_locations
    location = /guarded {
        auth_request /auth;
    }

    location = /auth {
        internal;
        faas cold;
        faas_timeout 1s;
        proxy_pass http://functions/;
    }
--- user_files eval
FaasTest::files($::Where, 'warm.py', 'cold.py')
--- code
my $host = where(get('/function/warm'))->{host};

kill('STOP', $main::Dockerd) or die "kill: $!";

# the second finds the only place taken, and is served when it is free again

syswrite(my $first = connect_to(), request('GET', '/function/warm/sleep/1.5'));
sleep 0.5;
syswrite(my $kept = connect_to(),
         request('GET', '/function/warm', headers => [ 'Connection: keep-alive' ]));

is(where(parse_response(read_some($kept, 4, qr/\}\z/)))->{host}, $host,
   'it is served by another instance');
is(where(parse_response(read_all($first)))->{host}, $host, 'as was the first');

# no call to the engine is waited for: these would take 5 s and more

for my $n (1 .. 3) {
    syswrite($kept, request('GET', '/function/warm',
                            headers => [ 'Connection: keep-alive' ]));
    is(where(parse_response(read_some($kept, 3, qr/\}\z/)))->{host}, $host,
       "and $n more on its connection");
}

# nor by a subrequest that has a deadline

syswrite(my $guarded = connect_to(), request('GET', '/guarded'));
is(parse_response(read_some($guarded, 4, qr/\r\n\r\n/))->{status}, 500,
   'a subrequest ends in time');

kill('CONT', $main::Dockerd) or die "kill: $!";
ok(main::agree(10, 'cold'), 'what was not there serves');
is(where(get('/function/warm'))->{service}, 'warm', 'and what was');

# the instance that was begun, too, if it was still of use

ok(wait_for(20, sub { instances() <= 3 }), 'nothing else is left');
