# The ways to run nginx: one worker or many, who accepts, and without a master.
# In each a function is created, called, replaced and deleted.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use List::Util qw(sum);
use POSIX ();

plan tests => 86;

our $Where = where_py();


sub json {
    return Cpanel::JSON::XS->new->utf8->encode($_[0]);
}


sub version {
    my ($n) = @_;
    return json({ source_code => FaasTest::where_py($n) });
}


# whose calls these were, and of which version, each once

sub told {
    my %is = map { my $where = where($_); ("$where->{service} $where->{version}" => 1) }
             @_;
    return join(', ', sort keys %is);
}


# what the workers have taken of a processor, in hundredths of a second

sub ticks {
    return sum(map { (split ' ', slurp("/proc/$_/stat"))[13, 14] } worker_pids());
}


# in the configuration of the block, with these words for those, from the start

sub started_with {
    my ($name, @change) = @_;

    ok(stop_nginx('QUIT', 30), "$name: the one before ends");
    change_conf(@change);
    ok(start_nginx(), "$name: nginx starts");
    ok(wait_for(10, sub { get('/functions')->{status} eq '200' }), "$name: and serves");
}


sub smoke {
    my ($name) = @_;
    my @many = (request('GET', '/function/smoke')) x 16;

    is(post('/functions', json({ name => 'smoke', language => 'python',
                                 source_code => $main::Where }))->{status},
       201, "$name: created");

    my $result = invoke('smoke', '{}');

    is($result->{status}, 'success', "$name: invoked") or diag($result->{error_message});
    is($result->{output}{service}, 'smoke', "$name: by its name");
    is(told(parallel(\@many)), 'smoke 1', "$name: called, by many at once");

    is(http(request('PUT', '/functions/smoke', body => version(2)))->{status}, 200,
       "$name: replaced");
    is(told(parallel(\@many)), 'smoke 2', "$name: no call reaches the old one");

    is(http(request('DELETE', '/functions/smoke'))->{status}, 204, "$name: deleted");
    is(get('/function/smoke')->{status}, 404, "$name: and not there any more");
    ok(wait_for(15, sub { instances('smoke') == 0 }), "$name: nor its containers");
}

run_tests();

__DATA__

=== TEST 1: one worker, eight with accept_mutex, reuseport, and no master
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- code
my $port = server_port();
my $conf = slurp(server_root() . '/conf/nginx.conf');
my ($workers) = $conf =~ /^(worker_processes\s+2;)/m;
my ($listen) = $conf =~ /(listen\s+$port;)/;

main::started_with('one worker', $workers => 'worker_processes 1;');
is(scalar(worker_pids()), 1, 'one worker: it is one');
main::smoke('one worker');

main::started_with('eight workers', 'worker_processes 1;' => 'worker_processes 8;',
                   'accept_mutex off;' => 'accept_mutex on;');
ok(wait_for(10, sub { worker_pids() == 8 }), 'eight workers: they are eight');
main::smoke('eight workers');

main::started_with('reuseport', 'worker_processes 8;' => 'worker_processes 2;',
                   'accept_mutex on;' => 'accept_mutex off;',
                   $listen => "listen $port reuseport;");
ok(wait_for(10, sub { worker_pids() == 2 }), 'reuseport: two workers');
main::smoke('reuseport');

main::started_with('no master', 'master_process on;' => 'master_process off;',
                   "listen $port reuseport;" => "listen $port;");
is(scalar(all_worker_pids()), 0, 'no master: a process, and no worker of its own');
main::smoke('no master');

ok(stop_nginx('QUIT', 15), 'no master: it ends');
is(scalar(instances()), 0, 'no master: no container is left');



=== TEST 2: in the foreground, as a supervisor starts it
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- code
my $root = server_root();
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

ok(stop_nginx('QUIT', 30), 'the one before ends');
change_conf('daemon on;' => 'daemon off;');

my $pid = child(sub {
    exec($nginx, '-e', "$root/logs/error.log", '-p', "$root/", '-c', "$root/conf/nginx.conf");
});

ok(wait_for(10, sub { (eval { master_pid() } // 0) == $pid && worker_pids() == 2 }),
   'it is the process that was started');
main::smoke('in the foreground');

kill('QUIT', $pid) or die "kill: $!";
ok(wait_for(15, sub { waitpid($pid, POSIX::WNOHANG()) == $pid }), 'it ends');
is($?, 0, 'well');
is(scalar(instances()), 0, 'no container is left');
change_conf('daemon off;' => 'daemon on;');
ok(start_nginx(), 'and another starts');



=== TEST 3: without epoll, where nginx has another way
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- code
SKIP: {
    skip('nginx has no poll', 14)
        if `$ENV{TEST_NGINX_BINARY} -V 2>&1` !~ /--with-poll_module/;

    main::started_with('poll', 'events {' => "events {\n    use poll;");
    ok(wait_for(10, sub { worker_pids() == 2 }), 'poll: two workers');
    main::smoke('poll');

    my $ticks = main::ticks();
    sleep 2;
    cmp_ok(main::ticks() - $ticks, '<', 100, 'poll: no worker spins while nobody calls');
}
