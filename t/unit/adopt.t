# The cases of test_adopt.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'adopt') or die "run: $!\n";
