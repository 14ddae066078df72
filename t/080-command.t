# Commands: a program runs for each request.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 124;

# What a command may find out of its surroundings.

our $Hostile = <<'_EOC_';
use Socket;

opendir(my $dh, '/proc/self/fd') or die;
my $dir = fileno($dh);
print "fds ", join(' ', sort grep { /\d/ && $_ != $dir } readdir($dh)), "\n";

print "unix ", socket(my $u, AF_UNIX, SOCK_STREAM, 0) ? 'yes' : 'no', "\n";
print "inet ", socket(my $i, AF_INET, SOCK_STREAM, 0) ? 'yes' : 'no', "\n";
print "pair ", socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) ? 'yes' : 'no',
      "\n";

print "loose ", (grep { socketpair(my $c, my $d, AF_UNIX, $_, 0) }
                      SOCK_DGRAM, SOCK_RAW) ? 'yes' : 'no', "\n";
print "packets ", socketpair(my $e, my $f, AF_UNIX, SOCK_SEQPACKET, 0) ? 'yes' : 'no',
      "\n";

# ptrace(PTRACE_ATTACH), io_uring_setup()
print "ptrace ", syscall(101, 16, getppid(), 0, 0) == 0 ? 'yes' : 'no', "\n";
my $params = "\0" x 120;
print "uring ", syscall(425, 8, $params) >= 0 ? 'yes' : 'no', "\n";

# prlimit64(getppid(), RLIMIT_CPU), and its own
my $limit = pack('QQ', 9999, 9999);
print "limits ", syscall(302, getppid(), 0, $limit, 0) == 0 ? 'yes' : 'no', "\n";
print "own ", syscall(302, 0, 0, $limit, 0) == 0 ? 'yes' : 'no', "\n";

# clone(CLONE_PARENT|SIGCHLD): a child of the worker's
my $child = syscall(56, 0x8000|17, 0, 0, 0, 0);
syscall(60, 0) if $child == 0;
print "clone ", $child > 0 ? 'yes' : 'no', "\n";

# since Linux 5.19, and 6.12
print "memory ", open(my $m, '+<', '/proc/' . getppid() . '/mem') ? 'yes' : 'no', "\n";

# root may open this one, Landlock or not: nginx has overwritten what was there
my $environ = '';
read($m, $environ, 65536) if open($m, '<', '/proc/' . getppid() . '/environ');
print "environ ", $environ =~ /\w=/ ? 'yes' : 'no', "\n";

print "kill ", kill(0, getppid()) ? 'yes' : 'no', "\n";
print "its-fds ", grep({ readlink } glob('/proc/' . getppid() . '/fd/*')) ? 'yes' : 'no', "\n";

# process_vm_readv(getppid(), ...), and pidfd_getfd()
my $iovec = pack('PQ', my $room = "\0" x 8, 8);
print "vm ", syscall(310, getppid(), $iovec, 1, $iovec, 1, 0) >= 0 ? 'yes' : 'no', "\n";
my $pidfd = syscall(434, getppid(), 0);
print "getfd ", $pidfd >= 0 && syscall(438, $pidfd, 0, 0) >= 0 ? 'yes' : 'no', "\n";

# of all processes
print "others ", grep({ m{/(\d+)$} && $1 != $$ && kill(0, $1) } glob('/proc/[0-9]*'))
      ? 'yes' : 'no', "\n";

open(my $fh, '<', '/proc/self/status') or die;
/^(NoNewPrivs):\s*(\S+)/ && print "$1 $2\n" for <$fh>;

printf("session %s\n", getpgrp() == $$ ? 'own' : 'not');
printf("umask %o\n", umask);
chomp(my $cwd = readlink('/proc/self/cwd'));
print "cwd $cwd\n";
_EOC_


sub commands {
    return <<'_EOC_';
    faas_command cat    /bin/cat;
    faas_command wc     /usr/bin/wc -w;
    faas_command b64    /usr/bin/base64 content_type=text/x-base64;
    faas_command d64    /usr/bin/base64 -d content_type=application/octet-stream;
    faas_command sha    /usr/bin/sha256sum;
    faas_command false  /bin/false;
    faas_command true   /bin/true;
    faas_command bad    /bin/sh -c "echo out; echo bad >&2; exit 3";
    faas_command killed /bin/sh -c "echo dying >&2; kill -9 $$";
    faas_command warn   /bin/sh -c "printf 'w1\nw2\n' >&2; echo fine";
    faas_command none   /no/such/program;
    faas_command noexec /etc/passwd;
    faas_command nodir  /bin/cat dir=/no/such/directory;
    faas_command echo   /bin/echo a=1 "b c" timeout=5s -- max=3;
    faas_command env    /usr/bin/env -0 methods=GET,POST,PUT env=FOO=bar
                        env=PEER=$remote_addr env=HTTP_X_FIXED=mine;
    faas_command perl   /usr/bin/perl - ;
    faas_command perlu  /usr/bin/perl - unix_sockets=on dir=/tmp;
    faas_command signals /bin/grep -E "Sig(Blk|Ign)" /proc/self/status;
    faas_command limits /bin/sh -c "ulimit -n; ulimit -t; ulimit -c"
                        rlimit_nofile=33 rlimit_cpu=7;
    faas_command late   /bin/sh -c "head -c 300000 /dev/zero; exit 1";
    faas_command early  /bin/sh -c "exec >&- 2>&-; sleep 0.2; exit 0";
    faas_command slow   /bin/sh -c "echo a; sleep 0.2; echo b";
    faas_command exact  /usr/bin/head -c 65536 /dev/zero;
_EOC_
}


sub env_of {
    my ($res) = @_;
    return map { split /=/, $_, 2 } split /\0/, $res->{body};
}


run_tests();

__DATA__

=== TEST 1: standard input and output
--- faas_http eval: main::commands()
--- code
for (['cat', 'hello', 'hello'], ['wc', "a b\nc", "3\n"], ['cat', '', ''],
     ['b64', 'hello', "aGVsbG8=\n"], ['d64', 'aGVsbG8=', 'hello'],
     ['sha', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  '
                 . "-\n"])
{
    my ($name, $in, $out) = @$_;
    my $res = post("/function/$name", $in);

    is($res->{status}, 200, "$name: status");
    is($res->{body}, $out, "$name: output");
}

is(header(post('/function/cat', ''), 'Content-Type'), 'text/plain', 'a type');
is(header(post('/function/d64', ''), 'Content-Type'),
   'application/octet-stream', 'a type of its own');
is(header(post('/function/cat', 'abc'), 'Content-Length'), 3, 'a length');

my $res = http(request('POST', '/function/cat',
                       headers => ['Transfer-Encoding: chunked'],
                       body => "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
is($res->{body}, 'abcde', 'a chunked body');

is(post('/functions', '{"name":"cat","language":"python","source_code":""}')->{status}, 409,
   'no function of that name is created');
ok(!-e html_dir() . '/fn/cat.py', 'nothing is written');

is(post('/function/exact', '')->{body}, "\0" x 65536, 'as much as fits');
is(post('/function/slow', '')->{body}, "a\nb\n", 'in two parts');
is(post('/function/early', '')->{status}, 200, 'stdout closed before the end');
is(post('/function/true', 'x' x 300000)->{status}, 200,
   'a program need not read its input');
is(post('/function/echo', '')->{body}, "a=1 b c timeout=5s\n",
   'arguments as they are written');
is(post('/function/limits', '')->{body}, "33\n7\n0\n", 'limits');



=== TEST 2: what fails
--- faas_http eval: main::commands()
--- code
my $res = post('/function/false', '');
is($res->{status}, 500, 'exit 1');
is($res->{body}, '', 'without a word');

for (['bad', "bad\n"], ['killed', "dying\n"]) {
    $res = post("/function/$_->[0]", '');
    is($res->{status}, 500, "$_->[0]: status");
    is($res->{body}, $_->[1], "$_->[0]: its stderr");
    is(header($res, 'Content-Type'), 'text/plain', "$_->[0]: type");
}

$res = post('/function/warn', '');
is($res->{body}, "fine\n", 'stderr of a success is not in the answer');
like(error_log_text(), qr/\[error\].* command "warn" wrote to stderr: "w1 w2"/,
     'but in the log, in one line');

for (qw(none noexec nodir)) {
    $res = post("/function/$_", '');
    is($res->{status}, 500, "$_: status");
    is(decode_json($res->{body})->{error}{code}, 'exec_failed', "$_: code");
    unlike($res->{body}, qr{/no/such|passwd}, "$_: no path");
}

# ENOENT, EACCES, and that of its directory
for ([ 'none', 2 ], [ 'noexec', 13 ], [ 'nodir', 2 ]) {
    like(error_log_text(), qr/command "$_->[0]" could not be executed \($_->[1]: /,
         "$_->[0]: the log says why");
}

$res = post('/function/nobody', '');
is($res->{status}, 404, 'unknown name');
is(decode_json($res->{body})->{error}{code}, 'function_not_found', 'its code');

$res = get('/function/cat');
is($res->{status}, 405, 'GET');
is(header($res, 'Allow'), 'POST', 'Allow');
is(decode_json($res->{body})->{error}{code}, 'method_not_allowed', 'its code');
is(header(http(request('DELETE', '/function/env')), 'Allow'),
   'GET, POST, PUT', 'Allow of a command that has methods');

$res = post('/function/late', '');
is($res->{status}, 200, 'a large answer has begun');
is($res->{complete}, 0, 'and is cut off when the command fails');



=== TEST 3: the environment is the request
--- faas_http eval: main::commands()
--- code
local $ENV{SECRET} = 'x';

my %env = main::env_of(get('/function/env/a%20b/c?x=1&y',
    headers => ['X-A: 1', 'x-a: 2', 'Cookie: a=b', 'Cookie: c=d', 'Proxy: evil',
                'Authorization: Basic eDp5', 'X-Fixed: theirs']));

is($env{GATEWAY_INTERFACE}, 'CGI/1.1', 'GATEWAY_INTERFACE');
is($env{REQUEST_METHOD}, 'GET', 'REQUEST_METHOD');
is($env{QUERY_STRING}, 'x=1&y', 'QUERY_STRING');
is($env{SCRIPT_NAME}, '/function/env', 'SCRIPT_NAME');
is($env{PATH_INFO}, '/a b/c', 'PATH_INFO');
is($env{REQUEST_URI}, '/function/env/a%20b/c?x=1&y', 'REQUEST_URI');
is($env{SERVER_PROTOCOL}, 'HTTP/1.1', 'SERVER_PROTOCOL');
is($env{SERVER_PORT}, server_port(), 'SERVER_PORT');
is($env{REMOTE_ADDR}, '127.0.0.1', 'REMOTE_ADDR');
is($env{HTTP_HOST}, 'localhost', 'HTTP_HOST');
is($env{HTTP_X_A}, '1, 2', 'headers of one name');
is($env{HTTP_COOKIE}, 'a=b; c=d', 'cookies');
is($env{FOO}, 'bar', 'env=');
is($env{PEER}, '127.0.0.1', 'env= with a variable');
is($env{HTTP_X_FIXED}, 'mine', 'env= is stronger than a header');
ok(!exists $env{HTTP_PROXY}, 'no HTTP_PROXY');
ok(!exists $env{HTTP_AUTHORIZATION}, 'no credentials');
ok(!exists $env{CONTENT_LENGTH}, 'no length without a body');
ok(!grep({ /^(?:SECRET|HOME|USER|NGINX|TEST_)/ } keys %env),
   'nothing is inherited');

%env = main::env_of(post('/function/env', 'abc', headers => ['Content-Type: a/b']));
is($env{CONTENT_LENGTH}, 3, 'CONTENT_LENGTH');
is($env{CONTENT_TYPE}, 'a/b', 'CONTENT_TYPE');
is($env{PATH_INFO}, '', 'no PATH_INFO');

# it has been done, whatever the client's conditions
for ('If-Match: "a"', 'If-None-Match: *',
     'If-Unmodified-Since: Mon, 01 Jan 2024 00:00:00 GMT')
{
    is(get('/function/env', headers => [$_])->{status}, 200, "$_: an answer");
    is(http(invoke_request('bad', '1', headers => [$_]))->{status}, 200,
       "$_: a result");
}



=== TEST 4: what a command can reach
--- faas_http eval: main::commands()
--- code
my $res = post('/function/perl', $main::Hostile);
my %is = map { split / /, $_, 2 } split /\n/, $res->{body};

is($is{fds}, '0 1 2', 'no descriptor but its own three');
is($is{unix}, 'no', 'no socket of the engine');
is($is{inet}, 'yes', 'but a network');
is($is{pair}, 'yes', 'and pairs of sockets');
is($is{packets}, 'yes', 'of packets, too');
is($is{loose}, 'no', 'but none that can send to others');
is($is{ptrace}, 'no', 'no look into the worker');
is($is{environ}, 'no', 'nor at its environment');
is($is{uring}, 'no', 'no io_uring');
is($is{limits}, 'no', 'no limits for the worker');
is($is{own}, 'yes', 'but for itself');
is($is{clone}, 'no', 'no child in its name');
is($is{NoNewPrivs}, 1, 'no new privileges');
is(post('/function/signals', '')->{body}, "SigBlk:\t" . '0' x 16
                                          . "\nSigIgn:\t" . '0' x 16 . "\n",
   'no signal is blocked or ignored');

SKIP: {
    my ($major, $minor) = split /\./, (POSIX::uname())[2];

    skip 'an older kernel', 6 if $major * 1000 + $minor < 5019;

    is($is{memory}, 'no', 'no way into its memory');
    is($is{'its-fds'}, 'no', 'nor its descriptors');
    is($is{vm}, 'no', 'no call reads it');
    is($is{getfd}, 'no', 'nor takes a descriptor of it');

    skip 'an older kernel', 2 if $major * 1000 + $minor < 6012;

    is($is{kill}, 'no', 'no signal to it');
    is($is{others}, 'no', 'nor to another');
}

is($is{session}, 'own', 'a group of its own');
is($is{umask}, '22', 'a mask');
is($is{cwd}, '/', 'a directory');

$res = post('/function/perlu', $main::Hostile);
like($res->{body}, qr/^unix yes$/m, 'unix_sockets=on');
like($res->{body}, qr{^cwd /tmp$}m, 'dir=');



=== TEST 5: invocations
--- faas_http eval: main::commands()
--- code
my $result = invoke('cat', '{"a": [1,2]}');
is($result->{status}, 'success', 'status');
is($result->{http_status_code}, 200, 'http_status_code');
is_deeply($result->{output}, { a => [1, 2] }, 'the input is its stdin');
is($result->{http_headers}{'Content-Type'}, 'text/plain', 'http_headers');
is($result->{function_id}, 'cat', 'function_id');

$result = invoke('bad', '1');
is($result->{status}, 'failed', 'exit 3');
is($result->{error_message}, "the command exited with code 3: bad\n",
   'the code and its stderr');

is(invoke('killed')->{error_message},
   "the command was ended by signal 9: dying\n", 'a signal');
is(invoke('none')->{status}, 'failed', 'no program');
is(invoke('early')->{status}, 'success', 'stdout closed before the end');
is(invoke('true', '"' . 'x' x 300000 . '"')->{status}, 'success', 'input that is not read');
is(invoke('nobody')->{status}, 'HTTP 404', 'unknown name');
