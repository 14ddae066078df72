# The cases of test_file.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'file') or die "run: $!\n";
