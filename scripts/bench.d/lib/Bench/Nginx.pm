package Bench::Nginx;

# A real nginx with the module, of the bench's own.  scripts/bench ends it, by
# the pid file DIRECTORY/NAME/nginx.pid, whatever happens.

use strict;
use warnings;

use Bench::Engine qw(containers engine);
use Bench::Http qw(address free_port now poll request);
use Time::HiRes qw(sleep);


# new(NAME, http => "lines of http {}", server => "lines of server {}",
#     level => of the error log, workers => N,
#     connections => of a worker, zone => size,
#     under => [ a command to run it by, %s is its directory ])

sub new {
    my ($class, $name, %opt) = @_;
    my $self = bless { name => $name,
                       dir => "$ENV{FAAS_BENCH_DIR}/$name",
                       port => free_port(),
                       seen => 0 }, $class;
    my $dir = $self->{dir};

    $self->{prefix} = "$dir/";
    $self->{address} = address('127.0.0.1', $self->{port});

    for my $sub ('', '/functions', '/html', '/logs') {
        mkdir "$dir$sub" or die "$dir$sub: $!\n";
    }

    $self->write_file('html/static', "static\n");
    $self->write_file('nginx.conf', $self->_conf(%opt));

    my @under = map { s/%s/$dir/r } @{ $opt{under} // [] };

    system(@under, 'nginx', '-q', '-p', $self->{prefix}, '-c',
           "$dir/nginx.conf") == 0
        or die "nginx does not start\n";

    poll($self->{address}, request('GET', '/static'), 10)
        or die "nginx does not answer\n";

    return $self;
}


sub _conf {
    my ($self, %opt) = @_;
    my $http = $opt{http} // '';
    my $server = $opt{server} // '';
    my $level = $opt{level} // 'notice';
    my $workers = $opt{workers} // 2;
    my $connections = $opt{connections} // 512;
    my $size = $opt{zone} // '16m';
    my $temp = join "\n", map { "    ${_}_temp_path logs/$_;" }
                              qw(client_body proxy fastcgi uwsgi scgi);

    return <<"END";
load_module $ENV{FAAS_BENCH_MODULE};

user root root;
worker_processes $workers;
pid       nginx.pid;
error_log logs/error.log $level;

events {
    worker_connections $connections;
}

http {
    access_log logs/access.log;
$temp

    faas_zone   bench_$self->{name}:$size;
    faas_root   functions;
    faas_docker unix:$ENV{FAAS_BENCH_ENGINE};
$http

    upstream functions {
        faas;
        keepalive 32;
    }

    server {
        listen 127.0.0.1:$self->{port};

        location /functions {
            faas_api /function/;
        }

        location /function/ {
            rewrite    ^/function/(?<fn>[^/]+)/?(?<rest>.*)\$ /\$rest break;
            faas       \$fn;
            proxy_pass http://functions;

            proxy_http_version 1.1;
            proxy_set_header   Connection "";
        }

$server
    }
}
END
}


# Another configuration, as with new(); returns when only workers of this one
# are left.  Instances stay.

sub reload {
    my ($self, %opt) = @_;
    my %old = map { $_ => 1 } $self->workers;
    my $deadline = now() + 20;

    $self->write_file('nginx.conf', $self->_conf(%opt));

    kill('HUP', $self->master) or die "nginx is gone: $!\n";

    while (now() < $deadline) {
        my @now = $self->workers;

        return if @now && !grep { $old{$_} } @now;
        sleep 0.1;
    }

    die "nginx does not reload, see $self->{dir}/logs/error.log\n";
}


sub master {
    my ($self) = @_;

    open(my $fh, '<', "$self->{dir}/nginx.pid") or die "nginx.pid: $!\n";
    my ($pid) = <$fh> =~ /^([0-9]+)/ or die "nginx.pid is empty\n";

    return $pid;
}


# the process ids of all its children

sub workers {
    my ($self) = @_;
    my $master = $self->master;
    my @pids;

    open(my $fh, '<', "/proc/$master/task/$master/children")
        or die "process $master: $!\n";
    @pids = split ' ', scalar(<$fh>) // '';

    return @pids;
}


sub write_file {
    my ($self, $path, $text) = @_;

    open(my $fh, '>:raw', "$self->{dir}/$path") or die "$path: $!\n";
    print $fh $text;
    close $fh or die "$path: $!\n";

    return;
}


# what came into the error log since the last time

sub log_lines {
    my ($self) = @_;

    open(my $fh, '<:raw', "$self->{dir}/logs/error.log") or return;
    seek($fh, $self->{seen}, 0) or return;

    local $/;
    my $text = <$fh> // '';
    $text =~ s/[^\n]*\z//;
    $self->{seen} += length $text;

    return split /\n/, $text;
}


sub call {
    my ($self, $request) = @_;
    return Bench::Http::call($self->{address}, $request);
}


sub remove_function {
    my ($self, $name) = @_;
    my (undef, $status) = $self->call(request('DELETE', "/functions/$name"));

    die "DELETE /functions/$name failed\n" if !defined $status
                                              || $status != 204;
    return;
}


# { function => id of its container }; the name tells, once it is ready

sub functions {
    my ($self) = @_;
    my %functions;

    for my $container (containers($self->{prefix})) {
        my $name = $container->{Labels}{'faas.function'};    # in older ones

        if ($container->{Names}[0]
            =~ m{^/faas-(?:[0-9a-f]{8}-){2}\d+-\d+\.[0-9a-f]{40}\.(.+)})
        {
            $name = $1;
            $name =~ s/_([0-9A-Fa-f]{2})/chr hex $1/ge;
        }

        $functions{$name} = $container->{Id} if defined $name;
    }

    return %functions;
}


# the addresses and ports of the containers of functions

sub servers_of {
    my ($self, @names) = @_;
    my $deadline = now() + 20;

    while (now() < $deadline) {
        my %found = $self->functions;

        return map { _server($found{$_}) } @names
            if !grep { !$found{$_} } @names;
        sleep 0.1;
    }

    die "containers do not tell their functions\n";
}


sub _server {
    my ($id) = @_;
    my (undef, $all) = engine('GET', "/containers/$id/json");

    for my $network (values %{ $all->{NetworkSettings}{Networks} }) {
        return "$network->{IPAddress}:8080" if $network->{IPAddress};
    }

    die "container $id has no address\n";
}


# Waits until so many loaders of each runtime stand ready, and gives their ids;
# needs "info" of the log.  A function's container has a dot in its name.

sub spares {
    my ($self, $n, $timeout, @runtimes) = @_;
    my $deadline = now() + $timeout;

    while (now() < $deadline) {
        for ($self->log_lines) {
            $self->{ready}{$1} = 1 if /stands ready in "([^".]+)"/;
        }

        my (%ids, $enough);

        for my $container (containers($self->{prefix})) {
            my $name = substr($container->{Names}[0], 1);

            if ($container->{State} eq 'running' && $self->{ready}{$name}) {
                push @{ $ids{$container->{Labels}{'faas.runtime'}} },
                     $container->{Id};
            }
        }

        $enough = grep { @{ $ids{$_} || [] } >= $n } @runtimes;
        return map { @$_ } values %ids if $enough == @runtimes;

        sleep 0.2;
    }

    die "no $n loaders stand ready after $timeout s, see"
        . " $self->{dir}/logs/error.log\n";
}


1;
