# How many containers there are: what a reload asks for, what is started at a
# time, and what goes because nobody needs it.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale qw(error_code settled);

use Time::HiRes qw(sleep time);

plan tests => 66;

our $Where = where_py();

run_tests();

__DATA__

=== TEST 1: reloads with fewer and with none, and with more
--- faas_http
    faas_runtime python prewarm=2;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
ok(ready(2), 'two stand ready');

my %before = map { $_ => 1 } ids(spares());
my $host = where(get('/function/f'))->{host};

ok(ready(2), 'two again');
change_conf('prewarm=2' => 'prewarm=1');
ok(reload_nginx(), 'a reload');
ok(wait_for(10, sub { instances() == 2 }), 'one spare is removed');
is(scalar(spares()), 1, 'one is left');

change_conf('prewarm=1' => 'prewarm=0');
ok(reload_nginx(), 'another');
ok(wait_for(10, sub { instances() == 1 }), 'none is left');
is(where(get('/function/f'))->{host}, $host, 'the function is where it was');

change_conf('prewarm=0' => 'prewarm=3');
ok(reload_nginx(), 'and another');
ok(ready(3), 'three');
is(where(get('/function/f'))->{host}, $host, 'the function is where it was');



=== TEST 2: a reload with other limits
--- faas_http
    faas_runtime python prewarm=1 memory=96m concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.py\n$::Where>>> fn/h.py\n$::Where"
--- code
my $memory = sub { inspect($_[0])->{HostConfig}{Memory} >> 20 };

ok(ready(1), 'one stands ready');

my ($spare) = ids(spares());
my $old = where(get('/function/f'))->{host};

is($memory->($old), 96, 'the limit');
ok(ready(1), 'one stands ready again');
($spare) = ids(spares());

my $sock = connect_to();
syswrite($sock, request('GET', '/function/f/sleep/3'));
sleep 0.3;

change_conf('memory=96m' => 'memory=112m');
ok(reload_nginx() || 1, 'a reload');

my $res = get('/function/f');
my $new = where($res)->{host};

is($res->{status}, 200, 'the function is called');
isnt($new, $old, 'in a new container');
is($memory->($new), 112, 'of the new limit');
is(where(parse_response(read_all($sock)))->{host}, $old,
   'what was under way has ended in the old one');
ok(wait_for(10, sub { !grep { $_ eq $spare || $_ eq $old } ids(instances()) }),
   'the old spare is gone, and the old instance');
ok(wait_for(10, sub { spares() == 1 }), 'a new one stands ready');
is($memory->((ids(spares()))[0]), 112, 'of the new limit');

# a first call right after the reload

change_conf('memory=112m' => 'memory=104m');
signal_master('HUP');
sleep 0.3;
$new = where(get('/function/g'))->{host};
is($memory->($new), 104, 'a first call soon after a reload has the new limit');



=== TEST 3: one start at a time
--- fresh
--- faas_http
    faas_docker_concurrency 1;
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 6)
--- code
my $events = watch_events();
my @names = map { "f$_" } 1 .. 6;
my @answers = map { where($_) }
              parallel([ map { request('GET', "/function/$_") } @names ]);

is(join(' ', map { $_->{service} } @answers), "@names", 'all are answered');
sleep 0.3;

my ($now, $most) = (0, 0);

for my $event (events($events, 'create', 'start')) {
    $now += $event->{action} eq 'create' ? 1 : -1;
    $most = $now if $now > $most;
}

is(scalar(events($events, 'create')), 6, 'six containers');
is($most, 1, 'never two between create and start');



=== TEST 4: what is idle goes, what is at work and what stands ready stays
--- faas_http
    faas_runtime python prewarm=1 idle=2s concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/idle.py\n$::Where>>> fn/busy.py\n$::Where"
--- code
ok(ready(1), 'one stands ready');

# a call each half second keeps it; one of five seconds, too

my $busy = where(get('/function/busy'))->{host};
my $sock = connect_to();
syswrite($sock, request('GET', '/function/busy/sleep/5'));

my $idle = where(get('/function/idle'))->{host};

for (1 .. 6) {
    is(where(get('/function/idle'))->{host}, $idle, 'not idle yet');
    sleep 0.5;
}

my $since = time;

ok(ready(1), 'one stands ready again');

my ($spare) = ids(spares());

ok(wait_for(8, sub { !instances('idle') }), 'idle, and gone');
cmp_ok(time - $since, '>', 1, 'not before its time');
is(where(parse_response(read_all($sock)))->{host}, $busy,
   'the one at work has worked on');
is(join(' ', ids(spares())), $spare, 'what stands ready stays');
is(where(get('/function/idle'))->{service}, 'idle', 'the next call works');
ok(wait_for(8, sub { !instances('busy') }), 'the other is gone by now');
ok(wait_for(10, sub { !instances('idle') }), 'and the one called again');
ok(wait_for(10, sub { spares() == 1 && instances() == 1 }), 'one stands ready');



=== TEST 5: whoever keeps house is killed
--- log_allow
exited on signal 9
--- faas_http
    faas_runtime python prewarm=1 idle=3s;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 2)
--- code
ok(ready(1), 'one stands ready');

for my $round (1, 2) {
    my ($pid) = (worker_pids())[$round - 1];

    is(where(get("/function/f$round"))->{service}, "f$round", 'a function is called');
    ok(wait_for(3, sub { instances("f$round") == 1 }), 'it has an instance');
    kill('KILL', $pid) or die "kill: $!";
    ok(wait_for(8, sub { worker_pids() == 2 && spares() == 1 }),
       'a worker is killed, one stands ready');
    ok(wait_for(12, sub { !instances("f$round") }), 'and what is idle goes');
}

is(scalar(worker_pids()), 2, 'two workers');



=== TEST 6: who waits for another start is told so in time
--- fresh
--- faas_http eval
my $wait = $ENV{ASAN} ? 6 : 3;

<<"CONF";
    faas_docker unix:\$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_docker_concurrency 1;
    faas_runtime python prewarm=0 queue_timeout=${wait}s;
    faas_runtime deno prewarm=0;
CONF
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'slow ^POST \S+/containers/create');
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 24)
--- code
# a start takes 0.3 s and more, so that they cannot all have theirs

my $wait = $ENV{ASAN} ? 6 : 3;
my @names = map { "f$_" } 1 .. 4 * $wait;
my @answers = parallel([ map { request('GET', "/function/$_") } @names ]);
my @served = grep { $_->{status} eq '200' } @answers;
my @others = grep { $_->{status} ne '200' } @answers;
my @seconds = sort { $a <=> $b } map { $_->{seconds} // 99 } @others;

cmp_ok(scalar(@others), '>', 0, @served . ' are served, ' . @others . ' are not');
is(join(', ', grep { $_ ne '503 no_capacity' } map { error_code($_) } @others), '',
   'and told why');
is(scalar(grep { (header($_, 'Retry-After') // '') =~ /\A[1-9]/ } @others), scalar(@others),
   'and when to try again');
cmp_ok($seconds[0], '>', $wait - 0.1, 'not before their time');
cmp_ok($seconds[-1], '<', 2 * $wait, 'and soon after');

is(scalar(grep { settled($_) } @names), scalar(@names), 'no place is taken');

# by themselves they may take as long, on a busy machine

for my $name (@names) {
    wait_for(10, sub { where(get("/function/$name"))->{service} eq $name });
}

is(join(' ', map { where(get("/function/$_"))->{service} } @names), "@names",
   'then all serve');
ok(wait_for(10, sub { instances() == @names }), 'each in one container');
