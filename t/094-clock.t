# The clock of the machine is set, by hours, while functions are called.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 21;

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
--- user_files eval
FaasTest::files($::Where, 'f.py', 'g.py', 'h.py')
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

    syswrite($sock, request('GET', '/function/f/sleep/2'));
    sleep 0.5;
    $set->($offset);

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
}

