# The cases of test_scale.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'scale') or die "run: $!\n";
