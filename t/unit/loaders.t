# The cases of test_loaders.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'loaders') or die "run: $!\n";
