# The cases of test_docker.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'docker') or die "run: $!\n";
