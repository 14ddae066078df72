package Bench::Wrk;

# wrk, on loopback.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(wrk output);


sub output {
    my (@command) = @_;

    open(my $fh, '-|', @command) or die "$command[0]: $!\n";
    my $text = join '', <$fh>;
    close $fh or die "$command[0] failed\n";

    return $text;
}


# wrk(URL, clients => N, seconds => N, script => FILE): of keepalive
# connections, { rate => a second, 50 => ms, 99 => ms }

sub wrk {
    my ($url, %opt) = @_;
    my $text = output('wrk', '-t1', "-c$opt{clients}", "-d$opt{seconds}",
                      '--timeout', '10s', '--latency',
                      $opt{script} ? ('-s', $opt{script}) : (), $url);

    die "$url: $text" if $text =~ /Non-2xx|Socket errors/;

    my ($rate) = $text =~ m{Requests/sec:\s+([\d.]+)} or die "$url: $text";
    my %ms = map { $_ => $text =~ /^\s+$_%\s+([\d.]+)(us|ms|s)$/m
                         ? _milliseconds($1, $2) : die "$url: $text" } 50, 99;

    die "$url: $text" if $rate == 0;

    return { rate => $rate, %ms };
}


sub _milliseconds {
    my ($value, $unit) = @_;
    my %factor = (us => 0.001, ms => 1, s => 1000);

    return $value * $factor{$unit};
}


1;
