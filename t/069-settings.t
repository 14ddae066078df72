# Settings of one function: NAME.json beside its source, and the same in POST and
# PUT.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use Time::HiRes qw(sleep time);

plan tests => 161;

our $Busy = busy_py(threads => 1);
our $Json = Cpanel::JSON::XS->new->canonical->latin1;

our $Limits = <<'_EOC_';
    faas_runtime python prewarm=0 memory=64m cpus=0.5 pids=32 concurrency=2
                        max_instances=2 idle=5m queue=10 queue_timeout=10s;
    faas_limits memory=96m cpus=0.75 pids=48 concurrency=8 max_instances=3
                min_instances=1 idle=10m queue=20 queue_timeout=20s timeout=30s;
_EOC_

sub sidecar { return html_dir() . "/fn/$_[0].json" }

# what the engine says of the limits of the container

sub limits {
    my ($host) = @_;
    my $config = inspect($host)->{HostConfig};

    return join ' ', $config->{Memory} / 1048576, $config->{MemorySwap} / 1048576,
                     $config->{NanoCpus} / 1e9, $config->{PidsLimit};
}

# and what the kernel does, which is told later

sub kernel_memory {
    my ($host) = @_;
    my $root = '/proc/' . inspect($host)->{State}{Pid} . '/root/sys/fs/cgroup';
    my ($file) = grep { -e } "$root/memory.max", "$root/memory/memory.limit_in_bytes";

    return slurp($file) / 1048576;
}

# the function's answer

sub said {
    my ($name, $path) = @_;
    my $res = get("/function/$name" . ($path // ''));

    return eval { decode_json($res->{body}) } || { host => 'none', answer => $res->{raw} };
}

sub put {
    my ($name, %members) = @_;

    $members{source_code} //= $main::Busy;
    return http(request('PUT', "/functions/$name", body => $main::Json->encode(\%members)));
}

sub create {
    my (%members) = @_;

    $members{source_code} //= $main::Busy;
    $members{language} //= 'python';
    return post('/functions', $main::Json->encode(\%members));
}

sub files_of {
    my ($name) = @_;
    return join ' ', sort map { m{([^/]+)\z} } glob html_dir() . "/fn/$name.*";
}

run_tests();

__DATA__

=== TEST 1: a file beside the source
--- faas_http eval: $::Limits
--- user_files eval
">>> fn/plain.py\n$::Busy>>> fn/set.py\n$::Busy" . <<'_EOC_'
>>> fn/set.json
{
  "env": {"COLOUR": "bl\u00fc \"x\"", "EMPTY": ""},
  "memory": "80m", "cpus": 0.75, "pids": "40", "concurrency": 4,
  "min_instances": 0, "max_instances": 3, "timeout_ms": 20000,
  "idle": "90s", "queue": 15, "queue_timeout": "15500ms"
}
_EOC_
--- code
my $plain = said('plain', '/env');
my $set = said('set', '/env');

is(limits($plain->{host}), '64 64 0.5 32', 'limits of the runtime');
ok(wait_for(5, sub { limits($set->{host}) eq '80 80 0.75 40' }), 'limits of the function')
    or diag(limits($set->{host}));

is($set->{env}{COLOUR}, "bl\x{fc} \"x\"", 'a variable');
is($set->{env}{EMPTY}, '', 'an empty one');
is($set->{env}{PORT}, '8080', 'and those of the contract');
ok(!exists $plain->{env}{COLOUR}, 'which no other function has');

my $stands = stands('set');

is($main::Json->encode({ map { $_ => $stands->{$_} } qw(env memory cpus pids
                         concurrency min_instances max_instances timeout_ms idle
                         queue queue_timeout) }),
   $main::Json->encode({ env => { COLOUR => "bl\x{fc} \"x\"", EMPTY => '' },
                   memory => 80 << 20, cpus => 0.75, pids => 40, concurrency => 4,
                   min_instances => 0, max_instances => 3, timeout_ms => 20000,
                   idle => 90, queue => 15, queue_timeout => '15500ms' }),
   'those in force');
is("$stands->{state} $stands->{instances} $stands->{active} $stands->{waiting}",
   'ready 1 0 0', 'how it stands');
like($set->{revision}, qr/-\Q$stands->{revision}\E\z/, 'and its revision');
ok(!exists $stands->{settings_error}, 'and no error');

$stands = stands('plain');
is($main::Json->encode({ map { $_ => $stands->{$_} } qw(env memory cpus pids concurrency
                                                  max_instances idle queue) }),
   $main::Json->encode({ env => {}, memory => 64 << 20, cpus => 0.5, pids => 32,
                   concurrency => 2, max_instances => 2, idle => 300, queue => 10 }),
   'of another one those of its runtime');
ok(!exists $stands->{timeout_ms}, 'and no deadline');

# as they work: of six, four are served by each of them

my @socks = map { sent('GET', '/function/set/sleep/2') } 1 .. 6;
ok(wait_for(5, sub { stands('set')->{waiting} == 0 && stands('set')->{instances} == 2 }),
   'another instance past the fourth');
is(counted(map { answer_of($_) } @socks), '6 x 200', 'all are answered');



=== TEST 2: limits of a spare that becomes a function's
--- fresh
--- faas_http
    faas_runtime python prewarm=1 memory=64m pids=32;
    faas_limits memory=128m;
--- user_files eval: ">>> fn/big.py\n$::Busy>>> fn/big.json\n{\"memory\":\"100m\",\"pids\":20}"
--- code
ok(ready(1), 'one stands ready');

my ($spare) = ids(spares());
my $big = said('big');

is($big->{host}, $spare, 'it is taken');
ok(wait_for(5, sub { limits($spare) =~ /^100 100 \S+ 20$/ }), 'and has what was asked for');
ok(wait_for(5, sub { kernel_memory($spare) == 100 }), 'of the kernel, too');
is(get('/function/big/mem/75')->{status}, '200', 'more than its runtime has');



=== TEST 3: the same in POST and PUT
--- faas_http eval: $::Limits
--- code
my %settings = (env => { A => '1', 'B.b' => "two\nlines" }, memory => '72m', cpus => '0.6',
                pids => 33, concurrency => 3, min_instances => 0, max_instances => 1,
                timeout_ms => 4000, idle => 60, queue => 0, queue_timeout => '12s');

my $res = create(name => 'made', %settings);
my $made = decode_json($res->{body});

is($res->{status}, '201', 'created');
is(header($res, 'Location'), '/functions/made', 'with a Location');
is($made->{memory}, 72 << 20, 'the answer shows them');
is(files_of('made'), 'made.json made.py', 'two files');
is($main::Json->encode(decode_json(slurp(sidecar('made')))), $main::Json->encode(\%settings),
   'one with what was asked for');

my $said = said('made', '/env');

is($said->{env}{'B.b'}, "two\nlines", 'it has the variables');
ok(wait_for(5, sub { limits($said->{host}) eq '72 72 0.6 33' }), 'and the limits');
is(stands('made')->{timeout_ms}, 4000, 'and the deadline');
is(get('/function/made/sleep/15')->{status}, '504', 'which it is held to');
is(invoke('made', '{}')->{status}, 'success', 'and is well again');

# as much as there may be, also as JSON writes it

for my $value ('x=' x 16383 . 'y', '"' x 32700) {
    is(put('made', env => { A => $value }, pids => 33)->{status}, '200', 'the largest env');
    ok(said('made', '/env')->{env}{A} eq $value, 'arrives');
}

# replaced

is(put('made', env => { C => '3' })->{status}, '200', 'replaced');
$said = said('made', '/env');
is(join(' ', map { $said->{env}{$_} // '-' } qw(A C)), '- 3', 'others');
is(limits($said->{host}), '64 64 0.5 32', 'and none but these');

$res = put('made');
is($res->{status}, '200', 'replaced without any');
is(files_of('made'), 'made.py', 'none are left');
ok(!exists said('made', '/env')->{env}{C}, 'nor in the function');

is(put('other', language => 'python', memory => '70m')->{status}, '201', 'a PUT of a new one');
is(stands('other')->{memory}, 70 << 20, 'with settings');
is(put('other', language => 'deno')->{status}, '400', 'a language that there is not');
is(files_of('other'), 'other.json other.py', 'leaves all as it is');

# deleted

is(http(request('DELETE', '/functions/other'))->{status}, '204', 'deleted');
is(files_of('other'), '', 'with its settings');
is(create(name => 'other')->{status}, '201', 'and created again');
is(stands('other')->{memory}, 64 << 20, 'without them');



=== TEST 4: what is wrong is refused, and nothing is left of it
--- faas_http eval: $::Limits
--- user_files eval: ">>> fn/old.py\n$::Busy>>> fn/old.json\n{\"env\":{\"A\":\"1\"}}"
--- code
my $long = '"' . 'x' x 32768 . '"';
my $old = slurp(sidecar('old'));

for my $bad ('"memory":"97m"', '"memory":"7m"', '"memory":"64q"', '"memory":-1',
             '"memory":1.5', '"memory":null', '"memory":[]', '"memory":true', '"memory":""',
             '"cpus":0.76', '"cpus":0', '"cpus":0.001', '"cpus":"x"',
             '"pids":49', '"pids":7', '"concurrency":9', '"concurrency":0',
             '"max_instances":4', '"max_instances":0', '"min_instances":2',
             '"min_instances":1,"max_instances":0', '"idle":"11m"', '"idle":"off"',
             '"queue":21', '"queue":-1', '"queue_timeout":21', '"queue_timeout":0',
             '"timeout_ms":30001', '"timeout_ms":0', '"timeout_ms":1.5', '"timeout_ms":"5s"',
             '"env":[]', '"env":"A=1"', '"env":{"A":1}', '"env":{"A":null}', '"env":{"":"1"}',
             '"env":{"A=B":"1"}', '"env":{"A\u0000":"1"}', '"env":{"A":"\u0000"}',
             '"env":{"PORT":"1"}', '"env":{"K_SERVICE":"1"}', '"env":{"FAAS_TOKEN":"1"}',
             qq("env":{"A":$long}))
{
    my $res = post('/functions', qq({"name":"bad","language":"python","source_code":"",$bad}));

    is(error_code($res), '400 invalid_settings', substr($bad, 0, 40));
}

for my $bad ('"prewarm":1', '"image":"x"', '"Memory":"64m"', '"tmpfs":"1m"', '"start_timeout":1',
             '"mem":1')
{
    my $res = post('/functions', qq({"name":"bad","language":"python","source_code":"",$bad}));

    is(error_code($res), '400 unknown_field', $bad);
}

like(error_code(post('/functions', '{"name":"bad","language":"python","source_code":"",'
                                   . '"pids":20,"pids":20}')),
     qr/^400 invalid_/, 'a member twice');
is(error_code(put('old', memory => '1g')), '400 invalid_settings', 'a PUT is refused, too');

# more than would be read again

for my $request (['POST', '/functions', '"name":"bad","language":"python",'],
                 ['PUT', '/functions/old', ''])
{
    my ($method, $path, $more) = @$request;

    is(error_code(http(request($method, $path,
                               body => "{$more\"source_code\":\"\",\"env\":{" . ' ' x 70_000 . '}}'))),
       '400 invalid_settings', "$method: too many bytes");
}


is(files_of('bad'), '', 'nothing is left');
is(get('/functions/bad')->{status}, '404', 'nothing is there');
is(slurp(sidecar('old')), $old, 'what was there is as it was');
is(said('old', '/env')->{env}{A}, '1', 'and serves');



=== TEST 5: without faas_limits nothing can be raised
--- faas_http
    faas_runtime python prewarm=0 memory=64m;
--- code
for my $more ([ memory => '65m' ], [ concurrency => 2 ], [ max_instances => 2 ],
              [ min_instances => 1 ], [ queue => 1001 ], [ idle => '11m' ])
{
    is(error_code(create(name => 'more', @$more)), '400 invalid_settings',
       "no more $more->[0]");
}

is(create(name => 'less', memory => '60m', queue => 0, idle => 1, timeout_ms => 3600000)->{status},
   '201', 'but lowered');
is(error_code(create(name => 'long', timeout_ms => 3600001)), '400 invalid_settings',
   'an hour at most');



=== TEST 6: a change of the file is a new revision, and no request fails
--- faas_http
    faas_runtime python prewarm=1 concurrency=8;
--- user_files eval
">>> fn/live.py\n$::Busy>>> fn/live.json\n{\"env\":{\"STEP\":\"0\"}}"
--- code
my $first = said('live', '/env');
my $load = load(3, '/function/live/env', pause => 0.05);
my @seen;

for my $step (1 .. 3) {
    sleep 1;
    write_file(sidecar('live'), qq({"env":{"STEP":"$step"},"memory":"100m"}));
    ok(wait_for(10, sub { said('live', '/env')->{env}{STEP} eq $step }), "step $step is there");
}

my @calls = load_end($load);

is(failed_calls(@calls), '', 'no call has failed');

my $now = said('live', '/env');
isnt($now->{revision}, $first->{revision}, 'another revision');
isnt($now->{host}, $first->{host}, 'in another container');
like($now->{revision}, qr/-\Q@{[stands('live')->{revision}]}\E\z/, 'as is said of it');

# for each client in their order

my %last;
my $back = 0;

for my $call (@calls) {
    my $step = decode_json($call->{body})->{env}{STEP};

    $back++ if $step < ($last{$call->{client}} // 0);
    $last{$call->{client}} = $step;
}

is($back, 0, 'and never back to an old one');

# without it

unlink sidecar('live');
ok(wait_for(10, sub { !exists said('live', '/env')->{env}{STEP} }), 'none, without the file');
ok(wait_for(10, sub { instances('live') == 1 }), 'the others are drained');



=== TEST 7: a broken file leaves the old one at work
--- faas_http
    faas_runtime python prewarm=0 memory=64m concurrency=2;
--- user_files eval
">>> fn/good.py\n$::Busy>>> fn/good.json\n{\"env\":{\"A\":\"1\"}}\n"
. ">>> fn/none.py\n$::Busy>>> fn/none.json\n{\"memory\":\"65m\"}"
--- code
my $good = said('good', '/env');

is($good->{env}{A}, '1', 'it serves');

for my $bad ('{"env":', '[]', '{"colour":1}', '{"memory":"1t"}', '', '{"pids":9,"pids":9}') {
    write_file(sidecar('good'), $bad);
    ok(wait_for(5, sub { defined stands('good')->{settings_error} }), "$bad: is told");
    sleep 1.1;
    is(said('good')->{host}, $good->{host}, 'and the old one serves');
    write_file(sidecar('good'), '{"env":{"A":"1"}}');
    ok(wait_for(5, sub { !defined stands('good')->{settings_error} }), 'and well again');
}

like(error_log_text(), qr/\[error\].*"good"/, 'the log says so');

is(get('/function/none')->{status}, '502', 'one that never was well does not start');
like(stands('none')->{settings_error}, qr/memory/, 'and the reason is told');
my $run = invoke('none', '{}');
is($run->{status}, 'failed', 'an invocation, too');
like($run->{error_message}, qr/memory/, 'with the reason');

write_file(sidecar('none'), '{"memory":"50m"}');
ok(wait_for(5, sub { get('/function/none')->{status} eq '200' }), 'until it is mended');



=== TEST 8: a change of the limits of a function
--- faas_http
    faas_runtime python prewarm=0 concurrency=2 max_instances=2 queue=5;
--- user_files eval: ">>> fn/q.py\n$::Busy"
--- code
is(said('q')->{service}, 'q', 'it serves');
write_file(sidecar('q'), '{"queue":0,"max_instances":1,"concurrency":1}');
ok(wait_for(5, sub { said('q'); stands('q')->{concurrency} == 1 }), 'less');
sleep 1.1;
said('q');

my $busy = sent('GET', '/function/q/sleep/4');

ok(wait_for(5, sub { stands('q')->{active} == 1 }), 'one is at work');
is(error_code(get('/function/q')), '503 no_capacity', 'and no other finds a place');
is(answer_of($busy)->{status}, '200', 'it is answered');
ok(wait_for(10, sub { instances('q') == 1 }), 'one instance is left');
