package Bench::Report;

# What all subjects need besides: options, percentiles, tables, the facts of the
# machine, and README.md.

use strict;
use warnings;

use Bench::Engine qw(engine);
use Bench::Http qw(now);
use Exporter 'import';
use List::Util qw(sum0);
use POSIX qw(ceil);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(options percentile table facts write_readme quiet say_that);


# options(N, QUICK N): of the command line, { n, quick, write }

sub options {
    my ($n, $quick) = @_;
    my %opt = (n => $n);

    while (defined(my $arg = shift @ARGV)) {
        if ($arg eq '-q') {
            $opt{quick} = 1;

        } elsif ($arg eq '--write') {
            $opt{write} = 1;

        } elsif ($arg eq '-n' && @ARGV) {
            $opt{given} = shift @ARGV;
        }
    }

    $opt{n} = $quick if $opt{quick};
    $opt{n} = $opt{given} if $opt{given};

    return \%opt;
}


sub say_that {
    my ($format, @args) = @_;

    printf STDERR "==> $format\n", @args;

    return;
}


# the nearest rank: always one that was measured

sub percentile {
    my ($p, @values) = @_;

    return if !@values;

    @values = sort { $a <=> $b } @values;
    my $rank = ceil($p / 100 * @values);

    return $values[$rank < 1 ? 0 : $rank - 1];
}


# table([HEAD ...], [CELL ...] ...): Markdown, numbers to the right

sub table {
    my ($head, @rows) = @_;
    my @right = map {
        my $i = $_;
        !grep { defined $_->[$i] && $_->[$i] !~ /^(?:[\d.]+|)$/ } @rows;
    } 0 .. $#$head;

    return join '', map { '| ' . join(' | ', map { $_ // '' } @$_) . " |\n" }
                        $head, [ map { $_ ? '--:' : '---' } @right ], @rows;
}


# the first line that it prints, or its first number with dots

sub _version {
    my (@command) = @_;

    open(my $fh, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command)
        or return 'unknown';

    my ($version) = join('', <$fh>) =~ /([0-9]+(?:\.[0-9]+)+)/;
    close $fh;

    return $version // 'unknown';
}


# facts(NAME => [COMMAND ...] ...): one line about the machine

sub facts {
    my (@more) = @_;
    my (undef, $docker) = engine('GET', '/version');
    my $cores = () = do {
        open(my $fh, '<', '/proc/cpuinfo') or die "/proc/cpuinfo: $!\n";
        local $/;
        <$fh> =~ /^processor\s*:/gm;
    };
    my @facts = ("$cores cores", 'Linux ' . (POSIX::uname())[2],
                 "Docker $docker->{Version}",
                 'nginx ' . _version('nginx', '-v'));

    while (my ($name, $command) = splice @more, 0, 2) {
        push @facts, "$name " . _version(@$command);
    }

    return join ', ', @facts;
}


sub _busy {
    open(my $fh, '<', '/proc/stat') or die "/proc/stat: $!\n";

    my (undef, @ticks) = split ' ', scalar <$fh>;
    my $idle = $ticks[3] + $ticks[4];

    return (sum0(@ticks[0 .. 7]) - $idle, $idle);
}


# Waits, but not for ever, until the processors have little to do; tells whether
# they have.

sub quiet {
    my ($timeout) = @_;
    my $deadline = now() + $timeout;
    my $calm = 0;

    while (now() < $deadline) {
        my @before = _busy();
        sleep 0.1;
        my @after = _busy();
        my ($busy, $idle) = map { $after[$_] - $before[$_] } 0, 1;

        $calm = $busy <= 0.2 * ($busy + $idle) ? $calm + 1 : 0;
        return 1 if $calm == 2;
    }

    return 0;
}


sub write_readme {
    my ($subject, $text) = @_;
    my $file = "$ENV{FAAS_BENCH_PROJECT}/README.md";
    my ($begin, $end) = ("<!-- bench:$subject -->", "<!-- /bench:$subject -->");

    open(my $in, '<:raw', $file) or die "$file: $!\n";
    my $readme = do { local $/; <$in> };
    close $in;

    $readme =~ s/\Q$begin\E.*?\Q$end\E/$begin\n\n$text\n$end/s
        or die "$file lacks $begin and $end\n";

    # in place: whose it is stays
    open(my $out, '+<:raw', $file) or die "$file: $!\n";
    print $out $readme;
    truncate($out, length $readme) or die "$file: $!\n";
    close $out or die "$file: $!\n";

    return;
}


1;
