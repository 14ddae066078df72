# The cases of test_json.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'json') or die "run: $!\n";
