# The cases of test_platform.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'platform') or die "run: $!\n";
