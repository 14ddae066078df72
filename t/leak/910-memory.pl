# What a worker has after each twenty requests of a kind, a hundred times: the
# line through it does not rise.  Run by scripts/test leak.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasEndpoints;

use Time::HiRes qw(time);

use constant {
    SAMPLES  => 100,
    REQUESTS => 20,
    WARM_UP  => 20,     # samples
    MOST     => 1,      # kilobytes a sample
};

workers(1);

our @Endpoints = endpoints($ENV{FAAS_ENDPOINTS}
                           ? split ' ', $ENV{FAAS_ENDPOINTS}
                           : grep { $_ ne 'cold' }    # some 0.3 s each
                             map { $_->[0] } endpoints());

plan tests => 2 + 3 * @Endpoints;

sub worker_memory {
    my ($pid) = @_;
    my $text = slurp("/proc/$pid/smaps_rollup");

    # of it alone, and so none of the zone
    return $text =~ /^Private_Dirty:\s+(\d+)/m ? $1 : die "no memory of $pid";
}

sub descriptors {
    my ($pid) = @_;
    return scalar(() = glob "/proc/$pid/fd/*");
}

# kilobytes a sample, by least squares
sub slope {
    my @y = @_;
    my ($n, $xy, $x, $y, $xx) = (scalar @y, 0, 0, 0, 0);

    for my $i (0 .. $#y) {
        $x += $i;
        $y += $y[$i];
        $xy += $i * $y[$i];
        $xx += $i * $i;
    }

    return ($n * $xy - $x * $y) / ($n * $xx - $x * $x);
}

# A worker has pages in common with its master until it first writes to them, and
# does some things once a second: once for all kinds, before any is measured.

sub warm {
    my ($name, $expected, $make, $before) = @_;

    # with other names than those to come
    for my $round (map { 10_000 + $_ } 1 .. REQUESTS) {
        $before->($round) if $before;
        http($make->($round));
    }
}

sub leak {
    my ($name, $expected, $make, $before) = @_;
    my ($worker) = worker_pids();
    my (@memory, $files, $wrong, $round);
    my $began = time;

    $round = 0;
    $wrong = 0;

    for my $sample (1 .. WARM_UP + SAMPLES) {
        for (1 .. REQUESTS) {
            $before->(++$round) if $before;
            $wrong++ if http($make->($round))->{status} ne $expected;
        }

        $files = descriptors($worker) if $sample == WARM_UP;
        push @memory, worker_memory($worker) if $sample > WARM_UP;
    }

    my $slope = slope(@memory);

    diag(sprintf '%s: %d requests, %d to %d KB, %+.2f KB a sample, %.1f s',
         $name, (WARM_UP + SAMPLES) * REQUESTS, $memory[0], $memory[-1],
         $slope, time - $began);

    is($wrong, 0, "$name: answers are as they should be");
    cmp_ok($slope, '<', MOST, "$name: memory does not grow");
    cmp_ok(descriptors($worker), '<=', $files + 10,
           "$name: nor does the number of descriptors");
}

run_tests();

__DATA__

=== TEST 1: nothing is kept
--- http_config eval: FaasEndpoints::config()
--- user_files eval: FaasEndpoints::files()
--- code
is(http(invoke_request('echo', '{}'))->{status}, 200, 'it works');

warm(@$_) for @::Endpoints;
sleep 3;
leak(@$_) for @::Endpoints;
