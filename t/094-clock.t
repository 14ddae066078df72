# The clock of the machine is set, by hours, while functions are called.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 33;

our $Where = FaasTest::where_py();
our ($Library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

run_tests();

__DATA__

=== TEST 1: an hour forward, and two back
--- main_config
    env FAKETIME_TIMESTAMP_FILE;
    env FAKETIME_NO_CACHE;
    env FAKETIME_DONT_FAKE_MONOTONIC;
--- faas_http
    faas_runtime python prewarm=1 idle=1h queue_timeout=20s;
    faas_runtime deno prewarm=0;
    faas_timeout 20s;
--- faas_locations
    location /short/ {
        faas s;
        faas_timeout 2s;
        proxy_pass http://functions/;
    }
--- user_files eval
FaasTest::files($::Where, map { "$_.py" } qw(f g h i s)) . qq(>>> fn/i.json\n{"idle": "2s"}\n)
--- code
my $clock = server_root() . '/logs/clock';
my $set = sub { write_file("$clock.new", "$_[0]\n"); rename("$clock.new", $clock) };

ok(defined $::Library, 'a clock that can be set');
ok(stop_nginx('QUIT'), 'nginx ends');
$set->('+0');

{
    local %ENV = (%ENV, LD_PRELOAD => $::Library, FAKETIME_TIMESTAMP_FILE => $clock,
                  FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1);
    ok(start_nginx(), 'and starts');
}

my $host = where(get('/function/f'))->{host};
like($host, qr/^[0-9a-f]{12}$/, 'a function serves');
my $now = time;

for my $case ([ '+3600', 'an hour later', 'g' ], [ '-3600', 'an hour earlier', 'h' ]) {
    my ($offset, $name, $new) = @$case;
    my $sock = connect_to();

    is(get("/function/$_")->{status}, 200, "$name: $_ is there before") for qw(i s);

    my $cut = connect_to();
    my $began = time;

    syswrite($cut, request('GET', '/short/sleep/60'));
    syswrite($sock, request('GET', '/function/f/sleep/2'));
    sleep 0.5;
    $set->($offset);

    # all workers have something to do, and so look at the clock

    parallel([ (request('GET', '/functions')) x 16 ]);
    is(parse_response(read_all($cut, 15))->{status}, 504, "$name: another is out of it");

    my $seconds = time - $began;

    cmp_ok($seconds, '>', 1.9, "$name: not before");
    cmp_ok($seconds, '<', $ENV{ASAN} ? 15 : 6, "$name: and soon after");

    # till nginx has seen it

    ok(wait_for(10, sub {
        get('/functions');
        my ($h) = (header(get('/functions/f'), 'Date') // '') =~ / (\d\d):\d\d:\d\d /;
        defined $h && $h == (gmtime($now + $offset))[2]
            || defined $h && $h == (gmtime(time + $offset))[2];
    }), "$name: nginx has seen it");

    is(parse_response(read_all($sock, 15))->{status}, 200,
       "$name: the call under way has its time");
    sleep 1.5;
    is(where(get('/function/f'))->{host}, $host, "$name: the instance is not idle");
    is(get("/function/$new")->{status}, 200, "$name: another starts");
    ok(ready(1), "$name: a spare stands ready");
    is(invoke('f', '{}', timeout_ms => 5000)->{status}, 'success', "$name: an invocation");

    write_file(html_dir() . '/fn/f.py', FaasTest::where_py($offset));
    ok(wait_for(10, sub { where(get('/function/f'))->{version} == $offset }),
       "$name: an edit is seen");
    $host = where(get('/function/f'))->{host};
    is(stands('f')->{active}, 0, "$name: no place is taken");
    ok(wait_for(10, sub { !instances('i') }), "$name: what is idle goes");
}

