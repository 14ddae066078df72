# The cases of test_function.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'function') or die "run: $!\n";
