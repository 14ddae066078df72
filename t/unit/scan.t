# The cases of test_scan.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'scan') or die "run: $!\n";
