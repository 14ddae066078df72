# The cases of test_spare.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'spare') or die "run: $!\n";
