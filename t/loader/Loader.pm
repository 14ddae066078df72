package Loader;

# Starts a loader in a hardened container and talks its protocol.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use FaasEngine;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Select;
use IO::Socket::INET;
use Cpanel::JSON::XS ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

my $sources = abs_path(dirname(__FILE__) . '/../../ngx_http_faas_module/loaders');
my $TOKEN = '0123456789abcdef0123456789abcdef';
my $NETWORK = "faas-loader-test-$$";    # docker0 is not always there
my $count = 0;
my ($owner, $guard, $alive);

sub token { $TOKEN }

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub python_command {
    return ('faas-python', 'python3', '-u', '-c', slurp("$sources/python.py"));
}

sub deno_command {
    my $loader = encode_base64(slurp("$sources/deno.ts"), '');
    return ('faas-deno', qw(deno run --quiet --no-prompt --no-config --no-lock
        --no-remote --no-npm --allow-net --allow-env --allow-read=/tmp
        --allow-write=/tmp --preload), "data:application/javascript;base64,$loader",
        '/tmp/function.ts');
}

sub available {
    my ($image) = @_;
    my ($status) = eval { FaasEngine::ask('GET', "/images/$image/json") };
    return $status && $status == 200;
}

# With rehearse => 0 as when somebody waits for it.
sub new {
    my ($class, $language, %options) = @_;
    my $self = bless {
        name => "faas-loader-test-$$-" . ++$count,
        file => $language eq 'python' ? 'greet.py' : 'greet.ts',
    }, $class;

    my @env = (qw(PORT=8080 FAAS_CONTROL_PORT=8081), "FAAS_TOKEN=$TOKEN", 'HOME=/tmp',
        $language eq 'python' ? 'PYTHONDONTWRITEBYTECODE=1'
                              : ('DENO_DIR=/tmp/.deno', 'NO_COLOR=1'));

    push @env, 'FAAS_REHEARSE=1' if $options{rehearse} // 1;
    push @env, "FAAS_KNOCK=$options{knock}" if $options{knock};

    if (!$guard) {
        guard();
        FaasEngine::told('POST', '/networks/create', {
            Name => $NETWORK, Internal => Cpanel::JSON::XS::true,
            Options => { 'com.docker.network.bridge.enable_icc' => 'false' },
        });
    }

    my ($image, @command) = $language eq 'python' ? python_command() : deno_command();

    FaasEngine::told('POST', "/containers/create?name=$self->{name}", {
        Image => $image, Cmd => \@command, Env => \@env, Hostname => 'fn',
        User => '65534:65534', WorkingDir => '/tmp',
        HostConfig => {
            NetworkMode => $NETWORK, Init => Cpanel::JSON::XS::true,
            ReadonlyRootfs => Cpanel::JSON::XS::true, CapDrop => ['ALL'],
            SecurityOpt => ['no-new-privileges:true',
                            'seccomp=' . slurp("$sources/seccomp.json")],
            Tmpfs => { '/tmp' => 'rw,nosuid,nodev,noexec,size=67108864,mode=1777' },
            Memory => 134217728, MemorySwap => 134217728, NanoCpus => 1_000_000_000,
            PidsLimit => 64,
            Ulimits => [{ Name => 'nofile', Soft => 1024, Hard => 1024 },
                        { Name => 'core', Soft => 0, Hard => 0 }],
        },
    });

    FaasEngine::told('POST', "/containers/$self->{name}/start");

    $self->{ip} = $self->inspect->{NetworkSettings}{Networks}{$NETWORK}{IPAddress};
    return $self;
}

sub inspect {
    my ($self) = @_;
    return FaasEngine::told('GET', "/containers/$self->{name}/json");
}

# The host's own address there; there is a network once there was a loader.
sub gateway {
    return FaasEngine::told('GET', "/networks/$NETWORK")->{IPAM}{Config}[0]{Gateway};
}

sub connect_once {
    my ($self, $port) = @_;
    return IO::Socket::INET->new(PeerAddr => $self->{ip}, PeerPort => $port, Timeout => 1);
}

# A control connection; waits for the loader to boot.
sub connect {
    my ($self) = @_;
    my $deadline = time + 20;
    while (time < $deadline) {
        my $socket = $self->connect_once(8081);
        if ($socket) {
            binmode $socket;
            return $socket;
        }
        sleep 0.02;
    }
    die "no control connection to $self->{name}: " . $self->log;
}

sub frame {
    my ($self, $source, %header) = @_;
    my $line = Cpanel::JSON::XS->new->ascii->encode({
        token => $TOKEN, name => $self->{file}, size => length $source,
        env => { K_SERVICE => 'greet', K_REVISION => 'greet-00001' }, %header,
    });
    return "$line\n$source";
}

# What the other side sends until it closes; undef if it does not.
sub read_all {
    my ($socket, $timeout) = @_;
    my ($all, $deadline) = ('', time + ($timeout // 15));
    my $select = IO::Select->new($socket);
    while ((my $left = $deadline - time) > 0) {
        next if !$select->can_read($left);
        my $n = sysread $socket, my $piece, 65536;
        return $all if !$n;
        $all .= $piece;
    }
    return;
}

sub write_all {
    my ($socket, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $at = 0;
    while ($at < length $bytes) {
        my $n = syswrite $socket, $bytes, length($bytes) - $at, $at;
        return 0 if !$n;
        $at += $n;
    }
    return 1;
}

# Sends a frame; the verdict is 'READY', the text of a FAILED, or what came.
sub load {
    my ($self, $source, %header) = @_;
    my $socket = $self->connect;
    write_all($socket, $self->frame($source, %header));
    return $self->verdict($socket);
}

sub verdict {
    my ($self, $socket) = @_;
    my $reply = read_all($socket);
    return 'nothing at all' if !defined $reply;
    return 'READY' if $reply eq "READY\n";
    return "FAILED\n$2" if $reply =~ /\AFAILED (\d+)\n(.*)\z/s && $1 == length $2;
    return "unexpected: '$reply'";
}

# The body of the answer to a GET; undef if there is none.
sub get {
    my ($self, $path) = @_;
    my $socket = $self->connect_once(8080) or return;
    write_all($socket, "GET " . ($path // '/') . " HTTP/1.0\r\nHost: fn\r\n\r\n");
    my $reply = read_all($socket) // '';
    return $reply =~ /\AHTTP\/1\.[01] 200 .*?\r\n\r\n(.*)\z/s ? $1 : "unexpected: '$reply'";
}

# The exit status, or 'running' if it does not end.
sub exit_status {
    my ($self) = @_;
    for (1 .. 300) {
        my $state = $self->inspect->{State};
        return $state->{ExitCode} if $state->{Status} eq 'exited';
        sleep 0.05;
    }
    return 'running';
}

# what it has written, out of frames of eight bytes and as many as these say
sub log {
    my ($self) = @_;
    my ($status, $frames) = FaasEngine::ask('GET',
        "/containers/$self->{name}/logs?stdout=1&stderr=1");
    my $text = '';

    while (length $frames >= 8) {
        my $size = unpack 'x4 N', $frames;
        $text .= substr $frames, 8, $size;
        substr($frames, 0, 8 + $size) = '';
    }

    return $text;
}

# In the background: the next container need not wait for it.
sub remove {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    return if $pid;
    eval { FaasEngine::ask('DELETE', "/containers/$self->{name}?force=1&v=1") };
    POSIX::_exit(0);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@);
    $self->remove if $$ == $owner;
    return;
}

# A process that outlives this one, however it ends, and then cleans up.  Every
# process that asks the engine holds $alive too, so nothing is made after the cleaning.
sub guard {
    $owner = $$;
    local $^F = 255;    # not closed in what is run
    pipe my $ending, $alive or die "pipe: $!";
    $guard = fork // die "fork: $!";
    return if $guard;

    close $alive;
    POSIX::setsid();
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    sysread $ending, my $nothing, 1;
    close $ending;
    for (1 .. 10) {
        last if eval { clean() };
        sleep 0.5;
    }
    POSIX::_exit(0);
}

# whether the network is gone, with all that was in it
sub clean {
    my $left = FaasEngine::told('GET', "/containers/json?all=1&"
        . FaasEngine::filter(network => $NETWORK));
    FaasEngine::ask('DELETE', "/containers/$_->{Id}?force=1&v=1") for @$left;
    return (FaasEngine::ask('DELETE', "/networks/$NETWORK"))[0] =~ /\A(?:2|404)/;
}

$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };

END {
    if ($guard && $$ == $owner) {
        local $?;
        close $alive;
        waitpid $guard, 0;
    }
}

1;
