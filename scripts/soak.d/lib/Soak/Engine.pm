package Soak::Engine;

# An engine of the soak's own, in its network: started, ended, killed, stopped.

use strict;
use warnings;

use Bench::Engine ();
use Bench::Http qw(now);
use Exporter 'import';
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(engine_start engine_stop engine_signal engine_answers
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


1;
