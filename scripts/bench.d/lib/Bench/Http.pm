package Bench::Http;

# A client that takes little time itself: bytes made beforehand, a new
# connection a call, system calls and nothing else until the answer is complete.

use strict;
use warnings;

use Exporter 'import';
use Socket qw(AF_UNIX PF_INET PF_UNIX SOCK_STREAM SOL_SOCKET SO_RCVTIMEO
              SO_SNDTIMEO inet_aton pack_sockaddr_in pack_sockaddr_un
              sockaddr_family);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

our @EXPORT_OK = qw(address local_address free_port request call poll now);


# a server that has gone is an error of a write, and not our end
$SIG{PIPE} = 'IGNORE';


sub now {
    return clock_gettime(CLOCK_MONOTONIC);
}


sub address {
    my ($ip, $port) = @_;
    return pack_sockaddr_in($port, inet_aton($ip));
}


sub local_address {
    my ($path) = @_;
    return pack_sockaddr_un($path);
}


sub request {
    my ($method, $path, $body) = @_;
    my $head = "$method $path HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n";

    return "$head\r\n" if !defined $body;

    return $head . "Content-Type: application/json\r\n"
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}


# below those that the kernel gives to clients

sub free_port {
    for (1 .. 100) {
        my $port = 10000 + int rand 20000;

        socket(my $sock, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";

        return $port if bind($sock, address('0.0.0.0', $port));
    }

    die "no port is free\n";
}


# call(ADDRESS, REQUEST [, SECONDS [, SECONDS TO CONNECT]]): the seconds that it
# took, the status and the body, or nothing and $! says why.

sub call {
    my ($address, $request, $timeout, $connect) = @_;
    my ($seconds, $answer) = _exchange($address, $request, $timeout || 30,
                                       $connect || 5);

    return if !defined $seconds;

    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($status) = $head =~ m{^HTTP/1\.[01] ([0-9]{3})};

    $body = _join_chunks($body) if $head =~ /^transfer-encoding: *chunked/mi;

    return ($seconds, $status, $body);
}


sub _timeval {
    my ($seconds) = @_;
    my $whole = int($seconds);

    return pack('l!l!', $whole, int(($seconds - $whole) * 1e6));
}


sub _exchange {
    my ($address, $request, $timeout, $connect) = @_;
    my $family = sockaddr_family($address) == AF_UNIX ? PF_UNIX : PF_INET;
    my ($send, $receive) = (_timeval($connect), _timeval($timeout));
    my ($answer, $length) = ('', undef);

    my $began = now();

    socket(my $sock, $family, SOCK_STREAM, 0) or return;
    setsockopt($sock, SOL_SOCKET, SO_SNDTIMEO, $send) or return;
    setsockopt($sock, SOL_SOCKET, SO_RCVTIMEO, $receive) or return;
    connect($sock, $address) or return;

    (syswrite($sock, $request) // -1) == length $request or return;

    while (1) {
        my $n = sysread($sock, $answer, 65536, length $answer);

        return if !defined $n;
        last if $n == 0;

        $length //= _length($answer);

        last if defined $length
                && ($length >= 0 ? length($answer) >= $length
                                 : substr($answer, -7) eq "\r\n0\r\n\r\n");
    }

    my $seconds = now() - $began;

    # a server that broke off
    if ($answer !~ /\r\n\r\n/
        || (defined $length && length($answer) < $length))
    {
        $! = 104;    # ECONNRESET
        return;
    }

    return ($seconds, $answer);
}


# of all the answer, -1: chunked, and nothing: not known yet, or to the end

sub _length {
    my ($answer) = @_;
    my $end = index($answer, "\r\n\r\n");

    return if $end < 0;

    my $head = substr($answer, 0, $end + 2);

    return $end + 4 + $1 if $head =~ /^content-length: *([0-9]+)\r$/mi;
    return -1 if $head =~ /^transfer-encoding: *chunked\r$/mi;
    return;
}


sub _join_chunks {
    my ($bytes) = @_;
    my $body = '';

    while ($bytes =~ /\G([0-9a-f]+)[^\r\n]*\r\n/gci) {
        my $n = hex $1 or last;

        $body .= substr($bytes, pos($bytes), $n);
        pos($bytes) = pos($bytes) + $n + 2;
    }

    return $body;
}


# Asks again and again, a millisecond apart, until there is an answer; an
# interface that just came up may lose a SYN, which would cost a second.

sub poll {
    my ($address, $request, $timeout) = @_;
    my $deadline = now() + $timeout;

    while (now() < $deadline) {
        my @answer = call($address, $request, $timeout, 0.05);

        return @answer if @answer;
        sleep 0.001;
    }

    return;
}


1;
