# The cases of test_start.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'start') or die "run: $!\n";
