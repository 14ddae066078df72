# What happens while functions are called: their sources change, for better or
# worse, and the configuration is read again.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 71;

our $Where = where_py();
our $Broken = "import os\n\ndef serve(\n";

# Where a client has seen a version, and then an older one

sub steps_back {
    my (%last, @bad);

    for my $call (grep { $_->{status} eq '200' } @_) {
        my $version = where($call)->{version};
        my $last = $last{$call->{client}} // 0;

        push @bad, "client $call->{client}: $last, $version" if $version < $last;
        $last{$call->{client}} = $version;
    }

    return join("\n", @bad);
}

# Calls that an older version has answered than that which was there, as
# [ SINCE, VERSION ], when they began

sub too_old {
    my ($written, @calls) = @_;
    my @bad;

    for my $call (grep { $_->{status} eq '200' } @calls) {
        my ($there) = reverse grep { $_->[0] < $call->{began} } @$written;
        my $version = where($call)->{version};

        next if !$there || $version >= $there->[1];
        push @bad, sprintf('client %d, %.3f: %d, and since %.3f there was %d',
                           @$call{qw(client began)}, $version, @$there);
    }

    return join("\n", grep { defined } @bad[0 .. 9]);
}

run_tests();

__DATA__

=== TEST 1: a source is written four times a second, under load
--- faas_http
    faas_runtime python prewarm=2 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/edit.py\n$::Where"
--- code
my $file = html_dir() . '/fn/edit.py';
my $first = where(get('/function/edit'));

is($first->{version}, 1, 'the first version');
ok(ready(2), 'two stand ready');

my $load = load(4, '/function/edit');
my $slow = connect_to();
my $failed = 0;
my @written;

syswrite($slow, request('GET', '/function/edit/sleep/2'));
sleep 0.3;

for my $version (2 .. 21) {
    my $source = FaasTest::where_py($version);
    my $began = time;

    if ($version % 2) {
        my $body = Cpanel::JSON::XS->new->encode({ source_code => $source });
        my $res = http(request('PUT', '/functions/edit', body => $body));

        $failed++ if $res->{status} != 200;

    } else {
        write_file($file, $source);
    }

    push @written, [ time, $version ];

    my $left = 0.25 - (time - $began);
    sleep $left if $left > 0;
}

my $written = time;

ok(wait_for(6, sub { where(get('/function/edit'))->{version} == 21 }),
   'the last one serves');
diag(sprintf('it took %.1f s', time - $written)) if time - $written > 2;
sleep 0.5;

my @calls = load_end($load);
my %versions = map { where($_)->{version} => 1 } @calls;

is($failed, 0, 'each PUT was taken');
is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is(main::steps_back(@calls), '', 'no client has seen an older version again');
is(main::too_old(\@written, @calls), '', 'and no call one older than that which was there');
cmp_ok(scalar(keys %versions), '>', 3, keys(%versions) . ' versions were seen');

$slow = where(parse_response(read_all($slow)));
is("$slow->{version} $slow->{host} $slow->{path}", "1 $first->{host} /sleep/2",
   'what was under way has ended in the first');
ok(wait_for(15, sub { instances('edit') == 1 && spares() == 2
                      && instances() == 3 }), 'one instance is left')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());



=== TEST 2: a broken source: the old one serves on, and the log says why
--- faas_http
    faas_runtime python prewarm=1 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/keep.py\n$::Where>>> fn/new.py\n$::Broken"
--- code
my $file = html_dir() . '/fn/keep.py';
my $first = where(get('/function/keep'));
my $load = load(2, '/function/keep');

sleep 0.3;
write_file($file, $main::Broken);
sleep 2.5;

my @calls = load_end($load);
my $last = where(get('/function/keep'));
my @lines = error_log_text() =~ /^(.*\[error\].*)$/mg;

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is("$last->{version} $last->{host}", "1 $first->{host}", 'the old one serves');
is(scalar(@lines), 1, 'one line in the log') or diag(join "\n", @lines);
like($lines[0] // '', qr/"keep".*SyntaxError|SyntaxError.*"keep"/, 'which says why');
ok(wait_for(10, sub { instances('keep') == 1 && instances() == 2 }),
   'nothing else is left');

# one that never was good has nothing to keep

like(invoke('new')->{error_message}, qr/SyntaxError/, 'a new one fails');

write_file($file, FaasTest::where_py(3));
ok(wait_for(6, sub { where(get('/function/keep'))->{version} == 3 }),
   'the next good one takes over');
ok(wait_for(10, sub { instances('keep') == 1 }), 'and the old one goes');

# the same broken one again is broken again, and the same good one is good

write_file($file, $main::Broken);
is(where(get('/function/keep'))->{version}, 3, 'broken again: served');
write_file($file, FaasTest::where_py(4));
ok(wait_for(6, sub { where(get('/function/keep'))->{version} == 4 }),
   'and repaired again');



=== TEST 3: a broken source fails, where that is asked for
--- faas_http
    faas_on_error fail;
    faas_runtime python prewarm=1 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/fail.py\n$::Where"
--- code
my $file = html_dir() . '/fn/fail.py';

is(where(get('/function/fail'))->{version}, 1, 'it serves');
write_file($file, $main::Broken);

my $result = {};

ok(wait_for(6, sub { $result = invoke('fail'); $result->{status} eq 'failed' }),
   'broken, it fails');
like($result->{error_message}, qr/SyntaxError/, 'and says why');
is(get('/function/fail')->{status}, 502, 'raw, too');

write_file($file, FaasTest::where_py(3));
ok(wait_for(6, sub { where(get('/function/fail'))->{version} == 3 }), 'repaired');
ok(wait_for(10, sub { instances('fail') == 1 }), 'one instance is left');



=== TEST 4: a touched file, and one that is written again as it is
--- fresh
--- user_files eval: ">>> fn/touch.py\n$::Where"
--- code
my $file = html_dir() . '/fn/touch.py';
my $host = where(get('/function/touch'))->{host};

ok(wait_for(5, sub { instances('touch') == 1 }), 'it runs');

my $events = watch_events();

for my $i (1 .. 5) {
    utime(time + $i, time + $i, $file) or die "utime: $!";
    is(where(get('/function/touch'))->{host}, $host, 'touched');
}

write_file($file, $main::Where);
is(where(get('/function/touch'))->{host}, $host, 'written again');
sleep 1.5;
is(where(get('/function/touch'))->{host}, $host, 'later, too');
is(join(' ', map { $_->{action} } events($events)), '', 'nothing was started');



=== TEST 5: a reload every 200 ms, under load
--- faas_http
    faas_runtime python prewarm=1 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/f.py\n$::Where"
--- code
my $host = where(get('/function/f'))->{host};

ok(ready(1), 'one stands ready');

my @spare = map { $_->{Id} } spares();
my %old = map { $_ => 1 } worker_pids();
my $load = load(3, [ ('/function/f') x 20, '/function/f/sleep/0.5' ]);

for (1 .. 25) {
    sleep 0.2;
    signal_master('HUP');
}

sleep 0.5;

my @calls = load_end($load);
my %hosts = map { where($_)->{host} => 1 } @calls;

is(failed_calls(@calls), '', 'no call has failed: ' . @calls . ' calls');
is(join(' ', keys %hosts), $host, 'all were answered by one container');
ok(wait_for(10, sub { all_worker_pids() == 2 }), 'two workers are left');
is(scalar(grep { $old{$_} } all_worker_pids()), 0, 'new ones');
is(where(get('/function/f'))->{host}, $host, 'which know the container');
is(join(' ', map { $_->{Id} } spares()), "@spare", 'and the spare');
ok(wait_for(10, sub { instances() == 2 }), 'and nothing else is left')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());



=== TEST 6: deleted while it is called, and made again
--- faas_http
    faas_runtime python prewarm=1 concurrency=8;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/again.py\n$::Where"
--- code
is(where(get('/function/again'))->{version}, 1, 'the first version');

my $load = load(3, [ '/function/again', '/function/again/sleep/0.3' ]);
my (@slow, @none, @written);

for my $version (2 .. 7) {
    wait_for(10, sub { where(get('/function/again'))->{version} == $version - 1 });
    push @slow, connect_to();
    syswrite($slow[-1], request('GET', '/function/again/sleep/1'));
    sleep 0.3;

    my $gone = http(request('DELETE', '/functions/again'));
    my $since = time;

    sleep 0.3;

    my $call = get('/function/again');

    push @none, { since => $since, till => time, status => $call->{status} };
    push @written, [ $since, $version ];

    my $made = post('/functions', Cpanel::JSON::XS->new->encode(
        { name => 'again', language => 'python',
          source_code => FaasTest::where_py($version) }));

    is("$gone->{status} $made->{status}", '204 201', "deleted, and made as version $version");
    sleep 0.5;
}

ok(wait_for(6, sub { where(get('/function/again'))->{version} == 7 }), 'the last one serves');
sleep 0.3;

my @calls = load_end($load);
my @missing = grep { $_->{status} eq '404' } @calls;

is(failed_calls(grep { $_->{status} ne '404' } @calls), '',
   'no call has failed: ' . @calls . ' calls');
is(join(' ', grep { !/function_not_found/ } map { $_->{body} } @missing), '',
   'but those that came when there was none: ' . @missing);
is(join(' ', map { $_->{status} } @none), join(' ', (404) x 6), 'and at least one each time');

# whoever comes when it is gone, and before it is made again

my @late = grep { my $call = $_; grep { $call->{began} > $_->{since} && $call->{ended} < $_->{till} }
                                      @none } @calls;

is(scalar(grep { $_->{status} ne '404' } @late), 0, 'and all of those: ' . @late);
is(main::steps_back(@calls), '', 'no client has seen an older version again');
is(main::too_old(\@written, @calls), '', 'and no call the one that was deleted before');
is(join(' ', map { where(parse_response(read_all($_)))->{version} } @slow), '1 2 3 4 5 6',
   'what was under way when it was deleted has ended in that version');
ok(wait_for(15, sub { instances('again') == 1 && spares() == 1 && instances() == 2 }),
   'one instance is left')
    or diag(join "\n", map { "$_->{Names}[0] $_->{Status}" } instances());



=== TEST 7: deleted while a call waits for its place
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/queue.py\n$::Where"
--- code
is(where(get('/function/queue'))->{service}, 'queue', 'it serves');

my @socks = map { my $sock = connect_to(); syswrite($sock, $_); sleep 0.3; $sock }
            (request('GET', '/function/queue/sleep/2'), request('GET', '/function/queue'),
             invoke_request('queue', '{}'));

is(http(request('DELETE', '/functions/queue'))->{status}, 204, 'deleted');

my @answers = map { parse_response(read_all($_)) } @socks;

is(where($answers[0])->{service}, 'queue', 'what was under way has ended well');

for my $i (1, 2) {
    is("$answers[$i]{status} " . (eval { decode_json($answers[$i]{body})->{error}{code} } // ''),
       '404 function_not_found', 'who waited is told') or diag($answers[$i]{raw});
}
