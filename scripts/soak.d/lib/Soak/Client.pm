package Soak::Client;

# A client: one request after the other, of all kinds, and a line of its ledger
# for each: what it was, when, and what came of it.

use strict;
use warnings;

use Bench::Http qw(call now request);
use JSON::PP ();
use Socket qw(PF_INET SOCK_STREAM SOL_SOCKET SO_LINGER);
use Soak::Function qw(source);
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8->canonical;

# how often, of what all of them are together
my @kinds = (
    [ get => 30 ], [ post => 25 ], [ invoke => 20 ], [ command => 10 ],
    [ own => 20 ], [ list => 2 ], [ fill => 2 ], [ abort => 4 ],
);


sub new {
    my ($class, %opt) = @_;

    open(my $fh, '>:raw', $opt{file}) or die "$opt{file}: $!\n";
    $fh->autoflush(1);

    return bless { %opt, fh => $fh, calls => 0, own => "own$opt{number}",
                   version => 0, state => 'absent' }, $class;
}


sub run {
    my ($self, $deadline) = @_;
    my $more = 1;

    local $SIG{TERM} = sub { $more = 0 };

    srand($self->{number} + time);

    while ($more && now() < $deadline) {
        my $kind = _pick();
        my $method = "_$kind";

        $self->$method;
        sleep rand($self->{pause});
    }

    return;
}


sub _pick {
    my $all = 0;
    $all += $_->[1] for @kinds;

    my $n = rand $all;

    for (@kinds) {
        return $_->[0] if ($n -= $_->[1]) < 0;
    }
}


# Sends it, takes its answer down, and gives the status and the answer's object.
# "good" says whether it is as it should be; what it gives else is the outcome.

sub _send {
    my ($self, $kind, $method, $path, $body, %opt) = @_;
    my $id = "$self->{number}.$self->{calls}";
    my ($outcome, $object);

    $self->{calls}++;

    s/ID/$id/ for grep { defined } $path, $body;

    my $began = now();
    my ($seconds, $status, $text)
        = call($self->{address}, request($method, $path, $body), 60);
    my $error = $!;

    if (!defined $seconds || !defined $status) {
        $outcome = $error =~ /temporarily/ ? 'no answer' : 'cut';

    } else {
        $object = eval { $json->decode($text) } if length $text;
        $outcome = $opt{good}->($status, $object, $id, $text);
    }

    $self->_note($id, $kind, $began, $outcome, $opt{function} // '',
                 ref $object eq 'HASH' ? _version($object) : 0);

    return ($outcome, $object);
}


sub _note {
    my ($self, $id, $kind, $began, $outcome, $function, $version) = @_;

    print { $self->{fh} } $json->encode({
        id => $id, kind => $kind, began => $began, ended => now(),
        outcome => $outcome, function => $function, version => $version,
    }), "\n";

    return;
}


sub _version {
    my ($object) = @_;

    $object = $object->{output} if ref $object->{output} eq 'HASH';
    return $object->{version} // 0;
}


# "ok", or in a word what it is instead

sub _error {
    my ($status, $object) = @_;

    return "$status " . (ref $object eq 'HASH' && ref $object->{error} eq 'HASH'
                         ? $object->{error}{code} : 'no error object');
}


sub _answered {
    my ($name) = @_;

    return sub {
        my ($status, $object, $id) = @_;

        return _error($status, $object) if $status != 200;
        return 'wrong answer' if ref $object ne 'HASH' || $object->{id} ne $id
                                 || $object->{name} ne $name;
        return 'ok';
    };
}


sub _succeeded {
    my ($name) = @_;
    my $answered = _answered($name);

    return sub {
        my ($status, $object, $id) = @_;

        return _error($status, $object) if $status != 200;
        return 'no RunResult' if ref $object ne 'HASH' || !$object->{run_id};
        return $object->{status} if $object->{status} ne 'success';
        return $answered->($object->{http_status_code}, $object->{output}, $id);
    };
}


sub _shared {
    my ($self) = @_;
    return $self->{functions}[rand @{ $self->{functions} }];
}


# mostly short, and now and then longer than what happens meanwhile

sub _ms {
    return rand() < 0.05 ? 500 + int rand 1500 : int rand 30;
}


sub _get {
    my ($self) = @_;
    my $name = $self->_shared;

    $self->_send('get', 'GET', "/function/$name?id=ID&ms=" . _ms(), undef,
                 function => $name, good => _answered($name));
}


sub _post {
    my ($self) = @_;
    my $name = $self->_shared;

    $self->_send('post', 'POST', "/function/$name?id=ID&ms=" . _ms(),
                 'x' x rand 20000, function => $name, good => _answered($name));
}


sub _invoke {
    my ($self, $name, $kind) = @_;
    my $ms = _ms();

    $name //= $self->_shared;

    return $self->_send($kind // 'invoke', 'POST', "/functions/$name/invoke",
                 qq({"input":{"id":"ID","ms":$ms},"timeout_ms":30000}),
                 function => $name, good => _succeeded($name));
}


sub _fill {
    my ($self) = @_;
    my $name = $self->_shared;
    my $answered = _answered($name);

    $self->_send('fill', 'POST', "/function/$name?id=ID&do=fill", '',
                 function => $name, good => sub {
        my ($status, $object, $id) = @_;
        my $outcome = $answered->($status, $object, $id);

        return $outcome if $outcome ne 'ok';
        return $object->{fill}{error} eq 'ENOSPC' ? 'ok'
                                                  : $object->{fill}{error};
    });
}


# a client that goes away while its call is on the way, or runs

sub _abort {
    my ($self) = @_;
    my $name = $self->_shared;
    my $id = "$self->{number}.$self->{calls}";
    my $began = now();

    $self->{calls}++;

    socket(my $sock, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
    connect($sock, $self->{address}) or die "connect: $!\n";
    syswrite($sock, request('POST', "/function/$name?id=$id&ms=100", ''));
    sleep rand 0.1;
    setsockopt($sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    close($sock);

    $self->_note($id, 'abort', $began, 'ok', $name, 0);

    return;
}


sub _command {
    my ($self) = @_;
    my $text = join '', map { chr(97 + rand 26) } 1 .. rand 5000;

    $self->_send('command', 'POST', '/function/cat?ID', $text, good => sub {
        my ($status, $object, $id, $answer) = @_;

        return _error($status, $object) if $status != 200;
        return $answer eq $text ? 'ok' : 'wrong answer';
    });
}


sub _list {
    my ($self) = @_;

    $self->_send('list', 'GET', '/functions', undef, good => sub {
        my ($status, $object) = @_;

        return _error($status, $object) if $status != 200;
        return ref $object ? 'ok' : 'wrong answer';
    });
}


# A function that nobody else touches: how it stands is known, but when an
# answer was lost.

sub _own {
    my ($self) = @_;
    my $dice = rand;

    return $self->_look if $self->{state} eq 'unknown';

    if ($self->{state} eq 'absent') {
        return $dice < 0.2 ? $self->_call_own : $self->_write('create');
    }

    return $dice < 0.5 ? $self->_call_own
           : $dice < 0.55 ? $self->_timeout
           : $dice < 0.8 ? $self->_write('replace') : $self->_delete;
}


# longer than it may: what ran it is killed

sub _timeout {
    my ($self) = @_;

    $self->_send('timeout', 'POST', "/functions/$self->{own}/invoke",
                 '{"input":{"id":"ID","ms":5000},"timeout_ms":1500}',
                 function => $self->{own}, good => sub {
        my ($status, $object) = @_;

        return _error($status, $object) if $status != 200;
        return 'no RunResult' if ref $object ne 'HASH' || !$object->{run_id};
        return $object->{status} eq 'timeout' ? 'ok' : $object->{status};
    });

    return;
}


sub _call_own {
    my ($self) = @_;
    my $name = $self->{own};
    my $succeeded = _succeeded($name);

    return $self->_send('own call', 'POST', "/functions/$name/invoke",
                        '{"input":{"id":"ID"},"timeout_ms":30000}',
                        function => $name, good => sub {
        my ($status, $object, $id) = @_;
        my $outcome = $succeeded->($status, $object, $id);

        if ($self->{state} eq 'absent') {
            return $outcome eq '404 function_not_found' ? 'ok'
                                                        : "absent: $outcome";
        }

        return $outcome if $outcome ne 'ok';
        return $object->{output}{version} == $self->{version}
               ? 'ok' : "version $object->{output}{version}, not"
                        . " $self->{version}";
    });
}


sub _write {
    my ($self, $kind) = @_;
    my $name = $self->{own};
    my $create = $kind eq 'create';
    my $version = $self->{version} + 1;

    my ($outcome) = $self->_send($kind, $create ? 'POST' : 'PUT',
        $create ? '/functions' : "/functions/$name",
        $json->encode({ name => $name, language => 'python',
                        source_code => source($version, $self->{port}) }),
        good => sub {
            my ($status, $object) = @_;
            return $status == ($create ? 201 : 200) ? 'ok'
                                                    : _error($status, $object);
        });

    if ($outcome eq 'ok') {
        $self->{state} = 'present';
        $self->{version} = $version;

    } else {
        $self->{state} = 'unknown';
    }

    return;
}


sub _delete {
    my ($self) = @_;

    my ($outcome) = $self->_send('delete', 'DELETE', "/functions/$self->{own}",
                                 undef, good => sub {
        my ($status, $object) = @_;
        return $status == 204 ? 'ok' : _error($status, $object);
    });

    $self->{state} = $outcome eq 'ok' ? 'absent' : 'unknown';

    return;
}


sub _look {
    my ($self) = @_;

    my ($outcome, $object) = $self->_send('look', 'GET',
                                          "/functions/$self->{own}", undef,
                                          good => sub {
        my ($status, $object) = @_;
        return $status == 200 || $status == 404 ? 'ok'
                                                : _error($status, $object);
    });

    return if $outcome ne 'ok';

    $self->{state} = 'absent';

    if (($object->{source_code} // '') =~ /^VERSION = ([0-9]+)/m) {
        $self->{state} = 'present';
        $self->{version} = $1;
    }

    return;
}


1;
