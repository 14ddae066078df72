package Bench::Callgrind;

# The instructions of a worker, as callgrind counts them.  It is the same number
# whatever else the machine does.

use strict;
use warnings;

use Bench::Http qw(now);
use Exporter 'import';
use Socket qw(PF_INET SOCK_STREAM);
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(under join_nginx call counted total of_module difference);


# for new() of Bench::Nginx

sub under {
    return [ qw(valgrind --tool=callgrind), '--log-file=%s/valgrind.%p',
             '--callgrind-out-file=%s/callgrind.%p' ];
}


sub call {
    my ($sock, $request, $end) = @_;
    my $answer = '';

    (syswrite($sock, $request) // -1) == length $request
        or die "write: $!\n";

    while ($answer !~ $end) {
        sysread($sock, $answer, 65536, length $answer)
            or die "cut off: $answer\n";
    }

    return;
}


sub join_nginx {
    my ($nginx) = @_;

    socket(my $sock, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    connect($sock, $nginx->{address}) or die "connect: $!\n";

    return $sock;
}


# What was counted, while it did so, in the worker of its own that did the most:
# { object => n } and { function => n } of the module.

sub counted {
    my ($nginx, $conf, $do) = @_;

    $nginx->reload(%$conf);

    my @files = map { "$nginx->{dir}/callgrind.$_" } $nginx->workers;

    $do->();

    $nginx->reload(%$conf);

    my $deadline = now() + 20;
    my @costs;

    for my $file (@files) {
        sleep 0.1 until whole($file) || now() > $deadline;
        push @costs, costs($file);
    }

    return (sort { total($b) <=> total($a) } @costs)[0];
}


# its last line has been written

sub whole {
    my ($file) = @_;

    open(my $fh, '<', $file) or return 0;
    seek($fh, -200, 2);
    local $/;

    return (<$fh> // '') =~ /^totals: \d+$/m;
}


# The costs of a file of callgrind's, { object => n } and { function => n } of the
# module: https://valgrind.org/docs/manual/cl-format.html

sub costs {
    my ($file) = @_;
    my (%name, %object, %function, $ob, $fn, $called);

    open(my $fh, '<', $file) or die "$file: $!\n";
    local $_;

    while (<$fh>) {
        if (/^(ob|fn)=\((\d+)\)(?: (.*))?$/) {
            my ($what, $id, $text) = ($1, $2, $3);

            $name{$what}{$id} = $text if defined $text;
            ($what eq 'ob' ? $ob : $fn) = $name{$what}{$id};

        } elsif (/^c(ob|fn)=\((\d+)\) (.*)$/) {
            $name{$1}{$2} = $3;

        } elsif (/^calls=/) {
            $called = 1;

        } elsif (/^(?:[+-]?\d+|\*) (\d+)$/) {
            my $cost = $1;

            # the line after a call has what was called
            if ($called) {
                $called = 0;
                next;
            }

            $object{$ob} += $cost;
            $function{$fn} += $cost if $ob =~ /ngx_http_faas/;
        }
    }

    return { object => \%object, function => \%function };
}


sub total {
    my ($costs) = @_;
    my $n = 0;

    $n += $_ for values %{ $costs->{object} };
    return $n;
}


sub of_module {
    my ($costs) = @_;
    my $n = 0;

    $n += $_ for values %{ $costs->{function} };
    return $n;
}


# Of each call.  A worker's counts begin with those of the master that forked it,
# which grow by the same from one to the next.

sub difference {
    my ($more, $before, $few, $many) = @_;
    return (($many - $few) - ($few - $before)) / $more;
}


1;
