# The cases of test_change.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'change') or die "run: $!\n";
