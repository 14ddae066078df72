# The cases of test_verdict.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'verdict') or die "run: $!\n";
