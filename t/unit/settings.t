# The cases of test_settings.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'settings') or die "run: $!\n";
