# The functions as resources, and the directory as their truth.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasScale qw(sent answer_of);

use Fcntl qw(:flock O_RDONLY);
use IO::Socket::UNIX;
use POSIX qw(mkfifo);

plan tests => 209;

# what a python function that answers this text looks like
sub source {
    my ($text) = @_;
    return FaasTest::echo_py() =~ s/self\.wfile\.write\(body\)/self.wfile.write(b"$text")/r;
}

sub json { return Cpanel::JSON::XS->new->utf8->canonical->encode($_[0]) }

sub create {
    my ($name, $language, $source) = @_;
    return post('/functions', json({ name => $name, language => $language,
                                     source_code => $source }));
}

sub put {
    my ($name, $doc) = @_;
    return http(request('PUT', "/functions/$name", body => json($doc)));
}

sub get_request { return request('GET', "/functions/$_[0]") }

sub code { return eval { decode_json($_[0]{body})->{error}{code} } // '' }

sub path { return html_dir() . "/fn/$_[0]" }

# the files of the functions, and nothing else may be there
sub files {
    opendir my $dh, html_dir() . '/fn' or die $!;
    return join ' ', sort grep { !/^\.(?:\.|keep)?$/ } readdir $dh;
}

# a disk of a test that died

my $owner = $$;

END {
    if ($$ == $owner) {
        local $?;
        my $dir = html_dir() . '/fn';

        system('umount', '-l', $dir) if slurp('/proc/self/mounts') =~ / \Q$dir\E /;
    }
}

no_shuffle();
run_tests();

__DATA__

=== TEST 1: create, read, list, replace, invoke, delete
--- fresh
--- code
my $res = create('greet', 'python', main::source('one'));
is($res->{status}, 201, 'created');
is(header($res, 'Location'), '/functions/greet', 'Location');
is(header($res, 'Content-Type'), 'application/json', 'type');

my $fn = decode_json($res->{body});
is(join(' ', $res->{body} =~ /"(\w+)":/g),
   'id name language source_code created_at revision state instances active '
   . 'waiting env memory cpus pids concurrency min_instances max_instances '
   . 'idle queue queue_timeout', 'members, in their order');
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

my ($old) = containers('greet');

$res = put('greet', { source_code => main::source('two') });
is($res->{status}, 200, 'replaced');
is(result(http(invoke_request('greet')))->{output}, 'two', 'the new code runs');
ok(wait_for(10, sub { !grep { $_ eq $old } containers() }), 'the old container is gone');

$res = http(request('DELETE', '/functions/greet'));
is($res->{status}, 204, 'deleted');
is($res->{body}, '', 'with no body');
ok(wait_for(10, sub { containers() == 0 }), 'and no container');
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

is(main::files(), 'a.py race.py', 'nothing else is left behind');



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
          . Cpanel::JSON::XS->new->utf8->allow_nonref->encode(main::source('big')) . '}';
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
               long => 'x' x 900_000, quotes => "\"\\\t\x{7f}",
               tar => 'fn.py' . "\0" x 95 . '0000644' . "\0" x 150 . "ustar\0" . "00");

for my $name (sort keys %sources) {
    create($name, 'python', $sources{$name});
    is(slurp(path("$name.py")), $sources{$name}, $name);
}



=== TEST 8: HEAD
--- user_files
>>> fn/a.py
x
--- code
for my $path ('/functions', '/functions/', '/functions/a', '/functions/none',
              '/function/none')
{
    my $get = get($path);
    my $head = http(request('HEAD', $path));

    is($head->{status}, $get->{status}, "$path: status as of GET");
    is($head->{rest}, '', 'no body');
    is(header($head, 'Content-Type'), 'application/json', 'type');
    is(header($head, 'Content-Length'), length $get->{body}, 'length');
}



=== TEST 9: greet.py and greet.ts, side by side
--- user_files eval
">>> fn/greet.py\n" . FaasTest::echo_py() =~ s/write\(body\)/write(b"python")/r
. ">>> fn/greet.ts\n" . <<'TS'
Deno.serve({ port: Number(Deno.env.get("PORT")) },
           async (r) => new Response("deno " + await r.text()));
TS
--- code
is(result(http(invoke_request('greet')))->{output}, 'python', 'greet');

my $res = result(http(invoke_request('greet.ts', '[1, 2]')));
is($res->{output}, 'deno [1, 2]', 'greet.ts');
is($res->{function_id}, 'greet.ts', 'its name');
is(post('/function/greet.ts', 'raw')->{body}, 'deno raw', 'raw');

is(scalar(containers('greet')), 1, 'a container of its own');
is(scalar(containers('greet.ts')), 1, 'for each');

is(post('/functions', '{"name":"greet","language":"deno","source_code":""}')
   ->{status}, 409, 'the name is taken');
is(post('/functions', '{"name":"greet.ts","language":"deno","source_code":""}')
   ->{status}, 409, 'this one, too');

is(http(request('DELETE', '/functions/greet'))->{status}, 204, 'the one goes');
is(main::files(), 'greet.ts', 'and only it');
is(result(http(invoke_request('greet', '1')))->{output}, 'deno 1',
   'then the name is of the other');

is(http(request('DELETE', '/functions/greet.ts'))->{status}, 204, 'that goes, too');
is(get('/functions')->{body}, "[]\n", 'none is left');
is(scalar wait_for(10, sub { containers() == 0 }), 1, 'no container either');



=== TEST 10: PUT of another language runs as that language
--- user_files eval
">>> fn/f.py\n" . FaasTest::echo_py() =~ s/write\(body\)/write(b"python")/r
--- code
is(result(http(invoke_request('f')))->{output}, 'python', 'python');

my $ts = 'Deno.serve({ port: 8080 }, () => new Response("deno"));';
is(put('f', { language => 'deno', source_code => $ts })->{status}, 200, 'replaced');

my $fn = decode_json(get('/functions/f')->{body});
is($fn->{language}, 'deno', 'language');
is($fn->{source_code}, $ts, 'source');
is(result(http(invoke_request('f')))->{output}, 'deno', 'deno');
is(scalar wait_for(10, sub { containers('f') == 1 }), 1, 'python is gone');



=== TEST 11: what is read and written is the file
--- code
my %sources = ("latin.py" => "caf\xe9\n", "nul.py" => "\0\0", "bom.py" => "\xef\xbb\xbfx",
               "cut.py" => "\xe2\x82", "utf8.py" => "\xf0\x9f\x98\x80 \xe2\x82\xac",
               "control.py" => join('', map { chr } 0 .. 31, 127), "empty.py" => '');

for my $file (sort keys %sources) {
    my ($name) = $file =~ /(\w+)/;

    write_file(path($file), $sources{$file});

    my $fn = decode_json(get("/functions/$name")->{body});
    my $source = $fn->{source_code};

    if (($fn->{source_encoding} // '') eq 'base64') {
        require MIME::Base64;
        $source = MIME::Base64::decode_base64($source);
        ok($name =~ /latin|cut/, "$name in base64");

    } else {
        utf8::encode($source);
        ok($name !~ /latin|cut/, "$name as text");
    }

    is($source, $sources{$file}, $name);
}

# any text that JSON can carry, in any spelling of it
srand 7;

for my $round (1 .. 20) {
    my ($json, $text) = ('', '');

    for (1 .. 100) {
        my $ch = (int rand 128, int rand 0x800, int rand 0xd800,
                  0x10000 + int rand 0x100000)[rand 4];
        my $char = chr $ch;

        if ($ch < 0x20 || $ch == 0x22 || $ch == 0x5c || rand() < 0.3) {
            $json .= sprintf '\\u%04x', $_ for $ch < 0x10000 ? $ch
                : (0xd800 + (($ch - 0x10000) >> 10), 0xdc00 + ($ch & 0x3ff));

        } else {
            utf8::encode(my $bytes = $char);
            $json .= $bytes;
        }

        $text .= $char;
    }

    utf8::encode(my $bytes = $text);

    http(request('PUT', '/functions/random',
                 body => "{\"language\":\"python\",\"source_code\":\"$json\"}"));
    is(slurp(path('random.py')), $bytes, "random text $round")
        if slurp(path('random.py')) ne $bytes || $round == 20;
}



=== TEST 12: created_at is the time of the file
--- user_files
>>> fn/old.py
x
--- code
utime 951_782_400, 951_782_400, path('old.py');
is(decode_json(get('/functions/old')->{body})->{created_at}, '2000-02-29T00:00:00Z',
   'of one function');
is(decode_json(get('/functions')->{body})->[0]{created_at}, '2000-02-29T00:00:00Z',
   'in the list');



=== TEST 13: many functions
--- code
write_file(path("f$_.py"), 'x') for 1 .. 500;

my $list = decode_json(get('/functions')->{body});
is(scalar @$list, 500, 'all are listed');
is(join(' ', map { $_->{id} } @$list), join(' ', sort map { "f$_" } 1 .. 500),
   'by their names');



=== TEST 14: writes at the same time
--- code
my @answers = parallel([ map { request('PUT', '/functions/p',
    body => json({ language => 'python', source_code => "# $_\n" x 20_000 })) }
    1 .. 20 ]);

is(scalar(grep { $_->{status} !~ /^20[01]$/ } @answers), 0, 'all are done');
like(slurp(path('p.py')), qr/\A(# \d+\n)\1{19999}\z/, 'the file is of one of them');

@answers = parallel([ map { (request('PUT', '/functions/p',
                                     body => json({ source_code => 'x' x 100,
                                                    language => 'python' })),
                             get_request('p'), request('DELETE', '/functions/p')) }
                      1 .. 10 ]);

is(scalar(grep { $_->{status} !~ /^(?:20[014]|404)$/ } @answers), 0,
   'with reads and deletes among them');
is(scalar(grep { $_->{body} =~ /"source_code":"([^"]*)"/
                 && $1 !~ /^(?:x{100}|(?:# \d+\\n){20000})$/ } @answers), 0,
   'nobody reads half of a file');
like(main::files(), qr/^(?:p\.py)?$/, 'nothing else is left behind');

@answers = parallel([ map { request('DELETE', '/functions/d') } 1 .. 10 ]);
is(scalar(grep { $_->{status} == 404 } @answers), 10, 'none to delete');

write_file(path('d.py'), 'x');
@answers = parallel([ map { request('DELETE', '/functions/d') } 1 .. 10 ]);
is(scalar(grep { $_->{status} == 204 } @answers), 1, 'one deletes it');
is(scalar(grep { $_->{status} == 404 } @answers), 9, 'the others find none');



=== TEST 15: a directory that is not there
--- code
rmdir path('') or unlink(path('.keep')), rmdir path('');

is(get('/functions')->{body}, "[]\n", 'no functions');
is(get('/functions/a')->{status}, 404, 'nor this one');
is(http(request('DELETE', '/functions/a'))->{status}, 404, 'none to delete');

# nothing is acknowledged that is not done
my $res = create('a', 'python', '');
like($res->{status}, qr/^50[37]$/, 'nor a new one');
isnt(code($res), '', 'which is told as JSON');
unlike($res->{body}, qr{/}, 'and without the path');
--- log_allow: faas: open\(".*"\) failed \(2:



=== TEST 16: a name is one function, whatever the languages that are written at once
--- code
my @language = ('python', 'deno');
my ($created, $refused, $files) = (0, 0, 0);

for my $round (1 .. 15) {
    my @answers = parallel([ map { request('POST', '/functions',
        body => json({ name => "r$round", language => $language[$_ % 2],
                       source_code => "# $_" })) } 1 .. 20 ]);

    $created += grep { $_->{status} == 201 } @answers;
    $refused += grep { $_->{status} == 409 } @answers;
    $files += () = glob path("r$round.*");
}

is($created, 15, 'of 20 creates one is done');
is($refused, 15 * 19, 'and the others are told so');
is($files, 15, 'one file each');

my %answers;
$files = 0;

for my $round (1 .. 15) {
    write_file(path("p$round.py"), 'x');

    $answers{$_->{status}}++ for parallel([ map { request('PUT', "/functions/p$round",
        body => json({ language => $language[$_ % 2], source_code => "# $_" })) }
        1 .. 10 ]);
    $files += () = glob path("p$round.*");
}

is(join(' ', map { "$_:$answers{$_}" } sort keys %answers), '200:150', 'PUT: replaced');
is($files, 15, 'one file each');

%answers = ();
$answers{$_->{status}}++ for map { my $round = $_; parallel([ map {
    request('PUT', "/functions/n$round", body => json({ language => 'python',
                                                        source_code => "# $_" })) }
    1 .. 10 ]) } 1 .. 15;
is(join(' ', map { "$_:$answers{$_}" } sort keys %answers), '200:135 201:15',
   'one PUT creates, the others replace');



=== TEST 17: something else has the name of the file
--- user_files
>>> other.py
other
--- code
mkdir path('') or die $!;
mkdir path('d.py') or die $!;
symlink html_dir() . '/other.py', path('l.py') or die $!;
chmod 0777, path('');

is(create('d', 'python', 'x')->{status}, 409, 'create over a directory');
is(put('d', { language => 'python', source_code => 'x' })->{status}, 409, 'replace');
ok(-d path('d.py'), 'the directory stays');

is(create('l', 'python', 'x')->{status}, 409, 'create over a link');
is(get('/functions/l')->{status}, 404, 'which is no function');
is(http(invoke_request('l'))->{status}, 404, 'nor one that runs');
is(slurp(html_dir() . '/other.py'), "other\n", 'what it leads to stays as it is');

put('l', { language => 'python', source_code => 'x' });
is(slurp(html_dir() . '/other.py'), "other\n", 'also when it is replaced');
unlink path('l.py');

# to open a pipe would wait for its writer, to read the device would not end

mkfifo(path('p.py'), 0666) or die $!;
system('mknod', '-m', '666', path('z.py'), 'c', 1, 5) == 0 or die 'mknod';
my $socket = IO::Socket::UNIX->new(Local => path('s.py'), Listen => 1) or die $!;

for my $name (qw(p z s)) {
    is(get("/functions/$name")->{status}, 404, "$name: no function");
    is(http(invoke_request($name))->{status}, 404, "$name: nor one that runs");
    is(http(request('DELETE', "/functions/$name"))->{status}, 404, "$name: or is removed");
    is(create($name, 'python', 'x')->{status}, 409, "$name: nothing takes its place");
    ok(-e path("$name.py") && !-f _, "$name: it stays");
}

is(get('/functions')->{body}, "[]\n", 'none is listed');

for my $name (qw(p z s)) {
    like(put($name, { language => 'python', source_code => 'x' })->{status},
         qr/\A20[01]\z/, "$name: PUT says what it is to be");
    is(slurp(path("$name.py")), 'x', "$name: and was not written into");
}



=== TEST 18: the directory is locked by somebody else
--- user_files
>>> fn/there.py
there
--- code
sysopen(my $dir, path(''), O_RDONLY) or die $!;
flock($dir, LOCK_EX) or die $!;

my @socks = map { sent(@$_) } (
    [ 'POST', '/functions', body => json({ name => 'late', language => 'python',
                                           source_code => 'late' }) ],
    [ 'PUT', '/functions/later', body => json({ language => 'python', source_code => 'x' }) ],
    [ 'DELETE', '/functions/there' ],
);

sleep 1;
is(join(' ', map { get('/functions/there')->{status} } 1 .. 8), join(' ', (200) x 8),
   'others need not wait');
ok(!-e path('late.py'), 'nothing is written yet');

flock($dir, LOCK_UN);

is(join(' ', map { answer_of($_)->{status} } @socks), '201 201 204', 'then all is done');
is(slurp(path('late.py')), 'late', 'and written');



=== TEST 19: a disk that is full
--- log_allow
No space left on device
--- code
my $dir = html_dir() . '/fn';

system('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=777', 'tmpfs', $dir) == 0 or die 'mount';
is(create('small', 'python', 'one')->{status}, 201, 'there is room');

my $large = '#' x 100_000;
my @codes = map { "$_->{status} " . main::code($_) }
            (create('large', 'python', $large), put('large', { language => 'python',
                                                               source_code => $large }),
             put('small', { source_code => $large }));

is(join(', ', @codes), join(', ', ('507 insufficient_storage') x 3), 'there is none');
is(main::files(), 'small.py', 'nothing is left of it');
is(slurp(path('small.py')), 'one', 'nor is anything lost');
is(put('small', { source_code => 'two' })->{status}, 200, 'there is, for less');
is(http(request('DELETE', '/functions/small'))->{status}, 204, 'or for nothing');
system('umount', '-l', $dir);
