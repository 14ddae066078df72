# The cases of test_body.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'body') or die "run: $!\n";
