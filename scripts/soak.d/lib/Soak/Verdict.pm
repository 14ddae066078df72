package Soak::Verdict;

# Reads the ledgers.  What was not as it should be has to be explained by what
# was done in that moment to those whom it concerns; nothing explains a call
# that ran twice, an old version, or a wrong answer.

use strict;
use warnings;

use JSON::PP ();

my $json = JSON::PP->new->utf8;

# by what an outcome may be explained, and how long after that
my %engine = map { $_ => 8 } qw(stop_engine kill_engine freeze_engine);

my @explanations = (

    # what ran in it, or was about to
    [ qr/^(?:502 \w+|failed|cut|50[34] \w+)$/,
      { kill_instance => 2, remove_instance => 2, %engine } ],

    # what was to have it
    [ qr/^(?:50[234] \w+|failed|timeout)$/, { kill_loader => 2, %engine } ],

    # what it had accepted
    [ qr/^cut$/, { kill_worker => 1 } ],
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


# the outcome and who explains it: { kind => { outcome => { by => n } } }

sub count {
    my ($calls, $events) = @_;
    my %count;

    for my $call (@$calls) {
        my $by = $call->{outcome} eq 'ok' ? '' : _explain($call, $events);

        $count{$call->{kind}}{$call->{outcome}}{$by}++;
    }

    return \%count;
}


sub _explain {
    my ($call, $events) = @_;
    my $apart = $apart{$call->{kind}};

    for my $event (@$events) {

        for (@explanations) {
            my ($outcome, $grace) = @$_;
            my $seconds = $grace->{$event->{what}};

            next if !defined $seconds || $call->{outcome} !~ $outcome;
            next if $apart && $event->{what} ne 'kill_worker';
            next if $event->{what} =~ /_instance$/
                    && $event->{whom} ne $call->{function};

            return $event->{what} if $call->{began} < $event->{ended} + $seconds
                                     && $call->{ended} > $event->{began};
        }
    }

    return 'unexplained';
}


# Calls that ran more often than they may, or not at all and were answered all
# the same.

sub executions {
    my ($calls, $executed) = @_;
    my @wrong;

    for my $call (@$calls) {
        next if $call->{kind} !~ /^(?:get|post|invoke|fill|own call)$/;

        my $n = $executed->{$call->{id}} // 0;

        push @wrong, "$call->{kind} $call->{id} ran $n times"
            if $n > 1 && !$again{$call->{kind}};

        push @wrong, "$call->{kind} $call->{id} was answered and did not run"
            if $n == 0 && $call->{outcome} eq 'ok' && $call->{version};
    }

    return @wrong;
}


# Calls that got code older than what was there when they began.

sub versions {
    my ($calls, $events) = @_;
    my (%edits, @wrong);

    for (grep { $_->{what} eq 'edit' } @$events) {
        push @{ $edits{$_->{whom}} }, $_;
    }

    for my $call (@$calls) {
        my $edits = $edits{$call->{function}};

        next if !$edits || $call->{outcome} ne 'ok';

        my ($last) = sort { $b <=> $a } 0, map { $_->{version} }
                     grep { $_->{ended} < $call->{began} } @$edits;

        push @wrong, "$call->{kind} $call->{id} got version $call->{version}"
                     . " of $call->{function}, not $last"
            if $call->{version} < $last;
    }

    return @wrong;
}


1;
