package Soak::Engine;

# An engine of the soak's own, in its network: started, ended, killed, stopped.

use strict;
use warnings;

use Bench::Engine ();
use Bench::Http qw(now);
use Exporter 'import';
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(engine_start engine_stop engine_signal engine_recover
                    loopback_up);

my $dockerd;


# the loopback interface is down in a new network

sub loopback_up {
    socket(my $sock, 2, 2, 0) or die "socket: $!\n";
    my $up = pack('a16 s x22', 'lo', 0x41);
    ioctl($sock, 0x8914, $up) or die "ioctl: $!\n";
    return;
}


sub engine_answers {
    my ($status) = eval { Bench::Engine::engine('GET', '/_ping') };
    return defined $status && $status == 200;
}


sub _wait {
    my ($seconds, $code) = @_;
    my $deadline = now() + $seconds;

    until ($code->()) {
        return 0 if now() > $deadline;
        sleep 0.05;
    }

    return 1;
}


# the number in a file of the last one may be another program's by now

sub _forget {
    my ($file) = @_;

    open(my $fh, '<', $file) or return;
    my $pid = <$fh> // '';
    close $fh;

    chomp $pid;

    _wait(5, sub { !-e "/proc/$pid" }) if $pid;
    unlink $file;

    return;
}


sub engine_start {
    my $dir = $ENV{FAAS_BENCH_DIR};

    _forget("$dir/engine.pid");
    _forget("$dir/exec/containerd/containerd.pid");

    $dockerd = fork() // die "fork: $!\n";

    if (!$dockerd) {
        POSIX::setsid();
        open(STDOUT, '>>', "$dir/engine.log") or POSIX::_exit(1);
        open(STDERR, '>&', \*STDOUT) or POSIX::_exit(1);
        exec('dockerd', '-H', "unix://$dir/engine.sock",
             '--data-root', "$dir/data", '--exec-root', "$dir/exec",
             '-p', "$dir/engine.pid", '--containerd-namespace', 'faas-soak',
             '--containerd-plugins-namespace', 'faas-soak-plugins')
            or POSIX::_exit(1);
    }

    return _wait(60, sub { engine_answers() });
}


sub engine_signal {
    my ($signal) = @_;
    return kill($signal, $dockerd);
}


sub engine_stop {
    my ($signal) = @_;

    return if !$dockerd;

    kill($signal, $dockerd);

    if (!_wait(20, sub { waitpid($dockerd, WNOHANG) })) {
        kill('KILL', $dockerd);
        waitpid($dockerd, 0);
    }

    undef $dockerd;

    return;
}


# An engine that was killed may come back and hang in the first start of a
# container: it answers, but is of no use.

sub _works {
    my @command = ('timeout', '30', 'docker', '-H',
                   "unix://$ENV{FAAS_BENCH_DIR}/engine.sock", 'run', '--rm',
                   '--network', 'none', '--entrypoint', 'python3', 'faas-python',
                   '-c', 'pass');

    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        open(STDOUT, '>>', "$ENV{FAAS_BENCH_DIR}/engine.log");
        open(STDERR, '>&', \*STDOUT);
        exec(@command) or POSIX::_exit(1);
    }

    waitpid($pid, 0);

    return $? == 0;
}


# those who watch its containers, and these

sub _end_shims {
    for my $file (glob '/proc/[0-9]*/cmdline') {
        open(my $fh, '<', $file) or next;
        my $line = <$fh> // '';
        my ($pid) = $file =~ /([0-9]+)/;

        next if $line !~ /^[^\0]*containerd-shim/
                || $line !~ m{\Q$ENV{FAAS_BENCH_DIR}\E/exec/};

        open($fh, '<', "/proc/$pid/task/$pid/children") or next;
        kill('KILL', split(' ', <$fh> // ''), $pid);
    }

    return;
}


# Returns once it starts containers again; how often it had to be helped.

sub engine_recover {
    for my $n (0 .. 3) {
        return $n if _works();

        engine_stop('KILL');
        _end_shims();
        engine_start();
    }

    die "the engine does not recover\n";
}


1;
