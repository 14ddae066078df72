# The cases of test_name.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'name') or die "run: $!\n";
