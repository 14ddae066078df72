# What happens while functions are called: workers die, and containers, and
# functions by themselves.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 62;

our $Where = where_py();

# Does to itself what it is told, in the middle of a request.

our $Die = <<'_EOC_';
import json
import os
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


# The calls that have no excuse: these failed, and nothing was done to the
# container, in the times given as [ FROM, TO ], while they were under way.

sub unexcused {
    my ($times, @calls) = @_;
    my @bad = grep { $_->{status} ne '200' || !$_->{complete} } @calls;

    for my $time (@$times) {
        @bad = grep { $_->{began} > $time->[1] || $_->{ended} < $time->[0] } @bad;
    }

    return failed_calls(@bad);
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
--- user_files eval: ">>> fn/hit.py\n$::Where>>> fn/other.py\n$::Where"
--- code
is(where(get("/function/$_"))->{service}, $_, "$_ serves") for qw(hit other);
ok(ready(2), 'two stand ready');

my $load = load(1, [ ('/function/hit') x 4, '/function/other' ]);
my $end = time + 6;
my $last = time + 60;
my @times;

while (time < $end || (@times <= 4 && time < $last)) {
    sleep 0.5;

    for my $id (running('hit')) {
        my $began = time;

        act_on('kill', $id);
        push @times, [ $began, time ];
    }
}

sleep 1;

my @calls = load_end($load);

cmp_ok(scalar(@times), '>', 4, scalar(@times) . ' were killed');
is(main::unexcused(\@times, @calls), '', 'each call after a kill is answered: '
                                         . @calls . ' calls');
is(main::strangers(@calls), '', 'and by the function that was called');
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



=== TEST 4: functions that end in the middle of a call, say how, and are replaced
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



=== TEST 5: kill -9 of a worker that starts containers
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
    cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @answers)[0], '<', 10, 'soon');

    if ($round == 1) {
        act_on('rm', $_) for map { main::running($_) } @names;
    }
}

ok(wait_for(15, sub { instances() == 8 && spares() == 2 }),
   'each has one container, and two stand ready')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());
