# The cases of test_zone.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'zone') or die "run: $!\n";
