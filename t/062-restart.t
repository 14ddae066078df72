# What is left of containers when nginx ends, and what the next one makes of
# them.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use POSIX ();
use Time::HiRes qw(sleep time);

plan tests => 88;

our $Where = where_py();


sub host_of {
    my ($function, %opt) = @_;
    return where(get("/function/$function", %opt))->{host};
}


# those of whoever has the function's name, and the function serves from there

sub only {
    my ($function) = @_;
    my @instances = instances($function);

    return 'none' if !@instances;
    return join(' ', sort(ids(@instances)));
}


sub told {
    return join("\n", map { "$_->{Names}[0]: $_->{Status}" } @_);
}


# Whether processes whose parent dies become ours, and zombies in their turn, for
# nobody waits for them here; else they are init's, which may take its time.

sub subreaper {
    my ($on) = @_;
    my $prctl = { x86_64 => 157, aarch64 => 167 }->{(POSIX::uname())[4]}
        // die 'prctl: its number is not known here';

    syscall($prctl, 36, $on, 0, 0, 0) == 0 or die "prctl: $!";
}


run_tests();

__DATA__

=== TEST 1: quit and stop remove our containers
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.py\n$::Where"
--- code
for my $signal (qw(QUIT TERM)) {
    my @hosts = map { main::host_of($_) } qw(f g);

    is(scalar(grep { /\A[0-9a-f]{12}\z/ } @hosts), 2, 'two functions run');
    ok(ready(1), 'and a spare');

    my $sleep = $signal eq 'QUIT' ? 1.5 : 60;
    my $sock = connect_to();

    syswrite($sock, request('GET', "/function/f/sleep/$sleep"));
    sleep 0.3;

    my $began = time;

    ok(stop_nginx($signal, 15), "$signal: nginx ends");
    diag(sprintf('%s took %.1f s', $signal, time - $began));
    cmp_ok(time - $began, '<', $ENV{ASAN} ? 30 : 10, "$signal: soon") if $signal eq 'TERM';
    ok(wait_for(5, sub { !instances() }), "$signal: no container is left")
        or diag(main::told(instances()));
    ok(wait_for(5, sub { !@{ FaasEngine::told('GET', '/networks?' . FaasTest::our_filter()) } }),
       "$signal: nor a network");

    my $raw = read_all($sock);

    if ($signal eq 'QUIT') {
        is(where(parse_response($raw))->{host}, $hosts[0],
           'QUIT: what was under way has ended well');

    } else {
        is($raw, '', 'TERM: what was under way is cut');
    }

    ok(start_nginx(), 'it starts again');
}

is(where(get('/function/f'))->{service}, 'f', 'and serves');



=== TEST 2: quit while containers start
--- faas_http
    faas_runtime python prewarm=3 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
# what the engine was asked for comes to life after nginx has ended

ok(stop_nginx('TERM', 15), 'nginx ends right after its start');

for my $signal (qw(QUIT TERM)) {
    for my $wait (0.3, 1) {
        ok(start_nginx(), 'it starts again');
        sleep $wait;
        ok(stop_nginx($signal, 15), "and ends again, $signal after $wait s");
    }
}

sleep 2;
ok(start_nginx(), 'and starts');
is(where(get('/function/f'))->{service}, 'f', 'it serves');
ok(wait_for(15, sub { spares() == 3 && instances() == 4 }),
   'nothing of the earlier runs is left') or diag(main::told(instances()));



=== TEST 3: what is kept is adopted
--- faas_http
    faas_exit keep;
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, qw(same.py changed.py gone.py gr_een-1.0.py))
--- code
my %before = map { $_ => main::host_of($_) } qw(same changed gone gr_een-1.0);

ok(ready(1), 'a spare');

my ($spare) = map { $_->{Id} } spares();

ok(stop_nginx('QUIT', 15), 'nginx ends');
sleep 0.5;

my @kept = grep { $_->{State} eq 'running' } instances();

is(scalar(grep { $_->{Labels}{'faas.function'} ne '' } @kept), 4,
   'the containers stay') or diag(main::told(@kept));

# one that has our labels and is nobody's

my %labels = %{ $kept[0]{Labels} };
my @labels = map { ('--label', "$_=$labels{$_}") }
             grep { $_ ne 'faas.function' } keys %labels;
my $run = "docker run -d --network none --name faas-stray-$$ @labels faas-python";
my $stray = qx{$run python3 -c 'import time; time.sleep(600)'};

chomp $stray;
like($stray, qr/\A[0-9a-f]{64}\z/, 'a stray');

write_file(html_dir() . '/fn/changed.py', FaasTest::where_py(2));
unlink html_dir() . '/fn/gone.py';

my $events = watch_events();

ok(start_nginx(), 'nginx starts');

my $changed = where(get('/function/changed'));

is($changed->{version}, 2, 'a changed source is not served by the old one');
isnt($changed->{host}, $before{changed}, 'but in another container');
is(get('/function/gone')->{status}, 404, 'one that is gone is not served');

sleep 1;

for my $name (qw(same gr_een-1.0)) {
    is(main::host_of($name), $before{$name}, "$name: the same container")
        for 1 .. 3;
    is(main::only($name), $before{$name}, "$name: and no other");
}

ok(wait_for(15, sub { instances() == 4 && spares() == 1 }),
   'what is of no use is removed') or diag(main::told(instances()));
is(scalar(grep { $_->{Id} eq $stray } instances()), 0, 'the stray');
is(scalar(grep { $_->{Id} eq $spare } instances()), 0, 'the spare of before');
is(main::only('gone'), 'none', 'that of a source that is gone');
is(scalar(grep { ($_->{function} // '') =~ /same|green/ } events($events, 'start')),
   0, 'none of them was started anew');

# they are no worse than others

my $sock = connect_to();
syswrite($sock, request('GET', '/function/same/sleep/1'));
sleep 0.3;
write_file(html_dir() . '/fn/same.py', FaasTest::where_py(3));
ok(wait_for(5, sub { where(get('/function/same'))->{version} == 3 }), 'an edit');
is(where(parse_response(read_all($sock)))->{host}, $before{same},
   'what was under way has ended in the adopted one');
ok(wait_for(10, sub { main::only('same') !~ /$before{same}/ }),
   'which is removed then');

act_on('kill', $before{'gr_een-1.0'});
is(where(get('/function/gr_een-1.0'))->{service}, 'gr_een-1.0',
   'an adopted one that is killed is replaced');



=== TEST 4: calls right after the start
--- fresh
--- faas_http
    faas_exit keep;
    faas_runtime python prewarm=0 concurrency=4 idle=8s;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 4)
--- code
my @names = map { "f$_" } 1 .. 4;
my @before = map { where($_)->{host} }
             parallel([ map { request('GET', "/function/$_") } @names ]);

# a name comes with a function's container a moment after its answer
sleep 1;

ok(stop_nginx('TERM', 15), 'nginx ends');
ok(start_nginx(), 'and starts');

my @answers = parallel([ map { request('GET', "/function/$_") } @names ]);

is(join(' ', map { where($_)->{service} } @answers), "@names",
   'all are answered at once') or diag($answers[0]{raw});
is(join(' ', map { where($_)->{host} } @answers), "@before", 'by whom they were');
sleep 1;
is(scalar(instances()), 4, 'none is double') or diag(main::told(instances()));

# adopted ones become idle, too

ok(wait_for(25, sub { !instances() }), 'and go when they are idle');



=== TEST 5: kill -9 of the master and its workers, then a start
--- log_allow
exited on signal 9
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.py\n$::Where"
--- code
my @before = map { main::host_of($_) } qw(f g);

ok(ready(1), 'a spare');

my $master = master_pid();
my @pids = ($master, all_worker_pids($master));

kill('KILL', @pids);
ok(wait_for(5, sub { !grep { alive($_) } @pids }), 'all are dead');
is(scalar(instances()), 3, 'the containers live');
ok(start_nginx(), 'a start');
sleep 1;
is(join(' ', map { main::host_of($_) } qw(f g)), "@before", 'they are adopted')
    or diag(get('/function/f')->{raw});
ok(wait_for(10, sub { instances() == 3 && spares() == 1 }), 'and nothing else is left')
    or diag(main::told(instances()));



=== TEST 6: kill -9 of the master alone: its workers serve on, and hold the port
--- fresh
--- log_allow
bind\(\) to \S+ failed \(98: |could not bind
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 max_instances=1;
    faas_runtime deno prewarm=0;
--- faas_locations
    location = /who { return 200 $pid; }
--- user_files eval
FaasTest::files($::Where, qw(f.py g.py)) . qq(>>> fn/g.json\n{"idle":2}\n)
--- code
main::subreaper(1);
ok(stop_nginx('QUIT', 15) && start_nginx(), 'started by a parent that does not wait');

my $host = main::host_of('f');
my $master = master_pid();
my @workers = all_worker_pids($master);

kill('KILL', $master) or die "kill: $!";
ok(wait_for(5, sub { !alive($master) }), 'the master is dead');
is(scalar(grep { alive($_) } @workers), 2, 'its workers live');
is(main::host_of('f'), $host, 'what is warm serves');
is(where(get('/function/g'))->{service}, 'g', 'and what is cold');
ok(wait_for(5, sub { instances('g') == 1 }), 'in a container');
ok(wait_for(20, sub { !instances('g') }), 'which goes when it is idle: a worker keeps house');

ok(!start_nginx(), 'a start fails');
like(slurp(server_root() . '/logs/start.out') . error_log_text(),
     qr/bind\(\) to .* failed \(98/, 'for they hold the port');
is(main::host_of('f'), $host, 'and has taken nothing away');

# one of them dies in a call, and nobody starts another

my $sock = connect_to();

syswrite($sock, request('GET', '/who', headers => [ 'Connection: keep-alive' ]));
my ($pid) = read_some($sock) =~ /(\d+)\s*\z/;
syswrite($sock, request('GET', '/function/f/sleep/60'));
sleep 0.5;
kill('KILL', $pid) or die "kill: $!";

# while it dies the kernel may yet wake it, and it alone, for a connection
wait_for(5, sub { !alive($pid) });

my $res = get('/function/f', timeout => 15);

is(where($res)->{service}, 'f', 'its place is free') or diag($res->{raw});
is(kill(0, $pid), 1, 'though it is a zombie');

my ($left) = grep { alive($_) } @workers;

kill('TERM', $left);
ok(wait_for(15, sub { !alive($left) }), 'TERM ends the other');
main::subreaper(0);
kill('KILL', grep { alive($_) } @workers);
waitpid($_, 0) for $master, @workers;
ok(start_nginx(), 'then nginx starts');
ok(wait_for(5, sub { worker_pids() == 2 }), 'with two workers');
is(where(get('/function/f'))->{service}, 'f', 'and serves');
ok(wait_for(15, sub { instances('f') == 1 && spares() == 1 && instances() == 2 }),
   'one instance, a spare, nothing else') or diag(main::told(instances()));
