# Two nginx at a time: another zone, another program; and an engine that tells
# nothing.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

plan tests => 61;

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


# A configuration beside this one, with a zone of another name.

sub other_conf {
    my $root = server_root();
    my $conf = slurp("$root/conf/nginx.conf");
    my $listen = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    my $port = $listen->sockport;

    close $listen;

    $conf =~ s/\bfaas_zone \w+/faas_zone other/;
    $conf =~ s/nginx\.pid/other.pid/g;
    $conf =~ s/error\.log/other.log/g;
    $conf =~ s{(\blisten\s+)\d+}{$1$port}g;

    write_file("$root/conf/other.conf", $conf);
    return ("$root/conf/other.conf", $port);
}

# True once there is another master, with its workers, beside this one.

sub upgraded {
    my ($old) = @_;
    my $pid = server_root() . '/logs/nginx.pid';

    kill('USR2', $old);

    return wait_for(10, sub { -s "$pid.oldbin" && -s $pid && master_pid() != $old
                              && worker_pids() == 2 });
}


# Calls while these workers stand still, so that others answer: all have the one
# socket.  Gives what load() does, but for the times.

sub without {
    my ($still, @paths) = @_;

    kill('STOP', @$still);
    wait_for(5, sub { @$still == grep { slurp("/proc/$_/stat") =~ /\) T /s } @$still });

    my @answers = parallel([ map { request('GET', $_) } @paths ]);

    kill('CONT', @$still);
    return map { { worker => header($_, 'X-Worker') // 'none', body => $_->{body} } } @answers;
}


run_tests();

__DATA__

=== TEST 1: two nginx with zones of different names
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my ($conf, $port) = main::other_conf();
my $pid_file = server_root() . '/logs/other.pid';
my $mine = main::host_of('f');

ok(start_nginx($conf), 'another nginx starts')
    or diag(slurp(server_root() . '/logs/start.out'));
ok(wait_for(5, sub { -s $pid_file }), 'and has its number');

chomp(my $other = slurp($pid_file));

my $its = main::host_of('f', port => $port);

like($its, qr/\A[0-9a-f]{12}\z/, 'it serves');
isnt($its, $mine, 'in a container of its own');
ok(wait_for(10, sub { spares() == 2 && instances() == 4 }), 'each has a spare');
sleep 2;
is(main::host_of('f'), $mine, 'the one serves on');
is(main::host_of('f', port => $port), $its, 'and the other');
is(scalar(instances()), 4, 'neither has taken anything away');

ok(stop_nginx('QUIT', 15), 'the one ends');
ok(wait_for(10, sub { instances() == 2 }), 'its containers are removed');
is(main::host_of('f', port => $port), $its, 'those of the other serve');
ok(start_nginx(), 'the one starts again');
isnt(main::host_of('f'), $its, 'and serves, with a container of its own');
sleep 2;
is(main::host_of('f', port => $port), $its, 'the other as before');

my @pids = ($other, all_worker_pids($other));

kill('KILL', @pids);
ok(wait_for(5, sub { !grep { alive($_) } @pids }), 'the other is killed');
sleep 1;

my @left = grep { $_->{Labels}{'faas.zone'} eq 'other' } instances();

is(scalar(@left), 2, 'and the one leaves its containers alone');
act_on('rm', $_->{Id}) for @left;



=== TEST 2: another program by USR2, under load
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
    add_header X-Worker $pid always;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.py\n$::Where"
--- code
my @before = map { main::host_of($_) } qw(f g);

ok(ready(1), 'a spare');

my $old = master_pid();
my $root = server_root();
my $load = load(2, [ '/function/f', '/function/g', '/function/f/sleep/0.3' ]);
my $slow = connect_to();

syswrite($slow, request('GET', '/function/f/sleep/4'));
sleep 0.5;
ok(main::upgraded($old), 'a new master, with two workers');

my %of = (map({ $_ => 'old' } all_worker_pids($old)), map({ $_ => 'new' } worker_pids()));
my @shared;

for my $case ([ 'old', 'new' ], [ 'new', 'old' ]) {
    my ($name, $other) = @$case;
    my @answers = main::without([ grep { $of{$_} eq $other } keys %of ],
                                '/function/f', '/function/g');

    is(join(' ', map { ($of{$_->{worker}} // 'none') . ' ' . where($_)->{service} } @answers),
       "$name f $name g", "the $name program serves");
    push @shared, @answers;
}

sleep 1.5;

# once the old workers go, the new ones may adopt what was theirs

my $until = time;

kill('WINCH', $old);
sleep 1;

my @pids = ($old, all_worker_pids($old));

kill('QUIT', $old);
ok(wait_for(15, sub { !grep { alive($_) } @pids }), 'the old one ends');
sleep 1.5;

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');

push @shared, grep { $_->{ended} < $until } @calls;

my %users;

$users{where($_)->{host}}{$of{$_->{worker}} // 'other'} = 1 for @shared;

is(join(', ', grep { keys %{ $users{$_} } > 1 } keys %users), '',
   'no container was used by both, of ' . keys %users);
is(where(parse_response(read_all($slow)))->{host}, $before[0],
   'what was under way has ended well');
is(where(get("/function/$_"))->{service}, $_, "$_ serves") for qw(f g);
ok(wait_for(10, sub { instances() == 3 && spares() == 1 && instances('f') == 1
                      && instances('g') == 1 }),
   'one instance of each, and a spare') or diag(main::told(instances()));
is(join(' ', map { main::host_of($_) } qw(f g)),
   join(' ', map { main::only($_) } qw(f g)), 'which serve');



=== TEST 3: another program that is given up
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $host = main::host_of('f');

ok(ready(1), 'a spare');

my $old = master_pid();
my $root = server_root();
my $load = load(2, '/function/f');

ok(main::upgraded($old), 'a new master, with two workers');
sleep 1.5;

ok(stop_nginx('QUIT', 15), 'it ends');
ok(wait_for(5, sub { -s "$root/logs/nginx.pid" && master_pid() == $old }),
   'the old one is the only one');
sleep 1.5;

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is(where(get('/function/f'))->{service}, 'f', 'it serves');
ok(wait_for(10, sub { instances() == 2 && spares() == 1 }),
   'one instance, and a spare') or diag(main::told(instances()));



=== TEST 4: no request for one function reaches another, whatever the events do
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=4;

    upstream functions {
        faas;
        keepalive 8;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'mute');
--- user_files eval
FaasTest::files($::Where, 'a.py', map { "b$_.py" } 1 .. 8)
--- code
like(main::host_of('a'), qr/\A[0-9a-f]{12}\z/, 'one serves');

my $load = load(2, '/function/a');
my (@killed, @wrong);

for my $n (1 .. 8) {
    my ($instance) = grep { $_->{State} eq 'running' } instances('a');

    if ($instance) {
        my $began = time;

        act_on($n % 2 ? 'kill' : 'rm', $instance->{Id});
        push @killed, [ $began, time ];
    }

    my $service = where(get("/function/b$n"))->{service};

    push @wrong, "b$n: $service" if $service ne "b$n";
}

my @calls = load_end($load);
my @strangers = grep { $_->{status} eq '200' && $_->{complete}
                       && where($_)->{service} ne 'a' } @calls;

cmp_ok(scalar(@killed), '>', 3, @killed . ' of it were killed');
is(scalar(@strangers), 0, 'none of its calls was answered by another: '
                          . @calls . ' calls')
    or diag(join "\n", map { $_->{body} } @strangers);
is("@wrong", '', 'nor those of the others');

# of an end nothing tells but the connections that fail

is(unexcused(\@killed, @calls), '', 'each call after a kill is answered');

# while nobody calls it, so that the next call is the one that finds nobody

for my $verb (qw(kill rm)) {
    my $old = main::host_of('a');

    is(act_on($verb, $old), 204, $verb);

    my $now = where(post('/function/a', 'x'));

    is($now->{service}, 'a', "$verb: the call has moved on") or diag($now->{answer});
    isnt($now->{host}, $old, "$verb: to another instance");
}

is(where(get('/function/a'))->{service}, 'a', 'it serves');



=== TEST 5: another program that is given up when it has taken over, under load
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.py\n$::Where"
--- code
my @before = map { main::host_of($_) } qw(f g);

ok(ready(1), 'a spare');

my $old = master_pid();
my $root = server_root();
my $load = load(3, [ '/function/f', '/function/g', '/function/f/sleep/0.3' ]);

ok(main::upgraded($old), 'a new master, with two workers');
sleep 1;

my $new = master_pid();

kill('WINCH', $old);
ok(wait_for(10, sub { !all_worker_pids($old) }), 'the old workers have ended');
sleep 1.5;

kill('HUP', $old);
ok(wait_for(10, sub { worker_pids($old) == 2 }), 'there are others in their place');
ok(stop_nginx('QUIT', 15, $new), 'the new program ends');
ok(wait_for(5, sub { -s "$root/logs/nginx.pid" && master_pid() == $old }),
   'the old one is the only one');
sleep 1.5;

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is(join(' ', map { main::host_of($_) } qw(f g)), "@before",
   'the containers of before serve') or diag(main::told(instances()));
ok(wait_for(15, sub { instances() == 3 && spares() == 1 && instances('f') == 1
                      && instances('g') == 1 }),
   'one instance of each, and a spare') or diag(main::told(instances()));
