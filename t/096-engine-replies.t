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

plan tests => 68;

our $Greet = slurp('data/functions/greet.py');
our $Hello = '{"message":"Hello, world"}';

our $Rule;
our @Names = map { "f$_" } 1 .. 30;


# Between nginx and the engine: a request line that matches gets this reply
# instead of the engine's, so many times.  With "done" the engine is asked
# nevertheless.

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

    unlink $path, $Rule;
    my $listen = IO::Socket::UNIX->new(Local => $path, Listen => 64) or die "$path: $!";
    chmod 0777, $path;

    child(sub {
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{TERM} = sub { POSIX::_exit(0) };

        while (1) {
            my $client = $listen->accept or next;
            my $pid = fork;

            next if !defined $pid || $pid;

            close $listen;
            alarm 60;
            eval { between($client) };
            POSIX::_exit(0);
        }
    });
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

    if ($ours) {
        unlink $Rule if $times == 1;
        rule($match, $times - 1, $how, $reply) if $times > 1;
    }

    if (!$ours || $how eq 'done') {
        my $engine = IO::Socket::UNIX->new(Peer => $FaasClient::Engine) or return;

        # a request on each connection, so that none goes by
        $request =~ s/^Connection: .*\r\n//mi;
        $request =~ s/\r\n/\r\nConnection: close\r\n/;

        FaasTest::write_all($engine, $request);

        # of events there may be none: who asked for them goes away
        my $select = IO::Select->new($engine, $client);

        while (!grep { $_ == $client } $select->can_read) {
            sysread($engine, my $bytes, 65536) or last;
            FaasTest::write_all($client, $bytes) if !$ours;
        }
    }

    FaasTest::write_all($client, $reply) if $ours;
}


# functions that nobody called before

sub cold {
    return shift @Names;
}


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
    [ 'it runs already', $main::Start, 'done', main::reply(304, '') ],
    [ 'it is not there yet', $main::Start, 'only', main::message(404, 'No such container: x') ],
)
{
    my ($name, $match, $how, $reply) = @$case;
    my $function = main::cold();

    main::rule($match, 1, $how, $reply);
    is(get("/function/$function")->{body}, $main::Hello, $name);
}

is(scalar(instances()), 4, 'each has one container');



=== TEST 2: replies that are errors, and replies that are none
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
my @pids = worker_pids();

for my $case (map({ [ 'create', $main::Create, 'only', @$_ ] } @replies),
              [ 'create', $main::Create, 'done', @{ $creates[0] } ],
              map({ [ 'create', $main::Create, 'only', @$_ ] } @creates[1 .. 5]),
              map({ [ 'start', $main::Start, 'only', @$_ ] } @replies[1, 5]))
{
    my ($call, $match, $how, $name, $reply) = @$case;
    my $function = main::cold();

    main::rule($match, 100, $how, $reply);

    my $res = get("/function/$function");

    is(error_code($res), '503 backend_unavailable', "$call, $name")
        or diag($res->{raw});
    like(header($res, 'Retry-After') // '', qr/\A\d+\z/, "$call, $name: Retry-After");
    unlike($res->{body}, qr/OCI|docker|container/i, "$call, $name: not a word of it");
}

unlink $main::Rule;

ok(wait_for(20, sub { !instances() }), 'no container is left')
    or diag(join "\n", map { "$_->{Names}[0]: $_->{Status}" } instances());
is(get('/function/f1')->{body}, $main::Hello, 'then it serves');
ok(settled('f1'), 'no place is taken');
is("@{[ worker_pids() ]}", "@pids", 'the workers are the same');
