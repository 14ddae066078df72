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
# --- faas_locations to the latter.  One with --- fresh has an nginx that was
# started for it, in the mode that reloads a running one for the others, too.

use strict;
use warnings;

# Files run side by side: each has a root of its own, and a port that is free,
# of a hundred of its own below those that the kernel gives to clients.
BEGIN {
    require IO::Socket::INET;

    my ($n) = $0 =~ m{(\d+)[^/]*\z};

    if (defined $n && $ENV{FAAS_TEST_DIR}) {
        $ENV{TEST_NGINX_SERVROOT} = "$ENV{FAAS_TEST_DIR}/$n";

        for (1 .. 100) {
            my $port = 10000 + 100 * ($n % 200) + int rand 100;

            IO::Socket::INET->new(Listen => 1, LocalPort => $port) or next;
            $ENV{TEST_NGINX_PORT} = $port;
            last;
        }
    }
}

use Test::Nginx::Socket -Base;

use FaasEngine ();

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();

our @EXPORT = qw(containers wait_for echo_py where_py fake_engine);

master_on();
workers(2);
log_level('info');

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

# every block of a file has a fresh nginx, and the same zone
my $zone = 'test';

# those of this test, as the engine is asked for them
sub our_filter () {
    return FaasEngine::filter(label => 'faas.prefix=' . server_root() . '/');
}

# Containers of this test, for nginx labels them with its prefix.  Of a function,
# its name stands at the end of theirs, a moment after the first answer: one that
# is starting is nobody's yet.
sub containers (;$) {
    my $function = shift;

    for (1 .. 10) {
        # one without a name was removed, whatever the list says
        my %name = map { substr($_->{Id}, 0, 12) => $_->{Names}[0] }
                   grep { @{ $_->{Names} || [] } }
                   @{ FaasEngine::told('GET', '/containers/json?all=1&' . our_filter()) };

        return keys %name if !defined $function;

        my @named = grep { (function_of($name{$_}) // '') eq $function } keys %name;

        return @named if @named || has_spares()
                         || !grep { !defined function_of($_) } values %name;
        select undef, undef, undef, 0.1;
    }

    return my @none;
}

# those that stand ready are nobody's either, and remain so
sub has_spares () {
    open my $fh, '<', server_root() . '/conf/nginx.conf' or return 0;
    return scalar grep { /\bprewarm=[1-9]/ } <$fh>;
}

# whose container it is, by its name, in bytes
sub function_of ($) {
    my $name = shift;

    return undef if $name !~ /\.[0-9a-f]{40}\.([A-Za-z0-9_-]+)\z/;
    return $1 =~ s/_([0-9A-Fa-f]{2})/chr hex $1/ger;
}

# until the code is true, at most so many seconds, or three times that where
# sanitizers slow it all down; its last value
sub wait_for ($$) {
    my ($seconds, $code) = @_;

    my $end = time + $seconds * ($ENV{ASAN} ? 3 : 1);
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

# A function that tells who it is, where, and which version.  "/sleep/2" takes
# two seconds, and "/drip/2" as many between its head and its end.
sub where_py (;$$) {
    my ($version, $more) = @_;

    $version //= 1;
    $more //= '';

    return <<"PY";
import json
import os
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = $version
$more

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        slow = re.match(r"/(sleep|drip)/([0-9.]+)", self.path)

        if slow and slow[1] == "sleep":
            time.sleep(float(slow[2]))

        out = json.dumps({"host": socket.gethostname(), "version": VERSION,
                          "service": os.environ.get("K_SERVICE"),
                          "revision": os.environ.get("K_REVISION"),
                          "pid": os.getpid(), "path": self.path}).encode()

        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()

        if slow and slow[1] == "drip":
            self.wfile.write(out[:1])
            time.sleep(float(slow[2]))
            out = out[1:]

        self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = answer


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
PY
}

# for --- user_files: the same source under several names
sub files ($@) {
    my ($source, @names) = @_;
    my $all = '';

    $all .= ">>> fn/$_\n$source" for @names;
    return $all;
}

# An engine that listens at this path and takes notes: whatever nginx sends is
# appended to the file "$path.log", byte for byte.  With "relay" the real engine
# answers; with "mute" too, but its events are held back; with "bytes" each byte
# of its answers comes by itself; with "slow PATTERN" a request that matches is
# noted as "late: ..." and sent on a moment later, and with "hold PATTERN" after
# four seconds, whatever is sent meanwhile.  With "silent" nobody does, and
# else a ping is answered, and all other requests get 500 and this message.  Gone
# when the test is.
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
    my (%peer, %client, %got, %mute, @held, %keep);
    my $relay = $mode =~ /^(?:relay|mute|bytes|slow .*|hold .*)$/;
    my $slow = $mode =~ /^slow (.*)/ ? qr/$1/ : undef;
    my $hold = $mode =~ /^hold (.*)/ ? qr/$1/ : undef;

    while (1) {
        while (@held && $held[0]{until} <= time) {
            my $held = shift @held;
            write_all($held->{peer}, $held->{bytes});
        }

        for my $sock ($select->can_read(@held ? 0.1 : undef)) {

            if ($sock == $listen) {
                my $client = $listen->accept or next;

                $client{$client} = 1;
                $select->add($client);

                if ($relay) {
                    my $engine = IO::Socket::UNIX->new(Peer => $FaasEngine::Socket)
                        or die "engine: $!";

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
                    delete $mute{$_};
                    close $_ if !$keep{$_};
                }

                next;
            }

            if ($mode eq 'mute' && $client{$sock}
                && $bytes =~ m{^GET \S*/events[? ]})
            {
                $mute{$peer} = 1;
            }

            # the head passes
            if ($mute{$sock}) {
                next if $mute{$sock} > 1 || $bytes !~ /\r\n\r\n/;
                $bytes = substr $bytes, 0, $+[0];
                $mute{$sock} = 2;
            }

            if ($slow && $client{$sock} && $bytes =~ $slow) {
                write_all($log, "\nlate: $&\n");
                select undef, undef, undef, 0.3;
            }

            if ($hold && $client{$sock} && $bytes =~ $hold) {
                write_all($log, "\nheld: $&\n");
                push @held, { peer => $peer, bytes => $bytes, until => time + 4 };
                $keep{$peer} = $peer;

            } elsif ($mode eq 'bytes' && !$client{$sock}) {
                write_all($peer, $_) for split //, $bytes;
            } elsif ($peer) {
                write_all($peer, $bytes);
            }

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

# No spares, unless they are asked for: what is counted is what was called.
sub no_spares ($) {
    my $conf = shift;

    $conf =~ s/(\bfaas_runtime\s+\w+)(?![^;]*\bprewarm=)(?=[^;]*;)/$1 prewarm=0/g;

    if ($conf !~ /\bfaas_runtime\b/) {
        $conf =~ s/(\bfaas_root\s[^;]*;)/$1 faas_runtime python prewarm=0; faas_runtime deno prewarm=0;/;
    }

    return $conf;
}

# One nginx has what the block before has left, so it is always the same one.
no_shuffle() if $ENV{TEST_NGINX_USE_HUP};

# Between two blocks of one nginx Test::Nginx removes files, and no directories
# nor what a test put into them by itself.
sub remove_files () {
    require File::Find;

    return if !-d html_dir();

    File::Find::find({ bydepth => 1, no_chdir => 1, wanted => sub {
        return if $_ eq html_dir();

        # nginx itself does so with what it listens at
        -S || (-d && !-l ? rmdir : unlink);
    } }, html_dir());
}

# Some blocks are about what an nginx does that has just been started.
sub end_nginx () {
    my $file = server_root() . '/logs/nginx.pid';

    open my $fh, '<', $file or return;
    chomp(my $pid = <$fh> // '');

    kill 'QUIT', $pid if $pid;

    wait_for(30, sub { !-e $file || !kill 0, $pid }) or die "nginx does not end";
    unlink $file;

    # the engine may take a moment longer
    wait_for(10, sub { !containers() });
}

add_block_preprocessor(sub {
    my $block = shift;

    if ($ENV{TEST_NGINX_USE_HUP}) {
        end_nginx() if defined $block->fresh;
        remove_files();
    }

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

    $block->set_value('http_config', no_spares($block->http_config))
        if !defined $block->must_die;

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

    $block->set_value('no_shutdown_error_log', 'open socket #')
        unless defined $block->must_die;

    # the directory is there even when no file is put into it
    if (!defined $block->user_files) {
        $block->set_value('user_files', ">>> fn/.keep\n");
    }
});

# What a worker has left open it says when it ends, and that is after the look at
# the log of its block.
$Test::Nginx::Util::CheckShutdownErrorLog = sub {
    my ($block, $dry_run) = @_;

    # those of before have not ended where one is for all
    return if $dry_run;

    my @left = grep { /open socket #/ } @{ Test::Nginx::Util::error_log_data() || [] };

    fail($block->name . " - nothing is left open: $left[0]") if @left;
};

# Nothing of this test stays behind, not even a container whose creation was
# still under way when nginx ended.
my $owner = $$;

sub clean () {
    my $quiet = 0;

    for (1 .. 50) {
        my @ids = containers();

        if (@ids) {
            $quiet = 0;
            FaasEngine::ask('DELETE', "/containers/$_?force=1&v=1") for @ids;
            next;
        }

        last if ++$quiet == 3;
        select undef, undef, undef, 0.2;
    }

    my $nets = FaasEngine::told('GET', '/networks?' . our_filter());
    FaasEngine::ask('DELETE', "/networks/$_->{Id}") for @$nets;
}

END {
    my $rc = $?;

    if ($$ == $owner) {
        kill 'KILL', @engines if @engines;
        waitpid $_, 0 for @engines;

        # there may be no engine any more
        eval { clean(); 1 } or warn $@;
    }

    $? = $rc;
}

1;
