# Called as: find ... | coverage.pl PROJECT: files of counters that were written,
# one a line.  Prints how many lines of each source were run, and which were not.

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP qw(decode_json);

my $sources = "$ARGV[0]/ngx_http_faas_module/";
my %count;

while (my $file = <STDIN>) {
    chomp $file;

    open(my $fh, '-|', 'gcov', '--json-format', '--stdout', $file)
        or die "gcov: $!\n";
    my $json = do { local $/; <$fh> };
    close $fh or die "gcov $file failed\n";

    for my $source (@{ decode_json($json)->{files} }) {
        my $name = $source->{file};

        $name =~ s/^\Q$sources\E// or next;

        for my $line (@{ $source->{lines} }) {
            $count{$name}{$line->{line_number}} += $line->{count};
        }
    }
}

my ($all, $all_run) = (0, 0);

for my $name (sort keys %count) {
    my @lines = sort { $a <=> $b } keys %{ $count{$name} };
    my @missed = grep { !$count{$name}{$_} } @lines;
    my ($n, $run) = (scalar @lines, @lines - @missed);

    $all += $n;
    $all_run += $run;

    printf "%6.1f%%  %5d of %5d  %s%s\n", 100 * $run / $n, $run, $n, $name,
           @missed ? ': ' . ranges(@missed) : '';
}

die "nothing was counted\n" if !$all;

printf "%6.1f%%  %5d of %5d  in total\n", 100 * $all_run / $all, $all_run,
       $all;


sub ranges {
    my @ranges;

    for my $line (@_) {
        if (@ranges && $ranges[-1][1] + 1 == $line) {
            $ranges[-1][1] = $line;
        } else {
            push @ranges, [ $line, $line ];
        }
    }

    return join ' ', map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" }
                     @ranges;
}
