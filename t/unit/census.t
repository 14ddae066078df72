# The cases of test_census.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'census') or die "run: $!\n";
