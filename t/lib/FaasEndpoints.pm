package FaasEndpoints;

# What a client may ask for, the failures too: one of each kind, for tests that
# ask for each a thousand times.  A file that uses it has one block:
#
#     --- http_config eval: FaasEndpoints::config()
#     --- user_files eval: FaasEndpoints::files()
#
# endpoints(NAME ...) gives these, or all: arrays of a name, the status that is
# expected, what makes the request, and what is done before it, if anything.
# Both get the number of the round.

use strict;
use warnings;
use feature 'state';

use FaasTest;
use FaasClient;

use Exporter 'import';
use Test::Nginx::Socket;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(endpoints);

my $source = <<'PY';
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) or b'{"a":1}'

        if self.path == "/sleep":
            time.sleep(600)

        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
PY

sub function_json {
    my ($name, $text) = @_;
    return Cpanel::JSON::XS->new->encode({ name => $name, language => 'python',
                                   source_code => $text // $source });
}

my @endpoints = (
    [ 'raw', 200, sub { request('POST', '/function/echo/a?b', body => '"abc"') } ],
    [ 'invoke', 200, sub { invoke_request('echo', '{"a":[1]}') } ],
    [ 'unknown', 404, sub { invoke_request('none', '{}') } ],
    [ 'bad-json', 400, sub { request('POST', '/functions/echo/invoke',
                                     body => '{"input":[}') } ],
    [ 'list', 200, sub { request('GET', '/functions') } ],
    [ 'read', 200, sub { request('GET', '/functions/echo') } ],
    [ 'create', 201, sub { request('POST', '/functions',
                                   body => function_json("new$_[0]")) },
      sub { http(request('DELETE', '/functions/new' . ($_[0] - 1))) } ],
    [ 'replace', 200, sub { request('PUT', '/functions/other',
                                    body => function_json('other',
                                                          "# $_[0]\n")) },
      sub { http(request('PUT', '/functions/other',
                         body => function_json('other'))) } ],
    [ 'delete', 204, sub { request('DELETE', '/functions/other') },
      sub { http(request('PUT', '/functions/other',
                         body => function_json('other'))) } ],
    [ 'command', 200, sub { request('POST', '/function/wc', body => 'a b') } ],
    [ 'command-fails', 500, sub { request('POST', '/function/fail',
                                          body => 'a b') } ],
    [ 'invoke-command', 200, sub { invoke_request('wc', '"a b"') } ],
    [ 'no-capacity', 503, sub { request('GET', '/function/busy') }, \&hold ],
    [ 'cold', 200, sub { invoke_request("cold$_[0]", '{}') },
      sub {
          write_file(server_root() . "/html/fn/cold$_[0].py", $source);
          http(request('DELETE', '/functions/cold' . ($_[0] - 1)));
          sleep 0.3;    # for a spare
      } ],
);

# the one place is taken; for less than proxy_read_timeout
sub hold {
    state $began = 0;
    state $sock;

    return if time - $began < 30;

    # a function ends with its file
    undef $sock;
    unlink server_root() . '/html/fn/busy.py';
    http(request('GET', '/function/busy'));
    write_file(server_root() . '/html/fn/busy.py', $source);

    $sock = connect_to();
    syswrite($sock, request('GET', '/function/busy/sleep'));
    sleep 3;
    $began = time;
    return;
}

sub endpoints {
    my %wanted = map { $_ => 1 } @_;
    my @found = grep { !%wanted || $wanted{$_->[0]} } @endpoints;

    die "endpoints: @{[ map { $_->[0] } @endpoints ]}\n"
        if !@found || (%wanted && @found != keys %wanted);

    return @found;
}

sub config {
    return <<'CONF';
    faas_zone endpoints:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=2 concurrency=8 queue_timeout=5s;
    faas_command wc /usr/bin/wc -w;
    faas_command fail /bin/false;

    upstream functions {
        faas;
        keepalive 8;
    }
CONF
}

sub files {
    return FaasTest::files($source, qw(echo.py other.py busy.py))
           . qq(>>> fn/busy.json\n{"concurrency":1,"queue":0}\n);
}

1;
