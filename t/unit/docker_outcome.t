# The cases of test_docker_outcome.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'docker_outcome') or die "run: $!\n";
