# What a hostile function can reach from inside of its container: all of it is
# compared with t/containment.golden.  The outside is a host of our own, in a
# network namespace; one of its addresses is for documentation, out of a network
# that this machine does not use, and the other is that of the metadata service of
# clouds.  FAAS_GOLDEN=1 writes the file anew.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;
use MIME::Base64;

use IO::Socket::INET;

plan tests => 62;

our %Entrypoint = (python => [ 'python3', '-u', '-c' ],
                   deno => [ qw(deno run --quiet --no-prompt --no-config --no-lock --no-remote --no-npm
                                --allow-net --allow-env --allow-read=/tmp --allow-write=/tmp --preload
                                /tmp/function.ts) ]);

our $Scan = FaasClient::slurp('t/lib/scan.py');
our $Greet = FaasClient::slurp('data/functions/greet.py');

my $owner = $$;
my $netns = "faas-test-$$";
my $veth = "faat$$";
my (@pids, @rules, @undo);

our ($net) = grep { my $n = $_; !grep { /\b\Q$n\E\./ } `ip route show table all` }
             '192.0.2', '198.51.100', '203.0.113';


sub sh {
    my ($command) = @_;
    return system("$command >/dev/null 2>&1") == 0;
}


# a server on all addresses, and in the namespace if one is named; its port

sub serve {
    my ($port, @in) = @_;

    pipe(my $out, my $in) or die "pipe: $!";
    my $pid = fork;
    die "fork: $!" if !defined $pid;

    if (!$pid) {
        open(STDOUT, '>&', $in) or POSIX::_exit(1);
        exec(@in, $^X, '-MIO::Socket::INET', '-e',
             'alarm 120; my $s = IO::Socket::INET->new(Listen => 64, LocalPort => shift)'
             . ' or die; syswrite STDOUT, $s->sockport . "\n"; close STDOUT;'
             . ' 1 while $s->accept', $port)
            or POSIX::_exit(1);
    }

    close $in;
    push @pids, $pid;
    chomp(my $got = <$out> // '');

    return $got;
}


sub outside {
    push @undo, "ip link del $veth", "ip netns del $netns";

    return $net
           && sh("ip netns add $netns")
           && sh("ip link add $veth type veth peer name out netns $netns")
           && sh("ip addr add $net.1/24 dev $veth")
           && sh("ip link set $veth up")
           && sh("ip -n $netns link set lo up")
           && sh("ip -n $netns link set out up")
           && sh("ip -n $netns addr add $net.2/24 dev out")
           && sh("ip -n $netns addr add 169.254.169.254/32 dev lo")
           && sh("ip -n $netns route add default via $net.1")
           && sh("ip route add 169.254.169.254/32 via $net.2 dev $veth")
           && serve(80, 'ip', 'netns', 'exec', $netns);
}


# as the host, which does reach them all

sub connects {
    my ($address, $port) = @_;
    return defined IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port,
                                         Timeout => 5);
}


# the network, its bridge, and its gateway

sub network {
    my ($instance) = @_;
    my ($name) = keys %{ $instance->{NetworkSettings}{Networks} };
    my $network = decode_json(engine('GET', "/networks/$name")->{body});

    return ($network->{Options}{'com.docker.network.bridge.name'},
            $network->{IPAM}{Config}[0]{Gateway});
}


sub address {
    my ($instance) = @_;
    return (values %{ $instance->{NetworkSettings}{Networks} })[0]{IPAddress};
}


# the first rule counts

sub allow {
    my ($rule) = @_;
    push @rules, $rule;
    return sh("iptables -w 10 -I $rule -j ACCEPT");
}


sub forbid {
    sh("iptables -w 10 -D $_ -j ACCEPT") for splice @rules;
}


sub scan {
    my ($wanted) = @_;
    my $res = post('/function/scan', Cpanel::JSON::XS::encode_json($wanted));

    return $res->{status} == 200 ? $res->{body} : $res->{raw};
}


# what it was asked to create, by the notes of an engine between, and what the
# loader is told besides its token

sub creations {
    my $notes = slurp($_[0]);
    my @created;

    while ($notes =~ m{^(POST\ \S*/containers/create\?\S+)\ .*?\r\n\r\n
                       (\{.*?\})(?=[A-Z]+\ /|\z)}gmsx)
    {
        my ($line, $body) = ($1, decode_json($2));
        my @env = grep { /^FAAS_(?!TOKEN|CONTROL_PORT)/ } @{ $body->{Env} };

        push @created, { line => $line, body => $body, env => "@env" };
    }

    return @created;
}


sub as_template {
    my ($created, $runtime, $file) = @_;
    my $body = $created->{body};
    my $memory = ($runtime eq 'deno' ? 256 : 128) << 20;
    my $owner = $body->{Labels}{'faas.owner'};

    like($created->{line}, qr{\?name=faas-[0-9a-f]{8}-[0-9a-f]{8}-\d+-\d+\z}, "$runtime: a name of ours");

    # what differs from one run to the next
    my $address = delete $body->{NetworkingConfig}{EndpointsConfig}{"faas-$owner"}{IPAMConfig};
    my ($loader) = splice @{ $body->{Entrypoint} }, $runtime eq 'deno' ? -2 : -1, 1;
    my ($token) = map { /^FAAS_TOKEN=([0-9a-f]{32})$/ } @{ $body->{Env} };

    $loader = decode_base64($1) if $loader =~ m{^data:application/javascript;base64,(.*)}s;

    like($address->{IPv4Address}, qr/^198\.1[89]\.\d+\.\d+$/, 'an address');
    is($loader, slurp("ngx_http_faas_module/loaders/$file"), 'the loader');
    is(scalar(keys %$address), 1, 'and no other');

    my (undef, $profile) = @{ $body->{HostConfig}{SecurityOpt} };
    $profile =~ s/^seccomp=//;

    my $false = Cpanel::JSON::XS::false();
    my $true = Cpanel::JSON::XS::true();
    my $canonical = Cpanel::JSON::XS->new->canonical->pretty;

    is($canonical->encode($body), $canonical->encode({
        Image => "faas-$runtime", User => '65534:65534', WorkingDir => '/tmp',
        Entrypoint => $Entrypoint{$runtime}, Cmd => [],
        Env => [ 'HOME=/tmp', 'PYTHONDONTWRITEBYTECODE=1', 'DENO_DIR=/tmp/.deno',
                 'DENO_NO_UPDATE_CHECK=1', 'NO_COLOR=1', 'PORT=8080', 'FAAS_CONTROL_PORT=8081',
                 "FAAS_TOKEN=$token", split / /, $created->{env} ],
        Labels => { 'faas.managed' => '1', 'faas.zone' => 'test', 'faas.owner' => $owner,
                    'faas.prefix' => server_root() . '/', 'faas.runtime' => $runtime,
                    map { ($_ => $body->{Labels}{$_}) } qw(faas.epoch faas.kind faas.slot) },
        StopSignal => 'SIGTERM', StopTimeout => 1, OpenStdin => $false, Tty => $false,
        AttachStdin => $false, AttachStdout => $false, AttachStderr => $false,
        NetworkingConfig => { EndpointsConfig => { "faas-$owner" => {} } },
        HostConfig => {
            NetworkMode => "faas-$owner", CapDrop => ['ALL'],
            SecurityOpt => [ 'no-new-privileges:true', "seccomp=$profile" ],
            ReadonlyRootfs => $true, OomScoreAdj => 500, IpcMode => 'private',
            ShmSize => 16777216, CgroupnsMode => 'private', Init => $true,
            Tmpfs => { '/tmp' => 'rw,nosuid,nodev,noexec,mode=1777,size=67108864' },
            Memory => $memory, MemorySwap => $memory, NanoCpus => 1000000000,
            PidsLimit => 64, DnsOptions => [ 'timeout:1', 'attempts:1' ],
            Ulimits => [ { Name => 'nofile', Soft => 1024, Hard => 1024 },
                         { Name => 'core', Soft => 0, Hard => 0 } ],
            LogConfig => { Type => 'json-file', Config => { 'max-size' => '1m', 'max-file' => '2' } },
            RestartPolicy => { Name => 'no' }, AutoRemove => $false, Privileged => $false,
            PublishAllPorts => $false,
        },
    }), 'all the rest is as it always is');

    is($canonical->encode(decode_json($profile)),
       $canonical->encode(decode_json(slurp('ngx_http_faas_module/loaders/seccomp.json'))),
       'and the filter of system calls that of the file');
}


END {
    if ($$ == $owner) {
        my $rc = $?;
        kill('KILL', @pids) if @pids;
        waitpid($_, 0) for @pids;
        forbid();
        sh($_) for @undo;
        $? = $rc;
    }
}


no_shuffle();
run_tests();

__DATA__

=== TEST 1: all that a function can reach
--- faas_http
    faas_runtime python prewarm=1;

    # of a scanner that is cut off nginx would not hear, and wait when it ends
    client_header_timeout 2s;
--- user_files eval
">>> fn/scan.py\n$::Scan>>> fn/peer.py\n$::Greet>>> fn/third.py\n$::Greet"
--- code
ok(main::outside(), 'there is an outside');
my $port = main::serve(0);

is(get('/function/peer')->{status}, 200, 'another function');
is(get('/function/scan')->{status}, 501, 'the scanner');

# who is who: a spare has no function
my %found;

wait_for(20, sub {
    $found{$_->{Labels}{'faas.function'} || 'spare'} = $_
        for grep { $_->{State} eq 'running' } instances();
    return $found{peer} && $found{scan} && $found{spare}
           && main::connects(main::address(inspect($found{spare}{Id})), 8081);
});

my ($peer, $scan, $spare) = map { inspect($found{$_}{Id}) } qw(peer scan spare);
my ($bridge, $gateway) = main::network($scan);
my $docker0 = decode_json(engine('GET', '/networks/bridge')->{body})
                  ->{IPAM}{Config}[0]{Gateway} // '172.17.0.1';
my ($last) = $gateway =~ /\.(\d+)$/;

my @targets = (
    [ 'the host, at the gateway', $gateway, $port + 0 ],
    [ 'nginx, at the gateway', $gateway, $Test::Nginx::Util::ServerPort + 0 ],
    [ 'the host, at docker0', $docker0, $port + 0 ],
    [ 'the host, at another address', "$main::net.1", $port + 0 ],
    [ 'another function', main::address($peer), 8080 ],
    [ 'the loader of a spare', main::address($spare), 8081 ],
    [ 'the outside', "$main::net.2", 80 ],
    [ 'the metadata service', '169.254.169.254', 80 ],
);

ok(main::connects(@$_[1, 2]), "$_->[0]: from the host") for @targets;

my $wanted = {
    targets => \@targets,
    sweep => [ $last, $last + 15 ],
    datagrams => [ [ 'the host', $gateway, $port + 0 ], [ 'the outside', "$main::net.2", 53 ] ],
};

my $seen = main::scan($wanted);
my $golden = slurp('t/containment.golden');

if ($ENV{FAAS_GOLDEN}) {
    write_file('t/containment.golden', $golden = $seen);
}

my @differ;
my ($is, $was) = map { { map { /^(.*?): (.*)$/ } split /\n/ } } $seen, $golden;

for (sort keys %{ { %$is, %$was } }) {
    my ($a, $b) = ($is->{$_} // 'missing', $was->{$_} // 'missing');
    push @differ, "$_: $a, and should be: $b" if $a ne $b;
}

is(join("\n", @differ), '', 'as t/containment.golden says');

unlike(error_log_text(), qr/can connect to this host/, 'nothing to warn of');

# without the rules of the firewall

my @rules = ("INPUT -i $bridge", "FORWARD -i $bridge", "FORWARD -o $bridge");

is(scalar(grep { main::allow($_) } @rules), 3, 'no rule counts for a moment');
$seen = main::scan({ %$wanted, parts => ['network'] });

# it takes the spare, and the next one tells
is(get('/function/third')->{status}, 200, 'a third function');
ok(wait_for(20, sub { error_log_text() =~ /\[warn\].* can connect to this host/ }),
   'a spare could connect, too, and the log warns of it');
main::forbid();

for ('the host, at the gateway', 'nginx, at the gateway', 'another function',
     'the outside')
{
    like($seen, qr/^connect to $_: open$/m, "$_ would be open");
}



=== TEST 2: the engine is asked for the same, whatever a function is
--- fresh
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/engine.sock;
--- code
my $log = fake_engine(html_dir() . '/engine.sock', 'relay');
my $evil = qq("}],"HostConfig":{"Privileged":true},"x":[{"\\\\\\u0022\\u0007\t\r\n'\$(id)`id`\x7f);
my $source = FaasTest::echo_py();
my %spec = (name => 'evil-1.x_y', language => 'python', source_code => $source);

# options of the engine are no settings

for (qw(HostConfig Privileged Binds CapAdd Mounts Devices NetworkMode SecurityOpt User
        Entrypoint Cmd seccomp image tmpfs))
{
    my $res = post('/functions', Cpanel::JSON::XS::encode_json({ %spec, $_ => ['x'] }));
    is("$res->{status} " . decode_json($res->{body})->{error}{code}, '400 unknown_field', $_);
}

# and what is a setting is no option

my %env = ('HostConfig' => '{"Privileged":true}', '"},"Privileged":true,"' => $evil,
           'Binds' => '["/:/host"]', "A\n\\" => $evil);
my $res = post('/functions', Cpanel::JSON::XS::encode_json({ %spec, env => \%env }));

is($res->{status}, 201, 'created') or diag($res->{raw});
is(result(http(invoke_request($spec{name}, '"called"')))->{output}, 'called', 'called');

my ($created) = main::creations($log);

main::as_template($created, 'python', 'python.py');
is($created->{env}, '', 'and no other variable');



=== TEST 3: and for a spare
--- fresh
--- faas_http
    faas_docker unix:$TEST_NGINX_HTML_DIR/engine.sock;
    faas_docker_concurrency 1;
    faas_runtime python prewarm=1;
    faas_runtime deno prewarm=1;
--- post_setup_server_root
$::Log = FaasTest::fake_engine(html_dir() . '/engine.sock', 'relay');
--- user_files eval: ">>> fn/f.py\n" . FaasTest::echo_py()
--- code
is(result(http(invoke_request('f', '"called"')))->{output}, 'called', 'one is called');
ok(wait_for(20, sub { spares() == 2 }), 'a spare of each runtime');

my %created = map { $_->{body}{Labels}{'faas.runtime'} => $_ }
              grep { $_->{env} =~ /REHEARSE/ } main::creations($::Log);

for (['python', 'python.py'], ['deno', 'deno.ts'])
{
    my ($runtime, $loader) = @$_;

    main::as_template($created{$runtime}, $runtime, $loader);
    like($created{$runtime}{env},
         qr/\AFAAS_REHEARSE=1(?: FAAS_KNOCK=198\.1[89]\.\d+\.1:\d+)?\z/,
         "$runtime: what a spare is told besides");
}
