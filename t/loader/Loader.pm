package Loader;

# Starts a loader in a hardened container and talks its protocol.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
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

# The output of a docker command; in scalar context without the last newline.
sub docker {
    my @args = @_;
    my $pid = open my $pipe, '-|';
    die "fork: $!" if !defined $pid;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec 'docker', @args or exit 127;
    }
    local $/;
    my $out = <$pipe>;
    close $pipe;
    $out =~ s{\n\z}{} if defined $out;
    return $out;
}

sub available {
    my ($image) = @_;
    docker('image', 'inspect', '-f', 'ok', $image);
    return $? == 0;
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
        my $id = docker('network', 'create', '--internal',
            '-o', 'com.docker.network.bridge.enable_icc=false', $NETWORK);
        die "docker network create: $id" if $?;
    }

    my $id = docker('run', '-d', '--name', $self->{name}, '--network', $NETWORK,
        '--user', '65534:65534', '--workdir', '/tmp', '--hostname', 'fn', '--init',
        '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true',
        '--security-opt', "seccomp=$sources/seccomp.json",
        '--tmpfs', '/tmp:rw,nosuid,nodev,noexec,size=67108864,mode=1777',
        '--memory', '134217728', '--memory-swap', '134217728', '--cpus', '1',
        '--pids-limit', '64', '--ulimit', 'nofile=1024:1024', '--ulimit', 'core=0:0',
        (map { ('-e', $_) } @env),
        $language eq 'python' ? python_command() : deno_command());
    die "docker run: $id" if $?;

    $self->{ip} = docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', $self->{name});
    return $self;
}

# The host's own address there; there is a network once there was a loader.
sub gateway {
    return docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', $NETWORK);
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
    my $line = JSON::PP->new->ascii->encode({
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
    for (1 .. 100) {
        my ($state, $code) = split ' ', docker('inspect', '-f',
            '{{.State.Status}} {{.State.ExitCode}}', $self->{name});
        return $code if $state eq 'exited';
        sleep 0.05;
    }
    return 'running';
}

sub log {
    my ($self) = @_;
    return docker('logs', $self->{name}) // '';
}

# In the background: the next container need not wait for it.
sub remove {
    my ($self) = @_;
    my $pid = fork // die "fork: $!";
    return if $pid;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec 'docker', 'rm', '-f', $self->{name} or POSIX::_exit(127);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@);
    $self->remove if $$ == $owner;
    return;
}

# A process that outlives this one, however it ends, and then cleans up.  Every
# docker command holds $alive too, so nothing is made after the cleaning.
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
        my $left = docker('ps', '-aq', '--filter', "network=$NETWORK");
        docker('rm', '-f', split ' ', $left) if $left;
        docker('network', 'rm', $NETWORK);
        last if $? == 0;
        sleep 0.5;
    }
    POSIX::_exit(0);
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
