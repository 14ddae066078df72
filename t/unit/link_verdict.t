# The cases of test_link_verdict.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'link_verdict') or die "run: $!\n";
