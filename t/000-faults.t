# Each row of FAULTS.md names a test that there is, or says why there is none.

use strict;
use warnings;

use Test::More;


sub slurp {
    my ($file) = @_;

    open(my $fh, '<:encoding(UTF-8)', $file) or return;
    local $/;
    return scalar <$fh>;
}


my $table = slurp('t/FAULTS.md') // die "t/FAULTS.md: $!\n";
my %rows;

for my $line (split /\n/, $table) {
    my ($id) = $line =~ /^\| ([A-G]\d+) \|/ or next;
    my ($shown) = $line =~ /\| ([^|]*) \|$/;
    my @wrong;

    $rows{$id}++;

    while ($shown =~ /`(t\/[^`]+)`(?: "([^"]+)")?/g) {
        my ($file, $title) = ($1, $2);
        my $text = slurp($file);

        if (!defined $text) {
            push @wrong, "no file $file";

        } elsif (defined $title && $text !~ /^=== TEST \d+: \Q$title\E$/m) {
            push @wrong, "no block \"$title\" in $file";
        }
    }

    push @wrong, 'neither a test nor a reason'
        if $shown !~ /`t\// && $shown !~ /^not shown: \S/;

    is(join('; ', @wrong), '', $id);
}

my %last = (A => 20, B => 10, C => 20, D => 15, E => 18, F => 18, G => 4);

for my $letter (sort keys %last) {
    is(join(' ', grep { ($rows{$_} // 0) != 1 }
                 map { "$letter$_" } 1 .. $last{$letter}),
       '', "all of $letter, once");
}

done_testing();
