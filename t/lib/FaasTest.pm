package FaasTest;

# What the tests share: a configuration with a zone and a root of the test's
# own, workers that share it, and a look at the error log after every block.
#
#     use lib 't/lib';
#     use FaasTest;
#
#     plan tests => ...;
#     run_tests();
#
# Functions are files below "fn/", by --- user_files.  A block may have its own
# --- http_config or --- config; --- faas_http adds to the former, and
# --- faas_locations to the latter.

use strict;
use warnings;

use Test::Nginx::Socket -Base;

our @EXPORT = qw(containers wait_for echo_py);

master_on();
workers(2);
log_level('info');

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

# every block of a file has a fresh nginx, and the same zone
my $zone = 'test';

# containers of this test: nginx labels them with its prefix
sub containers (;$) {
    my $function = shift;

    my $prefix = server_root();
    my @cmd = ('docker', 'ps', '-aq', '--filter', "label=faas.prefix=$prefix/");

    push @cmd, '--filter', "label=faas.function=$function"
        if defined $function;

    open my $fh, '-|', @cmd or die "docker: $!";
    my @ids = <$fh>;
    close $fh;

    chomp @ids;
    return @ids;
}

# until the code is true, at most so many seconds; its last value
sub wait_for ($$) {
    my ($seconds, $code) = @_;

    my $end = time + $seconds;
    my $rc;

    until ($rc = $code->()) {
        last if time > $end;
        select undef, undef, undef, 0.1;
    }

    return $rc;
}

# a function that gives back what it got
sub echo_py () {
    return <<'PY';
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Echo(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"] or "")
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", int(os.environ["PORT"])), Echo).serve_forever()
PY
}

add_block_preprocessor(sub {
    my $block = shift;

    my $more = defined $block->faas_http ? $block->faas_http : '';

    if (!defined $block->http_config) {
        $block->set_value('http_config', <<"CONF");
    faas_zone $zone:1m;
    faas_root \$TEST_NGINX_HTML_DIR/fn;
$more
    upstream functions {
        faas;
        keepalive 8;
    }
CONF
    }

    my $conf = defined $block->faas_locations ? $block->faas_locations : '';

    if (!defined $block->config) {
        $block->set_value('config', <<"CONF");
    location /functions {
        faas_api /function/;
    }

    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)\$ /\$rest break;
        faas \$fn;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }
$conf
CONF
    }

    $block->set_value('timeout', 20) unless defined $block->timeout;

    $block->set_value('no_error_log', "[alert]\n[crit]\n[emerg]")
        unless defined $block->no_error_log || defined $block->error_log
               || defined $block->must_die;

    # the directory is there even when no file is put into it
    if (!defined $block->user_files) {
        $block->set_value('user_files', ">>> fn/.keep\n");
    }
});

# nothing of this test stays behind
END {
    my $rc = $?;

    my $prefix = eval { server_root() };

    if (defined $prefix) {
        my @ids = containers();
        system('docker rm -f ' . join(' ', @ids) . ' >/dev/null 2>&1') if @ids;

        my @nets = split ' ', `docker network ls -q --filter 'label=faas.prefix=$prefix/'`;
        system("docker network rm @nets >/dev/null 2>&1") if @nets;
    }

    $? = $rc;
}

1;
