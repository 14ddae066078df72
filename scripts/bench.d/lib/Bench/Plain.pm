package Bench::Plain;

# Calls through the module against a plain proxy_pass of the same nginx to the
# very same container.

use strict;
use warnings;

use Bench::Http qw(request);
use Bench::Report qw(table);
use Bench::Turns qw(median ratio spread turns);
use Bench::Wrk qw(wrk);
use Exporter 'import';

our @EXPORT_OK = qw(plain_server faas_server wake compare_rates rate_table);


# lines of server {} and http {}: a location PATH to the server ADDRESS, with
# MORE of its own

sub plain_server {
    my ($path, $address, $keepalive, $more) = @_;
    my $name = $path =~ s/\W/_/gr;
    my $kept = $keepalive ? "        keepalive $keepalive;\n" : '';
    my $headers = $keepalive
                  ? qq(            proxy_set_header Connection "";\n) : '';

    return (http => "    upstream plain$name {\n"
                    . "        server $address max_fails=0;\n$kept    }\n",
            server => "        location $path {\n"
                      . "            proxy_pass http://plain$name/;\n"
                      . "            proxy_http_version 1.1;\n$headers"
                      . ($more // '')
                      . "        }\n");
}


# the same of server {} for a function, so that it is the module that is measured
# and not the rewrite rule of a location for all of them

sub faas_server {
    my ($path, $function) = @_;

    return "        location $path {\n"
           . "            faas $function;\n"
           . "            proxy_pass http://functions/;\n"
           . "            proxy_http_version 1.1;\n"
           . qq(            proxy_set_header Connection "";\n)
           . "        }\n";
}


# calls a function until it answers, and gives the address of its container

sub wake {
    my ($nginx, $name, $method, $body) = @_;
    my ($seconds, $status, $text)
        = $nginx->call(request($method // 'GET', "/function/$name", $body));

    die "$name: ", $status // $!, ' ', $text // '', "\n"
        if ($status // 0) != 200;

    my ($server) = $nginx->servers_of($name);

    return $server;
}


# compare_rates(OPT, CLIENTS, SECONDS, [ NAME, URL, SCRIPT ] ...)

sub compare_rates {
    my ($opt, $clients, $seconds, @ways) = @_;

    return turns($opt->{n}, map {
        my ($name, $url, $script) = @$_;

        ($name, sub {
            return wrk($url, clients => $clients, seconds => $seconds,
                       script => $script);
        });
    } @ways);
}


# rate_table(TITLE, RESULTS, BASE, [ NAME => LABEL ] ...): BASE is what the
# ratios are to

sub rate_table {
    my ($title, $results, $base, @ways) = @_;
    my @rows;

    for my $way (@ways) {
        my ($name, $label) = @$way;
        my $of = $results->{$name};
        my $to = $results->{$base};
        my @ratios = $name eq $base
                     ? ('1.000', '', '1.000')
                     : (ratio('rate', $of, $to), spread('rate', $of, $to),
                        ratio('99', $of, $to));

        push @rows, [ $label, sprintf('%.0f', median('rate', $of)),
                      (map { sprintf '%.2f', median($_, $of) } 50, 99),
                      @ratios ];
    }

    return table([ $title, 'a second', 'p50, ms', 'p99', 'ratio',
                   'half of them', 'ratio of p99' ], @rows);
}


1;
