# The cases of test_storm.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'storm') or die "run: $!\n";
