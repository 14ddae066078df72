package FaasLife;

# What the tests of life and death need besides: spare containers, the events of
# the engine, load while something else happens, and nginx started and stopped
# by hand.

use strict;
use warnings;

use FaasClient;
use FaasTest ();

use Exporter 'import';
use Cpanel::JSON::XS ();
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
    spares ready ids act_on seen_by seen_in watch_events events
    load load_end failed_calls unexcused where child end_child
    start_nginx stop_nginx reload_nginx change_conf alive
);


# The engine

# Those that run and are nobody's, of one runtime when it is given: what stands
# ready, or boots, or is on its way to a function.

sub spares {
    my ($runtime) = @_;

    return grep { $_->{State} eq 'running'
                  && $_->{Labels}{'faas.function'} eq ''
                  && (!defined $runtime
                      || $_->{Labels}{'faas.runtime'} eq $runtime) } instances();
}


# whether the loader in a container listens: its interpreter is there

sub loader_listens {
    my ($id) = @_;
    my $pid = inspect($id)->{State}{Pid} or return 0;

    return scalar grep { (eval { slurp("/proc/$pid/net/$_") } // '')
                         =~ /:1F91 0+:0000 0A / } qw(tcp tcp6);
}


# True once so many stand ready, of one runtime when it is given.  One that was
# claimed a moment ago has no other name yet, and nginx may not have connected to
# a loader that listens: it is so when it stays so.

sub ready {
    my ($n, $runtime) = @_;
    my ($seen, $since) = ('', time);

    return FaasTest::wait_for(15, sub {
        my @spares = grep { loader_listens($_->{Id}) } spares($runtime);
        my $now = join(' ', @spares == $n ? 'ready' : 'not', ids(@spares));

        if ($now ne $seen) {
            $seen = $now;
            $since = time;
        }

        return $now =~ /^ready/ && time - $since > 0.7;
    });
}


# short ones, as a function sees its own

sub ids {
    return map { substr($_->{Id}, 0, 12) } @_;
}


# "kill", "pause", "stop" or "rm", as by an operator; gives the status

sub act_on {
    my ($verb, $id) = @_;

    return engine('DELETE', "/containers/$id?force=1&v=1")->{status}
        if $verb eq 'rm';

    return engine('POST', "/containers/$id/$verb")->{status};
}


# What the running instances of a function have noted in "/tmp/seen", one a line:
# files that can be read to their end even when the containers are gone; and how
# often each line is there, in all of them.

sub seen_by {
    my ($function) = @_;
    my @files;

    for my $instance (grep { $_->{State} eq 'running' } instances($function)) {
        my $pid = eval { inspect($instance->{Id})->{State}{Pid} } or next;

        open(my $fh, '<:raw', "/proc/$pid/root/tmp/seen") or next;
        push @files, $fh;
    }

    return @files;
}


sub seen_in {
    my (%n, %known);

    for my $fh (@_) {
        next if $known{join ':', (stat $fh)[0, 1]}++;
        seek($fh, 0, 0);

        while (my $line = <$fh>) {
            chomp $line;
            $n{$line}++;
        }
    }

    return %n;
}


# What the engine does with containers of this nginx from now on; a process
# writes it down.

my @children;

sub child {
    my ($code) = @_;
    my $pid = fork;

    die "fork: $!" if !defined $pid;

    if ($pid) {
        push @children, $pid;
        return $pid;
    }

    # whatever happens to the test, this ends
    $SIG{ALRM} = sub { POSIX::_exit(0) };
    alarm 120;

    eval { $code->(); 1 } or warn $@;
    POSIX::_exit(0);
}

END {
    my $rc = $?;

    kill('KILL', @children) if @children;
    waitpid($_, 0) for @children;

    $? = $rc;
}

sub end_child {
    my ($pid) = @_;

    kill('TERM', $pid);
    waitpid($pid, 0);
    @children = grep { $_ != $pid } @children;
}

sub watch_events {
    my $file = FaasTest::server_root() . '/logs/events.' . time;
    my $sock = connect_to(unix => $FaasEngine::Socket) or die "engine: $!";

    open(my $fh, '>:raw', $file) or die "$file: $!";
    syswrite($sock, request('GET', '/events?' . FaasTest::our_filter(), version => '1.0'));
    read_some($sock, 5);

    child(sub {
        while (sysread($sock, my $bytes, 65536)) {
            syswrite($fh, $bytes);
        }
    });

    return $file;
}


# those of the actions given, or all: { time, action, id, name, function }

sub events {
    my ($file, @actions) = @_;
    my %wanted = map { $_ => 1 } @actions;
    my @events;

    for (slurp($file) =~ /^(\{.*\})\r?$/mg) {
        my $event = decode_json($_);
        my $name = $event->{Actor}{Attributes}{name} // '';

        next if $event->{Type} ne 'container';
        next if @actions && !$wanted{$event->{Action}};

        push @events, { time => $event->{timeNano} / 1e9, name => $name,
                        action => $event->{Action},
                        function => FaasTest::function_of($name),
                        id => substr($event->{Actor}{ID}, 0, 12) };
    }

    return @events;
}


# Load: so many clients, each in a process of its own, that call again and again,
# one call at a time, till the end.  Gives all calls, each with its client and
# the times of its beginning and its end, and the worker where it says so.  A
# "{n}" in a path is another word each time, and they are GET, unless "method"
# says otherwise.

sub load {
    my ($clients, $paths, %opt) = @_;
    my @paths = ref $paths ? @$paths : $paths;
    my @load;

    for my $client (1 .. $clients) {
        my $file = FaasTest::server_root() . "/logs/load.$client." . time;

        open(my $fh, '>:raw', $file) or die "$file: $!";

        my $pid = child(sub {
            my $more = 1;

            local $SIG{TERM} = sub { $more = 0 };
            local $SIG{PIPE} = 'IGNORE';

            for (my $i = 0; $more; $i++) {
                my $path = $paths[$i % @paths] =~ s/\{n\}/$client-$i/r;
                my $began = time;
                my $res = eval { http(request($opt{method} // 'GET', $path, %opt),
                                      timeout => 15, %opt) }
                          || { status => "none: $@", body => '', complete => 0 };

                print $fh Cpanel::JSON::XS->new->latin1->encode({
                    client => $client, path => $path, began => $began,
                    ended => time, status => $res->{status},
                    worker => header($res, 'X-Worker') // 'none',
                    body => $res->{body}, complete => $res->{complete} }), "\n";

                sleep($opt{pause} // 0.01);
            }

            close $fh;
        });

        push @load, { pid => $pid, file => $file };
    }

    return \@load;
}


sub load_end {
    my ($load) = @_;
    my @calls;

    kill('TERM', $_->{pid}) for @$load;

    for my $client (@$load) {
        end_child($client->{pid});
        push @calls, map { Cpanel::JSON::XS->new->latin1->decode($_) }
                         split(/\n/, slurp($client->{file}));
    }

    return sort { $a->{began} <=> $b->{began} } @calls;
}


# in words, for is(..., '')

sub failed_calls {
    my @bad = grep { $_->{status} ne '200' || !$_->{complete} } @_;

    return join("\n", map { sprintf('client %d, %.3f to %.3f: %s %s',
                                    @$_{qw(client began ended status)},
                                    substr($_->{body}, 0, 200)) } @bad);
}


# The calls that have no excuse: these failed, and nothing was done to the
# container, in the times given as [ FROM, TO ], while they were under way; or
# they were not told so, or much too late.

sub unexcused {
    my ($times, @calls) = @_;

    # of these one may have waited for a start before
    my $late = $ENV{ASAN} ? 14 : 8;

    return failed_calls(grep {
        my $call = $_;

        $call->{status} !~ /^(?:200|50[24])$/ || $call->{ended} - $call->{began} >= $late
        || !grep { $call->{began} <= $_->[1] && $call->{ended} >= $_->[0] } @$times;
    } grep { $_->{status} ne '200' || !$_->{complete} } @calls);
}


# who answered, of a function of where_py()

sub where {
    my ($res) = @_;
    my $value = eval { decode_json($res->{body}) };

    return $value if ref $value eq 'HASH' && defined $value->{host};
    return { host => 'none', version => 0, service => 'none', revision => 'none',
             answer => $res->{raw} // $res->{body} };
}


# nginx

sub alive {
    my ($pid) = @_;
    my $text = eval { slurp("/proc/$pid/stat") } // return 0;

    return $text !~ /^\d+ \(.*\) [ZX] /s;
}


# Starts nginx with the configuration of this block, or with another one.

sub start_nginx {
    my ($conf) = @_;
    my $root = FaasTest::server_root();
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';

    $conf ||= "$root/conf/nginx.conf";

    return system("$nginx -e $root/logs/error.log -p $root/ -c $conf"
                  . " >$root/logs/start.out 2>&1") == 0;
}


# True when the master and its workers have ended in time.

sub stop_nginx {
    my ($signal, $seconds, $master) = @_;

    $master ||= master_pid();

    my @pids = ($master, all_worker_pids($master));

    kill($signal, $master) or die "kill: $!";

    return FaasTest::wait_for($seconds || 10, sub { !grep { alive($_) } @pids });
}


# Reads the configuration again, waits for the new workers.

sub reload_nginx {
    my %old = map { $_ => 1 } worker_pids();

    signal_master('HUP');

    return FaasTest::wait_for(10, sub {
        my @pids = worker_pids();
        return @pids == 2 && !grep { $old{$_} } @pids;
    });
}


# change_conf(OLD => NEW, ...): the configuration is another from now on, once it
# is read again

sub change_conf {
    my $file = FaasTest::server_root() . '/conf/nginx.conf';
    my $conf = slurp($file);

    while (my ($old, $new) = splice @_, 0, 2) {
        $conf =~ s/\Q$old\E/$new/ or die "no $old in $file";
    }

    write_file($file, $conf);
}


1;
