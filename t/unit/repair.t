# The cases of test_repair.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'repair') or die "run: $!\n";
