# Containers that stand ready before there is a function for them, and those that
# go when nobody needs them.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 53;

our $Where = where_py();
our $WhereTs = <<'_EOC_';
Deno.serve({ port: 8080 }, () => Response.json({
  host: Deno.env.get("HOSTNAME"), service: Deno.env.get("K_SERVICE"),
  revision: Deno.env.get("K_REVISION"), version: 1,
}));
_EOC_


# what the engine was asked for, in the log of a fake one

sub asked {
    my ($what) = @_;
    my @asked = slurp(html_dir() . '/engine.sock.log') =~ m{^$what}mg;

    return scalar(@asked);
}

run_tests();

__DATA__

=== TEST 1: two stand ready, the first call of a function has one of them
--- fresh
--- faas_http
    faas_runtime python prewarm=2;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/first.py\n$::Where>>> fn/second.py\n$::Where"
--- code
ok(ready(2, 'python'), 'two for python');
is(scalar(instances()), 2, 'and no other');

my @before = ids(spares());
my $events = watch_events();
my $res = get('/function/first/path');
my $where = where($res);
my %created = map { $_->{id} => 1 } events($events, 'create');

is($res->{status}, 200, 'the first call');
ok((grep { $_ eq $where->{host} } @before), 'was answered by one of the two');
ok(!$created{$where->{host}}, 'which was not made for it');
cmp_ok($res->{seconds}, '<', 1, "in no time: $res->{seconds}");
is("$where->{service} $where->{path}", 'first /path', 'as the function it is');
like($where->{revision}, qr/\Afirst-[0-9a-f]{8}\z/, 'and its revision');

ok(ready(2, 'python'), 'there are two again');
is(scalar(instances()), 3, 'and the one of the function');
is(scalar(instances('first')), 1, 'which has its name');
is(where(get('/function/first'))->{host}, $where->{host}, 'and serves on');

my $other = where(get('/function/second'));

is($other->{service}, 'second', 'another function');
isnt($other->{host}, $where->{host}, 'has another container');
ok(ready(2, 'python'), 'there are two again');
sleep 1;
is(scalar(spares('python')), 2, 'and no more');
is(scalar(events($events, 'create')), 2, 'one was made for each that was taken');



=== TEST 2: five new functions at once, with two spares of each runtime
--- faas_http
    faas_runtime python prewarm=2;
    faas_runtime deno prewarm=2;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 5)
. FaasTest::files($::WhereTs, 'g1.ts', 'g2.ts')
--- code
ok(ready(2, 'python') && ready(2, 'deno'), 'two of each');

my @names = map { ("f$_", $_ < 3 ? "g$_" : ()) } 1 .. 5;
my @answers = map { where($_) }
              parallel([ map { request('GET', "/function/$_") } @names ]);

is(join(' ', map { $_->{service} } @answers), "@names", 'each answers as itself');
is(join(' ', grep { $answers[$_]{revision} !~ /\A$names[$_]-[0-9a-f]{8}\z/ }
                  0 .. $#names), '', 'and its own revision');
is(scalar(keys %{ { map { $_->{host} => 1 } @answers } }), 7,
   'in a container of its own');

my @again = map { where($_) }
            parallel([ map { request('GET', "/function/$_") } @names ]);

is(join(' ', map { $_->{host} } @again), join(' ', map { $_->{host} } @answers),
   'and does so again');
ok(ready(2, 'python') && ready(2, 'deno'), 'two of each stand ready again');
is(scalar(instances()), 11, 'nothing else is left');



=== TEST 3: a spare that dies
--- fresh
--- faas_http
    faas_runtime python prewarm=2;
    faas_runtime deno prewarm=0;
--- user_files eval
FaasTest::files($::Where, map { "f$_.py" } 1 .. 4)
--- code
ok(ready(2), 'two stand ready');

my @before = ids(spares());

is(act_on('kill', $before[0]), 204, 'one is killed');

my $where = where(get('/function/f1'));

is($where->{service}, 'f1', 'a call meanwhile is answered');
ok(ready(2), 'there are two again');
ok(!(grep { $_ eq $before[0] } ids(instances())), 'the dead one is removed');

# in the moment of the claim: no event has come yet

for my $verb (qw(kill rm pause)) {
    my $name = 'f' . (2 + $main::round++);

    ready(2);
    act_on($verb, $_) for ids(spares());

    my $res = get("/function/$name");

    is(where($res)->{service}, $name, "$verb, and at once a call: it is answered")
        or diag($res->{raw}, grep { /faas: / } split /^/, error_log_text());
    cmp_ok($res->{seconds}, '<', 6, 'soon');
}

ok(wait_for(15, sub { spares() == 2 && instances() == 6 }),
   'two stand ready, and what was damaged is gone');



=== TEST 4: an image that is not there: no storm, and the log says why
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=2 image=faas-test-none:none;
    faas_runtime deno prewarm=1;

    upstream functions {
        faas;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'relay');
--- user_files eval: ">>> fn/f.py\n$::Where>>> fn/g.ts\n" . FaasClient::slurp('data/functions/greet.ts')
--- code
ok(wait_for(30, sub { asked('POST \S+/containers/create') > 1 }),
   'it was tried');
sleep 5;

my $creates = asked('POST \S+/containers/create');

cmp_ok($creates, '<=', 10, "and not too often: $creates times in 5 s");
like(error_log_text(), qr/faas-test-none:none/, 'the log tells the image');

my @lines = error_log_text() =~ /\[error\].*faas-test-none/g;

cmp_ok(scalar(@lines), '<=', 10, 'in some lines');

is(get('/function/f')->{status}, 503, 'a call is refused');
is(get('/function/g')->{status}, 200, 'the other runtime works');
ok(wait_for(10, sub { spares('deno') == 1 }), 'and has its spare');
is(scalar(grep { $_->{Labels}{'faas.runtime'} eq 'python' } instances()), 0,
   'nothing is left behind');



=== TEST 5: an image without the interpreter: no storm either
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=2 image=faas-deno;

    upstream functions {
        faas;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'relay');
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
ok(wait_for(30, sub { error_log_text() =~ /python3/ }),
   'the log says what is missing');

my $before = asked('POST \S+/containers/create');
sleep 5;
my $creates = asked('POST \S+/containers/create') - $before;

cmp_ok($creates, '<=', 10, "not too often: $creates times in 5 s");
cmp_ok(scalar(instances()), '<=', 2, 'the dead are removed');
is(get('/function/f')->{status}, 503, 'a call is refused');
