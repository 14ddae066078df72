# The cases of test_epoch.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'epoch') or die "run: $!\n";
