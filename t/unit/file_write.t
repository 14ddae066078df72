# The cases of test_file_write.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'file_write') or die "run: $!\n";
