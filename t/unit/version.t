# The cases of test_version.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'version') or die "run: $!\n";
