# What happens while functions are called: workers die, and containers, and
# functions by themselves.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale qw(settled stands);

use Time::HiRes qw(sleep time);

plan tests => 100;

our $Where = where_py();

# notes what it is asked for, before it does it

our $Seen = where_py(1, 'SEEN = os.open("/tmp/seen", os.O_WRONLY | os.O_CREAT | os.O_APPEND)');
$Seen =~ s/(    def answer\(self\):\n)/$1        os.write(SEEN, self.path.encode() + b"\\n")\n/;

# Does to itself what it is told, in the middle of a request.

our $Die = <<'_EOC_';
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        what = json.loads(body)

        if what == "memory":
            bytearray(500 * 1024 * 1024)
        elif what == "exit":
            os._exit(3)
        elif what == "signal":
            os.kill(os.getpid(), 11)
        elif what == "wait":
            time.sleep(60)

        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'"alive"')

    def log_message(self, *args):
        pass


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_


sub running {
    my ($function) = @_;
    return map { substr($_->{Id}, 0, 12) }
           grep { $_->{State} eq 'running' } instances($function);
}


# those that somebody else has answered

sub strangers {
    my @bad;

    for my $call (grep { $_->{status} eq '200' && $_->{complete} } @_) {
        my ($name) = $call->{path} =~ m{^/function/(\w+)};
        my $service = where($call)->{service};

        push @bad, "$name: $service" if $service ne $name;
    }

    return join(' ', @bad);
}


run_tests();

__DATA__

=== TEST 1: kill -9 of a worker that has requests in flight
--- log_allow
exited on signal 9
--- faas_http
    faas_runtime python concurrency=1;
--- config
    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        add_header X-Worker $pid;
    }
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 8)
--- code
my @names = map { "f$_" } 1 .. 8;

is(join(' ', map { where($_)->{service} }
             parallel([ map { request('GET', "/function/$_") } @names ])),
   "@names", 'all serve');

# which worker has which

my (%sock, %head, %worker);

for my $name (@names) {
    $sock{$name} = connect_to();
    syswrite($sock{$name}, request('GET', "/function/$name/drip/3"));
}

for my $name (@names) {
    $head{$name} = read_some($sock{$name});
    ($worker{$name}) = $head{$name} =~ /^X-Worker: (\d+)/m;
}

my $victim = $worker{f1};
my @hit = grep { $worker{$_} == $victim } @names;
my @others = grep { $worker{$_} != $victim } @names;

kill('KILL', $victim) or die "kill: $!";

# the slots are free again, concurrency=1 or not

my $killed = time;
my @answers = parallel([ map { request('GET', "/function/$_") } @hit ]);

is(join(' ', map { where($_)->{service} } @answers), "@hit",
   "functions whose callers are gone are called again: @hit");
cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @answers)[0], '<', 4,
       'soon');

SKIP: {
    skip 'one worker had them all', 1 if !@others;

    my @rest = map { where(parse_response($head{$_} . read_all($sock{$_}, 10)))
                     ->{service} } @others;

    is("@rest", "@others", "requests in the other worker are answered: @others");
}

ok(wait_for(5, sub { worker_pids() == 2 }), 'two workers again');
is(join(' ', map { where($_)->{service} }
             parallel([ map { request('GET', "/function/$_") } @names ])),
   "@names", 'all serve');



=== TEST 2: a container is killed each half second, under load
--- faas_http
    faas_runtime python prewarm=2 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/hit.py\n$::Seen>>> fn/other.py\n$::Where"
--- code
is(where(get("/function/$_"))->{service}, $_, "$_ serves") for qw(hit other);
ok(ready(2), 'two stand ready');

my $load = load(1, [ ('/function/hit') x 4, '/function/other' ]);
my $posts = load(2, '/function/hit/{n}', method => 'POST', body => 'x');
my $end = time + 6;
my $last = time + 60;
my (@times, @seen);

while (time < $end || (@times <= 4 && time < $last)) {
    sleep 0.5;

    for my $id (running('hit')) {
        # what it notes till it is gone, of a call that nobody answers, too
        my @files = seen_by('hit') or next;
        my $began = time;

        push @seen, @files;

        act_on('kill', $id);
        push @times, [ $began, time ];
    }
}

sleep 1;

my @calls = load_end($load);

cmp_ok(scalar(@times), '>', 4, scalar(@times) . ' were killed');
is(unexcused(\@times, @calls), '', 'each call after a kill is answered: '
                                   . @calls . ' calls');
is(main::strangers(@calls), '', 'and by the function that was called');

my @posts = load_end($posts);
my %n = seen_in(@seen, seen_by('hit'));
my $id = sub { $_[0]{path} =~ m{(/[^/]+)\z} ? $1 : '' };

is(unexcused(\@times, @posts), '', 'what must not be repeated, too: ' . @posts . ' calls');
is(join(' ', grep { ($n{$_} // 0) > 1 } map { $id->($_) } @posts), '', 'none was made twice');
is(join(' ', grep { !$n{$_} } map { $id->($_) } grep { $_->{status} eq '200' } @posts), '',
   'and each that has an answer was made');
ok(wait_for(10, sub { instances('hit') == 1 && instances('other') == 1
                      && instances() == 4 }), 'the dead are removed');



=== TEST 3: docker rm, pause, stop and kill
--- faas_http
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/other.py\n$::Where"
--- code
my $other = where(get('/function/other'))->{host};

for my $verb (qw(rm stop kill pause)) {
    my $old = where(get('/function/f'))->{host};

    like(act_on($verb, $old), qr/^204$/, "$verb");

    # a frozen one takes a connection, and says nothing
    sleep 0.5 if $verb eq 'pause';

    my $res = get('/function/f');

    is($res->{status}, 200, "$verb: the next call is answered");
    is(where($res)->{service}, 'f', "$verb: by the function");
    isnt(where($res)->{host}, $old, "$verb: by a new instance");
    ok(wait_for(10, sub { engine('GET', "/containers/$old/json")->{status} == 404 }),
       "$verb: the old one is removed");
}

is(where(get('/function/other'))->{host}, $other, 'another one did not notice');



=== TEST 4: docker rm, pause, stop and kill, while it is called
--- faas_http
    faas_timeout 3s;
    faas_runtime python prewarm=1 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
# a start from nothing may take longer than the timeout

ok(ready(1), 'a spare waits');
is(get('/function/f')->{status}, '200', 'it serves');

my @verbs = qw(rm stop kill pause);
my $load = load(4, '/function/f');

for my $verb (@verbs) {
    sleep 0.5;

    my ($old) = main::running('f');

    like(act_on($verb, $old), qr/^204$/, $verb);
    ok(wait_for(10, sub { where(get('/function/f'))->{host} !~ /^(?:$old|none.*)$/ }),
       "$verb: another one serves");
}

sleep 0.5;

my @calls = load_end($load);
my @failed = grep { $_->{status} ne '200' } @calls;

cmp_ok(scalar @failed, '<=', 4 * @verbs, 'only what was in flight then is lost');
is(join("\n", map { "$_->{status} $_->{body}" }
                  grep { $_->{status} !~ /^50[24]$/ } @failed), '', 'and is told so');
cmp_ok(scalar @calls, '>', 100, 'there were many');
ok(settled('f'), 'no place is taken');



=== TEST 5: functions that end in the middle of a call, say how, and are replaced
--- fresh
--- faas_http
    faas_runtime python prewarm=1;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Die, qw(memory.py exit.py signal.py))
--- code
my %why = (memory => qr/out of memory/, exit => qr/status 3\b/,
           signal => qr/signal 11\b/);

for my $name (qw(memory exit signal)) {
    for my $round (1, 2) {
        my $result = invoke($name, qq("$name"));

        is($result->{status}, 'failed', "$name: failed");
        like($result->{error_message}, $why{$name}, "$name: says why");
        is(invoke($name, '"live"')->{output}, 'alive', "$name: the next is answered");
    }
}

# six have ended, and are gone: three serve, and a spare stands ready

ok(wait_for(15, sub { instances() == 4 && spares() == 1 }), 'what has ended is removed')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());

# SIGKILL is the kernel's, mostly, and the engine may not know yet whether it was

my $sock = connect_to();

syswrite($sock, invoke_request('exit', '"wait"', timeout_ms => 15000));
ok(wait_for(5, sub { stands('exit')->{active} == 1 }), 'a call');
act_on('kill', $_) for main::running('exit');
like(result(parse_response(read_all($sock), 'POST'))->{error_message},
     qr/signal 9, perhaps out of memory/, 'killed from outside');



=== TEST 6: kill -9 of a worker that starts containers
--- fresh
--- log_allow
exited on signal 9
--- faas_http
    faas_runtime python prewarm=2 concurrency=4;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 6)
--- code
my @names = map { "f$_" } 1 .. 6;

for my $round (1, 2) {
    my @socks = map { my $sock = connect_to();
                      syswrite($sock, request('GET', "/function/$_"));
                      $sock } @names;

    sleep 0.25 * $round;
    kill('KILL', (worker_pids())[$round - 1]) or die "kill: $!";

    # what the other worker has, ends; what nobody has any more, begins anew

    my @answers = parallel([ map { request('GET', "/function/$_") } @names ]);

    is(join(' ', map { where($_)->{service} } @answers), "@names",
       "round $round: all are answered after that");
    cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @answers)[0], '<', 18, 'soon');

    if ($round == 1) {
        act_on('rm', $_) for map { main::running($_) } @names;
    }
}

ok(wait_for(15, sub { instances() == 8 && spares() == 2 }),
   'each has one container, and two stand ready')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());



=== TEST 7: a worker crashes
--- main_config
    worker_rlimit_core 0;
--- log_allow
exited on signal (?:6|11)
--- faas_http
    faas_runtime python prewarm=0 concurrency=1;
    faas_runtime deno prewarm=0;
--- config
    location /function/ {
        rewrite ^/function/(?<fn>[^/]+)/?(?<rest>.*)$ /$rest break;
        faas $fn;
        proxy_pass http://functions;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
        add_header X-Worker $pid;
    }
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 9)
--- code
my @warm = map { "f$_" } 1 .. 3;
my @cold = map { [ "f$_", 'f' . ($_ + 1), 'f' . ($_ + 2) ] } 4, 7;

is(join(' ', map { where($_)->{service} }
             parallel([ map { request('GET', "/function/$_") } @warm ])),
   "@warm", 'all serve');

# requests in flight, and starts: each worker in its turn, so that both have some

my $first;

for my $round (1, 2) {
    my %sock;

    for my $path ((map { "$_/drip/2" } @warm), @{ $cold[$round - 1] }) {
        $sock{$path} = connect_to();
        syswrite($sock{$path}, request('GET', "/function/$path"));
    }

    my %head = map { $_ => read_some($sock{"$_/drip/2"}) } @warm;
    my %worker = map { $head{$_} =~ /^X-Worker: (\d+)/m ? ($_ => $1) : () } @warm;
    my ($victim) = grep { $_ != ($first // 0) } sort values %worker;

    $victim //= (grep { $_ != $first } worker_pids())[0];
    $first //= $victim;

    # ASan would tell of what we did
    kill($ENV{ASAN} ? 'ABRT' : 'SEGV', $victim) or die "kill: $!";

    my @names = ((grep { ($worker{$_} // 0) == $victim } @warm), @{ $cold[$round - 1] });
    my @others = grep { ($worker{$_} // 0) != $victim } @warm;
    my @answers = parallel([ map { request('GET', "/function/$_") } @names ]);

    is(join(' ', map { where($_)->{service} } @answers), "@names",
       "round $round: their places are free, and what started starts");
    is(join(' ', map { where(parse_response($head{$_}
                                            . read_all($sock{"$_/drip/2"}, 10)))
                       ->{service} } @others),
       "@others", "round $round: requests in the other worker are answered");
    ok(wait_for(5, sub { worker_pids() == 2 }), "round $round: two workers again");
}

my @pids = worker_pids();

# what the engine made for who crashed, the next list shows
ok(wait_for(30, sub { instances() == 9 }), 'each has one container')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());
is("@{[ worker_pids() ]}", "@pids", 'and the workers are the same');
is(scalar(() = error_log_text() =~ /exited on signal/g), 2, 'two crashes, and no more');



=== TEST 8: a container that is created when its worker is dead and all was removed
--- fresh
--- log_allow
exited on signal 9
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0 concurrency=1;

    upstream functions {
        faas;
        keepalive 8;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock',
                      'hold ^POST \S+/create\?name');
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $log = html_dir() . '/engine.sock.log';
my $sock = connect_to();

syswrite($sock, request('GET', '/function/f'));
ok(wait_for(10, sub { slurp($log) =~ /^held: /m }), 'it is to be created');

kill('KILL', worker_pids());

ok(wait_for(10, sub { slurp($log) =~ m{^DELETE \S+/containers/}m }),
   'it is to be removed');
is(scalar(instances()), 0, 'it is not there yet');
ok(wait_for(10, sub { instances() == 1 }), 'the engine has created it');
ok(wait_for(20, sub { instances() == 0 }), 'and is told again');
