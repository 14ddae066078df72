# The cases of test_utf8.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'utf8') or die "run: $!\n";
