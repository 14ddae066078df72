package Soak::Verdict;

# Reads the ledgers.  What was not as it should be has to be explained by what
# was done in that moment to those whom it concerns; nothing explains a call
# that ran twice, an old version, or a wrong answer.

use strict;
use warnings;

use JSON::PP ();

my $json = JSON::PP->new->utf8;

# What may be the outcome for those whom it concerns, and how many seconds after.
my %explains = (
    kill_instance   => [ qr/^(?:502 \w+|failed|cut)$/, 2 ],
    remove_instance => [ qr/^(?:502 \w+|failed|cut)$/, 2 ],
    kill_loader     => [ qr/^(?:50[23] \w+|failed|cut)$/, 2 ],
    kill_worker     => [ qr/^cut$/, 1 ],
    stop_engine     => [ qr/^(?:50[234] \w+|failed|cut)$/, 8 ],
    kill_engine     => [ qr/^(?:50[234] \w+|failed|cut)$/, 8 ],
    freeze_engine   => [ qr/^(?:50[34] \w+|failed|timeout)$/, 8 ],
);

# these need no engine
my %apart = map { $_ => 1 } qw(command list create replace delete look);

# a call may be sent again when the method says so
my %again = (get => 1);


sub lines {
    my ($file) = @_;

    open(my $fh, '<:raw', $file) or die "$file: $!\n";

    return map { $json->decode($_) } <$fh>;
}


# the outcome and who explains it: { kind => { outcome => { by => n } } }; WHERE
# is { id => the container that it ran in }

sub count {
    my ($calls, $events, $where) = @_;
    my %count;

    for my $call (@$calls) {
        my $by = $call->{outcome} eq 'ok' ? '' : _explain($call, $events, $where);

        $count{$call->{kind}}{$call->{outcome}}{$by}++;
    }

    return \%count;
}


# the last thing that happened and may be the reason

sub _explain {
    my ($call, $events, $where) = @_;

    for my $event (reverse @$events) {
        my ($outcome, $seconds) = @{ $explains{$event->{what}} || next };

        next if $call->{outcome} !~ $outcome
                || $call->{ended} < $event->{began}
                || $call->{began} > $event->{ended} + $seconds;

        next if $apart{$call->{kind}} && $event->{what} ne 'kill_worker';

        # a loader answers nobody, unless it was claimed before it was hit

        next if $event->{what} eq 'kill_loader' && $call->{outcome} eq 'cut'
                && ($where->{$call->{id}} // '') ne $event->{whom};

        next if $event->{what} =~ /_instance$/
                && $event->{whom} ne $call->{function};

        return $event->{what};
    }

    return 'unexplained';
}


# How long the calls took that were answered well, in each of so many parts of
# the time: [ calls, median, 99th percentile ], in milliseconds.

sub latencies {
    my ($calls, $parts) = @_;
    my @calls = grep { $_->{outcome} eq 'ok' && $_->{kind} =~ /^(?:get|post|invoke)$/ }
                @$calls;
    my @times = map { [] } 1 .. $parts;

    return if !@calls;

    my ($first, $last) = ($calls[0]{began}, $calls[-1]{began} + 1);

    for my $call (@calls) {
        my $part = int($parts * ($call->{began} - $first) / ($last - $first));

        push @{ $times[$part] }, 1000 * ($call->{ended} - $call->{began});
    }

    return map {
        my @sorted = sort { $a <=> $b } @$_;
        [ scalar @sorted, map { $sorted[$_ * $#sorted] // 0 } 0.5, 0.99 ]
    } @times;
}


# Calls that ran more often than they may, or not at all and were answered all
# the same.

sub executions {
    my ($calls, $executed) = @_;
    my @wrong;

    for my $call (@$calls) {
        next if $call->{kind} !~ /^(?:get|post|invoke|fill|own call|abort|timeout)$/;

        my $n = $executed->{$call->{id}} // 0;

        push @wrong, "$call->{kind} $call->{id} ran $n times"
            if $n > 1 && !$again{$call->{kind}};

        push @wrong, "$call->{kind} $call->{id} was answered and did not run"
            if $n == 0 && $call->{outcome} eq 'ok' && $call->{version};
    }

    return @wrong;
}


# Calls that got code older than what was there when they began; both lists are
# in the order of time.

sub versions {
    my ($calls, $events) = @_;
    my (%last, @wrong);
    my @edits = grep { $_->{what} eq 'edit' } @$events;

    for my $call (@$calls) {

        while (@edits && $edits[0]{ended} < $call->{began}) {
            my $edit = shift @edits;
            $last{$edit->{whom}} = $edit->{version};
        }

        my $last = $last{$call->{function}};

        next if !defined $last || !$call->{version};

        push @wrong, "$call->{kind} $call->{id} got version $call->{version}"
                     . " of $call->{function}, not $last"
            if $call->{version} < $last;
    }

    return @wrong;
}


1;
