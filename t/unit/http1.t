# The cases of test_http1.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'http1') or die "run: $!\n";
