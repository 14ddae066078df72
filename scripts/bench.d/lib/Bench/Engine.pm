package Bench::Engine;

# The engine's API.

use strict;
use warnings;

use Bench::Http qw(call local_address request);
use Exporter 'import';
use JSON::PP ();

our @EXPORT_OK = qw(engine containers remove);

my $json = JSON::PP->new->utf8->canonical;


# engine(METHOD, PATH [, OBJECT]): the status and the answer's object.

sub engine {
    my ($method, $path, $object) = @_;
    my $body = defined $object ? $json->encode($object) : undef;
    my ($seconds, $status, $text)
        = call(local_address($ENV{FAAS_BENCH_ENGINE}),
               request($method, $path, $body), 60);

    die "the engine: $method $path: $!\n" if !defined $seconds;

    return ($status, $text =~ /^\s*[\[{]/ ? $json->decode($text) : undef);
}


# Those of the nginx with this prefix, or made by hand in its name.

sub containers {
    my ($prefix) = @_;
    my $filters = $json->encode({ label => [ 'faas.managed=1',
                                             "faas.prefix=$prefix" ] });

    $filters =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ge;

    my ($status, $list) = engine('GET',
                                 "/containers/json?all=1&filters=$filters");

    die "the engine: list: status $status\n" if $status != 200;

    return @$list;
}


sub remove {
    my ($id) = @_;
    my ($status, $answer) = engine('DELETE', "/containers/$id?force=1&v=1");

    # 404: gone
    die "the engine: remove: status $status\n" if $status !~ /^(?:204|404)$/;

    return;
}


1;
