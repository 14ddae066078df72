# The cases of test_reap.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'reap') or die "run: $!\n";
