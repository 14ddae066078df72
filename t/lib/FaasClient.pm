package FaasClient;

# Clients for tests that need more than one request and its answer: raw bytes
# over a socket, many requests at a time, the engine's API, and what /proc says
# of the workers.  A block that has "--- code" instead of "--- request" runs
# that perl, in package main, once nginx is up; then its error log is looked at.
#
#     --- code
#     my $res = get('/function/greet');
#     is($res->{status}, 200, 'status');
#
# It counts as its own tests and one more, for the log.

use strict;
use warnings;

use Test::Nginx::Socket;

use FaasEngine ();

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Cpanel::JSON::XS ();
use List::Util qw(max);
use POSIX ();
use Socket qw(SOL_SOCKET SO_ERROR SO_RCVBUF);
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
    request get post http parallel connect_to read_all read_some
    parse_response
    header headers decode_json invoke invoke_request result
    engine instances instances_but inspect
    worker_pids all_worker_pids peak_memory master_pid signal_master
    error_log_text slurp write_file
);

our $Timeout = 20;


# Blocks

my $run_helper = $Test::Nginx::Util::RunTestHelper;
my %before;     # workers, while the last block ended

$Test::Nginx::Util::RunTestHelper = sub {
    my ($block, @rest) = @_;

    if (!defined $block->code) {
        return $run_helper->($block, @rest);
    }

    my $name = $block->name;
    my $code = $block->code;
    my $allow = $block->log_allow;
    my $began = time;

    wait_for_workers();

    ## no critic
    eval "package main; use strict; use warnings; no warnings 'once';\n"
         . "#line 1 \"$name\"\n$code\n; 1"
        or Test::More::fail("$name: died: $@");

    %before = map { $_ => 1 } eval { worker_pids() };

    my @bad = grep { /\[(?:alert|crit|emerg)\]/ } split /\n/, error_log_text();

    if (defined $allow) {
        chomp $allow;
        @bad = grep { !/$allow/ } @bad;
    }

    Test::More::is(join("\n", @bad), '',
                   "$name: no [alert], [crit] or [emerg] in the log");
    Test::More::note(sprintf('%s: %.1f s', $name, time - $began));
};


# The port is open before there are workers, and these have their title even
# later: nothing of them could be measured before.  Where the one nginx reads
# its configuration again, those of the block before may still answer.

sub wait_for_workers {
    my ($conf) = eval { slurp(server_root() . '/conf/nginx.conf') };
    my ($n) = ($conf // '') =~ /^worker_processes\s+(\d+);/m or return;

    return if $conf =~ /^master_process\s+off;/m;

    FaasTest::wait_for(10, sub {
        my @pids = eval { worker_pids() };
        return @pids >= $n && !grep { $before{$_} } @pids;
    });
}


# Requests

# request(METHOD, PATH, body => ..., headers => [...], version => '1.1'): bytes

sub request {
    my ($method, $path, %opt) = @_;
    my @headers = @{ $opt{headers} || [] };
    my $body = $opt{body};

    unshift @headers, 'Host: localhost' if !grep { /^host:/i } @headers;
    push @headers, 'Connection: close' if !grep { /^connection:/i } @headers;

    if (defined $body && !grep { /^(?:content-length|transfer-encoding):/i }
                              @headers)
    {
        push @headers, 'Content-Length: ' . length($body);
    }

    return join("\r\n", "$method $path HTTP/" . ($opt{version} || '1.1'),
                        @headers)
           . "\r\n\r\n" . (defined $body ? $body : '');
}


sub get {
    my ($path, %opt) = @_;
    return http(request('GET', $path, %opt), %opt);
}


sub post {
    my ($path, $body, %opt) = @_;
    return http(request('POST', $path, %opt, body => $body), %opt);
}


sub http {
    my ($bytes, %opt) = @_;
    my ($res) = parallel([$bytes], %opt);
    return $res;
}


sub connect_to {
    my (%opt) = @_;
    my $sock;

    if ($opt{unix}) {
        return IO::Socket::UNIX->new(Peer => $opt{unix});
    }

    socket($sock, Socket::PF_INET(), Socket::SOCK_STREAM(), 0)
        or die "socket: $!";
    setsockopt($sock, SOL_SOCKET, SO_RCVBUF, $opt{rcvbuf}) if $opt{rcvbuf};
    connect($sock, Socket::pack_sockaddr_in($opt{port} || server_port(),
                                            Socket::inet_aton('127.0.0.1')))
        or $!{EINTR} && connected($sock)
        or die "connect: $!";

    return bless $sock, 'IO::Socket::INET';
}


# A signal interrupts the call of connect(), not the connecting: it goes on, and
# the end shows as in connect(2), EINPROGRESS.  load_end() sends such signals.

sub connected {
    my ($sock) = @_;
    my $select = IO::Select->new($sock);
    my @ready;

    do {
        $! = 0;
        @ready = $select->can_write($Timeout);
    } while !@ready && $!{EINTR};

    $! = @ready ? unpack('i', getsockopt($sock, SOL_SOCKET, SO_ERROR))
                : POSIX::ETIMEDOUT;

    return !$!;
}


# Sends all of them at once, each on a connection of its own, and reads till the
# end.  Gives as many answers, in the order of the requests.

sub parallel {
    my ($requests, %opt) = @_;
    my $start = time;
    my $deadline = $start + ($opt{timeout} || $Timeout);
    my ($readers, $writers) = (IO::Select->new, IO::Select->new);
    my (@answers, %of);

    # whoever is not read is told otherwise
    local $SIG{PIPE} = 'IGNORE';

    for my $bytes (@$requests) {
        my $sock = connect_to(%opt) or die "connect: $!";
        my $answer = { out => $bytes, raw => '', closed => 0 };

        $sock->blocking(0);
        $of{fileno($sock)} = $answer;
        $readers->add($sock);
        $writers->add($sock) if length $bytes;
        push @answers, $answer;
    }

    while ($readers->count && time < $deadline) {
        my ($r, $w) = IO::Select::select($readers, $writers, undef,
                                         $deadline - time);

        for my $sock (@{ $w || [] }) {
            my $answer = $of{fileno($sock)};
            my $n = syswrite($sock, $answer->{out});

            if (defined $n) {
                substr($answer->{out}, 0, $n) = '';
                $writers->remove($sock) if $answer->{out} eq '';

            } elsif (!$!{EAGAIN}) {
                $writers->remove($sock);
            }
        }

        for my $sock (@{ $r || [] }) {
            my $answer = $of{fileno($sock)};
            my $n = sysread($sock, $answer->{raw}, 65536,
                            length $answer->{raw});

            next if !defined $n && $!{EAGAIN};

            if (!$n) {
                $answer->{closed} = 1;
                $answer->{seconds} = time - $start;
                $readers->remove($sock);
                $writers->remove($sock);
                close $sock;
            }
        }
    }

    my @parsed;

    for my $i (0 .. $#answers) {
        my ($method) = $requests->[$i] =~ /^(\S+)/;
        my $res = parse_response($answers[$i]{raw}, $method);

        $res->{closed} = $answers[$i]{closed};
        $res->{seconds} = $answers[$i]{seconds};
        push @parsed, $res;
    }

    return @parsed;
}


# Reads till the end or for that many seconds.

sub read_all {
    my ($sock, $timeout) = @_;
    my $deadline = time + ($timeout || $Timeout);
    my $select = IO::Select->new($sock);
    my $data = '';

    while ((my $left = $deadline - time) > 0) {
        next if !$select->can_read($left);
        last if !sysread($sock, $data, 65536, length $data);
    }

    return $data;
}


# What comes next, without waiting for more than a pattern needs

sub read_some {
    my ($sock, $timeout, $pattern) = @_;
    my $select = IO::Select->new($sock);
    my $data = '';

    while ($select->can_read($timeout || $Timeout)) {
        last if !sysread($sock, $data, 65536, length $data);
        last if !defined $pattern || $data =~ $pattern;
    }

    return $data;
}


# One answer and what follows it: status, headers, body, rest, and whether it is
# complete: undef where only the end of the connection tells.

sub parse_response {
    my ($raw, $method) = @_;
    my %res = (raw => $raw, status => '', headers => [], body => '',
               rest => '', complete => 0);

    $raw =~ s/\AHTTP\/1\.1 100 Continue\r\n\r\n//;
    $raw =~ s/\A(.*?)\r\n\r\n//s or return \%res;

    my ($line, @headers) = split /\r\n/, $1;

    $res{line} = $line;
    $res{status} = $1 if $line =~ m{^HTTP/1\.[01] (\d{3})};
    $res{headers} = [ map { [ split /:\s*/, $_, 2 ] } @headers ];

    my $length = header(\%res, 'Content-Length');

    if (($method || '') eq 'HEAD' || $res{status} =~ /^(?:1..|204|304)$/) {
        $res{rest} = $raw;
        $res{complete} = 1;

    } elsif (lc(header(\%res, 'Transfer-Encoding') // '') eq 'chunked') {

        my $pos = 0;

        while (substr($raw, $pos, 32) =~ /\A([0-9a-fA-F]+)\r\n/) {
            my ($size, $skip) = (hex $1, length($1) + 2);

            if ($size == 0) {
                if (substr($raw, $pos + $skip, 2) eq "\r\n") {
                    $res{complete} = 1;
                    $res{rest} = substr($raw, $pos + $skip + 2);
                }

                last;
            }

            $res{body} .= substr($raw, $pos + $skip, $size);
            $pos += $skip + $size;
            last if substr($raw, $pos, 2) ne "\r\n";
            $pos += 2;
        }

    } elsif (defined $length) {
        $res{body} = substr($raw, 0, $length);
        $res{rest} = length($raw) > $length ? substr($raw, $length) : '';
        $res{complete} = length($res{body}) == $length ? 1 : 0;

    } else {
        $res{body} = $raw;
        $res{complete} = undef;
    }

    return \%res;
}


sub headers {
    my ($res, $name) = @_;
    return map { $_->[1] // '' } grep { lc $_->[0] eq lc $name }
               @{ $res->{headers} };
}


sub header {
    my ($res, $name) = @_;
    return (headers($res, $name))[0];
}


# strict: dies of what is not JSON

sub decode_json {
    my ($text) = @_;
    return Cpanel::JSON::XS->new->utf8->decode($text);
}


# Invocations: INPUT is JSON text, or undef for none.  However busy the machine
# is, they have time for a start, unless timeout_ms says otherwise; 0 leaves it
# out.

sub invoke_request {
    my ($name, $input, %opt) = @_;
    my $timeout = $opt{timeout_ms} // 15000;
    my @members;

    push @members, "\"input\":$input" if defined $input;
    push @members, "\"timeout_ms\":$timeout" if $timeout;

    return request('POST', "/functions/$name/invoke", %opt,
                   body => '{' . join(',', @members) . '}');
}


# the RunResult, or of something else a hash with its status and text

sub result {
    my ($res) = @_;
    my $value = eval { decode_json($res->{body}) };

    if (ref $value ne 'HASH' || !defined $value->{status}) {
        return { status => "HTTP $res->{status}", error_message => $res->{raw} };
    }

    return $value;
}


sub invoke {
    return result(http(invoke_request(@_), @_[2 .. $#_]));
}


# The engine

sub engine {
    my ($method, $path) = @_;
    my ($res) = parallel([ request($method, $path, version => '1.0') ],
                         unix => $FaasEngine::Socket, timeout => 30);

    return $res;
}


# Those of this nginx, of one function when it is given, as the engine lists
# them; those that are on their way out too.  The name of its function a container
# gets a moment after the first answer.

sub instances {
    my ($function) = @_;
    my @all;

    for (1 .. 10) {
        my $res = engine('GET', '/containers/json?all=1&' . FaasTest::our_filter());

        @all = @{ decode_json($res->{body}) };

        for my $instance (@all) {
            my $name = FaasTest::function_of($instance->{Names}[0] // '') // '';

            utf8::decode($name);
            $instance->{Labels}{'faas.function'} = $name;
        }

        return @all if !defined $function;

        my @named = grep { $_->{Labels}{'faas.function'} eq $function } @all;

        return @named if @named || FaasTest::has_spares()
                         || !grep { $_->{Labels}{'faas.function'} eq '' } @all;
        sleep 0.1;
    }

    return my @none;
}


# Those of other functions than these, a moment after what should not have begun
# any: by then it is listed.  One that starts has no name yet, and is another's
# unless one of these may be on its way.

sub instances_but {
    my %known = map { $_ => 1 } @_;
    my @all;

    sleep 1;

    FaasTest::wait_for(10, sub {
        @all = instances();
        return !%known || !grep { $_->{Labels}{'faas.function'} eq '' } @all;
    });

    return grep { !$known{$_->{Labels}{'faas.function'}} } @all;
}


sub inspect {
    my ($name) = @_;
    return decode_json(engine('GET', "/containers/$name/json")->{body});
}


# Processes

sub master_pid {
    my $pid = slurp(server_root() . '/logs/nginx.pid');
    chomp $pid;
    return $pid;
}


# of all workers, without those that are shutting down

sub worker_pids {
    return grep { (eval { slurp("/proc/$_/cmdline") } // '')
                  =~ /worker process(?! is shutting down)/ } all_worker_pids(@_);
}


sub all_worker_pids {
    my $master = $_[0] || master_pid();
    my @pids;

    for my $stat (glob '/proc/[0-9]*/stat') {
        my $text = eval { slurp($stat) } or next;
        my ($pid, $state, $parent) = $text =~ /^(\d+) \(.*\) (\S) (\d+)/s or next;

        next if $parent != $master || $state eq 'Z';
        next if (eval { slurp("/proc/$pid/cmdline") } // '') !~ /worker process/;
        push @pids, $pid;
    }

    @pids = sort { $a <=> $b } @pids;

    return @pids;
}


# kilobytes, of the worker that needed most since it began; with ASan, which
# keeps what was freed, nothing

sub peak_memory {
    return 0 if $ENV{ASAN};
    return max(0, map { slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0 }
               worker_pids());
}


sub signal_master {
    my ($signal) = @_;
    kill($signal, master_pid()) or die "kill: $!";
}


# Files

sub error_log_text {
    sleep 0.05;
    return slurp(server_root() . '/logs/error.log');
}


sub slurp {
    my ($file) = @_;

    open(my $fh, '<:raw', $file) or die "$file: $!";
    local $/;

    return scalar(<$fh>) // '';
}


# as a careful editor does it: whoever looks sees the old one or the new one

sub write_file {
    my ($file, $text) = @_;

    open(my $fh, '>:raw', "$file.new.$$") or die "$file: $!";
    print $fh $text;
    close($fh) or die "$file: $!";
    rename("$file.new.$$", $file) or die "$file: $!";
}


1;
