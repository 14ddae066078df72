# The cases of test_reply.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'reply') or die "run: $!\n";
