# The cases of test_runtime.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'runtime') or die "run: $!\n";
