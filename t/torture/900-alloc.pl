# An allocation fails, the n-th of those that a request makes of its worker, for
# each n until there are no more: the worker lives, the client has a whole
# answer or a connection that was closed, and the same request is served right
# after it.  Run by scripts/test torture, with shim.c.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasEndpoints;

use Cpanel::JSON::XS ();
use Time::HiRes qw(sleep time);

use constant {
    MALLOC => 1,
    SLAB   => 2,
    LAST   => 2000,
};

workers(1);

our @Endpoints = endpoints(split ' ', $ENV{FAAS_ENDPOINTS} // '');
our $Json = Cpanel::JSON::XS->new->utf8->allow_nonref;     # a string may be all
our $Seconds = $ENV{FAAS_TORTURE_SECONDS} || 60;

plan tests => 2 + 2 * @Endpoints;

sub control {
    my ($kind, $n) = @_;

    open my $fh, '+<:raw', $ENV{FAAS_TORTURE} or die "$ENV{FAAS_TORTURE}: $!";

    if (!defined $kind) {
        sysread $fh, my $bytes, 12;
        my (undef, undef, $count) = unpack 'L3', $bytes;
        sysseek $fh, 0, 0;
        syswrite $fh, pack('L', 0);
        return $count;
    }

    # armed by the last write
    sysseek $fh, 4, 0;
    syswrite $fh, pack('L2', $n, 0);
    sysseek $fh, 0, 0;
    syswrite $fh, pack('L', $kind);
    return;
}

# what is wrong with an answer to a request of which an allocation failed
sub complaint {
    my ($res, $expected) = @_;

    return 'no end within the time' if !$res->{closed};
    return '' if $res->{raw} eq '';
    return "no head: $res->{raw}" if $res->{status} eq '';
    return '' if defined $res->{complete} && !$res->{complete};
    return '' if $res->{status} == $expected && $expected >= 400;
    return '' if $res->{status} == 204;

    my $type = header($res, 'Content-Type') // '';

    if ($type =~ m{^application/json}) {
        return "no JSON: $res->{raw}" if !eval { $Json->decode($res->{body}); 1 };
    }

    return '' if $res->{status} == $expected || $res->{status} >= 500;
    return "status $res->{status}: $res->{body}";
}

# that it is served again, if need be after a start
sub recovers {
    my ($expected, $bytes) = @_;
    my $res;

    for (1 .. 3) {
        $res = http($bytes->());
        return '' if $res->{status} eq $expected;
        sleep 0.2;
    }

    return "after it: $res->{raw}";
}

sub torture {
    my ($kind, $name, $expected, $make, $before) = @_;
    my ($worker) = worker_pids();
    my $end = time + $Seconds;
    my $began = time;
    my (@bad, %seen, $n);

    for ($n = 1; $n <= LAST && time < $end; $n++) {
        $before->($n) if $before;

        my $bytes = $make->($n);

        control($kind, $n);
        my $res = http($bytes, timeout => 15);
        my $count = control();

        last if $count < $n;

        $seen{$res->{raw} eq '' ? 'closed'
              : $res->{complete} || !defined $res->{complete} ? $res->{status}
              : "$res->{status}, cut"}++;

        my $bad = complaint($res, $expected);

        $bad ||= 'worker ended' if !grep { $_ == $worker } worker_pids();

        $bad ||= recovers($expected, sub {
            $before->($n + LAST) if $before;
            $make->($n + LAST);
        }) if $name ne 'cold';

        push @bad, "$n: $bad" if $bad;

        # one that crashes is started again
        ($worker) = worker_pids();

        last if @bad >= 5;
    }

    my $what = $kind == SLAB ? 'slab' : 'malloc';

    diag(sprintf '%s, %s: %d failed, %.1f s%s: %s', $name, $what, $n - 1,
         time - $began, time >= $end ? ', no time for more' : '',
         join ', ', map { "$_ x$seen{$_}" } sort keys %seen);

    is(join("\n", @bad), '', "$name, $what");
}

run_tests();

__DATA__

=== TEST 1: every allocation fails once
--- http_config eval: FaasEndpoints::config()
--- user_files eval: FaasEndpoints::files()
--- code
is(recovers(200, sub { invoke_request('echo', '{}') }), '', 'it works');

for my $endpoint (@::Endpoints) {
    torture(main::MALLOC(), @$endpoint);
    torture(main::SLAB(), @$endpoint);
}
--- log_allow eval
qr/alloc|memory|failed|12: Cannot/
--- timeout: 30
