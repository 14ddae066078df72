# An engine that answers what it should not: another status, half an answer, or
# something that is none.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale qw(error_code settled);

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();

worker_connections(512);

plan tests => 185;

our $Greet = slurp('data/functions/greet.py');
our $Where = where_py();
our $Hello = '{"message":"Hello, world"}';

our $Rule;
our @Names = map { "f$_" } 1 .. 40;


use constant FOR_GOOD => 100;

# Between nginx and the engine: a request line that matches gets this reply
# instead of the engine's, so many times, or until there is another rule.  With "done" the engine is asked
# nevertheless, and with "killed" it answers itself, but whatever it has started
# is killed first.

sub rule {
    my ($match, $times, $how, $reply) = @_;
    write_file($Rule, join("\n", $match, $times, $how, $reply));
}


sub reply {
    my ($status, $body, @headers) = @_;

    push @headers, 'Content-Type: application/json'
        if !grep { /^Content-Type/ } @headers;
    push @headers, 'Content-Length: ' . length $body
        if !grep { /^(?:Content-Length|Transfer)/ } @headers;

    return join("\r\n", "HTTP/1.1 $status Answer", @headers, 'Connection: close')
           . "\r\n\r\n$body";
}


sub message {
    my ($status, $text) = @_;
    return reply($status, qq({"message":"$text"}\n));
}


sub engine_between {
    $Rule = html_dir() . '/rule';

    my $path = html_dir() . '/engine.sock';

    unlink $path, $Rule, map { "$Rule.$_" } qw(deaf cut asked);
    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 64) or die "$path: $!";
    chmod 0777, $path;

    child(sub {
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{TERM} = sub { POSIX::_exit(0) };

        while (1) {
            my $client = $listen->accept or next;
            my $pid = fork;

            alarm 120;

            next if !defined $pid || $pid;

            close $listen;
            alarm 60;
            eval { between($client) };
            POSIX::_exit(0);
        }
    });
}


sub append {
    my ($file, $line) = @_;

    open(my $fh, '>>', $file) or die "$file: $!";
    return syswrite($fh, "$line\n");
}


sub between {
    my ($client) = @_;
    my $request = '';

    until ($request =~ /\r\n\r\n/
           && length($request) >= $+[0] + ($request =~ /^Content-Length: (\d+)/mi
                                           ? $1 : 0))
    {
        sysread($client, $request, 65536, length $request) or return;
    }

    my ($match, $times, $how, $reply) = split /\n/, (eval { slurp($Rule) } // ''), 4;
    my ($line) = $request =~ /\A(.*)\r\n/;
    my $ours = defined $match && $line =~ /$match/;

    # without events the list is asked for again and again

    my $events = $line =~ m{^GET \S+/events};

    return if $events && -e "$Rule.deaf";
    append("$Rule.asked", $line) if $events;

    if ($ours) {
        append("$Rule.seen", $line);
        unlink $Rule if $times == 1;
        rule($match, $times - 1, $how, $reply) if $times > 1 && $times < FOR_GOOD;
    }

    if ($ours && $how eq 'killed') {
        my ($container) = $line =~ m{/containers/([^/ ]+)/start };

        ($reply) = FaasEngine::ask('POST', "/containers/$container/start");
        FaasEngine::ask('POST', "/containers/$container/kill");
        FaasEngine::ask('POST', "/containers/$container/wait");
        $reply = reply($reply, '');
    }

    if (!$ours || $how eq 'done') {
        my $engine = IO::Socket::UNIX->new(Peer => $FaasEngine::Socket) or return;

        # a request on each connection, so that none goes by
        $request =~ s/^Connection: .*\r\n//mi;
        $request =~ s/\r\n/\r\nConnection: close\r\n/;

        FaasTest::write_all($engine, $request);

        # of events there may be none: who asked for them goes away
        my $select = IO::Select->new($engine, $client);

        while (!grep { $_ == $client } $select->can_read) {
            sysread($engine, my $bytes, 65536) or last;

            # after this end they break off

            my $cut = $events && -e "$Rule.cut" && $bytes =~ /"die".*\n/;

            $bytes = substr($bytes, 0, $+[0]) if $cut;
            FaasTest::write_all($client, $bytes) if !$ours;
            append("$Rule.asked", $bytes) && unlink("$Rule.cut") && last if $cut;
        }
    }

    FaasTest::write_all($client, $reply) if $ours;
}


# True once the list was asked for so many times from now on.

sub listed {
    my ($times) = @_;

    write_file("$Rule.seen", '');
    return wait_for(20, sub { (() = slurp("$Rule.seen") =~ m{/containers/json}g) >= $times });
}


# functions that nobody called before

sub cold {
    return shift @Names;
}


# Ends when so many have come, with all of them.

our $Mass = <<'_EOC_';
import asyncio
import os

MANY = 60
waiting = 0


async def serve(reader, writer):
    global waiting
    head = await reader.readuntil(b"\r\n\r\n")
    if b"/well" in head:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nwell")
        writer.close()
        return
    waiting += 1
    if waiting == MANY:
        os._exit(3)
    await asyncio.sleep(60)


async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]))
    await server.serve_forever()


asyncio.run(main())
_EOC_

our $Create = '^POST \S+/containers/create';
our $Start = '^POST \S+/start ';

our $Http = <<'_EOC_';
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=4;
    faas_runtime deno prewarm=0;

    upstream functions {
        faas;
    }
_EOC_

no_shuffle();
run_tests();

__DATA__

=== TEST 1: replies that are as good as done
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, map { "$_.py" } @::Names)
--- code
my $taken = 'Conflict. The container name \"/x\" is already in use by container \"y\".';

for my $case (
    [ 'the name is taken, by what was asked for', $main::Create, 'done',
      main::message(409, $taken) ],
    [ 'the name is taken, and nothing is there', $main::Create, 'only',
      main::message(409, $taken) ],
    [ 'its network is gone before', $main::Create, 'only',
      main::message(404, 'network x not found') ],
    [ 'it runs already', $main::Start, 'done', main::reply(304, '') ],
    [ 'it is not there yet', $main::Start, 'only', main::message(404, 'No such container: x') ],
    [ 'its network is gone by then', $main::Start, 'only',
      main::message(404, 'network x not found') ],
    [ 'it is being removed', $main::Start, 'only',
      main::message(409, 'container is marked for removal and cannot be started') ],
)
{
    my ($name, $match, $how, $reply) = @$case;
    my $function = main::cold();

    main::rule($match, 1, $how, $reply);
    is(get("/function/$function")->{body}, $main::Hello, $name);
}

ok(wait_for(10, sub { instances() == 7 }), 'each has one container')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());



=== TEST 2: replies that are errors, and replies that are none
--- fresh
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, map { "$_.py" } @::Names)
--- code
my @replies = (
    [ 'a bad request', main::message(400, 'invalid') ],
    [ 'an error of the engine', main::message(500, 'OCI runtime /var/lib/docker x') ],
    [ 'an error in plain text', main::reply(500, "no\n", 'Content-Type: text/plain') ],
    [ 'a path that was cleaned', main::reply(301, '', 'Location: /v1.41/x') ],
    [ 'a status that is none', "HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n" ],
    [ 'no HTTP', "\0\1\2 hello\r\n\r\n" ],
    [ 'nothing', '' ],
    [ 'half a head', "HTTP/1.1 201 Created\r\nContent-Le" ],
    [ 'a body cut off', main::reply(500, '{"mess', 'Content-Length: 1000') ],
    [ 'chunks that are none',
      main::reply(500, "zz\r\n{}\r\n0\r\n\r\n", 'Transfer-Encoding: chunked') ],
    [ 'a head without an end', "HTTP/1.1 201 Created\r\n" . "X-A: " . 'a' x 300_000 ],
);
my @creates = (
    [ 'a success without an id', main::reply(201, '{}') ],
    [ 'a success that is no JSON', main::reply(201, 'created') ],
    [ 'half an id', main::reply(201, '{"Id":"' . 'a' x 30) ],
    [ 'an id that is a path', main::reply(201, '{"Id":"../../version"}') ],
    [ 'an id that is a number', main::reply(201, '{"Id":17}') ],
    [ 'nested too deep', main::reply(201, '[' x 100_000) ],
);
my @starts = (
    [ 'no such program', main::message(400, 'exec: \"x\": executable file not found') ],
    [ 'a port that is taken', main::message(500, 'driver failed: address already in use') ],
    [ 'no memory', main::message(500, 'OCI runtime create failed: cannot allocate memory') ],
    [ 'HTTP/1.0, until the end', "HTTP/1.0 500 Error\r\n\r\n{\"message\":\"OCI\"}" ],
);
my @pids = worker_pids();

for my $case (map({ [ 'create', $main::Create, 'only', @$_ ] } @replies),
              [ 'create', $main::Create, 'done', @{ $creates[0] } ],
              map({ [ 'create', $main::Create, 'only', @$_ ] } @creates[1 .. 5]),
              map({ [ 'start', $main::Start, 'only', @$_ ] } @replies[1, 5], @starts))
{
    my ($call, $match, $how, $name, $reply) = @$case;
    my $function = main::cold();

    main::rule($match, main::FOR_GOOD, $how, $reply);

    my $res = get("/function/$function");

    is(error_code($res), '503 backend_unavailable', "$call, $name")
        or diag($res->{raw});
    like(header($res, 'Retry-After') // '', qr/\A\d+\z/, "$call, $name: Retry-After");
    unlike($res->{body}, qr/OCI|docker|container/i, "$call, $name: not a word of it");
}

unlink $main::Rule;

# what the engine made after all, and after its removal, the next list shows
ok(wait_for(90, sub { !instances() }), 'no container is left')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());
is(get('/function/f1')->{body}, $main::Hello, 'then it serves');
ok(settled('f1'), 'no place is taken');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');



=== TEST 3: removals that are under way, done, or fail at first
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, map { "g$_.py" } 1 .. 6)
--- code
my $n = 0;

for my $case (
    [ 'under way', 'done', 100,
      main::message(409, 'removal of container x is already in progress') ],
    [ 'under way, and not done yet', 'only', 3,
      main::message(409, 'removal of container x is already in progress') ],
    [ 'gone already', 'done', 100, main::message(404, 'No such container: x') ],
    [ 'done, and an error is told', 'done', 1, main::message(500, 'x') ],
    [ 'an error', 'only', 1, main::message(500, 'device or resource busy') ],
    [ 'nothing', 'only', 1, '' ],
)
{
    my ($name, $how, $times, $reply) = @$case;
    my $function = 'g' . ++$n;

    is(get("/function/$function")->{body}, $main::Hello, "$name: it serves");
    main::rule('^DELETE \S+/containers/', $times, $how, $reply);

    is(http(request('DELETE', "/functions/$function"))->{status}, 204, "$name: deleted");
    ok(wait_for(30, sub { !instances() }), "$name: no container is left");
    unlink $main::Rule;
}



=== TEST 4: versions of the engine's API
--- fresh
--- http_config eval: $::Http
--- post_setup_server_root
main::engine_between();
main::rule('_ping', main::FOR_GOOD, 'only', main::reply(200, 'OK', 'Api-Version: 1.40'));
--- user_files eval: FaasTest::files($::Greet, 'f.py')
--- code
for my $version ('1.40', '1.4', 'x', '1.41/../../x', '') {
    main::rule('_ping', main::FOR_GOOD, 'only', main::reply(200, 'OK', "Api-Version: $version"));

    my $since = length error_log_text();
    my $res = get('/function/f');

    is(error_code($res), '503 backend_unavailable', "\"$version\": refused")
        or diag($res->{raw});
    like(substr(error_log_text(), $since), qr/\[error\].*faas: .*version/,
         "\"$version\": the log says why");
}

unlink $main::Rule;
ok(wait_for(20, sub { get('/function/f')->{body} eq $main::Hello }), 'then it serves');
is(scalar(instances()), 1, 'in one container');



=== TEST 5: the name is taken by a container that is not ours
--- fresh
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, 'a.py', 'b.py')
--- code
is(get('/function/a')->{body}, $main::Hello, 'one serves');

my ($ours) = instances('a');
my ($base, $slot) = $ours->{Names}[0] =~ m{^/(faas-\w{8}-\w{8})-(\d+)-};
my $prefix = server_root() . '/';

# of another nginx, and of an earlier zone of this one
my @labels = ({ 'faas.prefix' => $prefix },
              { 'faas.prefix' => $prefix, 'faas.owner' => $ours->{Labels}{'faas.owner'},
                'faas.epoch' => '00000000' });
my @strays = map {
    FaasEngine::told('POST', "/containers/create?name=$base-$_-1",
                     { Image => 'faas-python', Entrypoint => [], Cmd => [ 'sleep', '600' ],
                       Labels => shift @labels })->{Id}
} grep { $_ != $slot } 0 .. 2;
my $events = watch_events();

is(get('/function/b')->{body}, $main::Hello, 'another does, too');

my ($b) = ids(instances('b'));

is(join(' ', grep { my $event = $_; $event->{id} ne $b } events($events, 'start')), '',
   'and nothing else was started');
ok(wait_for(10, sub { instances() == 2 }), 'what had its name is gone')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());
like(error_log_text(), qr/\[error\].*container "$strays[0]" is not ours/, 'the log says so');
ok(settled('b'), 'no place is taken');



=== TEST 6: lists that are none cost nothing
--- fresh
--- http_config eval: $::Http
--- post_setup_server_root
main::engine_between();
main::write_file("$main::Rule.deaf", '');
--- user_files eval: FaasTest::files($::Where, 'f.py', 'g.py')
--- code
my @before = map { where(get("/function/$_"))->{host} } qw(f g);
my @pids = worker_pids();

# as many containers as there are, none of them as it should be
my ($id) = map { $_->{Id} } instances('f');
my %bad = (
    'half a list' => qq([{"Id":"$id","State":"running"),
    'no list' => '{}',
    'nothing' => '',
    'null' => 'null',
    'no JSON' => 'none',
    'a list of texts' => qq(["$id","$id"]),
    'a list of nothing' => '[{},{}]',
    'an id that is a number' => '[{"Id":17,"Names":["/x"]},{"Id":18}]',
    'names that are none' => qq([{"Id":"$id","Names":7,"Labels":[],"State":{}}]),
    'nested too deep' => '[' x 100_000,
    'five million bytes' => '[' . ' ' x 5_000_000,
);

for my $name (sort keys %bad) {
    main::rule('^GET \S+/containers/json', main::FOR_GOOD, 'only', main::reply(200, $bad{$name}));
    ok(main::listed(2), "$name: it was asked for");
    is(join(' ', map { where(get("/function/$_"))->{host} } qw(f g)), "@before",
       "$name: the same containers serve");
}

main::rule('^GET \S+/containers/json', main::FOR_GOOD, 'only', main::message(500, 'x'));
ok(main::listed(2), 'an error: it was asked for');
unlink $main::Rule;
sleep 2;
is(join(' ', map { where(get("/function/$_"))->{host} } qw(f g)), "@before",
   'and then the same containers serve');
is(scalar(instances()), 2, 'no other one was made');
like(error_log_text(), qr/\[error\].*faas: the engine's list of containers is none/,
     'the log says why');

# without events, and when nobody calls it, a list shows that it has ended

is(act_on('kill', $before[0]), 204, 'one is killed');
ok(wait_for(15, sub { !grep { $_ eq $before[0] } ids(instances()) }), 'and removed');
is(where(get('/function/g'))->{host}, $before[1], 'the other one serves');
unlink "$main::Rule.deaf";
is(where(get('/function/f'))->{service}, 'f', 'and another in its place');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');



=== TEST 7: a container that ends before its start is answered
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, 'gone.py')
--- code
main::rule($main::Start, 1, 'killed', '');

my $began = time;

is(error_code(get('/function/gone')), '503 backend_unavailable', 'an error');
cmp_ok(time - $began, '<', 15, 'nobody waits for what is gone');
is(get('/function/gone')->{body}, $main::Hello, 'then it serves');
ok(wait_for(15, sub { instances() == 1 }), 'what has ended is removed')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());



=== TEST 8: of many calls that one end takes along not each asks the engine
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=100 max_instances=1;

    upstream functions {
        faas;
    }
--- post_setup_server_root: main::engine_between();
--- user_files eval: ">>> fn/mass.py\n$::Mass"
--- code
is(get('/function/mass/well')->{body}, 'well', 'it serves');

write_file("$main::Rule.seen", '');
main::rule('^GET \S+/containers/[^/]+/json', main::FOR_GOOD, 'only', main::message(500, 'x'));

my @results = map { result($_) }
                  parallel([ (invoke_request('mass', undef, timeout_ms => 30000)) x 60 ],
                           timeout => 30);

unlink $main::Rule;
is(scalar(grep { $_->{status} eq 'failed' } @results), 60, 'all have failed')
    or diag("$results[0]{status}: $results[0]{error_message}");
is(scalar(grep { $_->{error_message} !~ /\Athe function gave no valid answer/ } @results),
   0, 'and say so');

# eight of a worker, and the last, which removes it

my $asked = () = slurp("$main::Rule.seen") =~ m{/json}g;

cmp_ok($asked, '>', 0, "$asked have asked why");
cmp_ok($asked, '<', 40, 'but not all');
is(get('/function/mass/well')->{body}, 'well', 'it serves again');
ok(wait_for(15, sub { instances() == 1 }), 'by one container');



=== TEST 9: nginx ends while starts and a removal wait to try again
--- fresh
--- http_config eval: "faas_docker_concurrency 16;\n$::Http"
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Greet, 'away.py', map { "h$_.py" } 1 .. 8)
--- code
my @names = map { "h$_" } 1 .. 8;

is(get('/function/away')->{body}, $main::Hello, 'one serves');

main::rule('^POST \S+/start |^DELETE \S+/containers/', main::FOR_GOOD, 'only',
           main::message(409, 'marked for removal, which is already in progress'));

my @socks = map { my $sock = connect_to();
                  syswrite($sock, request('GET', "/function/$_"));
                  $sock } @names;

ok(wait_for(10, sub { (eval { slurp("$main::Rule.seen") } // '') =~ m{/start } }),
   'starts are tried');
is(http(request('DELETE', '/functions/away'))->{status}, 204, 'and a removal');
sleep 0.5;
ok(stop_nginx('TERM', 15), 'nginx ends');
like(slurp("$main::Rule.seen"), qr/DELETE/, 'which was tried, too');

unlink $main::Rule;
start_nginx() or die 'nginx does not start';

is(join(' ', map { $_->{status} }
             parallel([ map { request('GET', "/function/$_") } @names ], timeout => 30)),
   join(' ', (200) x 8), 'then all serve');
ok(wait_for(20, sub { instances() == 8 }), 'and nothing else is left')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());



=== TEST 10: events that break off go on with the one after the last
--- fresh
--- http_config eval: $::Http
--- post_setup_server_root: main::engine_between();
--- user_files eval: FaasTest::files($::Where, 'f.py', 'g.py')
--- code
my $asked = "$main::Rule.asked";
my @hosts = map { where(get("/function/$_"))->{host} } qw(f g);

ok(wait_for(10, sub { -s $asked }), 'they are asked for');
write_file("$main::Rule.cut", '');
is(act_on('kill', $hosts[0]), 204, 'one is killed');
ok(wait_for(10, sub { slurp($asked) =~ /"die".*"timeNano".*\nGET/s }),
   'they break off, and are asked for again');

my ($time, $since) = slurp($asked) =~ /"die".*"timeNano":(\d+).*\n+GET.*[?&]since=([0-9.]+)/;

isnt($time, undef, 'since when');
is($since, ($time // '') =~ s/(?=\d{9}\z)/./r, 'since the last one');
is(act_on('kill', $hosts[1]), 204, 'the other is killed');
ok(wait_for(10, sub { !instances() }), 'both are removed');
is(where(get("/function/$_"))->{service}, $_, "$_ serves again") for qw(f g);
