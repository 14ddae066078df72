# The cases of test_event.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'event') or die "run: $!\n";
