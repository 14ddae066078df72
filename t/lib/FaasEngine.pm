package FaasEngine;

# Asks the engine itself: each "docker" that is run would cost a tenth of a
# second.

use strict;
use warnings;

use Cpanel::JSON::XS ();
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

our $Socket = '/var/run/docker.sock';
our $Timeout = 60;


# The status and the body of its answer; BODY, if there is one, is data to be
# sent as JSON.

sub ask {
    my ($method, $path, $body) = @_;
    my $json = defined $body ? Cpanel::JSON::XS->new->utf8->encode($body) : '';
    my $engine = IO::Socket::UNIX->new(Peer => $Socket) or die "engine: $!";
    my $deadline = time + $Timeout;
    my $reply = '';

    print $engine "$method $path HTTP/1.0\r\nHost: engine\r\n",
                  "Content-Type: application/json\r\n",
                  'Content-Length: ', length $json, "\r\n\r\n", $json;
    $engine->flush;

    while (IO::Select->new($engine)->can_read($deadline - time)) {
        last if !sysread $engine, $reply, 65536, length $reply;
    }

    $reply =~ s/\AHTTP\/1\.[01] (\d{3})\b.*?\r\n\r\n//s
        or die "engine: $method $path: '$reply'";

    return ($1, $reply);
}


# What it says in JSON to a request that has to succeed

sub told {
    my @request = @_;
    my ($status, $text) = ask(@request);

    die "engine: $request[0] $request[1]: $status $text" if $status !~ /\A2/;

    return length $text ? Cpanel::JSON::XS->new->utf8->decode($text) : undef;
}


# "filters=..." for a path: filter(label => 'a=b')

sub filter {
    my ($key, $value) = @_;
    my $json = Cpanel::JSON::XS->new->utf8->encode({ $key => [ $value ] });

    return 'filters=' . $json =~ s/([^A-Za-z0-9._-])/sprintf '%%%02X', ord $1/ger;
}


1;
