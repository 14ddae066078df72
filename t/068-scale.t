# As many instances as are needed and no more, a queue past that, and nobody
# starved.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use FaasScale;

use List::Util qw(max);
use Time::HiRes qw(sleep time);

plan tests => 111;

worker_connections(1024);

our $Busy = busy_py();

# so many calls wait for a place

sub waiting {
    my ($name, $n) = @_;

    return wait_for(10, sub { (stands($name)->{waiting} // -1) == $n });
}

sub active {
    my ($name, $n) = @_;

    return wait_for(15, sub { (stands($name)->{active} // -1) == $n });
}

run_tests();

__DATA__

=== TEST 1: a burst on a cold function
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=4;
--- user_files eval: ">>> fn/burst.py\n$::Busy"
--- code
my $events = watch_events();
my @answers = parallel([ (request('GET', '/function/burst/sleep/0.05')) x 60 ],
                       timeout => 40);

is(counted(@answers), '60 x 200', 'all are answered');
is(scalar(grep { !$_->{complete} } @answers), 0, 'completely');

my %hosts = map { decode_json($_->{body})->{host} => 1 } @answers;

cmp_ok(scalar(keys %hosts), '<=', 4, 'by four instances at most');
cmp_ok(scalar(keys %hosts), '>', 1, 'and by more than one');

ok(settled('burst'), 'no place is taken, and nobody waits');
ok(wait_for(5, sub { stands('burst')->{instances} == instances() }), 'as many as it says');
sleep 0.3;

my @events = events($events, 'create', 'destroy');

cmp_ok(most_at_a_time(@events), '<=', 4, 'never more than four containers');
cmp_ok(scalar(grep { $_->{action} eq 'create' } @events), '<=', 4, 'none in vain');

# and warm

@answers = parallel([ (request('GET', '/function/burst')) x 60 ]);
is(counted(@answers), '60 x 200', 'once more');
ok(settled('burst'), 'no place is taken');
cmp_ok(most_at_a_time(events($events, 'create', 'destroy')), '<=', 4, 'nor more');



=== TEST 2: one after another, in the order of their coming
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1;
--- user_files eval: ">>> fn/fifo.py\n$::Busy"
--- code
get('/function/fifo');

my @socks = sent('GET', '/function/fifo/sleep/4');

ok(active('fifo', 1), 'one is at work');

for my $i (1 .. 8) {
    push @socks, sent('GET', "/function/fifo/$i");
    main::waiting('fifo', $i) or fail("$i wait");
}

my $stands = stands('fifo');

is("$stands->{active} $stands->{waiting} $stands->{instances} $stands->{state}",
   '1 8 1 ready', 'one is served, eight wait');

my @answers = map { answer_of($_) } @socks;

is(join(' ', map { fn_count($_) } @answers), '2 3 4 5 6 7 8 9 10',
   'first come, first served, in whichever worker');
ok(settled('fifo'), 'nobody is left');



=== TEST 3: a queue of three places
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=3;
--- user_files eval: ">>> fn/queue.py\n$::Busy>>> fn/other.py\n$::Busy"
--- code
get('/function/queue');

my $busy = sent('GET', '/function/queue/sleep/5');
ok(active('queue', 1), 'one is at work');

my @waiters = map { sent('GET', '/function/queue') } 1 .. 3;
ok(waiting('queue', 3), 'three wait');

my @more = parallel([ (request('GET', '/function/queue')) x 6 ]);

is(join(', ', map { error_code($_) } @more), join(', ', ('503 no_capacity') x 6),
   'the rest is told so');
is(scalar(grep { (header($_, 'Retry-After') // '') =~ /^[1-9]\d*$/ } @more), 6,
   'with Retry-After');
is(stands('queue')->{waiting}, 3, 'while the others wait');
is(error_code(http(invoke_request('queue', '{}'))), '503 no_capacity',
   'an invocation is told so, too');
is(get('/function/other')->{status}, 200, 'another function is served');

is(counted(map { answer_of($_) } $busy, @waiters), '4 x 200', 'who waited is answered');
ok(settled('queue'), 'no place is taken');
is(fn_count(get('/function/queue')), 6, 'and nothing was called that was refused');



=== TEST 4: no queue, and a cold function
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=2 queue=2;
--- user_files eval: ">>> fn/cold.py\n$::Busy"
--- code
my @answers = parallel([ (request('GET', '/function/cold/sleep/0.2')) x 12 ]);
my @refused = grep { $_->{status} ne '200' } @answers;

cmp_ok(scalar(@refused), '>=', 6, 'most find no place');
cmp_ok(scalar(@refused), '<=', 10, 'and some do');
is(join(', ', grep { $_ ne '503 no_capacity' } map { error_code($_) } @refused), '',
   'with the reason');
ok(settled('cold'), 'no place is taken');
is(counted(parallel([ (request('GET', '/function/cold')) x 2 ])), '2 x 200',
   'two at a time are served');



=== TEST 5: no longer than queue_timeout
--- faas_http
    faas_runtime python prewarm=1 concurrency=1 max_instances=1 queue_timeout=1s;
--- user_files eval: ">>> fn/late.py\n$::Busy"
--- code
wait_for(30, sub { get('/function/late')->{status} eq '200' });

my $busy = sent('GET', '/function/late/sleep/5');
ok(active('late', 1), 'one is at work');

my $began = time;
my $res = get('/function/late');

is(error_code($res), '503 no_capacity', 'who waits is told so');
like(header($res, 'Retry-After'), qr/^[1-9]/, 'with Retry-After');
cmp_ok(time - $began, '>', 0.9, 'not before its time');
is(stands('late')->{active}, 1, 'and before the other one has ended');
is(answer_of($busy)->{status}, '200', 'which is answered');
ok(settled('late'), 'no place is taken');
is(get('/function/late')->{status}, '200', 'the next one is served');



=== TEST 6: whoever goes away leaves the queue
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=10;
--- user_files eval: ">>> fn/leave.py\n$::Busy"
--- code
get('/function/leave');

my $busy = sent('GET', '/function/leave/sleep/8');
ok(active('leave', 1), 'one is at work');

# one after another: whom two workers accept at once may be the first of them
my @waiters = map { my $sock = sent('GET', '/function/leave');
                    waiting('leave', $_);
                    $sock } 1 .. 10;
ok(waiting('leave', 10), 'ten wait');
is(error_code(get('/function/leave')), '503 no_capacity', 'there is no place');

for my $i (0 .. 4) {
    $i % 2 ? abort_connection($waiters[2 * $i]) : close($waiters[2 * $i]);
}

ok(waiting('leave', 5), 'five have left');

my @more = map { sent('GET', '/function/leave') } 1 .. 5;

ok(waiting('leave', 10), 'and others have their places');
is(join(' ', map { fn_count(answer_of($_)) } $busy, @waiters[1, 3, 5, 7, 9]),
   '2 3 4 5 6 7', 'who stayed is called, in the old order');
is(join(' ', sort { $a <=> $b } map { fn_count(answer_of($_)) } @more),
   '8 9 10 11 12', 'then those who came, and nobody else was');
ok(settled('leave'), 'no place is taken');



=== TEST 7: two locations, and two servers, have one pool
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=1;

    server {
        listen unix:$TEST_NGINX_HTML_DIR/other.sock;

        location / {
            faas       pool;
            proxy_pass http://functions;
        }
    }
--- faas_locations
    location /here/ {
        faas       pool;
        proxy_pass http://functions/;
    }
--- user_files eval: ">>> fn/pool.py\n$::Busy"
--- code
my %other = (unix => html_dir() . '/other.sock');
my $first = get('/function/pool');

my $busy = sent('GET', '/here/sleep/4');
ok(active('pool', 1), 'one is at work');

my $waiter = sent('GET', '/function/pool');
ok(waiting('pool', 1), 'one of another location waits');
is(error_code(http(request('GET', '/'), %other)), '503 no_capacity',
   'one of another server finds no place');

is(join(' ', map { fn_count(answer_of($_)) } $busy, $waiter), '2 3', 'one after another');
is(fn_count(http(request('GET', '/'), %other)), 4, 'of the same instance');
is(scalar(instances()), 1, 'which is the only one');



=== TEST 8: concurrency, and who fills it first
--- faas_http
    faas_runtime python prewarm=0 concurrency=4 max_instances=2;
--- user_files eval: ">>> fn/many.py\n" . FaasScale::busy_py(threads => 1)
--- code
get('/function/many');

my @socks = map { sent('GET', '/function/many/sleep/8') } 1 .. 4;

ok(active('many', 4), 'four at a time');
is(stands('many')->{instances}, 1, 'on one instance');

push @socks, sent('GET', '/function/many');
is(answer_of(pop @socks)->{status}, '200', 'the fifth one is answered by another');
is(stands('many')->{instances}, 2, 'for there are two now');

push @socks, map { sent('GET', '/function/many/sleep/4') } 1 .. 6;
ok(wait_for(5, sub { my $s = stands('many'); $s->{active} == 8 && $s->{waiting} == 2 }),
   'eight are served, two wait');
is(counted(map { answer_of($_) } @socks), '10 x 200', 'all are answered');
ok(settled('many'), 'no place is taken');
is(scalar(instances('many')), 2, 'by two instances');



=== TEST 9: a flood of one function is no matter to another
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker_concurrency 1;
    faas_runtime python prewarm=0 concurrency=1 max_instances=3 queue=20;

    upstream functions {
        faas;
        keepalive 8;
    }
--- user_files eval: FaasTest::files($::Busy, 'flood.py', 'cold.py', 'warm.py')
--- code
is(get('/function/warm')->{status}, '200', 'one is warm');

my $load = load(40, '/function/flood/sleep/0.1', pause => 0.05);

ok(wait_for(10, sub { stands('flood')->{waiting} > 17 }), 'a flood, and a full queue');

my $began = time;
my $cold = get('/function/cold');
my @warm = map { get('/function/warm') } 1 .. 20;
my $ended = time;

is($cold->{status}, '200', 'a cold one is started');
is(counted(@warm), '20 x 200', 'a warm one answers');
is(join(' ', map { fn_count($_) } @warm), join(' ', 2 .. 21), 'and is the same');

sleep 0.5;

my @calls = load_end($load);
my %status = map { $_->{status} => 1 } @calls;

ok((grep { $_->{ended} < $began } @calls) && (grep { $_->{began} > $ended } @calls),
   'while the flood lasted');
is(join(' ', sort keys %status), '200 503', 'of which some are refused');
is(join(' ', grep { !/no_capacity/ } map { $_->{body} }
             grep { $_->{status} eq '503' } @calls), '', 'for there is no place');
cmp_ok(scalar(instances('flood')), '<=', 3, 'and three instances are all it has');
ok(settled($_), "no place of $_ is taken") for qw(flood warm cold);



=== TEST 10: no queue, and calls right after a start of nginx
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=2 queue=0;
--- user_files eval: ">>> fn/soon.py\n$::Busy"
--- code
for my $round (1 .. 3) {
    ok(stop_nginx('QUIT', 15), 'a stop');
    ok(start_nginx(), 'a start');
    is(counted(parallel([ (request('GET', '/function/soon')) x 2 ])), '2 x 200',
       'calls for which there is room wait for what is adopted or started');
}



=== TEST 11: more functions than the zone has room for
--- http_config
    faas_zone test:32k;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python prewarm=0 concurrency=1 idle=3s start_timeout=15s;

    upstream functions {
        faas;
        keepalive 8;
    }
--- user_files eval: FaasTest::files($::Busy, map { "f$_.py" } 1 .. 40)
--- code
my $events = watch_events();
my @answers = parallel([ map { request('GET', "/function/f$_/sleep/2") } 1 .. 40 ],
                       timeout => 60);
my %status = map { $_->{status} => 1 } @answers;

is(join(' ', sort keys %status), '200 503', counted(@answers));
is(join(' ', grep { $_ ne '503 no_capacity' } map { error_code($_) }
             grep { $_->{status} eq '503' } @answers), '', 'for there is no place');
is(scalar(grep { !defined header($_, 'Retry-After') }
          grep { $_->{status} eq '503' } @answers), 0, 'now');

my @wanting = grep { $answers[$_ - 1]{status} eq '503' } 1 .. 40;

ok(wait_for(30, sub { !instances() }), 'when the others are idle');

# A container is gone before the engine says so.  And not all have room at once:
# what the requests of both workers take may be of two pages, or of one.

my $counted;

ok(wait_for(10, sub {
    $counted = counted(parallel([ map { request('GET', "/function/f$_") } @wanting[0 .. 9] ],
                                timeout => 60));
    return $counted eq '10 x 200';
}), 'there is') or diag($counted);
ok(settled("f$_"), "no place of f$_ is taken") for 1, $wanting[0];
cmp_ok(most_at_a_time(events($events, 'create', 'destroy')), '<=', 32,
       'never more containers than the zone knows');



=== TEST 12: what waits for a place with its input takes no memory for it
--- faas_http
    faas_runtime python prewarm=0 concurrency=1 max_instances=1 queue=100 queue_timeout=30s;
--- user_files eval: ">>> fn/wait.py\n$::Busy"
--- code
is(get('/function/wait')->{status}, '200', 'one instance');

my $busy = sent('GET', '/function/wait/sleep/4');
ok(active('wait', 1), 'it is at work');

my $before = peak_memory();
my @answers = parallel([ map { invoke_request('wait', '"' . 'x' x (900_000 + $_) . '"',
                                              timeout_ms => 60000) } 1 .. 60 ],
                       timeout => 60);
my $grown = peak_memory() - $before;

is(join(' ', map { result($_)->{output}{length} // 'none' } @answers),
   join(' ', map { 900_002 + $_ } 1 .. 60), 'each gets there whole');
cmp_ok($grown, '<', 20 * 1024, "the workers grew by $grown kB");
is(answer_of($busy)->{status}, '200', 'the first is answered');
ok(settled('wait'), 'no place is taken');



=== TEST 13: a large input moves on with its call
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;
    faas_runtime python prewarm=0;

    upstream functions {
        faas;
        keepalive 8;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'mute');
--- user_files eval: ">>> fn/large.py\n$::Busy"
--- code
my $input = '"' . 'x' x 900_000 . '"';
my $first = invoke('large', $input, timeout_ms => 60000)->{output};

is($first->{length}, 900_002, 'it gets there');

# nobody tells of it: the next call finds out

my ($instance) = instances('large');
act_on('kill', $instance->{Id});

my $second = invoke('large', $input, timeout_ms => 60000)->{output};

is($second->{length}, 900_002, 'and to the next instance');
isnt($second->{host}, $first->{host}, 'which is another one');
