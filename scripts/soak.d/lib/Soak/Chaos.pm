package Soak::Chaos;

# What happens meanwhile, one thing at a time and in an order of chance, with a
# line in a ledger of its own: what, when it began and when it was over.

use strict;
use warnings;

use Bench::Engine ();
use Bench::Http qw(now);
use JSON::PP ();
use Soak::Engine qw(engine_recover engine_signal engine_start engine_stop);
use Soak::Function qw(source);
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8->canonical;

# how many of each are in the deck, which is shuffled again and again
my %deck = (
    kill_instance => 3, remove_instance => 1, kill_loader => 2,
    kill_worker => 2, reload => 2, stop_engine => 1, kill_engine => 1,
    freeze_engine => 1,
);


sub new {
    my ($class, %opt) = @_;

    open(my $fh, '>:raw', $opt{file}) or die "$opt{file}: $!\n";
    $fh->autoflush(1);

    return bless { %opt, fh => $fh, version => {} }, $class;
}


sub run {
    my ($self, $deadline) = @_;
    my @cards;

    while (now() < $deadline) {

        if (!@cards) {
            @cards = map { ($_) x $deck{$_} } keys %deck;
            @cards = map { splice @cards, rand @cards, 1 } 1 .. @cards;
        }

        my $what = shift @cards;
        my $began = now();
        my $whom = eval { $self->$what };

        warn "$what: $@" if $@;

        $self->_note($what, $began, $whom) if defined $whom;

        for (1 .. 2 + int rand 4) {
            $self->_edit if rand() < 0.5;
            sleep 0.3 + rand;
        }
    }

    return;
}


sub _note {
    my ($self, $what, $began, $whom, %more) = @_;

    print { $self->{fh} } $json->encode({ what => $what, began => $began,
                                          ended => now(), whom => "$whom",
                                          %more }), "\n";
    return;
}


# a new source in place of the old one, as an editor leaves it

sub _edit {
    my ($self) = @_;
    my $name = $self->{functions}[rand @{ $self->{functions} }];
    my $version = ($self->{version}{$name} // 1) + 1;
    my $began = now();

    $self->{version}{$name} = $version;
    $self->{nginx}->write_file(".$name.py", source($version, $self->{port}));

    rename("$self->{nginx}{dir}/.$name.py",
           "$self->{nginx}{dir}/functions/$name.py")
        or die "rename: $!\n";

    $self->_note('edit', $began, $name, version => $version);

    return;
}


# of an instance of a function, or of one that is nobody's yet

sub _container {
    my ($self, $spare) = @_;
    my %functions = reverse $self->{nginx}->functions;
    my @ids = map { $_->{Id} } grep { $_->{State} eq 'running' }
              Bench::Engine::containers($self->{nginx}{prefix});

    @ids = grep { $spare xor defined $functions{$_} } @ids;

    my $id = $ids[rand @ids] // return;

    return ($id, $functions{$id} // '');
}


sub _signal_container {
    my ($self, $spare) = @_;
    my ($id, $function) = $self->_container($spare) or return;

    Bench::Engine::engine('POST', "/containers/$id/kill");

    return $spare ? substr($id, 0, 12) : $function;
}


sub kill_instance {
    my ($self) = @_;
    return $self->_signal_container(0);
}


sub kill_loader {
    my ($self) = @_;
    return $self->_signal_container(1);
}


sub remove_instance {
    my ($self) = @_;
    my ($id, $function) = $self->_container(0) or return;

    # 409: nginx does it just now
    Bench::Engine::engine('DELETE', "/containers/$id?force=1&v=1");

    return $function;
}


sub kill_worker {
    my ($self) = @_;
    my @pids = $self->{nginx_pids}->();
    my $pid = $pids[rand @pids] // return;

    kill('KILL', $pid);

    return $pid;
}


sub reload {
    my ($self) = @_;

    kill('HUP', $self->{master});
    sleep 0.5;

    return $self->{master};
}


sub stop_engine {
    my ($self) = @_;
    return $self->_restart('TERM');
}


sub kill_engine {
    my ($self) = @_;
    return $self->_restart('KILL');
}


sub _restart {
    my ($self, $signal) = @_;

    engine_stop($signal);
    sleep rand 3;
    engine_start() or die "the engine does not start\n";

    return $signal . engine_recover();
}


sub freeze_engine {
    my ($self) = @_;

    engine_signal('STOP');
    sleep 1 + rand 3;
    engine_signal('CONT');

    return 'STOP' . engine_recover();
}


1;
