#!/usr/bin/perl

# Each input that the fuzzers have kept, once, under ASan and UBSan.

use strict;
use warnings;

use FindBin;
use Test::More;

my $dir = $FindBin::Bin;
my $build = "$dir/../../build/fuzz";

system("$dir/build >&2 </dev/null") == 0 or die "$dir/build failed\n";

for my $target (map { m{fuzz_(\w+)\.c$} } glob "$dir/fuzz_*.c") {
    my @inputs = glob "$dir/corpus/$target/*";

    ok(@inputs > 0, "there is a corpus of $target");

    my $out = `$build/$target -runs=0 $dir/corpus/$target 2>&1 </dev/null`;

    ok($? == 0, "$target, " . @inputs . " inputs") or diag($out);
}

done_testing();
