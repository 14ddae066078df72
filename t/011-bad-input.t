# Bad input gets a clear error, the right status, and leaves nothing behind.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 708;

sub json { return Cpanel::JSON::XS->new->utf8->canonical->encode($_[0]) }
sub code { return eval { decode_json($_[0]{body})->{error}{code} } // '' }

# status, code and form of an answer, and that it gives nothing away
sub refused {
    my ($res, $status, $code, $name) = @_;
    my $form = qr/\A\{"error":\{"code":"\w+","message":"[^"\\\/<>]+"\}\}\n\z/;
    my $root = server_root();

    is("$res->{status} " . main::code($res), "$status $code", $name);
    ok($res->{body} =~ $form && header($res, 'Content-Type') eq 'application/json'
       && $res->{body} !~ /\Q$root\E|docker|container|socket|overlay|sha256/i
       && $res->{body} !~ /faas-[0-9a-f]{8}|hunter2/,
       "$name: an error in JSON, with no path, container or word of the engine")
        or diag($res->{raw});
}

# a request whose body is sent once the server asks for it: what it said before
# it had the body, and its answer
sub expecting {
    my ($path, $body, @headers) = @_;
    my $sock = connect_to();

    print $sock request('POST', $path, headers => [ 'Expect: 100-continue',
                        @headers ? @headers : 'Content-Length: ' . length $body ]);
    $sock->flush;

    my $first = read_some($sock, undef, qr/\r\n\r\n/);
    my $continue = $first =~ s{\A(HTTP/1\.1 100 Continue\r\n\r\n)}{} ? $1 : '';

    if ($continue) {
        print $sock @headers ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body)
                             : $body;
        $sock->flush;
    }

    # nginx lingers for whoever was refused: the answer is what counts
    while (!parse_response($first, 'POST')->{complete}) {
        my $more = read_some($sock);
        last if $more eq '';
        $first .= $more;
    }

    return ($continue, parse_response($first, 'POST'));
}

sub chunked {
    my ($path, $size, $body) = @_;
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
                          unpack "(a$size)*", $body;

    return request('POST', $path, headers => [ 'Transfer-Encoding: chunked' ])
           . "${chunks}0\r\n\r\n";
}

no_shuffle();
run_tests();

__DATA__

=== TEST 1: the input reaches the function byte for byte
--- user_files eval
">>> fn/echo.py\n" . FaasTest::echo_py()
--- code
my @inputs = ('9007199254740993', '1e999', '"a\\u0000b"', '{"a":1,"a":2}',
              "[ 1 ,\t2\n]", '-0', '"\\ud83d\\ude00\\/"', "\"\xf0\x9f\x98\x80\"",
              '[' x 999 . ']' x 999, '"' . 'x' x 300_000 . '"');

for my $input (@inputs) {
    my $res = http(request('POST', '/functions/echo/invoke',
                           body => "{ \"input\" : $input , \"timeout_ms\":15000}"));
    like($res->{body}, qr/"output":\Q$input\E,"error_message"/,
         "input " . substr($input, 0, 40)) or diag(substr($res->{body}, 0, 300));
}

like(post('/functions/echo/invoke', '')->{body}, qr/"output":\{\},/, 'no body');
like(post('/functions/echo/invoke', '{}')->{body}, qr/"output":\{\},/, 'no input');

for my $space (" \t\r\n", "\n" x 3000) {
    my $res = post('/functions/echo/invoke', $space . '{' . $space . '"input"' . $space
                   . ':' . $space . '[1,' . $space . '2]' . $space . '}' . $space);
    like($res->{body}, qr/"output":\[1,${space}2\],/,
         length($space) . ' characters of white space');
}

like(http(main::chunked('/functions/echo/invoke', 1, '{"input":-0.10e+01}'))->{body},
     qr/"output":-0\.10e\+01,/, 'byte by byte');
like(post('/functions/echo/invoke', '{"\\u0069nput":1,"timeout_\u006ds":15000}')
     ->{body}, qr/"output":1,/, 'escapes in the names of members');



=== TEST 2: what is no JSON
--- code
my @bad = ([ ' ', 1 ], [ '{"input":1} xyz', 12 ], [ '{"input":1', 10 ],
           [ '{input:1}', 1 ], [ '{"input":01}', 10 ], [ '{"input":NaN}', 9 ],
           [ "{\"input\":\"a\nb\"}", 11 ], [ "{\"input\":\"\xff\"}", 10 ],
           [ '{"input":' . '[' x 100_000, 1008 ], [ "\0", 0 ],
           [ '{"input":1,}', 11 ], [ "{'input':1}", 1 ], [ "{\"input\":\"a\0b\"}", 11 ],
           [ '{"input":' . '[' x 1000 . ']' x 1000 . '}', 1008 ],
           [ '{"input":' . '[' x 1_000_000, 1008 ], [ '{"a":' x 100_000, 5000 ],
           [ "{\"input\":\"\xc0\xaf\"}", 10 ], [ "{\"input\":\"\xed\xa0\x80\"}", 11 ],
           [ "{\"input\":\"\xf4\x90\x80\x80\"}", 11 ], [ "{\"input\":\"\xe2\x82\"}", 12 ],
           [ "\xef\xbb\xbf{}", 0 ], [ '{"input":"\\x"}', 11 ], [ '{"input":"\\u12g4"}', 14 ],
           [ '{"input":1 "timeout_ms":1}', 11 ], [ '{"input"}', 8 ], [ '{,}', 1 ],
           [ '{"timeout_ms":05}', 15 ], [ '{"timeout_ms":NaN}', 14 ], [ '{"input":+1}', 9 ],
           [ '{"input":.5}', 9 ], [ '{"input":1.}', 11 ], [ '{"input":tru}', 12 ],
           [ '{} {}', 3 ], [ "{\"input\":1}\0", 11 ], [ '/**/{}', 0 ]);

# who went down into what is nested would not come back in a stack of 256 KB

# in as many workers as there are, or in the only process
my @pids = worker_pids();
@pids = master_pid() if !@pids;

is(scalar(grep { system('prlimit', "--pid=$_", '--stack=262144:') } @pids), 0, 'small stacks');

for my $case (@bad) {
    my ($body, $offset) = @$case;
    my $res = post('/functions/none/invoke', $body);
    main::refused($res, 400, 'invalid_json', 'body ' . substr $body, 0, 30);
    like($res->{body}, qr/at byte $offset"/, "at byte $offset");
}

for my $body ('[1]', '1', 'null', '"x"') {
    main::refused(post('/functions/none/invoke', $body), 400,
                  'invalid_request', "body $body");
}



=== TEST 3: members of an invocation
--- code
for my $timeout ('0', '-1', '1.5', '"5"', '1e18', '1e3', 'null', '3600001', 'true',
                 '99999999999999999999', '{}', '-0', '5.0', '1E0', '""', '[1]')
{
    main::refused(post('/functions/none/invoke', "{\"timeout_ms\":$timeout}"),
                  400, 'invalid_timeout', "timeout_ms $timeout");
}

for my $member ('TIMEOUT_MS', 'Input', 'timeout', 'HostConfig', 'input\\u0000') {
    main::refused(post('/functions/none/invoke', "{\"$member\":1}"),
                  400, 'unknown_field', $member);
}

main::refused(post('/functions/none/invoke', '{"input":1,"input":2}'),
              400, 'invalid_request', 'input twice');
is(post('/functions/none/invoke', '{"timeout_ms":3600000}')->{status}, 404,
   'the most there can be');



=== TEST 4: names
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/engine.sock;
--- code
my $log = fake_engine(html_dir() . '/engine.sock', 'relay');
my @names = ('', 'x' x 65, '..', '.', '.x', '-x', 'a..b', 'a/b', 'a b', '@x', 'a%b',
             "a\\u0000b", 'a\\\\b', "a\\nb", "\xf0\x9f\x98\x80", "a\xe2\x80\x8bb",
             "\xc2\xa0", 'a:b', 'a;b', "a'b", 'a\\"b', '../../etc/x');

for my $name (@names) {
    main::refused(post('/functions', "{\"name\":\"$name\",\"language\":\"python\","
                                     . '"source_code":""}'),
                  400, 'invalid_name', "name '$name'");
}

for my $name ("a\0b", "a\xffb", "a\tb") {
    main::refused(post('/functions', "{\"name\":\"$name\",\"language\":\"python\","
                                     . '"source_code":""}'),
                  400, 'invalid_json', 'raw bytes in a name');
}

for my $name ('@x', '-x', '.x', 'a%00b', 'a%2fb', 'a%20b',
              'x' x 65, '%ff', '%0d%0aX:%20y', '%2e%2e%2fa', 'a%2f..%2f..%2fetc%2fpasswd',
              '..%5ca', '%252e%252e', '%c0%ae', '%e2%80%ae', 'a%7f', '%2dx', '%2ex', 'a..b')
{
    for my $res (get("/functions/$name"), get("/function/$name"),
                 http(request('DELETE', "/functions/$name")),
                 post("/functions/$name/invoke", '{}'),
                 http(request('PUT', "/functions/$name",
                              body => '{"language":"python","source_code":""}')))
    {
        # what has a slash is a path of other names
        ok($res->{status} =~ ($name =~ /%2f/ ? qr/^40[045]$/ : qr/^40[05]$/),
           "$name: $res->{status}");
    }
}

for my $path ('/functions/%2e%2e/%2e%2e/x', '/function/../../x', '/functions/./../x') {
    my $res = get($path);
    ok($res->{status} =~ /^40[04]$/, "$path: $res->{status}");
}

is(post('/functions', main::json({ name => 'X_1.y-Z' . 'a' x 57,
                                   language => 'python', source_code => '' }))
   ->{status}, 201, '64 characters of all that is allowed');

opendir my $dh, html_dir() . '/fn';
is(scalar(grep { !/^\./ } readdir $dh), 1, 'and no other file');
unlike(slurp($log) =~ s{GET\ \S*/(?:_ping|events\?\S*|networks/\S+|containers/json\?\S*)
                          \ HTTP/1\.1\r\n}{}gxr,
       qr{\S+ /\S* HTTP/1}, 'the engine hears of none');



=== TEST 5: a create that is none
--- code
my $ok = { name => 'a', language => 'python', source_code => '' };

main::refused(post('/functions', ''), 400, 'invalid_name', 'empty');
main::refused(post('/functions', main::json({ %$ok, language => 'cobol' })),
              400, 'invalid_language', 'unknown language');
main::refused(post('/functions', '{"name":"a","source_code":""}'),
              400, 'invalid_language', 'no language');
main::refused(post('/functions', '{"name":"a","language":"python"}'),
              400, 'invalid_request', 'no source');
main::refused(post('/functions', '{"name":"a","language":"python","source_code":1}'),
              400, 'invalid_request', 'a source that is a number');
main::refused(post('/functions',
                   '{"name":"a","language":"python","source_code":"\\ud800"}'),
              400, 'invalid_request', 'half of a surrogate pair');

for my $field ('HostConfig', 'Privileged', 'Binds', 'CapAdd', 'image', 'Image',
               'Env', 'ENV', 'user')
{
    main::refused(post('/functions', main::json({ %$ok, $field => {} })),
                  400, 'unknown_field', $field);
    main::refused(http(request('PUT', '/functions/a', body => main::json({ %$ok, $field => {} }))),
                  400, 'unknown_field', "PUT: $field");
}

is(get('/functions')->{body}, "[]\n", 'nothing was made');



=== TEST 6: sizes
--- faas_locations
    location = /small { client_max_body_size 100; faas_api /function/; }
    location = /default { client_max_body_size 1m; faas_api /function/; }
--- code
my $doc = sub {
    my ($name, $size) = @_;
    my $text = "{\"name\":\"$name\",\"language\":\"python\",\"source_code\":\"\"}";
    substr($text, -2, 0) = 'x' x ($size - length $text);
    return $text;
};

my $n = 0;
my %send = (
    'with a length' => sub { http(request('POST', $_[0], body => $_[1])) },
    'in a chunk' => sub { http(main::chunked($_[0], 1e6, $_[1])) },
    'in many chunks' => sub { http(main::chunked($_[0], 7, $_[1])) },
    'at once, although it might wait' => sub {
        http(request('POST', $_[0], body => $_[1], headers => [ 'Expect: 100-continue' ]))
    },
);

for my $how (sort keys %send) {
    for my $size (99, 100) {
        $n++;
        my $res = $send{$how}->('/small', $doc->("n$n", $size));
        $res = parse_response($res->{rest}) if $res->{status} eq '100';
        is($res->{status}, 201, "$size of 100 bytes $how");
        ok(-e html_dir() . "/fn/n$n.py", 'and it is there');
    }

    for my $size (101, 102, 5000) {
        main::refused($send{$how}->('/small', $doc->('large', $size)), 413, 'too_large',
                      "$size of 100 bytes $how");
    }
}

my ($first, $res) = main::expecting('/small', $doc->('e1', 100));
like($first, qr/100 Continue/, 'a length that is allowed is asked for');
is($res->{status}, 201, 'and taken');

($first, $res) = main::expecting('/small', $doc->('large', 101));
is($first, '', 'one that is too large is not asked for');
main::refused($res, 413, 'too_large', 'but refused at once');

($first, $res) = main::expecting('/small', $doc->('e2', 100), 'Transfer-Encoding: chunked');
is($res->{status}, 201, 'as large as allowed, in chunks, when asked for');

($first, $res) = main::expecting('/small', $doc->('large', 101),
                                 'Transfer-Encoding: chunked');
main::refused($res, 413, 'too_large', 'a byte more, in chunks, when asked for');

is(http(request('POST', '/default', body => $doc->('m1', 1 << 20)))->{status}, 201,
   'a megabyte of a megabyte');
main::refused(http(request('POST', '/default', body => $doc->('large', (1 << 20) + 1))),
              413, 'too_large', 'a byte more');

# the source has a limit of its own
my $source = sub { post('/functions', main::json({ name => $_[0], language => 'python',
                                                   source_code => 'x' x $_[1] })) };
is($source->('s1', 4 << 20)->{status}, 201, 'a source of 4 megabytes, in one line');
is(-s html_dir() . '/fn/s1.py', 4 << 20, 'is there');
main::refused($source->('large', (4 << 20) + 1), 413, 'too_large', 'a byte more');
main::refused($source->('large', 5_000_000), 413, 'too_large', 'a line of 5 megabytes');
main::refused(http(request('PUT', '/functions/s1', body => main::json({
                  source_code => 'x' x ((4 << 20) + 1) }))), 413, 'too_large', 'PUT');
is(-s html_dir() . '/fn/s1.py', 4 << 20, 'and the old one stays');
ok(!-e html_dir() . '/fn/large.py', 'nothing of what was refused is there');



=== TEST 7: methods
--- code
my %allowed = ('/functions' => 'GET, HEAD, POST',
               '/functions/a' => 'GET, HEAD, PUT, DELETE',
               '/functions/a/invoke' => 'POST');

for my $path (sort keys %allowed) {
    for my $method (qw(GET HEAD POST PUT DELETE PATCH OPTIONS PROPFIND LOCK
                       BREW)) {
        next if $allowed{$path} =~ /\b$method\b/;
        my $res = http(request($method, $path, body => '{}'));

        if ($method eq 'HEAD') {
            is("$res->{status} $res->{rest}", '405 ', "$method $path");
        } else {
            main::refused($res, 405, 'method_not_allowed', "$method $path");
        }

        is(header($res, 'Allow'), $allowed{$path}, 'Allow');
    }
}

for my $method ('TRACE', 'CONNECT') {
    is(http(request($method, '/functions'))->{status}, 405, $method);
    is(http(request($method, '/function/a'))->{status}, 405, "$method, raw");
}

is(http("get /functions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
   ->{status}, 400, 'a method in lower case');

my $res = http(request('HEAD', '/functions'));
is($res->{status}, 200, 'HEAD');
is($res->{rest}, '', 'has no body');



=== TEST 8: headers of a body
--- user_files eval
">>> fn/echo.py\n" . FaasTest::echo_py()
--- code
for my $type ('', 'Content-Type: application/x-www-form-urlencoded',
              'Content-Type: text/plain')
{
    my $res = post('/functions/echo/invoke', '{"input":1,"timeout_ms":15000}',
                   headers => [ $type || () ]);
    like($res->{body}, qr/"output":1,/, "'$type' is taken as JSON");
}

main::refused(post('/functions', '{}', headers => [ 'Content-Encoding: gzip' ]),
              415, 'unsupported_encoding', 'gzip');
main::refused(post('/functions', '{}', headers => [ 'Sec-Fetch-Site: cross-site' ]),
              403, 'cross_site', 'from another site');
main::refused(post('/functions/echo/invoke', '{}',
                   headers => [ 'Sec-Fetch-Site: cross-site' ]),
              403, 'cross_site', 'an invocation from another site');
main::refused(http(request('DELETE', '/functions/echo',
                           headers => [ 'Sec-Fetch-Site: cross-site' ])),
              403, 'cross_site', 'a deletion from another site');
main::refused(http(request('PUT', '/functions/echo', body => '{}',
                           headers => [ 'sec-fetch-site: Cross-Site' ])),
              403, 'cross_site', 'a replacement, in another case');
is(get('/functions', headers => [ 'Sec-Fetch-Site: cross-site' ])->{status}, 200,
   'reading is no harm');

main::refused(post('/functions/echo/invoke', '{}',
                   headers => [ 'Sec-Fetch-Site: same-site' ]),
              403, 'cross_site', 'from a sibling, where functions may be');

for my $site ('same-origin', 'none') {
    is(post('/functions/echo/invoke', '{}', headers => [ "Sec-Fetch-Site: $site" ])
       ->{status}, 200, "$site is no other site");
}

for my $encoding ('gzip', 'deflate', 'br', 'x-any', 'gzip, identity') {
    main::refused(post('/functions/echo/invoke', '{}',
                       headers => [ "Content-Encoding: $encoding" ]),
                  415, 'unsupported_encoding', $encoding);
}

is(post('/functions/echo/invoke', '{}', headers => [ 'Content-Encoding: identity' ])
   ->{status}, 200, 'identity is none');
ok(-e html_dir() . '/fn/echo.py', 'the function is still there');



=== TEST 9: requests that are none reach no function
--- user_files eval
">>> fn/log.py\n" . <<'PY'
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

seen = []


class Log(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))

        if self.path != "/seen":
            seen.append([self.requestline, body.decode("latin-1"),
                         sorted(h.lower() for h in self.headers)])

        out = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST


HTTPServer(("", int(os.environ["PORT"])), Log).serve_forever()
PY
--- code
my $start = "POST /function/log/x HTTP/1.1\r\nHost: localhost\r\n";
my $end = "Connection: close\r\n\r\n";
my $inner = "GET /function/log/smuggled HTTP/1.1\r\nHost: localhost\r\n$end";
my $outer = 5 + length $inner;

my @bad = (
    [ 'two lengths', "${start}Content-Length: 5\r\nContent-Length: 6\r\n${end}hello" ],
    [ 'the same length twice',
      "${start}Content-Length: 5\r\nContent-Length: 5\r\n${end}hello" ],
    [ 'a list of lengths', "${start}Content-Length: 5, 5\r\n${end}hello" ],
    [ 'length -1', "${start}Content-Length: -1\r\n${end}" ],
    [ 'length +5', "${start}Content-Length: +5\r\n${end}hello" ],
    [ 'length 5x', "${start}Content-Length: 5x\r\n${end}hello" ],
    [ 'length 0x5', "${start}Content-Length: 0x5\r\n${end}hello" ],
    [ 'a length of no bits', "${start}Content-Length: 99999999999999999999\r\n${end}" ],
    [ 'length and chunks',
      "${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n" ],
    [ 'CL.TE', "${start}Content-Length: $outer\r\nTransfer-Encoding: chunked\r\n\r\n"
               . "0\r\n\r\n$inner" ],
    [ 'TE.CL', "${start}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
               . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $inner, $inner) ],
    [ 'TE.TE', "${start}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"
               . "0\r\n\r\n$inner" ],
    [ 'xchunked', "${start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$inner" ],
    [ 'chunked, chunked', "${start}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" ],
    [ 'chunked, identity', "${start}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" ],
    [ 'chunked after a tab', "${start}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n$inner" ],
    [ 'chunked before a colon',
      "${start}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n${end}0\r\n\r\n" ],
    [ 'chunked in HTTP/1.0', "POST /function/log/x HTTP/1.0\r\nHost: localhost\r\n"
                             . "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" ],
    [ 'chunk zz', "${start}Transfer-Encoding: chunked\r\n${end}zz\r\nhello\r\n0\r\n\r\n" ],
    [ 'chunk -1', "${start}Transfer-Encoding: chunked\r\n${end}-1\r\nhi\r\n0\r\n\r\n" ],
    [ 'chunk 0x2', "${start}Transfer-Encoding: chunked\r\n${end}0x2\r\nhi\r\n0\r\n\r\n" ],
    [ 'chunk of no bits', "${start}Transfer-Encoding: chunked\r\n${end}"
                          . "ffffffffffffffff1\r\nhi\r\n0\r\n\r\n" ],
    [ 'chunk longer than it says',
      "${start}Transfer-Encoding: chunked\r\n${end}2\r\nhixx\r\n0\r\n\r\n" ],
    [ 'a folded header', "${start}X-Fold: a\r\n b\r\nContent-Length: 2\r\n${end}hi" ],
    [ 'a folded encoding', "${start}Transfer-Encoding:\r\n chunked\r\n"
                           . "Content-Length: 2\r\n${end}hi" ],
    [ 'a folded length', "${start}Content-Length:\r\n 5\r\n${end}hello" ],
    [ 'CR in a header', "${start}X: a\rTransfer-Encoding: chunked\r\n"
                        . "Content-Length: 2\r\n${end}hi" ],
    [ 'NUL in a header', "${start}X-Nul: a\0b\r\n${end}" ],
    [ 'NUL in the name of a length', "${start}Content-Length\0: 5\r\n${end}hello" ],
    [ 'NUL in the name of an encoding',
      "${start}Transfer-Encoding\0: chunked\r\n${end}2\r\nhi\r\n0\r\n\r\n" ],
    [ 'NUL in the URI', "POST /function/log\0 HTTP/1.1\r\nHost: localhost\r\n$end" ],
    [ 'a blank in the URI', "GET /function/log/a b HTTP/1.1\r\nHost: localhost\r\n$end" ],
    [ 'CR and LF in the URI, escaped',
      "GET /function/log%0d%0aX:%20y HTTP/1.1\r\nHost: localhost\r\n$end" ],
    [ 'a header without a name', "${start}: x\r\nContent-Length: 2\r\n${end}hi" ],
    [ 'a header of 64 kilobytes', "${start}X-Large: " . 'x' x 65_536 . "\r\n${end}" ],
    [ '5000 headers', $start . join('', map { "X-Header-$_: value\r\n" } 1 .. 5000) . $end ],
    [ 'a URI of 16 kilobytes', 'POST /function/log/' . 'x' x 16_384
                               . " HTTP/1.1\r\nHost: localhost\r\n$end" ],
    [ 'two hosts', "${start}Host: again\r\n${end}" ],
    [ 'no host', "POST /function/log HTTP/1.1\r\n$end" ],
    [ 'HTTP/2.0', "GET /function/log/x HTTP/2.0\r\nHost: localhost\r\n$end" ],
    [ 'HTTP/1.x', "GET /function/log/x HTTP/1.x\r\nHost: localhost\r\n$end" ],
    [ 'no method', "/function/log HTTP/1.1\r\nHost: localhost\r\n$end" ],
    [ 'TLS', "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" . 'x' x 100 ],
);

# what the function has seen since the last time
my $known = 0;
my $news = sub {
    my $seen = decode_json(post('/function/log/seen', '')->{body});
    my @new = @$seen[$known .. $#$seen];

    $known = @$seen;
    return @new;
};

is(scalar($news->()), 0, 'the function runs');

for my $case (@bad) {
    my ($name, $bytes) = @$case;
    my $res = http($bytes);
    my $answers = () = $res->{raw} =~ m{^HTTP/1\.1 }mg;

    ok($res->{status} =~ /^(?:400|414|431|413|50[15])$/ && $answers == 1 && $res->{closed},
       "$name: $res->{status}, and closed") or diag($res->{raw});
    is(scalar($news->()), 0, "$name: nothing is forwarded");
}

# these are requests, each is one of them, and what is odd is not passed on
my @odd = (
    [ 'bare LF', "POST /function/log/x HTTP/1.1\nHost: localhost\nContent-Length: 2\n"
                 . "Connection: close\n\nhi", 'POST /x HTTP/1.1', 'hi' ],
    [ 'Transfer_Encoding', "${start}Transfer_Encoding: chunked\r\nContent-Length: 5\r\n"
                           . "${end}0\r\n\r\n", 'POST /x HTTP/1.1', "0\r\n\r\n" ],
    [ 'chunk extensions', "${start}Transfer-Encoding: chunked\r\n${end}2;a=\"b\"\r\nhi\r\n"
                          . "0\r\nX-Trailer: y\r\n\r\n", 'POST /x HTTP/1.1', 'hi' ],
    [ 'an absolute URI', "GET http://elsewhere/function/log/x HTTP/1.1\r\n"
                         . "Host: localhost\r\n$end", 'GET /x HTTP/1.1', '' ],
    [ 'GET with a body', "GET /function/log/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                         . length($inner) . "\r\n$end$inner", 'GET /x HTTP/1.1', $inner ],
    [ 'CR and LF in the path, escaped',
      "GET /function/log/a%0d%0aX:%20y HTTP/1.1\r\nHost: localhost\r\n$end",
      undef, '' ],
);

for my $case (@odd) {
    my ($name, $bytes, $line, $body) = @$case;
    my $res = http($bytes);
    my @new = $news->();

    if (!defined $line && $res->{status} == 400) {
        is(scalar @new, 0, "$name: nothing is forwarded");
        next;
    }

    $line //= 'GET /a%0D%0AX:%20y HTTP/1.1';
    is(join(' | ', map { "$_->[0] $_->[1]" } @new), "$line $body", "$name: one request");
    is(join(' ', grep { /^(?:x|transfer)/ } map { @{ $_->[2] } } @new), '',
       "$name: nothing odd");
}



=== TEST 10: a source that is too large, or cannot be read
--- code
write_file(html_dir() . '/fn/huge.py', "#\n" x 2_100_000);

for my $path ('/function/huge', '/functions/huge/invoke') {
    main::refused(post($path, ''), 500, 'internal_error', $path);
}



=== TEST 11: the image of a runtime is missing
--- fresh
--- faas_http
    faas_runtime python image=no-such-image-at-all;
    faas_runtime deno;
--- code
my $doc = { name => 'f', language => 'python', source_code => '' };
is(post('/functions', main::json($doc))->{status}, 201, 'the source is stored');

for my $res (http(invoke_request('f')), get('/function/f')) {
    main::refused($res, 503, 'image_not_available', 'a call');
    like(header($res, 'Retry-After'), qr/^\d+$/, 'Retry-After');
    unlike($res->{raw}, qr/no-such-image/, 'the name of the image is nobody\'s business');
}

is(scalar(instances_but()), 0, 'no container');
like(error_log_text(), qr/\[error\].*no-such-image-at-all/, 'the log names it');



=== TEST 12: what the engine says stays in the log
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/engine.sock;
--- user_files eval
">>> fn/echo.py\n" . FaasTest::echo_py()
--- code
fake_engine(html_dir() . '/engine.sock',
            'failed: /var/lib/docker/overlay2/0123/merged: pw=hunter2');

for my $res (http(invoke_request('echo')), post('/function/echo', 'x')) {
    main::refused($res, 503, 'backend_unavailable', 'a call');
    like(header($res, 'Retry-After'), qr/^\d+$/, 'Retry-After');
    unlike($res->{raw}, qr/hunter2|overlay|failed/, 'not a word of it');
}

like(error_log_text(), qr/\[error\].*overlay2/, 'there it is');



=== TEST 13: nothing that a client sends changes what the engine is asked
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/engine.sock;
--- code
my $log = fake_engine(html_dir() . '/engine.sock', 'relay');
my %asked;

# all that may differ between two containers, taken out
my $normal = sub {
    my ($text, $name) = @_;
    $text =~ s/"FAAS_TOKEN=\w+"|"faas.slot":"\d+"|"faas.epoch":"\w+"//g;
    $text =~ s/faas-\w+-\w+-\d+-\d+|"(?:IPv4Address|IPAddress)":"[\d.]+"//g;
    $text =~ s/\Q$name\E//g;
    $text =~ s/^Content-Length: .*//mg;
    return $text;
};

my @evil = ('X-Registry-Auth: evil', 'X-Registry-Config: evil', 'Upgrade: tcp',
            'Authorization: Basic ZXZpbA==', 'Cookie: evil=1', 'X-Evil: {"Privileged":true}',
            'User-Agent: evil', 'Accept: evil/evil', 'Referer: http://evil/');

for my $case ([ 'ordinary-one', [], '1' ],
              [ 'wicked-one', \@evil, '{"HostConfig":{"Privileged":true},"Binds":["/:/evil"]}' ])
{
    my ($name, $headers, $input) = @$case;

    is(post('/functions', main::json({ name => $name, language => 'python',
                                       source_code => FaasTest::echo_py() }),
            headers => $headers)->{status}, 201, "$name: created");
    is(http(invoke_request($name, $input, headers => $headers))->{status}, 200, 'called');

    my ($head, $rest) = slurp($log)
        =~ m{\A.*(POST \S*/containers/create\?.*?\r\n\r\n)(.*)\z}s;
    my ($length) = $head =~ /^Content-Length: (\d+)/m;
    my $json = substr $rest, 0, $length;

    $asked{$name} = $normal->($head . $json, $name);

    my $body = decode_json($json);
    my $host = $body->{HostConfig};

    is(join(' ', @{ $host->{CapDrop} || [] }), 'ALL', 'no capability');
    ok(!$host->{Privileged} && !$host->{CapAdd} && !$host->{Devices}, 'no privilege');
    ok(!$host->{Binds} && !$host->{Mounts} && !$body->{Volumes}, 'no directory of the host');
    ok($host->{ReadonlyRootfs}, 'a root that is read-only');
    is($body->{User}, '65534:65534', 'nobody');
    is($body->{Image}, 'faas-python', 'the image of the runtime');
}

is($asked{'wicked-one'}, $asked{'ordinary-one'}, 'both are the same');
unlike(slurp($log), qr/evil/, 'nothing of it reaches the engine');



=== TEST 14: sources arrive in the container byte for byte
--- fresh
--- code
require Digest::SHA;

# a function that tells the digest of a long text in its own source
my $main = FaasTest::echo_py();
$main =~ s/write\(body\)/write(hashlib.sha1(DATA.encode()).hexdigest().encode())/;

my %data = (long => 'x' x 700_000 . "\xc3\xa9\xf0\x9f\x98\x80\xe2\x82\xac" x 20_000,
            quotes => "\\'\\\"\\\\ {} %s \$x \x7f");
my %digest = (long => Digest::SHA::sha1_hex($data{long}),
              quotes => Digest::SHA::sha1_hex("'\"\\ {} %s \$x \x7f"));

for my $name (sort keys %data) {
    my $source = "import hashlib\n\nDATA = \"$data{$name}\"\n$main";

    $source =~ s/\n/\r\n/g if $name eq 'quotes';     # as some editors write it
    utf8::decode(my $text = $source);

    is(post('/functions', main::json({ name => $name, language => 'python',
                                       source_code => $text }))->{status}, 201, $name);
    is(slurp(html_dir() . "/fn/$name.py"), $source, "$name: file");
    is(result(http(invoke_request($name)))->{output}, $digest{$name}, "$name: container");
}

# and what is no program says so
my %bad = (empty => '', nul => "a = 1\0\n", zip => "PK\x03\x04\n");
my @names = sort keys %bad;

write_file(html_dir() . "/fn/$_.py", $bad{$_}) for @names;

my @answers = parallel([ map { invoke_request($_) } @names ]);

for my $i (0 .. $#names) {
    my $run = result($answers[$i]);

    is($answers[$i]{status}, 200, "$names[$i]: an answer");
    is($run->{status}, 'failed', "$names[$i]: failed");
    isnt($run->{error_message} // '', '', "$names[$i]: and why");
}

# of what never served none has its name
ok(wait_for(30, sub { containers() == 2 }), 'nothing stays but the two that serve');
