# The cases of test_lease.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'lease') or die "run: $!\n";
