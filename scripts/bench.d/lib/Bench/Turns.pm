package Bench::Turns;

# Ways of doing the same, measured in turns: A B A B.  A ratio is that of two
# neighbours, so what else the machine does meanwhile tells on both.

use strict;
use warnings;

use Bench::Report qw(facts percentile quiet say_that);
use Bench::Http qw(now);
use Exporter 'import';

our @EXPORT_OK = qw(turns median ratio spread footnote);

my ($measured, $restless) = (0, 0);
my $load = _load();


# turns(N, NAME => SUB ...): each is called once to warm up, then N times; what
# the calls gave, { NAME => [ RESULT ... ] }

sub turns {
    my ($n, @ways) = @_;
    my (@names, %sub, %results);
    my $began = now();

    while (my ($name, $sub) = splice @ways, 0, 2) {
        push @names, $name;
        $sub{$name} = $sub;
    }

    $sub{$_}->() for @names;

    for my $round (1 .. $n) {
        for my $name (@names) {
            $measured++;
            quiet(1.5) or $restless++;
            push @{ $results{$name} }, $sub{$name}->();
        }

        say_that('round %d of %d, %d s', $round, $n, now() - $began);
    }

    return \%results;
}


sub _load {
    open(my $fh, '<', '/proc/loadavg') or return 'unknown';
    my ($load) = split ' ', scalar <$fh>;

    return $load;
}


sub _values {
    my ($what, $results) = @_;
    return map { ref $_ ? $_->{$what} : $_ } @$results;
}


# median(WHAT, [ RESULT ... ]): of a result's member, or of numbers

sub median {
    my ($what, $results) = @_;
    return percentile(50, _values($what, $results));
}


sub _ratios {
    my ($what, $a, $b) = @_;
    my @b = _values($what, $b);

    return map { $_ / shift @b } _values($what, $a);
}


# ratio(WHAT, [ A ... ], [ B ... ]): the median of those of neighbours

sub ratio {
    my ($what, $a, $b) = @_;
    return sprintf '%.3f', percentile(50, _ratios($what, $a, $b));
}


# how far half of them lie apart: "FROM to TO"

sub spread {
    my ($what, $a, $b) = @_;
    my @ratios = _ratios($what, $a, $b);

    return join ' to ', map { sprintf '%.3f', percentile($_, @ratios) } 25, 75;
}


# the line below a table

sub footnote {
    my (@more) = @_;
    my $text = join '; ', facts(), @more,
                          sprintf('load average before %s', $load);

    if ($restless && $restless > 0.05 * $measured) {
        $text .= sprintf '; the machine had other work, too, before %d of %d'
                         . ' measurements', $restless, $measured;
    }

    return "$text\n";
}


1;
