# The same, whatever processes nginx is made of.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 71;

worker_connections(256);

our $Where = FaasTest::where_py();

# Create, invoke, read, call, replace, delete; many at a time, and a command.

sub all_of_it {
    my ($name) = @_;
    my $json = JSON::PP->new->utf8;
    my $write = sub {
        my ($method, $path, $version) = @_;
        return http(request($method, $path,
                            body => $json->encode({ name => 'made', language => 'python',
                                                    source_code => FaasTest::where_py($version) })));
    };

    is($write->('POST', '/functions', 1)->{status}, 201, "$name: created");
    is(invoke('made')->{output}{version}, 1, "$name: invoked");

    my @all = parallel([ map { request('GET', "/function/made/sleep/0.1?$_") } 1 .. 20 ]);

    is(scalar(grep { $_->{status} == 200 } @all), 20, "$name: twenty at a time");
    cmp_ok(scalar(keys %{ { map { where($_)->{host} => 1 } @all } }), '<=', 2,
           "$name: in two instances at the most");

    is($write->('PUT', '/functions/made', 2)->{status}, 200, "$name: replaced");
    is(where(get('/function/made'))->{version}, 2, "$name: called");

    is(get('/functions/made')->{status}, 200, "$name: read");
    is(http(request('DELETE', '/functions/made'))->{status}, 204, "$name: deleted");
    is(get('/function/made')->{status}, 404, "$name: gone");
    ok(wait_for(15, sub { !instances() }), "$name: with its containers");

    is(join(' ', map { $_->{body} } parallel([ map { request('POST', '/command/', body => $_) }
                                               1 .. 20 ])),
       join(' ', 1 .. 20), "$name: a command");

    return;
}


run_tests();

__DATA__

=== TEST 1: numbers of workers, ways to accept, and no master
--- faas_http
    faas_runtime python prewarm=0 concurrency=10 max_instances=2;
    faas_runtime deno prewarm=0;
    faas_command cat /bin/cat max=4 queue=100;
--- faas_locations
    location /command/ {
        faas cat;
    }
--- code
my $file = server_root() . '/conf/nginx.conf';
my $conf = slurp($file);

for my $case (
    [ 'one worker', 1, qr/worker_processes\s+2;/ => 'worker_processes 1;' ],
    [ 'eight workers', 8, qr/worker_processes\s+2;/ => 'worker_processes 8;' ],
    [ 'accept_mutex', 2, qr/accept_mutex off;/ => 'accept_mutex on;' ],
    [ 'reuseport', 2, qr/(listen\s+\d+)/ => '"$1 reuseport"' ],
    [ 'no master', 0, qr/master_process on;/ => 'master_process off;' ],
)
{
    my ($name, $workers, $from, $to) = @$case;
    my $changed = $conf;

    $to = qq("$to") if $to !~ /"/;
    $changed =~ s/$from/$to/ee or die "$name: nothing like $from";

    ok(stop_nginx('QUIT', 15), "$name: what was there ends");
    write_file($file, $changed);
    ok(start_nginx(), "$name: it starts");
    ok(wait_for(5, sub { scalar(all_worker_pids()) == $workers }), "$name: processes");

    main::all_of_it($name);
}
