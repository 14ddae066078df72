# The cases of test_crew.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'crew') or die "run: $!\n";
