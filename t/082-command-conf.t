# What a configuration may say of commands.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 37;

run_tests();

__DATA__

=== TEST 1: not absolute
--- http_config
    faas_command cat bin/cat;
--- config
--- must_die
--- error_log
the path of program "bin/cat" must be absolute



=== TEST 2: no program
--- http_config
    faas_command cat;
--- config
--- must_die
--- error_log
invalid number of arguments in "faas_command" directive



=== TEST 3: twice
--- http_config
    faas_command cat /bin/cat;
    faas_command cat /bin/cat -n;
--- config
--- must_die
--- error_log
duplicate command "cat"



=== TEST 4: a name
--- http_config
    faas_command a/b /bin/cat;
--- config
--- must_die
--- error_log
invalid name "a/b"



=== TEST 5: a parameter
--- http_config
    faas_command cat /bin/cat max=0;
--- config
--- must_die
--- error_log
invalid parameter "max=0"



=== TEST 6: a method
--- http_config
    faas_command cat /bin/cat methods=GET,BREW;
--- config
--- must_die
--- error_log
invalid parameter "methods=GET,BREW"



=== TEST 7: a limit twice
--- http_config
    faas_command cat /bin/cat rlimit_cpu=1 rlimit_cpu=2;
--- config
--- must_die
--- error_log
invalid parameter "rlimit_cpu=2"



=== TEST 8: levels, precedence, and locations
--- faas_http
    faas_command outer /bin/echo http;
    faas_command both  /bin/echo http;
--- faas_locations
    location = /alone { faas both; }
    location = /none  { faas nobody; }

    location = /first {
        error_page 500 = @second;
        faas fails;
    }

    location @second { faas again; }

    faas_command both  /bin/echo server;
    faas_command file  /bin/echo command;
    faas_command fails /no/such;
    faas_command again /bin/cat;
    faas_command get   /bin/sh -c "echo $REQUEST_METHOD" methods=GET,HEAD;
--- user_files
>>> fn/file.py
raise SystemExit(1)
--- code
is(post('/function/outer', '')->{body}, "http\n", 'of the http level');
is(post('/function/both', '')->{body}, "server\n", 'of the server level');
is(post('/function/file', '')->{body}, "command\n", 'before a file');
is(post('/alone', '')->{body}, "server\n", 'without a proxy_pass');
is(post('/none', '')->{status}, 404, 'unknown, without a proxy_pass');
is(post('/first', 'abc')->{body}, 'abc', 'error_page to another command');
is(get('/function/get')->{body}, "GET\n", 'GET');

my $raw = read_all(do {
    my $sock = connect_to();
    syswrite($sock, request('HEAD', '/function/get'));
    $sock;
});

like($raw, qr/^HTTP\/1.1 200 .*Content-Length: 5\r\n.*\r\n\r\n\z/s, 'HEAD');



=== TEST 9: a reload
--- faas_http
    faas_command now  /bin/echo old;
    faas_command slow /bin/sh -c "sleep 1; echo old";
    faas_command gone /bin/echo old;
--- code
my $sock = connect_to();
syswrite($sock, request('POST', '/function/slow', body => ''));
sleep 0.3;

change_conf('/bin/echo old' => '/bin/echo new',
            'sleep 1; echo old' => 'echo new',
            'faas_command gone' => 'faas_command come');
ok(reload_nginx(), 'a reload');

is(post('/function/now', '')->{body}, "new\n", 'another program');
is(post('/function/slow', '')->{body}, "new\n", 'for all');
is(post('/function/gone', '')->{status}, 404, 'one has gone');
is(post('/function/come', '')->{body}, "old\n", 'one has come');
is(parse_response(read_all($sock))->{body}, "old\n",
   'what was under way ends as it began');



=== TEST 10: worker_shutdown_timeout
--- main_config
    worker_shutdown_timeout 1s;
--- faas_http
    faas_command cat  /bin/cat;
    faas_command long /bin/sleep 61.5;
    faas_command pour /bin/sh -c "head -c 100000 /dev/zero; sleep 61.5";
--- code
my @socks = map {
    my $sock = connect_to();
    syswrite($sock, request('POST', "/function/$_", body => ''));
    $sock;
} qw(long pour);

sleep 0.5;
ok(reload_nginx(), 'a reload');
ok(wait_for(15, sub { all_worker_pids() == 2 }), 'the old workers end');
ok(!parse_response(read_all($_))->{complete}, 'an answer is cut') for @socks;
ok(wait_for(5, sub { !grep { (eval { slurp($_) } // '') =~ /\x0061\.5\0/ }
                     glob '/proc/[0-9]*/cmdline' }), 'no process is left');
is(post('/function/cat', 'abc')->{body}, 'abc', 'the new ones serve');
