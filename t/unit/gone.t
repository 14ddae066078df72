# The cases of test_gone.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'gone') or die "run: $!\n";
