# The cases of test_container.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'container') or die "run: $!\n";
