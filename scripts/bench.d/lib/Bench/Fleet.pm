package Bench::Fleet;

# Many functions, of which some run.

use strict;
use warnings;

use Bench::Functions qw(python_hello);
use Bench::Http qw(request);
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(names fill warm_up);

use constant CALLERS => 4;    # more at a time is no quicker, see the README


sub names {
    my ($n) = @_;
    return map { sprintf 'f%05d', $_ } 1 .. $n;
}


# their files

sub fill {
    my ($nginx, @names) = @_;

    $nginx->write_file("functions/$_.py", python_hello()) for @names;

    return;
}


# calls each once

sub warm_up {
    my ($nginx, @names) = @_;
    my @pids;

    for my $caller (0 .. CALLERS - 1) {
        my $pid = fork // die "fork: $!\n";

        if ($pid) {
            push @pids, $pid;
            next;
        }

        my $ok = eval {
            for my $i (grep { $_ % CALLERS == $caller } 0 .. $#names) {
                my ($seconds, $status)
                    = $nginx->call(request('GET', "/function/$names[$i]"));

                die "$names[$i]: ", $status // $!, "\n"
                    if ($status // 0) != 200;
            }

            1;
        };

        print STDERR $@ if !$ok;

        # nothing of ours is to run at its end
        POSIX::_exit($ok ? 0 : 1);
    }

    my $failed = 0;

    for my $pid (@pids) {
        waitpid($pid, 0);
        $failed++ if $? != 0;
    }

    die "not all functions answered\n" if $failed;

    return;
}


1;
