# The cases of test_condemn.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'condemn') or die "run: $!\n";
