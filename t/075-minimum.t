# How few instances there are: what goes when nobody calls, and what stays, or is
# there before anybody does.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 44;

our $Busy = busy_py();

# so many instances, as it says and as the engine does

sub has {
    my ($name, $n, $seconds) = @_;
    my ($says, $is);

    return 1 if wait_for($seconds || 20, sub {
        $says = stands($name)->{instances} // -1;
        $is = instances($name);
        return $says == $n && $is == $n;
    });

    diag("$name: $says instances, $is containers");
    return 0;
}

sub hosts { return CORE::join ' ', sort(ids(instances($_[0]))) }

# who answers, of so many calls at a time

sub answers {
    my ($name, $n) = @_;
    my %hosts = map { (eval { decode_json($_->{body})->{host} } // "HTTP $_->{status}") => 1 }
                parallel([ (request('GET', "/function/$name/sleep/0.5")) x $n ]);

    return CORE::join ' ', sort keys %hosts;
}

run_tests();

__DATA__

=== TEST 1: what is more than the minimum goes, and what is missing comes
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=3 idle=2s;
    faas_limits min_instances=1;
--- user_files eval
FaasTest::files($::Busy, 'f.py', 'g.py') . ">>> fn/f.json\n{\"min_instances\":1}\n"
. ">>> fn/bad.py\nraise SystemExit(3)\n>>> fn/bad.json\n{\"min_instances\":1}\n"
--- code
my $events = watch_events();

ok(wait_for(10, sub { stands('bad')->{state} eq 'failed' }),
   'there is one, and one that fails');
my $made = () = events($events, 'create');

# looked for once a minute: see below

write_file(html_dir() . '/fn/new.py', $main::Busy);
write_file(html_dir() . '/fn/new.json', '{"min_instances":1}');

is(counted(parallel([ (request('GET', '/function/f/sleep/1.5')) x 9 ])), '9 x 200', 'nine calls');
is(stands('f')->{instances}, 3, 'three instances');
is(get('/function/g')->{status}, '200', 'another function');
ok(has('f', 1), 'one is left');

my $host = hosts('f');

ok(has('g', 0), 'and none of the other function');
sleep 3;
is(hosts('f'), $host, 'it stays');
is(answers('f', 1), $host, 'and serves');

# till it ends

act_on('kill', $host);
ok(wait_for(10, sub { my $now = hosts('f'); $now && $now ne $host }), 'killed, there is another one');
ok(has('f', 1), 'and only one');
is(answers('f', 1), hosts('f'), 'which serves');

# deleted

is(http(request('DELETE', '/functions/f'))->{status}, '204', 'deleted');
ok(wait_for(15, sub { !instances('f') }), 'none is left');
sleep 2;
is(scalar(instances('f')), 0, 'nor comes again');

# broken, and not tried for ever

cmp_ok(scalar(() = events($events, 'create')), '<', $made + 10, 'few were made in vain');
write_file(html_dir() . '/fn/bad.py', $main::Busy);
ok(has('bad', 1), 'and one is, when it is mended');

ok(has('new', 1, 65), 'a file that has arrived, within a minute');



=== TEST 2: up before the first call
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 max_instances=3 idle=1s;
    faas_limits min_instances=3;
--- user_files eval
">>> fn/here.py\n$::Busy>>> fn/here.json\n{\"min_instances\":2}\n>>> fn/none.py\n$::Busy"
--- code
ok(has('here', 2), 'of what was there when nginx was started');
is(stands('here')->{state}, 'ready', 'ready');

my $hosts = hosts('here');
is(answers('here', 2), $hosts, 'they serve');

# created

my $json = Cpanel::JSON::XS->new->latin1;

is(post('/functions', $json->encode({ name => 'made', language => 'python',
                                      source_code => $main::Busy, min_instances => 1 }))->{status},
   '201', 'created');
ok(has('made', 1), 'of what was created');
is(answers('made', 1), hosts('made'), 'it serves');

# replaced: more, and others

is(http(request('PUT', '/functions/made', body => $json->encode({
       source_code => $main::Busy =~ s/VERSION = 1/VERSION = 2/r, min_instances => 3 })))->{status},
   '200', 'replaced');
ok(has('made', 3, 30), 'more of what was replaced');
like(get('/function/made')->{body}, qr/"version": 2/, 'of the new source');
is(answers('made', 3), hosts('made'), 'they serve');

# an edit by hand: nobody calls

my $old = hosts('here');
write_file(html_dir() . '/fn/here.py', $main::Busy =~ s/VERSION = 1/VERSION = 2/r);
ok(wait_for(20, sub {
    my %old = map { $_ => 1 } split ' ', $old;
    my @now = split ' ', hosts('here');
    return @now == 2 && !grep { $old{$_} } @now;
}), 'others after an edit');
like(get('/function/here')->{body}, qr/"version": 2/, 'of the new source');

# fewer

write_file(html_dir() . '/fn/here.json', '{"min_instances":0}');
ok(has('here', 0), 'none, when none is wanted');
is(stands('none')->{instances}, 0, 'none of what was never called');
ok(wait_for(10, sub { spares('python') == 1 }), 'and a spare');



=== TEST 3: a reload, and a restart
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=2;
    faas_limits min_instances=2;
--- user_files eval: ">>> fn/stay.py\n$::Busy>>> fn/stay.json\n{\"min_instances\":2}"
--- code
ok(has('stay', 2), 'two');

my $hosts = hosts('stay');

ok(reload_nginx(), 'a reload');
sleep 2;
is(hosts('stay'), $hosts, 'the same two');
is(answers('stay', 2), $hosts, 'which serve');

ok(stop_nginx('QUIT', 15), 'a stop');
is(scalar(instances()), 0, 'none');
ok(start_nginx(), 'a start');
ok(has('stay', 2), 'two again');
is(answers('stay', 2), hosts('stay'), 'which serve');

