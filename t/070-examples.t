# Every file of conf-examples does what its comment promises.  Each is started as
# it is, but for its ports, in a copy of the project's directories.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Cwd qw(getcwd);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(sleep time);

plan tests => 205;

our $Root = server_root();
our $Nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

# What the examples listen on, and where they do so here.
our %Port = (8080 => server_port(), map { $_ => free_port() } 8081, 8082, 8443);

our %Cases;

sub free_port {
    for (1 .. 100) {
        my $port = 10000 + int rand 20000;
        return $port if IO::Socket::INET->new(Listen => 1, LocalPort => $port);
    }

    die 'no port is free';
}


# the project, as far as a configuration sees it

sub project {
    remove_tree($Root);
    make_path("$Root/build", "$Root/run");

    my $module = $ENV{TEST_NGINX_LOAD_MODULES} || 'build/ngx_http_faas_module.so';
    $module = getcwd() . "/$module" if $module !~ m{^/};
    symlink($module, "$Root/build/ngx_http_faas_module.so") or die "symlink: $!";

    system('cp', '-r', 'conf-examples', 'data', $Root) == 0 or die 'cp failed';

    # where the helpers look
    symlink('run', "$Root/logs") or die "symlink: $!";
    symlink('example.pid', "$Root/run/nginx.pid") or die "symlink: $!";
    symlink('example.log', "$Root/run/error.log") or die "symlink: $!";

    for my $conf (configurations()) {
        change("conf-examples/$conf", sub { s/(?<=:)(80\d\d|8443)\b/$Port{$1}/g });
    }
}


# those that nginx is given, and those that they include

sub configurations {
    return sort map { s{^conf-examples/}{}r }
                    glob('conf-examples/*.conf conf-examples/*/*.conf');
}


sub change {
    my ($file, $code) = @_;
    local $_ = slurp("$Root/$file");

    $code->();
    write_file("$Root/$file", $_);
}


sub nginx {
    my ($file, @args) = @_;

    return system("$Nginx -p $Root/ -c $Root/conf-examples/$file @args"
                  . " >>$Root/run/out 2>&1") == 0;
}


# One configuration: it is valid, it runs, CODE is content, and so is the log.
# BEFORE may do what its comment says to do first.

sub example {
    my ($file, $case) = @_;
    my @args = $case->{args} ? @{ $case->{args} } : ();
    my $began = time;

    project();
    $case->{before}->() if $case->{before};

    ok(nginx($file, '-t', @args), "$file: it is valid");
    unlike(slurp("$Root/run/out"), qr/\[(?:warn|error|crit|alert|emerg)\]/,
           "$file: and nginx has nothing to say against it");
    ok(nginx($file, @args), "$file: it starts")
        or Test::More::diag(slurp("$Root/run/out"));

    eval { $case->{code}->(); 1 } or Test::More::fail("$file: died: $@");

    ok(stop_nginx('QUIT', 20), "$file: it stops");
    is(scalar(containers()), 0, "$file: no container is left");

    my $allow = $case->{log_allow} // qr/(?!)/;
    my @bad = grep { /\[(?:alert|crit|emerg)\]/ && !/$allow/ }
                   split(/\n/, error_log_text());

    is(join("\n", @bad), '', "$file: nothing bad is in its log");
    Test::More::note(sprintf('%s: %.1f s', $file, time - $began));
}


sub curl {
    my (@args) = @_;

    open(my $fh, '-|', 'curl', '-sS', '--noproxy', '*', '-m', 20, @args)
        or die "curl: $!";
    binmode($fh);
    local $/;

    return scalar(<$fh>) // '';
}


# whether this module knows them

sub has_commands {
    return slurp("$Root/build/ngx_http_faas_module.so") =~ /\0faas_command\0/;
}


# "200 body", the line that most examples are about

sub said {
    my ($path, %opt) = @_;
    my $res = get($path, timeout => 30, %opt);

    return "$res->{status} $res->{body}";
}


sub code_of {
    my ($res) = @_;
    return eval { decode_json($res->{body})->{error}{code} } // $res->{raw};
}


sub counted {
    my %n;

    $n{$_}++ for map { $_->{status} } @_;
    return join(', ', map { "$n{$_} x $_" } sort keys %n);
}


# Cases

$Cases{'nginx.conf'} = {
    args => [ q{-g 'user www-data docker;'} ],
    code => sub {
        is(said('/hello'), '200 {"message":"Hello, world"}', 'quick start: /hello');
        is(said('/function/greet?name=Ada'), '200 {"message":"Hello, Ada"}',
           'quick start: a raw call');
        is(invoke('greet.ts', '{"name":"Ada"}')->{output}{message}, 'Hello, Ada',
           'quick start: an invocation');
        is(get('/functions')->{status}, 200, 'quick start: the list');
    },
};

$Cases{'names.conf'} = {
    code => sub {
        my $hello = '200 Hello, stranger!';
        my (%answers, $same);

        for my $agent (map { "client-$_" } 1 .. 40) {
            my ($one, $two) = map { said('/canary', headers => [ "User-Agent: $agent" ]) }
                              1, 2;
            $answers{$one}++;
            $same += $one eq $two;
        }

        is($same, 40, 'names: each client has the same function each time');
        is(join('|', sort keys %answers), "$hello hello.py was asked for /\n"
           . "|$hello hello.ts was asked for /\n", 'names: of two');
        cmp_ok($answers{"$hello hello.ts was asked for /\n"}, '<', 15,
               'names: the canary is rare');

        is(said('/version'), "$hello hello.py was asked for /\n", 'names: a map');
        is(said('/version', headers => [ 'Cookie: preview=1' ]),
           "$hello hello.ts was asked for /\n", 'names: and another value');

        is(said('/run/hello/any/path?and=query'),
           "$hello hello was asked for /any/path?and=query\n", 'names: the path');
        is(said('/run/hello.ts/a%20b%3f?c%20'),
           "$hello hello.ts was asked for /a%20b%3F?c%20\n", 'names: and its escapes');
        is(get('/run/none')->{status}, 404, 'names: no such function');

        is(said('/x', headers => [ 'Host: hello.functions.example' ]),
           "$hello hello was asked for /x\n", 'names: the host');
        is(get('/', headers => [ 'Host: none.functions.example' ])->{status}, 404,
           'names: another host');
    },
};

$Cases{'nested.conf'} = {
    code => sub {
        my $hello = '200 Hello, customer of the shop! hello was asked for';

        is(said('/shop/hello/list?page=2'), "$hello /list?page=2\n", 'nested: once');
        is(said('/shop/hello/admin/list'), "$hello /admin/list\n", 'nested: twice');
        is(get('/shop/')->{status}, 404, 'nested: not the outer one');

        my $res = get('/shop/report/table.csv');

        like($res->{body}, qr/\Anumber,square,cube\n1,1,1\n/, 'nested: by extension');
        is(header($res, 'Content-Disposition'), 'attachment', 'nested: its header');
        is(post('/shop/hello/', 'a' x 70_000)->{status}, 413,
           'nested: the limit of the outer one');
    },
};

$Cases{'auth.conf'} = {
    code => sub {
        my @ada = ('Authorization: Bearer token-of-ada');
        my @bob = ('Authorization: Bearer token-of-bob');
        my @basic = ('Authorization: Basic ' . encode_base64('ada:secret', ''));
        my $res = get('/api/x');

        is($res->{status}, 401, 'auth: without a token');
        is(header($res, 'WWW-Authenticate'), 'Bearer', 'auth: a challenge');
        is(get('/api/x', headers => [ 'Authorization: Bearer x' ])->{status}, 401,
           'auth: with a wrong one');
        is(get('/api/admin/x', headers => \@bob)->{status}, 403, 'auth: no admin');
        is(get('/api//./admin/x', headers => \@bob)->{status}, 403,
           'auth: however it is written');
        is(get('/basic/x')->{status}, 401, 'auth: no password');
        is(get('/functions')->{status}, 401, 'auth: nor for the API');
        is(get('/gate')->{status}, 404, 'auth: the gate is not for clients');
        is(get('/invoked/hello')->{status}, 404, 'auth: nor is the raw location');
        ok(ready(2, 'python'), 'auth: spares stand ready, so a container would have its name');
        is(scalar(instances('hello')), 0, 'auth: nobody has woken the function');

        is(said('/api/x', headers => [ @bob, 'X-User: ada' ]),
           "200 Hello, bob! hello was asked for /x\n", 'auth: a user');
        is(said('/api/admin/x', headers => \@ada),
           "200 Hello, ada! hello was asked for /admin/x\n", 'auth: an admin');
        is(post('/api/x', 'body', headers => \@ada)->{status}, 200, 'auth: a POST');
        is(said('/basic/x', headers => \@basic),
           "200 Hello, ada! hello was asked for /x\n", 'auth: a password');
        is(get('/functions', headers => \@basic)->{status}, 200, 'auth: the API');
        is(invoke('hello', '{}', headers => \@basic)->{output},
           "Hello, stranger! hello was asked for /\n", 'auth: an invocation');
    },
};

$Cases{'limits.conf'} = {
    code => sub {
        my @res = parallel([ map { request('GET', '/rate/') } 1 .. 20 ]);

        is(counted(@res), '6 x 200, 14 x 429', 'limits: so many, and no more');

        my ($refused) = grep { $_->{status} eq '429' } @res;

        is(code_of($refused), 'too_many_requests', 'limits: in JSON');

        @res = parallel([ map { request('GET', '/slow/1') } 1 .. 4 ]);
        is(counted(@res), '2 x 200, 2 x 429', 'limits: so many at a time');
        is(get('/slow/0')->{status}, 200, 'limits: and then again');
    },
};

$Cases{'api-keys.conf'} = {
    code => sub {
        my $key = sub { headers => [ "X-API-Key: key-of-$_[0]" ] };

        is(get('/hello')->{status}, 401, 'keys: none');
        is(get('/hello', $key->('eve'))->{status}, 401, 'keys: a wrong one');
        is(get('/hello', $key->('ADA'))->{status}, 401, 'keys: one in other letters');
        ok(ready(2, 'python'), 'keys: spares stand ready, so a container would have its name');
        is(scalar(instances('hello')), 0, 'keys: no container for these');
        is(said('/hello', $key->('ada')), "200 Hello, ada! hello was asked for /\n",
           'keys: Ada');

        is(counted(map { get('/hello', $key->('bob')) } 1 .. 6), '3 x 200, 3 x 429',
           'keys: Bob, who has few');
        is(counted(map { get('/hello', $key->('ada')) } 1 .. 20), '20 x 200',
           'keys: Ada, who has many');
    },
};

$Cases{'cache.conf'} = {
    code => sub {
        # by curl, which does not wait for the end of the connection: nginx
        # keeps that till the answer is renewed

        my $cached = sub {
            my $res = parse_response(curl('-i', "127.0.0.1:$Port{8080}/2"));
            return join(' ', $res->{status}, header($res, 'X-Cache') // 'none');
        };

        is($cached->(), '200 MISS', 'cache: the first');
        is($cached->(), '200 HIT', 'cache: the second');
        sleep 2.2;

        is($cached->(), '200 STALE', 'cache: an old one');
        is($cached->(), '200 UPDATING', 'cache: while it is renewed');
        ok(wait_for(10, sub { $cached->() eq '200 HIT' }), 'cache: which it is');

        # one of many goes to the function

        my @res = parallel([ map { request('GET', '/0.5?many') } 1 .. 10 ]);

        is(scalar(keys %{ { map { $_->{body} => 1 } @res } }), 1,
           'cache: ten at once have the same answer');

        # the old answer, while the function does not even start

        write_file("$Root/conf-examples/functions/slow.py", "import nothing\n");
        act_on('kill', $_->{Id}) for instances('slow');
        ok(wait_for(10, sub { !instances('slow') }), 'cache: the function is broken');
        sleep 2.2;

        for (1 .. 3) {
            like(said('/2'), qr/\A200 call \d+ took 2 s$/,
                 'cache: and its old answer is served');
        }
    },
};

$Cases{'mirror.conf'} = {
    code => sub {
        is(said('/hello?name=Ada'),
           "200 Hello, stranger! hello.py was asked for /hello?name=Ada\n",
           'mirror: the answer');
        ok(wait_for(10, sub { -s "$Root/run/example.mirror.log" }), 'mirror: its log');
        like(slurp("$Root/run/example.mirror.log"), qr{\A/hello\?name=Ada 200 },
             'mirror: the other was asked the same');
        is(scalar(instances('hello.ts')), 1, 'mirror: it runs');
        is(get('/next')->{status}, 404, 'mirror: nobody else may ask it');
    },
};

$Cases{'gzip.conf'} = {
    code => sub {
        my @gzip = ('Accept-Encoding: gzip');
        my $plain = get('/report');
        my $small = get('/report', headers => \@gzip);

        is(header($plain, 'Content-Encoding'), undef, 'gzip: not for everybody');
        is(header($small, 'Content-Encoding'), 'gzip', 'gzip: for who likes it');
        is(header($small, 'Vary'), 'Accept-Encoding', 'gzip: caches know');
        cmp_ok(length($small->{body}), '<', length($plain->{body}) / 2,
               'gzip: it is smaller');
        is(curl('--compressed', "127.0.0.1:$Port{8080}/report"), $plain->{body},
           'gzip: and the same');
        is(header(get('/hello', headers => \@gzip), 'Content-Encoding'), undef,
           'gzip: nothing small');
    },
};

$Cases{'errors.conf'} = {
    code => sub {
        is(said('/site/none'), "404 <h1>There is no such page</h1>\n",
           'errors: no such function');
        is(said('/site/status/404'), "404 the function's own 404\n",
           "errors: a function's own");
        is(said('/strict/404'), "404 <h1>There is no such page</h1>\n",
           'errors: unless they are intercepted');
        is(said('/strict/503'), "503 <h1>We will be back soon</h1>\n",
           'errors: another of these');
        is(said('/strict/418'), "418 the function's own 418\n",
           'errors: one that has no page');
        is(said('/strict/500'), "200 Hello, stranger! hello was asked for /strict/500\n",
           'errors: a function instead');
        is(said('/site/slow/9'), "504 <h1>That took too long</h1>\n",
           'errors: a function that is late');
        is(code_of(get('/plain/none')), 'function_not_found', 'errors: JSON elsewhere');

        # no Docker

        change('conf-examples/errors.conf',
               sub { s{(faas_root[^;]*;)}{$1 faas_docker unix:$Root/run/none.sock;} });
        stop_nginx('QUIT', 20);
        nginx('errors.conf');

        my $res = get('/site/hello');

        is("$res->{status} $res->{body}", "503 <h1>We will be back soon</h1>\n",
           'errors: no Docker');
        is(header($res, 'Retry-After'), 5, 'errors: and when to ask again');
        is(code_of(get('/plain/hello')), 'backend_unavailable', 'errors: in JSON, too');
    },
    log_allow => qr{none\.sock failed},
};

$Cases{'tls.conf'} = {
    before => sub {
        system("openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost"
               . " -addext subjectAltName=DNS:localhost -keyout $Root/run/example.key"
               . " -out $Root/run/example.crt >$Root/run/openssl.out 2>&1") == 0
            or die slurp("$Root/run/openssl.out");
    },
    code => sub {
        my @to = ('--resolve', "localhost:$Port{8443}:127.0.0.1", '--cacert',
                  "$Root/run/example.crt", "https://localhost:$Port{8443}/hello");
        my $answer = curl('-i', '--http2', @to);

        like($answer, qr/\AHTTP\/2 200/, 'tls: HTTP/2');
        like($answer, qr/^strict-transport-security: max-age/m, 'tls: its header');
        like($answer, qr/^Hello, stranger! hello was asked for \/$/m, 'tls: the answer');
        like(curl('-i', '--http1.1', @to), qr/\AHTTP\/1\.1 200/, 'tls: HTTP/1.1');
        is(curl('--http2', '-d', 'body', @to), curl('--http2', @to), 'tls: a POST');

        my $res = get('/hello?x', headers => [ 'Host: localhost' ]);

        is(header($res, 'Location'), "https://localhost:$Port{8443}/hello?x",
           'tls: there is no other way');
    },
};

$Cases{'streaming.conf'} = {
    code => sub {
        my $sock = connect_to();
        my $events = '';

        syswrite($sock, request('GET', '/events'));

        # the stream goes on: what is here came while it did
        wait_for(20, sub { $events .= read_some($sock); $events =~ /id: 3/ });
        like($events, qr{\AHTTP/1\.1 200 .*text/event-stream.*id: 1.*id: 2.*id: 3}s,
             'streaming: events as they come');
        close $sock;

        $sock = connect_to();
        syswrite($sock, request('GET', '/echo', headers => [
            'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ]));
        like(read_some($sock), qr{\AHTTP/1\.1 101 .*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=}s,
             'streaming: a WebSocket');

        for my $text ('hello', 'world') {
            # one frame, masked by zeros
            syswrite($sock, pack('CCNa*', 0x81, 0x80 | length $text, 0, $text));
            is(read_some($sock), pack('CCa*', 0x81, length $text, $text),
               "streaming: $text, and back");
        }

        close $sock;
        is(get('/echo')->{status}, 426, 'streaming: not for others');
    },
};

$Cases{'uploads.conf'} = {
    code => sub {
        my $large = join '', map { chr int rand 256 } 1 .. 4096;

        $large x= 2048;
        write_file("$Root/run/large", $large);

        my $sha256 = (split ' ', `sha256sum $Root/run/large`)[0];
        my $sum = qq({"bytes":8388608,"sha256":"$sha256"});

        for my $path ('/buffered', '/direct') {
            my @to = ('-T', "$Root/run/large", "http://127.0.0.1:$Port{8080}$path");

            is(curl(@to), $sum, "uploads: $path");
            is(curl('-H', 'Transfer-Encoding: chunked', @to), $sum,
               "uploads: $path, of a length that nobody knows");
        }

        is(http(request('PUT', '/small', headers => [ 'Content-Length: 2000000' ]))
           ->{status}, 413, 'uploads: refused');
    },
};

$Cases{'beside-a-site.conf'} = {
    code => sub {
        like(said('/'), qr/\A200 <!DOCTYPE html>/, 'beside: the page');
        is(header(get('/'), 'Content-Type'), 'text/html', 'beside: its type');
        is(said('/app/x'), "200 the site's own application\n", 'beside: its application');
        is(said('/contact/send'), "200 Hello, stranger! hello was asked for /send\n",
           'beside: a function');
        is(get('/function/hello')->{status}, 404, 'beside: no other');
        is(get('/functions')->{status}, 404, 'beside: no API here');

        my $list = get('/functions', port => $Port{8081});

        like($list->{body}, qr/"name":"hello"/, 'beside: but there');
        is(said('/function/hello/x', port => $Port{8081}),
           "200 Hello, stranger! hello was asked for /x\n", 'beside: and the functions');
    },
};

$Cases{'app/nginx.conf'} = {
    before => sub {
        change('conf-examples/app/nginx.conf',
               sub { s/# (faas_command|include commands)/$1/g }) if has_commands();
    },
    code => sub {
        my $page = get('/');

        like($page->{body}, qr/<title>Text tools/, 'app: the page');

        for my $file ($page->{body} =~ /(?:href|src)="([^"]+)"/g) {
            is(get("/$file")->{status}, 200, "app: its $file");
        }

        my $res = post('/tools/compare', '{"old":"a\nb","new":"a\nc"}');

        is("$res->{status} $res->{body}",
           "200 --- old\n+++ new\n\@\@ -1,2 +1,2 \@\@\n a\n-b\n+c\n", 'app: compare');
        is(post('/tools/compare', '[]')->{status}, 400, 'app: not like this');

        $res = decode_json(post('/tools/inspect', 'To be, or not to be. Yes.')->{body});

        is(join(' ', @$res{qw(characters words sentences lines)}), '25 7 2 1',
           'app: inspect');
        is(get('/tools/inspect')->{status}, 403, 'app: not by GET');

        is(has_commands() ? post('/tools/sort', "b\na\n")->{body} : "a\nb\n",
           "a\nb\n", 'app: sort, where there are commands');
    },
};

# included by app/nginx.conf, where there are commands
$Cases{'app/commands.conf'} = undef;


# none is forgotten

my $readme = slurp('README.md');

is(join("\n", grep { $readme !~ /`\Q$_\E`/ } configurations()), '',
   'README.md knows every configuration');
is(join("\n", sort keys %Cases), join("\n", configurations()),
   'and each has a case');

for my $file (sort grep { $Cases{$_} } @ARGV ? @ARGV : keys %Cases) {
    example($file, $Cases{$file});
}

project();
remove_tree($Root);
