# The cases of test_instance.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'instance') or die "run: $!\n";
