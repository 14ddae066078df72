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

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();

our @EXPORT = qw(containers wait_for echo_py fake_engine);

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

# An engine that listens at this path and takes notes: whatever nginx sends is
# appended to the file "$path.log", byte for byte.  With "relay" the real engine
# answers, with "silent" nobody does, and else a ping is answered, and all other
# requests get 500 and this message.  Gone when the test is.
my @engines;

sub fake_engine ($$) {
    my ($path, $mode) = @_;

    unlink $path;

    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 64)
        or die "$path: $!";
    chmod 0777, $path;

    open my $log, '>>', "$path.log" or die "$path.log: $!";

    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @engines, $pid;
        return "$path.log";
    }

    # whatever happens to the test, this ends
    $SIG{ALRM} = sub { POSIX::_exit(0) };
    $SIG{PIPE} = 'IGNORE';
    alarm 120;

    eval { serve_engine($listen, $log, $mode) };
    POSIX::_exit(0);
}

sub serve_engine ($$$) {
    my ($listen, $log, $mode) = @_;

    my $select = IO::Select->new($listen);
    my (%peer, %client, %got);

    while (1) {
        for my $sock ($select->can_read) {

            if ($sock == $listen) {
                my $client = $listen->accept or next;

                $client{$client} = 1;
                $select->add($client);

                if ($mode eq 'relay') {
                    my $engine = IO::Socket::UNIX->new(
                        Peer => '/var/run/docker.sock') or die "engine: $!";

                    $peer{$client} = $engine;
                    $peer{$engine} = $client;
                    $select->add($engine);
                }

                next;
            }

            # closed with its peer, a moment ago
            next if !defined fileno $sock;

            my $n = sysread $sock, my $bytes, 65536;
            my $peer = $peer{$sock};

            if (!$n) {
                for ($sock, $peer) {
                    next if !defined;
                    $select->remove($_);
                    delete $peer{$_};
                    delete $client{$_};
                    delete $got{$_};
                    close $_;
                }

                next;
            }

            write_all($peer, $bytes) if $peer;
            next if !$client{$sock};

            # a request at a time, for there are several connections
            $got{$sock} .= $bytes;
            next if $got{$sock} !~ /\r\n\r\n/;

            my $head = $+[0];
            my $body = $got{$sock} =~ /^Content-Length: *(\d+)/mi ? $1 : 0;
            next if length $got{$sock} < $head + $body;

            my $request = delete $got{$sock};
            write_all($log, $request);

            next if $peer || $mode eq 'silent';

            my ($status, $text) = $request =~ m{^GET \S*/_ping }
                ? (200, 'OK') : (500, qq({"message":"$mode"}\n));

            write_all($sock, "HTTP/1.1 $status Answer\r\nApi-Version: 1.41\r\n"
                             . "Content-Type: application/json\r\n"
                             . 'Content-Length: ' . length($text) . "\r\n"
                             . "Connection: close\r\n\r\n$text");

            $select->remove($sock);
            delete $client{$sock};
            close $sock;
        }
    }
}

sub write_all ($$) {
    my ($sock, $bytes) = @_;

    while (length $bytes) {
        my $n = syswrite $sock, $bytes;
        last if !defined $n;
        substr($bytes, 0, $n) = '';
    }
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

# Nothing of this test stays behind, not even a container whose creation was
# still under way when nginx ended.
my $owner = $$;

END {
    my $rc = $?;

    if ($$ == $owner) {
        kill 'KILL', @engines if @engines;
        waitpid $_, 0 for @engines;

        my $quiet = 0;

        for (1 .. 50) {
            my @ids = containers();

            if (@ids) {
                $quiet = 0;
                system("docker rm -f @ids >/dev/null 2>&1");
                next;
            }

            last if ++$quiet == 3;
            select undef, undef, undef, 0.2;
        }

        my $prefix = server_root() . '/';
        my @nets = split ' ',
            `docker network ls -q --filter 'label=faas.prefix=$prefix'`;

        system("docker network rm @nets >/dev/null 2>&1") if @nets;
    }

    $? = $rc;
}

1;
