package Bench::Bare;

# The interpreters without nginx and without the module: in a container that is
# made by hand, with the body of one of ours, and as a plain process, out of the
# same image.

use strict;
use warnings;

use Bench::Engine qw(engine remove);
use Bench::Http qw(address free_port now poll);
use Exporter 'import';
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(unpack_image command network by_hand process end_process);


# command(RUNTIME, SOURCE): as a user would start it

sub command {
    my ($runtime, $source) = @_;

    return ('/usr/bin/python3', '-u', '-c', $source) if $runtime eq 'python';

    return ('/usr/bin/deno', 'run', '--quiet', '--no-prompt', '--no-config',
            '--no-lock', '--no-remote', '--no-npm', '--allow-net',
            '--allow-env', '--allow-read=/tmp', '--allow-write=/tmp',
            'data:application/typescript;base64,'
            . encode_base64($source, ''));
}


# unpack_image(IMAGE, DIRECTORY): what a plain process sees as its root

sub unpack_image {
    my ($image, $dir) = @_;
    my ($status, $made) = engine('POST', '/containers/create',
                                 { Image => $image, Cmd => ['none'] });

    die "no container of image $image: status $status\n" if $status != 201;

    mkdir $dir or die "$dir: $!\n";

    my $rc = system('bash', '-c', <<'END', 'bash', $made->{Id}, $dir,
set -o pipefail
curl -sS --noproxy '*' --unix-socket "$FAAS_BENCH_ENGINE" \
     "http://docker/containers/$1/export" | tar -x -C "$2"
END
                   );

    remove($made->{Id});
    die "image $image could not be unpacked\n" if $rc != 0;

    return;
}


# network(PREFIX): as the module makes its own, but for the owner; its name, and
# the first three numbers of its addresses

sub network {
    my ($prefix) = @_;

    for (1 .. 50) {
        my $n = int rand 128;
        my $base = sprintf '198.%d.%d', 18 + ($n >> 6), ($n & 63) << 2;
        my $name = sprintf 'faasbench%04x', rand 0x10000;

        my ($status) = engine('POST', '/networks/create', {
            Name => $name,
            Driver => 'bridge',
            Internal => JSON::PP::true,
            CheckDuplicate => JSON::PP::true,
            Options => {
                'com.docker.network.bridge.enable_icc' => 'false',
                'com.docker.network.bridge.name' => $name,
            },
            IPAM => { Config => [ { Subnet => "$base.0/22",
                                    Gateway => "$base.1" } ] },
            Labels => { 'faas.managed' => '1', 'faas.prefix' => $prefix },
        });

        return { name => $name, base => $base, prefix => $prefix, last => 9 }
            if $status == 201;
    }

    die "no network could be made\n";
}


# by_hand(NETWORK, MODEL, COMMAND, REQUEST): MODEL is what the engine says of a
# container of ours.  Gives the seconds, status, body and the id.

sub by_hand {
    my ($network, $model, $command, $request) = @_;
    my $ip = "$network->{base}." . ++$network->{last};
    my %config = %{ $model->{Config} };

    $config{Entrypoint} = $command;
    $config{Env} = [ grep { !/^FAAS_/ } @{ $config{Env} } ];
    $config{Labels} = { 'faas.managed' => '1',
                        'faas.prefix' => $network->{prefix} };
    $config{HostConfig} = { %{ $model->{HostConfig} },
                            NetworkMode => $network->{name} };
    $config{NetworkingConfig} = { EndpointsConfig => {
        $network->{name} => { IPAMConfig => { IPv4Address => $ip } } } };

    delete @config{qw(Hostname Domainname MacAddress)};

    my $began = now();
    my ($status, $made) = engine('POST', '/containers/create', \%config);

    die "create by hand: status $status\n" if $status != 201;

    ($status) = engine('POST', "/containers/$made->{Id}/start");
    die "start by hand: status $status\n" if $status != 204;

    my (undef, $code, $body) = poll(address($ip, 8080), $request, 20);

    return (now() - $began, $code, $body, $made->{Id});
}


# process(ROOT, COMMAND, REQUEST): from exec() on, for a fork of a client as
# large as this one is not the interpreter's.  Gives seconds, status, body, pid.

sub process {
    my ($root, $command, $request) = @_;
    my $port = free_port();

    pipe(my $out, my $in) or die "pipe: $!\n";

    my $pid = fork;
    die "fork: $!\n" if !defined $pid;

    if ($pid == 0) {
        close $in;

        eval {
            _become($root, $port);
            sysread($out, my $byte, 1) == 1 or die "no word\n";
            exec { $command->[0] } @$command;
        };

        POSIX::_exit(127);
    }

    close $out;
    sleep 0.1;    # it waits by now

    my $began = now();

    syswrite($in, '.') == 1 or die "write: $!\n";

    my (undef, $code, $body) = poll(address('127.0.0.1', $port), $request, 20);

    return (now() - $began, $code, $body, $pid);
}


sub _become {
    my ($root, $port) = @_;

    open(STDIN, '<', '/dev/null') or die;
    open(STDOUT, '>', '/dev/null') or die;
    open(STDERR, '>', '/dev/null') or die;

    chroot($root) or die;
    chdir('/tmp') or die;
    POSIX::setgid(65534) or die;
    POSIX::setuid(65534) or die;

    $SIG{PIPE} = 'DEFAULT';
    %ENV = (PATH => '/usr/bin', HOME => '/tmp', PORT => $port,
            PYTHONDONTWRITEBYTECODE => 1, DENO_DIR => "/tmp/deno.$port",
            DENO_NO_UPDATE_CHECK => 1, NO_COLOR => 1);

    return;
}


sub end_process {
    my ($pid) = @_;

    kill('KILL', $pid);
    waitpid($pid, 0);

    return;
}


1;
