package FaasScale;

# What the tests of load need besides: a function that counts and takes its time,
# requests that go on while others are sent, and how a function stands.

use strict;
use warnings;

use FaasClient;
use FaasTest ();

use Exporter 'import';
use Socket qw(SOL_SOCKET SO_LINGER);

our @EXPORT = qw(
    busy_py stands settled sent answer_of fn_count error_code counted
    most_at_a_time abort_connection open_websocket websocket_echo
);


# A function of one thread, or of many, that counts its calls and says which one
# this was.  The path says what it does:
#
#     /sleep/2          two seconds before its head
#     /drip/2           between its head and its end
#     /trickle/50       so many chunks of a byte, one each 0.1 s, and the end
#     /length/50        the same with a Content-Length
#     /size/1000000     as many bytes
#     /env              its environment
#     /mem/20           keeps as many MB from now on

sub busy_py {
    my (%opt) = @_;
    my $server = $opt{threads} ? 'ThreadingHTTPServer' : 'HTTPServer';
    my $version = $opt{version} // 1;
    my $more = $opt{more} // '';

    return <<"PY";
import json
import os
import re
import socket
import time
from http.server import BaseHTTPRequestHandler, $server

VERSION = $version
$more
kept = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    count = 0

    def answer(self):
        Handler.count += 1
        count = Handler.count
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what = re.match(r"/(?:([a-z]+)(?:/([0-9.]+))?)?", self.path)
        verb, arg = what[1], float(what[2] or 0)

        if verb in ("trickle", "length"):
            return self.trickle(verb, int(arg))

        if verb == "sleep":
            time.sleep(arg)

        if verb == "mem":
            kept.append(bytearray(os.urandom(1 << 20)) * int(arg))

        out = json.dumps({
            "host": socket.gethostname(), "version": VERSION, "count": count,
            "path": self.path, "length": len(body),
            "service": os.environ.get("K_SERVICE"),
            "revision": os.environ.get("K_REVISION"),
            "env": dict(os.environ) if verb == "env" else {},
        }).encode()

        if verb == "size":
            out = b"x" * int(arg)

        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()

        if verb == "drip":
            self.wfile.write(out[:1])
            time.sleep(arg)
            out = out[1:]

        self.wfile.write(out)

    def trickle(self, verb, n):
        self.send_response(200)

        if verb == "length":
            self.send_header("Content-Length", str(n))
        else:
            self.send_header("Transfer-Encoding", "chunked")

        self.end_headers()

        for i in range(n):
            self.wfile.write(b"x" if verb == "length" else b"1\\r\\nx\\r\\n")
            time.sleep(0.1)

        if verb != "length":
            self.wfile.write(b"0\\r\\n\\r\\n")

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_PUT = answer


$server.request_queue_size = 128
$server(("", int(os.environ["PORT"])), Handler).serve_forever()
PY
}


# as GET /functions/NAME tells it

sub stands {
    my ($name) = @_;
    my $res = get("/functions/$name");

    return eval { decode_json($res->{body}) } || { state => $res->{raw} };
}


# True once no call holds a place and none waits for one.

sub settled {
    my ($name, $seconds) = @_;
    my $stands;

    FaasTest::wait_for($seconds || 10, sub {
        $stands = stands($name);
        return ($stands->{active} // -1) == 0 && ($stands->{waiting} // -1) == 0;
    }) and return 1;

    Test::More::diag("$name: active $stands->{active}, waiting $stands->{waiting}");
    return 0;
}


# a request that is under way from now on, and what came of it

sub sent {
    my ($method, $path, %opt) = @_;
    my $sock = connect_to(%opt);

    syswrite($sock, request($method, $path, %opt)) or die "write: $!";

    return $sock;
}


sub answer_of {
    my ($sock, $timeout) = @_;
    return parse_response(read_all($sock, $timeout));
}


# which call of its instance it was

sub fn_count {
    my ($res) = @_;
    my $value = eval { decode_json($res->{body}) };

    return ref $value eq 'HASH' && defined $value->{count} ? $value->{count}
                                                           : "HTTP $res->{status}";
}


sub error_code {
    my ($res) = @_;
    my $value = eval { decode_json($res->{body}) };

    return "$res->{status} " . (ref $value eq 'HASH' && ref $value->{error}
                                ? $value->{error}{code} : 'no JSON');
}


# "4 x 200, 5 x 503"

sub counted {
    my %n;

    $n{$_}++ for map { $_->{status} } @_;
    return join(', ', map { "$n{$_} x $_" } sort keys %n);
}


# how many containers there were at once, of what FaasLife::events() gives

sub most_at_a_time {
    my ($now, $most) = (0, 0);
    my %is;

    for my $event (@_) {
        $is{$event->{id}} = 1 if $event->{action} eq 'create';
        delete $is{$event->{id}} if $event->{action} eq 'destroy';

        $now = keys %is;
        $most = $now if $now > $most;
    }

    return $most;
}


# with a reset, as a client that is killed

sub abort_connection {
    my ($sock) = @_;

    setsockopt($sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    close($sock);
}


# A WebSocket: a socket behind the 101, or nothing; and one text there and back.

sub open_websocket {
    my ($path, %opt) = @_;

    my $sock = sent('GET', $path, %opt, headers => [
        'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ]);

    my $head = '';

    while ($head !~ /\r\n\r\n/) {
        my $bytes = read_some($sock, 20);

        last if $bytes eq '';
        $head .= $bytes;
    }

    return $sock if $head =~ m{\AHTTP/1\.1 101 .*\r\n\r\n\z}s;

    Test::More::diag($head);
    return;
}


sub websocket_echo {
    my ($sock, $text) = @_;
    my $got = '';

    # a mask of zeros; the answer has none
    syswrite($sock, pack('CCN', 0x81, 0x80 | length($text), 0) . $text);

    while (length($got) < 2 + length($text)) {
        my $bytes = read_some($sock, 10);

        last if $bytes eq '';
        $got .= $bytes;
    }

    return $got =~ /\A\x81[\x00-\x7d]/ ? substr($got, 2) : unpack('H*', $got);
}


1;
