# Commands whose client is slow, breaks off, or is led elsewhere.

use lib 't/lib';
use FaasTest;
use FaasClient;

use Time::HiRes qw(sleep time);

plan tests => 25;


sub commands {
    return <<'_EOC_';
    faas_command cat   /bin/cat;
    faas_command late  /bin/sh -c "sleep 1.5; cat | wc -c";
    faas_command first /bin/sh -c "read x; sleep 60.3125" timeout=500ms;
    faas_command none  /no/such/program;
    faas_command soon  /usr/bin/head -c 300000 /dev/zero timeout=4s;
    faas_command stay  /bin/sleep 60.4375;
    faas_command long  /bin/sh -c
                 "sleep 0.5; head -c $0 /dev/zero; echo 'the end' >&2" 3000000;
    faas_command short /bin/sh -c "sleep 0.5; echo 'a few' >&2; echo x";
    faas_command note  /bin/sh -c "sleep 0.7; echo 'a note' >&2" methods=GET;
_EOC_
}

sub locations {
    return <<'_EOC_';
    location ~ ^/unbuffered/(?<fn>[^/]+) {
        faas_request_buffering off;
        client_body_timeout 1s;
        faas $fn;
    }

    location ~ ^/first/(?<fn>[^/]+) {
        faas_request_buffering off;
        error_page 500 504 = @cat;
        faas $fn;
    }

    location @cat { faas cat; }

    location ~ ^/limited/(?<fn>[^/]+) {
        limit_rate 60k;
        faas $fn;
    }

    location ~ ^/finish/(?<fn>[^/]+) {
        faas_client_abort finish;
        faas $fn;
    }

    location = /noted {
        post_action /function/note;
        return 200 done;
    }
_EOC_
}


sub running {
    my ($args) = @_;

    return scalar(grep { (eval { slurp($_) } // '') =~ /\0\Q$args\E\0/ }
                  glob '/proc/[0-9]*/cmdline');
}


# sends it in two parts, and reads the answer
sub in_two {
    my ($request, $n) = @_;

    my $sock = connect_to();
    syswrite($sock, substr($request, 0, $n));
    sleep 0.2;
    syswrite($sock, substr($request, $n));

    return parse_response(read_all($sock));
}


run_tests();

__DATA__

=== TEST 1: the client has sent it, and the command does not read
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
for my $n (65700, 66000) {
    my $res = main::in_two(request('POST', '/unbuffered/late', body => 'x' x 200000), $n);

    is($res->{status}, 200, "after $n bytes: status");
    is($res->{body}, "200000\n", "after $n bytes: all of it");
}



=== TEST 2: the body turns out to be wrong while the answer is sent
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $sock = connect_to();
syswrite($sock, "POST /unbuffered/cat HTTP/1.1\r\nHost: localhost\r\n"
                . "Transfer-Encoding: chunked\r\n\r\n"
                . sprintf("%x\r\n", 200000) . 'x' x 200000 . "\r\n");
my $head = read_some($sock, 5, qr/\r\n\r\n/);
syswrite($sock, "no chunk\r\n");
my $res = parse_response($head . read_all($sock));

is($res->{status}, 200, 'it has begun');
is($res->{complete}, 0, 'and is cut off');
unlike($res->{raw}, qr/error/, 'without a page at its end');



=== TEST 3: an error_page to another command
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $body = join('', map { sprintf "%07d\n", $_ } 1 .. 25000);
my $res = main::in_two(request('POST', '/first/none', body => $body), 20000);

is($res->{status}, 200, 'nobody has had the body: status');
ok($res->{body} eq $body, 'all of it');

$res = main::in_two(request('POST', '/first/first', body => $body), 20000);
is($res->{status}, 500, 'somebody has had a part');
like(error_log_text(), qr/the body for command "cat" went to another one/,
     'the log says so');



=== TEST 4: a deadline is for the command
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $res = post('/limited/soon', '');
is($res->{complete}, 1, 'it has ended in time');
is(length $res->{body}, 300000, 'all of it');



=== TEST 5: the client goes away right after the body
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $request = request('POST', '/unbuffered/stay', body => 'x' x 100);

for (1 .. 10) {
    my $sock = connect_to();
    syswrite($sock, substr($request, 0, -50));
    sleep 0.05;
    syswrite($sock, substr($request, -50));
    close $sock;
}

ok(wait_for(10, sub { !main::running('60.4375') }), 'no command is left');



=== TEST 6: post_action
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
my $sock = connect_to();
syswrite($sock, request('GET', '/noted'));
like(read_some($sock, 5, qr/done/), qr/done/, 'an answer');
close $sock;
ok(wait_for(10, sub { error_log_text() =~ /wrote to stderr: "a note"/ }),
   'the action does not need the client');



=== TEST 7: faas_client_abort finish
--- faas_http eval: main::commands()
--- faas_locations eval: main::locations()
--- code
for (['short', 'a few'], ['long', 'the end']) {
    my ($name, $text) = @$_;

    my $sock = connect_to();
    syswrite($sock, request('POST', "/finish/$name", body => ''));
    sleep 0.2;
    close $sock;

    ok(wait_for(10, sub { error_log_text() =~ /wrote to stderr: "$text"/ }),
       "$name: it finishes");
}
