# What is done to nginx: broken configurations, other zones, ends that do not
# wait, logs that are moved or have no room, and another clock.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale qw(sent answer_of settled);

use Time::HiRes qw(sleep time);

plan tests => 84;

our $Where = where_py();


sub host_of {
    my ($function) = @_;
    return where(get("/function/$function"))->{host};
}


# what has been logged since, once that is there

sub logged {
    my ($since, $pattern) = @_;
    return wait_for(10, sub { substr(error_log_text(), $since) =~ $pattern });
}

# a disk of a test that died

my $owner = $$;

END {
    if ($$ == $owner) {
        local $?;
        my $small = html_dir() . '/small';

        system('umount', '-l', $small) if slurp('/proc/self/mounts') =~ / \Q$small\E /;
    }
}

run_tests();

__DATA__

=== TEST 1: configurations, and a module, that are refused
--- log_allow
zone "test" is too small|invalid parameter|invalid number of arguments|not binary compatible
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $file = server_root() . '/conf/nginx.conf';
my $good = slurp($file);
my ($module) = $good =~ /^load_module (\S+ngx_http_faas_module\.so);/m;
my $host = main::host_of('f');
my @pids = worker_pids();

# the same with another signature: that of an nginx of other options

my $other = html_dir() . '/other.so';
my $bytes = slurp($module);

is($bytes =~ s/(\0\d,\d,\d,)([01])([01]{20,}\0)/$1 . (1 - $2) . $3/e, 1,
   'a module has a signature');
write_file($other, $bytes);

for my $case (
    [ 'a small zone', 'faas_zone test:1m', 'faas_zone test:1k',
      qr/\[emerg\].*zone "?test/ ],
    [ 'a parameter', 'prewarm=0 concurrency=4', 'prewarm=x', qr/\[emerg\].*prewarm=x/ ],
    [ 'a directive', 'faas_api /function/', 'faas_api /function/ nowhere',
      qr/\[emerg\].*"faas_api"/ ],
    [ 'a module of another nginx', $module, $other, qr/\[emerg\].*not binary compatible/ ],
)
{
    my ($name, $old, $new, $pattern) = @$case;
    my $since = length error_log_text();

    change_conf($old => $new);
    signal_master('HUP');

    ok(main::logged($since, $pattern), "$name: refused");
    is(main::host_of('f'), $host, "$name: the old one serves, and warm");
    is("@{[ worker_pids() ]}", "@pids", "$name: with the same workers");
    write_file($file, $good);
}



=== TEST 2: another size of the zone, and no zone at all
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $file = server_root() . '/conf/nginx.conf';
my $host = main::host_of('f');

# long enough for the old workers to be there when the new ones are called

my $long = $ENV{ASAN} ? 15 : 5;
my $sock = sent('GET', "/function/f/sleep/$long");

sleep 0.3;
change_conf('faas_zone test:1m' => 'faas_zone test:2m');
ok(reload_nginx(), 'another size: a reload');

my $new = where(get('/function/f'));

is($new->{service}, 'f', 'another size: it serves');
isnt($new->{host}, $host, 'another size: not in what the old workers have');
is(where(answer_of($sock))->{host}, $host, 'another size: what was under way has ended well');
ok(wait_for(15, sub { all_worker_pids() == 2 }), 'another size: the old workers end');
ok(wait_for(15, sub { instances() == 1 }), 'another size: one container is left');
is(main::host_of('f'), (ids(instances()))[0], 'another size: which serves');

# none

my $with = slurp($file);

$host = main::host_of('f');
$sock = sent('GET', '/function/f/sleep/2');
sleep 0.3;

my $without = $with;
$without =~ s/^\s*(?:faas\w*|proxy_pass|rewrite|keepalive)\s[^;]*;//mg;
$without =~ s/^\s*faas;//mg;
$without =~ s/upstream functions \{\s*\}//;
write_file($file, $without);
ok(reload_nginx(), 'no zone: a reload');
is(get('/function/f')->{status}, 404, 'no zone: no function');
is(where(answer_of($sock))->{host}, $host, 'no zone: what was under way has ended well');
ok(wait_for(15, sub { all_worker_pids() == 2 }), 'no zone: the old workers end');
is(join(' ', ids(grep { $_->{State} eq 'running' } instances())), $host,
   'no zone: the container stays');

write_file($file, $with);
ok(reload_nginx(), 'and back');
is(where(get('/function/f'))->{service}, 'f', 'it serves');
ok(wait_for(15, sub { instances() == 1 }), 'in one container')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());
ok(settled('f'), 'no place is taken');



=== TEST 3: quit, and worker_shutdown_timeout
--- main_config
    worker_shutdown_timeout 1s;
--- faas_http
    faas_runtime python prewarm=0 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $host = main::host_of('f');

my @socks = map { my $sock = connect_to(); syswrite($sock, $_); $sock }
            (request('GET', '/function/f/sleep/60'), request('GET', '/function/f/drip/60'),
             request('POST', '/functions/f/invoke', headers => [ 'Content-Length: 100' ],
                     body => '{"timeout_ms":1'),
             invoke_request('f', '{}'));

is(result(answer_of($socks[3]))->{status}, 'success', 'an answer');
sleep 0.5;

my @pids = (master_pid(), all_worker_pids());
my $began = time;

signal_master('QUIT');
is(answer_of($_)->{complete} // 0, 0, 'a call is cut') for @socks[0, 1, 2];

my $seconds = time - $began;

cmp_ok($seconds, '>', 0.8, 'not before its time');
cmp_ok($seconds, '<', $ENV{ASAN} ? 12 : 4, 'and soon after');

# the containers have ten seconds to go
ok(wait_for(13, sub { !grep { alive($_) } @pids }), 'nginx ends');
ok(wait_for(10, sub { !instances() }), 'no container is left');
ok(start_nginx(), 'it starts again');
isnt(main::host_of('f'), $host, 'and serves');



=== TEST 4: logs that are moved, and logs without room
--- log_allow
No space left on device
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
    faas_runtime deno prewarm=0;
--- faas_locations
    location = /small {
        access_log $TEST_NGINX_SERVER_ROOT/html/small/access.log;
        error_log $TEST_NGINX_SERVER_ROOT/html/small/error.log info;
        faas f;
        proxy_pass http://functions;
    }

    location = /broken {
        error_log $TEST_NGINX_SERVER_ROOT/html/small/error.log info;
        faas broken;
        proxy_pass http://functions;
    }
--- post_setup_server_root
my $small = html_dir() . '/small';
mkdir $small;
chmod 0777, $small;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/broken.py\nimport nothing\n"
--- code
my $log = server_root() . '/logs/error.log';
my $small = html_dir() . '/small';
my $host = main::host_of('f');
my @pids = worker_pids();

rename($log, "$log.1") or die "$!";
signal_master('USR1');
ok(wait_for(10, sub { -e $log }), 'there is a new log');
is(main::host_of('f'), $host, 'calls go on');
is(get('/function/broken')->{status}, 502, 'and fail');
ok(main::logged(0, qr/broken/), 'which the new one tells');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');

# on a disk that is full

system('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=777', 'tmpfs', $small) == 0 or die 'mount';
signal_master('USR1');
ok(wait_for(10, sub { -e "$small/access.log" }), 'there is a log on a small disk');
system("dd if=/dev/zero of=$small/full bs=4k >/dev/null 2>&1");

is(where(get('/small'))->{host}, $host, 'full: calls go on') for 1 .. 3;
is(get('/broken')->{status}, 502, 'full: and fail');
is("@{[ worker_pids() ]}", "@pids", 'full: the workers are the same');
ok(settled('f'), 'full: no place is taken');

ok(stop_nginx('QUIT', 15), 'full: nginx ends');
system('umount', '-l', $small);
ok(start_nginx(), 'and starts');



=== TEST 5: the file of the module is replaced
--- fresh
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my ($module) = slurp(server_root() . '/conf/nginx.conf')
               =~ /^load_module (\S+ngx_http_faas_module\.so);/m;
my $copy = html_dir() . '/copy.so';
my $mapped = sub {
    return join ' ', map { slurp("/proc/$_/maps") =~ /\Q$copy\E( \(deleted\))?$/m
                           ? $1 ? 'old' : 'new' : 'none' } master_pid(), worker_pids();
};

write_file($copy, slurp($module));
change_conf($module => $copy);
ok(stop_nginx('TERM', 15), 'nginx ends');
ok(start_nginx(), 'and starts with a copy');

my $host = main::host_of('f');

FaasClient::wait_for_workers();

# what it is replaced by is read at the next start only, whatever it is

for my $case ([ 'another', slurp($module) ], [ 'none', "no module\n" ]) {
    my ($name, $bytes) = @$case;

    write_file("$copy.new", $bytes);
    rename("$copy.new", $copy) or die "$!";

    is(main::host_of('f'), $host, "$name: it serves");
    ok(reload_nginx(), "$name: a reload");
    is($mapped->(), 'old old old', "$name: the old one is still in use");
    is(main::host_of('f'), $host, "$name: it serves, by the instance that was there");
}

write_file("$copy.new", slurp($module));
rename("$copy.new", $copy) or die "$!";
ok(stop_nginx('QUIT', 15) && start_nginx(), 'a start');
FaasClient::wait_for_workers();
is($mapped->(), 'new new new', 'has the new one');



=== TEST 6: another size, and another name, of the zone under load
--- fresh
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: FaasTest::files($::Where, qw(f.py g.py))
--- code
my $load = load(3, [ '/function/f', '/function/g', '/function/f/sleep/0.3' ]);

ok(wait_for(15, sub { instances() == 3 && spares() == 1 }), 'two functions, and a spare');

change_conf('faas_zone test:1m' => 'faas_zone test:2m');
ok(reload_nginx(), 'another size: a reload');
ok(wait_for(15, sub { all_worker_pids() == 2 }), 'another size: the old workers end');
ok(wait_for(20, sub { instances() == 3 && spares() == 1 && instances('f') == 1
                      && instances('g') == 1 }),
   'another size: one container of each is left, and a spare')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());

# another nginx may have the old name, so they stay

my %second = map { $_ => 1 } ids(instances());

change_conf('faas_zone test:2m' => 'faas_zone other:2m');
ok(reload_nginx(), 'another name: a reload');
ok(wait_for(15, sub { all_worker_pids() == 2 }), 'another name: the old workers end');
ok(wait_for(20, sub { grep({ $_->{Labels}{'faas.zone'} eq 'other' } instances()) == 3 }),
   'another name: it has containers of its own');
sleep 1;

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is(scalar(grep { $second{main::host_of($_)} } qw(f g)), 0,
   'another name: no container of the old one serves');
is(scalar(grep { $_->{State} eq 'running' && $second{(ids($_))[0]} } instances()), 3,
   'another name: nor is any taken away');
ok(settled($_), "no place of $_ is taken") for qw(f g);
ok(stop_nginx('QUIT', 15), 'nginx ends');
act_on('rm', $_) for keys %second;
