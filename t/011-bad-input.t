# Bad input gets a clear error, the right status, and leaves nothing behind.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 274;

sub json { return JSON::PP->new->utf8->canonical->encode($_[0]) }
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

    my $first = read_some($sock);
    return ('', parse_response($first . read_all($sock, 5), 'POST'))
        if $first !~ s{\A(HTTP/1\.1 100 Continue\r\n\r\n)}{};

    my $continue = $1;
    print $sock @headers ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body) : $body;
    $sock->flush;

    return ($continue, parse_response($first . read_all($sock), 'POST'));
}

sub chunked {
    my ($path, $size, $body) = @_;
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
                          $body =~ /(.{1,$size})/gs;

    return request('POST', $path, headers => [ 'Transfer-Encoding: chunked' ])
           . "${chunks}0\r\n\r\n";
}

# random JSON text, in odd spelling
sub value {
    my ($depth) = @_;
    my $ws = sub { (' ', '', "\t", "\n", "\r\n")[rand 5] };
    my @scalar = ('0', '-0', '9007199254740993', '1e999', '-1E-999', 'true',
                  'null', '3.14159265358979323846264338327950288',
                  '"a\\u0000b"', '"\\ud800"', '"\\/\\u002f"', "\"\xc3\xa9\"",
                  '""', '123456789012345678901234567890');

    return $scalar[rand @scalar] if $depth == 0 || rand() < 0.3;

    if (rand() < 0.5) {
        return '[' . join(',', map { $ws->() . main::value($depth - 1) . $ws->() }
                               1 .. rand 4) . ']';
    }

    return '{' . join(',', map { $ws->() . ('"a"', '"b"', '"a"')[rand 3] . $ws->()
                                 . ':' . $ws->() . main::value($depth - 1) }
                           1 .. rand 4) . '}';
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

srand 42;
my $bad = 0;

for (1 .. 300) {
    my $input = main::value(4);
    my $res = http(request('POST', '/functions/echo/invoke',
                           body => "{\"input\":$input}"));
    $bad++ if index($res->{body}, "\"output\":$input,\"error_message\"") < 0;
}

is($bad, 0, '300 random ones');

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
--- code
my @names = ('', 'x' x 65, '..', '.', '.x', '-x', 'a..b', 'a/b', 'a b', '@x', 'a%b',
             "a\\u0000b", 'a\\\\b', "a\\nb", "\xf0\x9f\x98\x80", "a\xe2\x80\x8bb",
             "\xc2\xa0", 'a:b', 'a;b', "a'b", 'a\\"b', '../../etc/x');

for my $name (@names) {
    main::refused(post('/functions', "{\"name\":\"$name\",\"language\":\"python\","
                                     . '"source_code":""}'),
                  400, 'invalid_name', "name '$name'");
}

for my $name ('@x', '-x', '.x', 'a%00b', 'a%2fb', 'a%20b',
              'x' x 65, '%ff', '%0d%0aX:%20y')
{
    for my $path ("/functions/$name", "/function/$name") {
        my $res = get($path);
        ok($res->{status} == 400 || $res->{status} == 404, "$path: $res->{status}");
    }
}

is(post('/functions', main::json({ name => 'X_1.y-Z' . 'a' x 57,
                                   language => 'python', source_code => '' }))
   ->{status}, 201, '64 characters of all that is allowed');

opendir my $dh, html_dir() . '/fn';
is(scalar(grep { !/^\./ } readdir $dh), 1, 'and no other file');
is(scalar wait_for(5, sub { containers() == 0 }), 1, 'no container');



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
               'Env', 'env', 'user')
{
    main::refused(post('/functions', main::json({ %$ok, $field => {} })),
                  400, 'unknown_field', $field);
}

is(get('/functions')->{body}, "[]\n", 'nothing was made');



=== TEST 6: sizes
--- faas_locations
    location = /small/functions { client_max_body_size 100; faas_api /function/; }
--- code
my $max = 4 * 1024 * 1024;
my $doc = sub { '{"name":"s","language":"python","source_code":"' . 'x' x $_[0] . '"}' };
my $base = length $doc->(0);
my $small = '/small/functions';

is(post($small, $doc->(100 - $base))->{status}, 201, 'as large as allowed');

for my $headers ([], [ 'Expect: 100-continue' ]) {
    my $res = post($small, $doc->(101 - $base), headers => $headers);
    main::refused($res, 413, 'too_large', "a byte more, @$headers");
    is(header($res, 'Content-Type'), 'application/json', 'as JSON');
}

my $body = $doc->(200);
my $chunked = http(request('POST', $small, headers => [ 'Transfer-Encoding: chunked' ])
                   . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body));
main::refused($chunked, 413, 'too_large', 'chunked');



=== TEST 7: methods
--- code
my %allowed = ('/functions' => 'GET, HEAD, POST',
               '/functions/a' => 'GET, HEAD, PUT, DELETE',
               '/functions/a/invoke' => 'POST');

for my $path (sort keys %allowed) {
    for my $method (qw(PATCH OPTIONS PUT DELETE POST)) {
        next if $allowed{$path} =~ /\b$method\b/;
        my $res = http(request($method, $path, body => ''));
        main::refused($res, 405, 'method_not_allowed', "$method $path");
        is(header($res, 'Allow'), $allowed{$path}, 'Allow');
    }
}

is(http(request('TRACE', '/functions'))->{status}, 405, 'TRACE');

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
is(get('/functions', headers => [ 'Sec-Fetch-Site: cross-site' ])->{status}, 200,
   'reading is no harm');



=== TEST 9: requests that are none reach no function
--- user_files eval
">>> fn/echo.py\n"
. FaasTest::echo_py() =~ s/(class Echo)/seen = []\n\n\n$1/r
                      =~ s/write\(body\)/write(str(len(seen)).encode())/r
                      =~ s/(        self.send_response)/        seen.append(1)\n$1/r
--- code
my $start = "POST /function/echo HTTP/1.1\r\nHost: localhost\r\n";
my $end = "Connection: close\r\n\r\n";
my @bad = (
    $start . "Content-Length: 5\r\nContent-Length: 6\r\n${end}hello",
    $start . "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n",
    $start . "Transfer-Encoding: chunked\r\n${end}zz\r\nhello\r\n0\r\n\r\n",
    $start . "Transfer-Encoding: xchunked\r\n${end}0\r\n\r\n",
    $start . "Transfer-Encoding: chunked, chunked\r\n${end}0\r\n\r\n",
    $start . "Content-Length: -1\r\n${end}",
    $start . "Content-Length: +5\r\n${end}hello",
    $start . "Content-Length: 5x\r\n${end}hello",
    $start . 'X-Large: ' . 'x' x 65_536 . "\r\n${end}",
    'POST /function/echo' . 'x' x 16_384 . " HTTP/1.1\r\nHost: localhost\r\n$end",
    $start . "Host: again\r\n${end}",
    "POST /function/echo HTTP/1.1\r\n$end",
    "POST /function/echo\0 HTTP/1.1\r\nHost: localhost\r\n$end",
    $start . "X-Nul: a\0b\r\n${end}",
);

for my $bytes (@bad) {
    my $res = http($bytes);
    ok($res->{status} eq '' || $res->{status} >= 400,
       "refused, $res->{status}: " . ($bytes =~ s/[^ -~]+/ /gr =~ s/.*localhost //r
                                      =~ s/^(.{50}).*/$1/r));
}

is(post('/function/echo', 'x')->{body}, 1, 'the first that gets through');



=== TEST 10: a source that is too large, or cannot be read
--- code
write_file(html_dir() . '/fn/huge.py', "#\n" x 2_100_000);

for my $path ('/function/huge', '/functions/huge/invoke') {
    main::refused(post($path, ''), 500, 'internal_error', $path);
}
