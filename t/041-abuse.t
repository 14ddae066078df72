# What clients try: to smuggle a request, to reach the engine, to put something
# into what it is told.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 188;

worker_connections(1024);

# Keeps the first line of every request it gets, and gives the list.

our $Record = <<'_EOC_';
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LINES = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        super().handle_one_request()
        line = self.raw_requestline.decode("latin-1").strip()
        if line and not line.startswith("GET /lines "):
            LINES.append(line)

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = json.dumps(LINES if self.path == "/lines" else "ok").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = do_PUT = answer


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

our $Greet = FaasClient::slurp('data/functions/greet.py');
our $Hello = '{"message":"Hello, world"}';


# One request over HTTP/2, told by its very headers; gives what nginx answers, as
# "status STATUS", "reset" or "closed".

sub h2_frame {
    my ($type, $flags, $stream, $data) = @_;
    return substr(pack('N', length $data), 1) . pack('CCN', $type, $flags, $stream)
           . $data;
}

sub h2_request {
    my ($port, $body, @headers) = @_;
    my $block = '';

    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= "\x10" . pack('C/a C/a', $name, $value);
    }

    my $sock = connect_to(port => $port);
    my $data = '';

    syswrite($sock, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . h2_frame(4, 0, 0, '')
                    . h2_frame(1, length $body ? 4 : 5, 1, $block)
                    . (length $body ? h2_frame(0, 1, 1, $body) : ''));

    while (1) {
        while (length $data >= 9) {
            my ($high, $low, $type) = unpack 'CnC', $data;
            my $length = ($high << 16) + $low;

            last if length $data < 9 + $length;

            my $payload = substr($data, 9, $length);

            substr($data, 0, 9 + $length) = '';

            return 'reset' if $type == 3;
            return 'closed' if $type == 7;
            next if $type != 1;

            my $first = ord $payload;

            # of the static table, or as text
            return 'status ' . (qw(200 204 206 304 400 404 500))[$first - 0x88]
                if $first >= 0x88 && $first <= 0x8e;
            return 'status ' . substr($payload, 2, 3);
        }

        my $more = read_some($sock, 10);
        return 'closed' if $more eq '';
        $data .= $more;
    }
}


run_tests();

__DATA__

=== TEST 1: one request in is one request out
--- fresh
--- faas_http
    faas_runtime python concurrency=64 pids=128;
--- user_files eval: ">>> fn/record.py\n$::Record"
--- code
is(get('/function/record/start')->{status}, 200, 'it serves');

my $hidden = "GET /function/record/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $size = length $hidden;
my $zero = "0\r\n\r\n$hidden";
my $n = sprintf '%x', $size;

my @cases = (
    [ 'length and chunks', "Content-Length: " . length($zero)
      . "\r\nTransfer-Encoding: chunked", $zero ],
    [ 'chunks and length', "Transfer-Encoding: chunked\r\nContent-Length: 4",
      "$n\r\n$hidden\r\n0\r\n\r\n" ],
    [ 'two lengths', "Content-Length: 0\r\nContent-Length: $size", $hidden ],
    [ 'two equal lengths', "Content-Length: $size\r\nContent-Length: $size",
      $hidden ],
    [ 'a list of lengths', "Content-Length: $size, $size", $hidden ],
    [ 'a negative length', 'Content-Length: -1', $hidden ],
    [ 'a signed length', "Content-Length: +$size", $hidden ],
    [ 'a hexadecimal length', "Content-Length: 0x$n", $hidden ],
    [ 'an endless length', 'Content-Length: 18446744073709551616', $hidden ],
    [ 'an empty length', 'Content-Length:', $hidden ],
    [ 'a length with a blank', "Content-Length : $size", $hidden ],
    [ 'a length with a tab', "Content-Length:\t$size", $hidden ],
    [ 'a length in a folded header', "X-A: a\r\n Content-Length: $size", $hidden ],
    [ 'a length after NUL', "X-A: a\0\r\nContent-Length: $size", $hidden ],
    [ 'chunks, with a blank', "Transfer-Encoding : chunked", $zero ],
    [ 'chunks, with a tab', "Transfer-Encoding:\tchunked", $zero ],
    [ 'chunks, with x', "Transfer-Encoding: xchunked", $zero ],
    [ 'chunks, with a comma', "Transfer-Encoding: chunked, identity", $zero ],
    [ 'chunks, twice', "Transfer-Encoding: chunked\r\n"
      . "Transfer-Encoding: chunked", $zero ],
    [ 'chunks, identity', "Transfer-Encoding: identity", $zero ],
    [ 'chunks, in quotes', 'Transfer-Encoding: "chunked"', $zero ],
    [ 'chunks, underscored', "Transfer_Encoding: chunked\r\nContent-Length: "
      . length($zero), $zero ],
    [ 'a length, underscored', "Content_Length: 0\r\nContent-Length: $size",
      $hidden ],
    [ 'chunks, after CR', "X-A: a\rTransfer-Encoding: chunked\r\n"
      . "Content-Length: " . length($zero), $zero ],
    [ 'chunks, after LF', "X-A: a\nTransfer-Encoding: chunked", $zero ],
    [ 'a chunk with a sign', 'Transfer-Encoding: chunked',
      "+$n\r\n$hidden\r\n0\r\n\r\n" ],
    [ 'a chunk too long', 'Transfer-Encoding: chunked',
      "fffffffffffffffff\r\n$hidden" ],
    [ 'a chunk with an extension', 'Transfer-Encoding: chunked',
      "$n;a=\"\r\n\"\r\n$hidden\r\n0\r\n\r\n" ],
    [ 'a trailer', 'Transfer-Encoding: chunked',
      "1\r\na\r\n0\r\nX: $hidden\r\n\r\n" ],
    [ 'a chunk without an end', 'Transfer-Encoding: chunked',
      "1\r\naa\r\n0\r\n\r\n$hidden" ],
);

my (@names, @requests);

for my $i (0 .. $#cases) {
    my ($name, $headers, $body) = @{ $cases[$i] };

    for my $method (qw(POST GET)) {
        push @names, "$name, $method";
        push @requests, "$method /function/record/case-$i HTTP/1.1\r\n"
                        . "Host: localhost\r\nConnection: close\r\n"
                        . "$headers\r\n\r\n$body";
    }
}

# where nginx waits for more, this client goes away

my @answers = parallel(\@requests, timeout => 3);

for my $i (0 .. $#names) {
    my $answers = () = $answers[$i]{raw} =~ /HTTP\/1\.1 \d/g;

    like("$answers $answers[$i]{status}", qr/\A(?:0 |1 (?:200|400|411|501))\z/,
         "$names[$i]: one answer at the most");
}

my $lines = decode_json(get('/function/record/lines')->{body});

is(join("\n", grep { !m{^(?:GET|POST) /(?:case-\d+|start) HTTP/1\.1$} } @$lines),
   '', 'the function has seen nothing of what was hidden');



=== TEST 2: so it is over HTTP/2
--- fresh
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python concurrency=64 pids=128;

    upstream functions {
        faas;
        keepalive 8;
    }

    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;

        location /function/ {
            rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
            faas $fn;
            proxy_pass http://functions;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
--- user_files eval: ">>> fn/record.py\n$::Record"
--- code
my ($port) = slurp(server_root() . '/conf/nginx.conf') =~ /127\.0\.0\.1:(\d+) http2/;
my $path = '/function/record/case';
my @get = (':method' => 'GET', ':scheme' => 'http', ':authority' => 'localhost',
           ':path' => $path);
my @post = (':method' => 'POST', @get[2 .. 7]);
my $hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $size = length $hidden;

is(get('/function/record/start')->{status}, 200, 'it serves');
is(h2_request($port, '', @get), 'status 200', 'over HTTP/2 too');
is(h2_request($port, $hidden, @post), 'status 200', 'with a body');

for my $case (
    [ 'a length of nothing', $hidden, @post, 'content-length' => 0 ],
    [ 'a length too short', $hidden, @post, 'content-length' => $size - 5 ],
    [ 'a length too long', $hidden, @post, 'content-length' => $size + 5 ],
    [ 'two lengths', $hidden, @post, 'content-length' => 0,
      'content-length' => $size ],
    [ 'a length that is none', $hidden, @post, 'content-length' => '+5' ],
    [ 'a line break in a value', '', @get, 'x-a' => "a\r\nX-Injected: 1" ],
    [ 'a line feed in a value', '', @get, 'x-a' => "a\nX-Injected: 1" ],
    [ 'a request in a value', '', @get, 'x-a' => "a\r\n\r\n$hidden" ],
    [ 'NUL in a value', '', @get, 'x-a' => "a\0b" ],
    [ 'a line break in a name', '', @get, "x-a: a\r\nx-injected" => 1 ],
    [ 'a request in the method', '', ':method' => "GET /hidden HTTP/1.1\r\nX: ",
      @get[2 .. 7] ],
    [ 'a request in the path', '', @get[0 .. 5],
      ':path' => "$path HTTP/1.1\r\nX: a\r\n\r\n$hidden" ],
    [ 'no path', '', @get[0 .. 5] ],
    [ 'a line break in the authority', '', @get[0 .. 3],
      ':authority' => "localhost\r\nX-Injected: 1", @get[6 .. 7] ],
)
{
    my ($name, @request) = @$case;
    like(h2_request($port, @request), qr/\A(?:status 400|reset|closed)\z/, $name);
}

# taken or not, but never another request

for my $case (
    [ 'chunks', "0\r\n\r\n$hidden", @post, 'transfer-encoding' => 'chunked' ],
    [ 'a connection', $hidden, @post, 'connection' => 'content-length' ],
    [ 'an upgrade', '', @get, 'upgrade' => 'h2c', 'connection' => 'upgrade' ],
    [ 'a header in capitals', $hidden, @post, 'Content-Length' => 0 ],
)
{
    my ($name, @request) = @$case;
    like(h2_request($port, @request), qr/\A(?:status [245]00|reset|closed)\z/, $name);
}

my $lines = decode_json(get('/function/record/lines')->{body});

is(join("\n", grep { !m{^(?:GET|POST) /(?:case|start) HTTP/1\.1$} } @$lines), '',
   'the function has seen nothing of what was hidden');



=== TEST 3: nothing leads to the engine
--- fresh
--- faas_locations
    location = /docker {
        faas "docker";
        proxy_pass http://functions;
    }
--- user_files eval: ">>> fn/greet.py\n$::Greet"
--- code
my @targets = qw(_ping version info containers/json images/json networks
                 v1.41/containers/json v1.41/containers/create
                 containers/create events _docker/_ping docker.sock);
my @prefixes = ('', '/', '//', '///', '/./', '/../', '/%2e%2e/', '/..%2f', '/%2f',
                '/%252f', '/x/..%2f', '/x/%2e%2e/', '/function/../', '/function/',
                '/function/%2e%2e/', '/function/..%2f..%2f', '/functions/../',
                '/functions/', '/functions/%2e%2e%2f', '/function/greet/../../',
                '/%5f', '/;/', '/%00', '/%0a', '/unix:/var/run/docker.sock:/',
                'http://docker/', 'http://unix:/var/run/docker.sock:/',
                '/functions//../', '/function//');
my (@requests, @paths);

for my $prefix (@prefixes) {
    for my $target (@targets) {
        push @paths, "$prefix$target";
        push @requests, request('GET', "$prefix$target"),
                        request('POST', "$prefix$target", body => '{}');
    }
}

my %codes;

while (my @some = splice @requests, 0, 60) {
    for my $res (parallel(\@some)) {
        my ($line) = shift(@some) =~ /\A(.*)\r/;

        $codes{$res->{status}}++;
        diag("$line: $res->{raw}") if $res->{status} !~ /^40[045]$/
            || $res->{raw} =~ /ApiVersion|Ostype|"Id"|^OK/m;
    }
}

is(join(' ', grep { !/^40[045]$/ } sort keys %codes), '',
   scalar(@paths) . ' paths, all refused');
is(scalar(instances_but()), 0, 'no container');



=== TEST 4: names that are no names
--- config
    location /functions {
        faas_api /function/;
    }

    location ~ ^/any/(?<fn>.*)$ {
        faas $fn;
        proxy_pass http://functions;
    }
--- user_files eval
">>> fn/greet.py\n$::Greet>>> fn/gr\xc3\xbc\xc3\x9fe-1.0_a.py\n$::Greet"
--- code
my @names = ('a"b', '"', '\\', 'a\\', "a'b", 'a","Privileged":true,"x":"b',
             'a"}},"HostConfig":{"Privileged":true}', "a\x01b", "a\x7fb", "a\tb",
             'a b', 'a;b', 'a&b', 'a$b', 'a`id`', 'a|b', '$(id)', '../greet',
             '..', '.', '.hidden', '-rf', 'a/b', 'a%00b', 'a' x 65, "\xff\xfe",
             "\xc0\xaf", "\xed\xa0\x80", 'a..b', '{}', '[]', '@x', 'a:b', '*', '?');

for my $name (@names) {
    my $escaped = join '', map { sprintf '%%%02X', ord } split //, $name;
    my $shown = $name =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

    next if $name =~ m{^\.\.?$|/|%00};

    is(get("/any/$escaped")->{status}, 400, "as a location's: $shown");
    is(http(request('POST', "/functions/$escaped/invoke", body => '{}'))->{status},
       400, "as the API's: $shown");
}

for my $name (@names) {
    my $text = $name =~ s/(["\\])/\\$1/gr =~ s/([\x00-\x1f])/sprintf '\\u%04x',
                                                                     ord $1/ger;
    my $res = post('/functions', qq({"name":"$text","language":"python",)
                                 . qq("source_code":"pass"}));

    is($res->{status}, 400, 'created: ' . $name =~ s/([^ -~])/?/gr);
}

# what is in a name is in its container's, encoded

my $name = "gr\xc3\xbc\xc3\x9fe-1.0_a";
my $escaped = join '', map { sprintf '%%%02X', ord } split //, $name;
my $encoded = $name =~ s/([^A-Za-z0-9-])/sprintf '_%02x', ord $1/ger;

is(get("/any/$escaped")->{body}, $main::Hello, 'a name with letters of UTF-8');

utf8::decode($name);
my ($instance) = instances($name);
ok($instance, 'is known by its name');
like($instance->{Names}[0],
     qr{\A/faas-[0-9a-f]{8}-[0-9a-f]{8}-\d+-\d+\.[0-9a-f]{40}\.\Q$encoded\E\z},
     'which is encoded in that of its container');
