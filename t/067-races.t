# Things that happen while an instance starts, and answers that end one.

use lib 't/lib';
use FaasTest;
use FaasClient;
use FaasLife;

use Time::HiRes qw(sleep time);

plan tests => 25;

our $Where = where_py();

our $Answer = <<'_EOC_';
Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => {
  if (new URL(request.url).pathname === "/die") Deno.exit(3);
  return new Response("deno");
});
_EOC_

# what a request sent now has as its answer, later

sub send_get {
    my ($path) = @_;
    my $sock = connect_to();

    syswrite($sock, request('GET', $path));

    return sub { return parse_response(read_all($sock)) };
}

run_tests();

__DATA__

=== TEST 1: an edit is undone while its revision starts, and nobody waits for ever
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
--- user_files eval: ">>> fn/undo.py\n$::Where"
--- code
my $file = html_dir() . '/fn/undo.py';
my $first = where(get('/function/undo'));

write_file($file, "import time\ntime.sleep(2)\n" . FaasTest::where_py(2));
my $edited = send_get('/function/undo');
sleep 0.5;

write_file($file, $main::Where);
my $began = time;
my $undone = send_get('/function/undo');

is(where($undone->())->{version}, 1, 'who comes after that has the old one');
is($edited->()->{status}, 200, 'who came before it is answered, too');
cmp_ok(time - $began, '<', 20, 'and nobody has waited for a deadline');
is(where(get('/function/undo'))->{host}, $first->{host}, 'by the instance that was there');
ok(wait_for(10, sub { instances('undo') == 1 }), 'which is the only one in the end');



=== TEST 2: a function changes its language while it starts
--- faas_http
    faas_runtime python prewarm=0;
    faas_runtime deno prewarm=0;
--- user_files eval: ">>> fn/swap.py\n$::Where"
--- code
my $swapped = send_get('/function/swap');

sleep 0.1;
write_file(html_dir() . '/fn/swap.ts', $main::Answer);
unlink html_dir() . '/fn/swap.py';

my $res = $swapped->();

is($res->{status}, 200, 'it is found');
like($res->{body}, qr/\Adeno\z|"version"/, 'and answered by the one or the other');
is(get('/function/swap')->{body}, 'deno', 'from then on by the new one');
ok(wait_for(15, sub { instances('swap') == 1 && instances() == 1 }),
   'nothing of the old one is left');



=== TEST 3: whoever began a start goes away, and the others are served
--- faas_http
    faas_runtime python prewarm=0 concurrency=4;
--- user_files eval: CORE::join '', map { ">>> fn/gone$_.py\n$::Where" } 1 .. 5
--- code
for my $i (1 .. 5) {
    my $gone = connect_to();

    syswrite($gone, request('GET', "/function/gone$i"));
    sleep 0.005 * $i * $i;

    my $stays = main::send_get("/function/gone$i");
    close $gone;

    is($stays->()->{status}, 200, "after $i");
}

is(error_log_text() =~ /start of "gone/, '', 'no start has failed');



=== TEST 4: a call that ends its instance ends no other
--- faas_http
    faas_runtime deno prewarm=1 concurrency=64;
--- user_files eval: ">>> fn/die.ts\n$::Answer"
--- code
ok(ready(1, 'deno'), 'a spare stands ready');

is(get('/function/die')->{body}, 'deno', 'it answers');
is(get('/function/die')->{body}, 'deno', 'over a connection that is kept');
is(get('/function/die/die')->{status}, 502, 'the call that ends it has no answer');

is(get('/function/die')->{body}, 'deno', 'the next one is answered');
is(scalar(() = error_log_text() =~ /"die" is ready/g), 2, 'by the second instance');
