# The cases of test_json_value.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'json_value') or die "run: $!\n";
