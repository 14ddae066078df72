# The cases of test_link.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'link') or die "run: $!\n";
