# What is between the engine and a container is killed.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 12;

worker_connections(1024);

our $Where = FaasTest::where_py();

run_tests();

__DATA__

=== TEST 1: the shim of a container is killed
--- faas_http
    faas_runtime python prewarm=0 concurrency=1;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, 'f.py')
--- code
for my $busy (0, 1) {
    my $old = where(get('/function/f'))->{host};
    my $pid = inspect($old)->{State}{Pid};
    my ($shim) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) \S (\d+)/s;
    my $sock;

    like(slurp("/proc/$shim/cmdline"), qr/shim/, 'it is a shim');

    if ($busy) {
        $sock = connect_to();
        syswrite($sock, request('GET', '/function/f/sleep/30'));
        sleep 0.3;
    }

    kill('KILL', $shim);
    ok(wait_for(10, sub { !alive($pid) }), 'the engine ends what it has left');

    is(parse_response(read_all($sock, 15))->{status}, 502, 'who was there is told')
        if $busy;

    my $new = where(get('/function/f'))->{host};

    like($new, qr/^[0-9a-f]{12}$/, 'the next one is served');
    isnt($new, $old, 'by another one');
    ok(wait_for(20, sub { instances() == 1 }), 'the old one is removed');
}
