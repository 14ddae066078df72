# The cases of test_edit.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'edit') or die "run: $!\n";
