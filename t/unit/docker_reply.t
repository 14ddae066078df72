# The cases of test_docker_reply.c, which run inside of nginx.

use strict;
use warnings;

use FindBin;

exec("$FindBin::Bin/run", 'docker_reply') or die "run: $!\n";
