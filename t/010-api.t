# The functions as resources, and the directory as their truth.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 77;

# what a python function that answers this text looks like
sub source {
    my ($text) = @_;
    return FaasTest::echo_py() =~ s/self\.wfile\.write\(body\)/self.wfile.write(b"$text")/r;
}

sub json { return JSON::PP->new->utf8->canonical->encode($_[0]) }

sub create {
    my ($name, $language, $source) = @_;
    return post('/functions', json({ name => $name, language => $language,
                                     source_code => $source }));
}

sub put {
    my ($name, $doc) = @_;
    return http(request('PUT', "/functions/$name", body => json($doc)));
}

sub code { return eval { decode_json($_[0]{body})->{error}{code} } // '' }

sub path { return html_dir() . "/fn/$_[0]" }

no_shuffle();
run_tests();

__DATA__

=== TEST 1: create, read, list, replace, invoke, delete
--- code
my $res = create('greet', 'python', main::source('one'));
is($res->{status}, 201, 'created');
is(header($res, 'Location'), '/functions/greet', 'Location');
is(header($res, 'Content-Type'), 'application/json', 'type');

my $fn = decode_json($res->{body});
is(join(' ', $res->{body} =~ /"(\w+)":/g),
   'id name language source_code created_at', 'members, in their order');
is($fn->{id}, 'greet', 'id');
is($fn->{language}, 'python', 'language');
is($fn->{source_code}, main::source('one'), 'source');

my $mtime = (stat path('greet.py'))[9];
my @t = gmtime $mtime;
is($fn->{created_at}, sprintf('%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900,
                              $t[4] + 1, @t[3, 2, 1, 0]),
   "created_at is the file's time");

is(slurp(path('greet.py')), main::source('one'), 'the file, byte for byte');
is(get('/functions/greet')->{body}, $res->{body}, 'read again');

my $list = decode_json(get('/functions')->{body});
is(scalar @$list, 1, 'one in the list');
is(join(' ', sort keys %{ $list->[0] }), 'created_at id language name',
   'without its source');

is(result(http(invoke_request('greet')))->{output}, 'one', 'runs');

$res = put('greet', { source_code => main::source('two') });
is($res->{status}, 200, 'replaced');
is(result(http(invoke_request('greet')))->{output}, 'two', 'the new code runs');
is(scalar wait_for(10, sub { containers('greet') == 1 }), 1,
   'the old container is gone');

$res = http(request('DELETE', '/functions/greet'));
is($res->{status}, 204, 'deleted');
is($res->{body}, '', 'with no body');
is(scalar(containers('greet')), 0, 'and no container');
ok(!-e path('greet.py'), 'nor a file');

$res = http(invoke_request('greet'));
is($res->{status}, 404, 'no more to be invoked');
is(code($res), 'function_not_found', 'code');
is(http(request('DELETE', '/functions/greet'))->{status}, 404, 'nor deleted');



=== TEST 2: what is not there
--- code
is(get('/functions/none')->{status}, 404, 'read');
is(code(get('/functions/none')), 'function_not_found', 'code');
is(get('/function/none')->{status}, 404, 'raw');
is(code(get('/function/none')), 'function_not_found', 'raw code');
is(get('/functions/a/b/c')->{status}, 400, 'deeper');
is(get('/functionsx')->{status}, 404, 'beside');
is(get('/functions')->{body}, "[]\n", 'empty list');
is(scalar(containers()), 0, 'no container for any of them');



=== TEST 3: the name is taken
--- code
is(create('a', 'python', 'x')->{status}, 201, 'first');

my $res = create('a', 'python', 'y');
is($res->{status}, 409, 'second');
is(code($res), 'already_exists', 'code');
is(create('a', 'deno', 'y')->{status}, 409, 'in another language, too');
is(slurp(path('a.py')), 'x', 'the first one stays');

my @all = parallel([ map { request('POST', '/functions',
    body => json({ name => 'race', language => 'python',
                   source_code => "# $_" })) } 1 .. 20 ]);
is(scalar(grep { $_->{status} == 201 } @all), 1, 'of 20 at once one is created');
is(scalar(grep { $_->{status} == 409 } @all), 19, 'and 19 are told so');

my ($won) = grep { $_->{status} == 201 } @all;
is(decode_json($won->{body})->{source_code}, slurp(path('race.py')),
   'the one that was told so');

opendir my $dh, html_dir() . '/fn';
is(join(' ', sort grep { !/^\.(?:\.|keep)?$/ } readdir $dh), 'a.py race.py',
   'nothing else is left behind');



=== TEST 4: PUT
--- code
my $res = put('p', { language => 'python', source_code => 'one' });
is($res->{status}, 201, 'creates');
is(header($res, 'Location'), '/functions/p', 'Location');

$res = put('p', { name => 'p', source_code => 'two' });
is($res->{status}, 200, 'replaces');
is(slurp(path('p.py')), 'two', 'file');

$res = put('p', { language => 'deno', source_code => 'three' });
is($res->{status}, 200, 'in another language');
ok(!-e path('p.py') && -e path('p.ts'), 'is another file');
is(decode_json($res->{body})->{language}, 'deno', 'language');

is(code(put('p', { name => 'q', source_code => '' })), 'invalid_name',
   'a name that is not that of the URI');
is(code(put('new', { source_code => '' })), 'invalid_language',
   'no language, and none to keep');
is(code(put('p', { language => 'deno' })), 'invalid_request', 'no source');



=== TEST 5: files put there and taken away by hand
--- code
write_file(path('hand.py'), main::source('by hand'));
is(result(http(invoke_request('hand')))->{output}, 'by hand', 'a function at once');
is(decode_json(get('/functions')->{body})->[0]{id}, 'hand', 'in the list');

unlink path('hand.py');
is(get('/function/hand')->{status}, 404, 'gone at once');
is(get('/functions')->{body}, "[]\n", 'not in the list');
is(scalar wait_for(10, sub { containers('hand') == 0 }), 1,
   'its container goes, too');

write_file(path('greet.py'), main::source('python'));
write_file(path('greet.ts'), 'x');
write_file(path('README.md'), 'x');
write_file(path('.hidden.py'), 'x');
mkdir path('dir.py');
symlink path('greet.py'), path('link.py');

is(join(' ', map { "$_->{id}:$_->{language}" }
                 @{ decode_json(get('/functions')->{body}) }),
   'greet:python greet.ts:deno', 'each file has a name of its own');
is(decode_json(get('/functions/greet.ts')->{body})->{source_code}, 'x',
   'and answers to it');
is(get('/functions/link')->{status}, 404, 'no link is followed');
is(get('/functions/dir')->{status}, 404, 'no directory is a function');



=== TEST 6: names in UTF-8
--- code
my $name = "Gr\xc3\xb6\xc3\x9fe";
my $doc = "{\"name\":\"$name\",\"language\":\"python\",\"source_code\":"
          . JSON::PP->new->utf8->allow_nonref->encode(main::source('big')) . '}';
my $res = post('/functions', $doc);

is($res->{status}, 201, 'created');
is(header($res, 'Location'), '/functions/Gr%C3%B6%C3%9Fe', 'Location');
ok(-e path("$name.py"), 'file');
is(result(http(invoke_request('Gr%C3%B6%C3%9Fe')))->{output}, 'big', 'runs');
like(http(invoke_request('Gr%C3%B6%C3%9Fe'))->{body},
     qr/"function_id":"$name"/, 'says its name');
is(http(request('DELETE', '/functions/Gr%C3%B6%C3%9Fe'))->{status}, 204, 'deleted');



=== TEST 7: sources byte for byte
--- code
my %sources = (empty => '', crlf => "a\r\nb\r\n", nul => "a\0b",
               long => 'x' x 900_000, quotes => "\"\\\t\x{7f}");

for my $name (sort keys %sources) {
    create($name, 'python', $sources{$name});
    is(slurp(path("$name.py")), $sources{$name}, $name);
}
