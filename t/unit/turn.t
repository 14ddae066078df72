# The cases of test_turn.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'turn') or die "run: $!\n";
