# The cases of test_docker_request.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'docker_request') or die "run: $!\n";
