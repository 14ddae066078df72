# The cases of test_scan_structure.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'scan_structure') or die "run: $!\n";
