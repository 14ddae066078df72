# Whatever the input is, the function gets it byte for byte, and so comes its
# output back: thousands of random documents, and every byte that is no UTF-8.

use lib 't/lib';
use FaasTest;
use FaasClient;

use MIME::Base64 ();

plan tests => 8;

worker_connections(1024);

# A function that gives back what it got, and keeps its connection.

our $Echo = FaasTest::echo_py();
$Echo =~ s/(class Echo.*\n)/$1    protocol_version = "HTTP\/1.1"\n/;
$Echo =~ s/(        self\.end_headers\(\)\n)/        self.send_header("Content-Length", str(len(body)))\n$1/;

# What it is told, byte by byte.

our $Bytes = $Echo;
$Bytes =~ s/(\n +)(body = .*)/$1$2$1body = bytes(json.loads(body))/;
$Bytes = "import json\n$Bytes";
$Bytes =~ s/self\.headers\["Content-Type"\] or ""/"text\/plain"/;

# as RFC 3629 has it

our $Utf8 = qr/\A(?: [\x00-\x7f] | [\xc2-\xdf] [\x80-\xbf]
                   | \xe0 [\xa0-\xbf] [\x80-\xbf] | [\xe1-\xec\xee\xef] [\x80-\xbf]{2}
                   | \xed [\x80-\x9f] [\x80-\xbf] | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
                   | [\xf1-\xf3] [\x80-\xbf]{3} | \xf4 [\x80-\x8f] [\x80-\xbf]{2} )*\z/x;

sub pick { return $_[rand @_] }

# white space, rarely much of it
sub blank {
    return '' if rand() < 0.6;
    return join '', map { main::pick(' ', "\t", "\n", "\r") } 0 .. rand 4;
}

sub digits { return join '', map { int rand 10 } 1 .. $_[0] }

# a number as nobody's parser would write it again
sub number {
    my $int = main::pick('0', 1 + int(rand 9) . main::digits(rand 40),
                         '9007199254740993', '18446744073709551616');

    return main::pick('', '-') . $int
           . main::pick('', '', '.0', '.' . main::digits(1 + rand 30))
           . main::pick('', '', main::pick('e', 'E') . main::pick('', '+', '-')
                                . main::digits(1 + rand 4));
}

sub string {
    my $text = '';

    for (1 .. rand 8) {
        my $kind = rand 7;

        if ($kind < 1) {
            $text .= main::pick(map { "\\$_" } '"', '\\', '/', qw(b f n r t));
        } elsif ($kind < 2) {
            # halves of pairs too, and NUL
            $text .= sprintf main::pick('\\u%04x', '\\u%04X'),
                             main::pick(0, rand 32, 0xd800 + rand 2048, rand 65536);
        } elsif ($kind < 3) {
            my $char = chr main::pick(0x80 + rand 0x780, 0x800 + rand 0xd000,
                                      0xe000 + rand 0x2000, 0x10000 + rand 0x100000);
            utf8::encode($char);
            $text .= $char;
        } elsif ($kind < 4) {
            $text .= main::pick("\x7f", '{', '}', '[', ']', ':', ',', "'", '%00', '</');
        } else {
            $text .= chr main::pick(0x20, 0x21, 0x23 + rand 0x38, 0x5d + rand 0x22);
        }
    }

    return "\"$text\"";
}

sub value {
    my ($depth) = @_;

    if ($depth == 0 || rand() < 0.4) {
        return main::pick('true', 'false', 'null', main::number(), main::number(),
                          main::string(), main::string(), '[]', '{}', '-0', '1e999');
    }

    # repeated names are more likely than not
    my @values = map {
        main::blank() . (rand() < 0.5 ? '"a"' : main::string()) . main::blank() . ':'
        . main::blank() . main::value($depth - 1) . main::blank()
    } 1 .. rand 5;

    return '{' . (join(',', @values) || main::blank()) . '}' if rand() < 0.5;

    # once in a while deep
    return main::pick(map { '[' x $_ . main::value(0) . ']' x $_ } 1, 30, 300)
        if rand() < 0.03;

    s/\A\s*"[^"\\]*(?:\\.[^"\\]*)*"\s*:// for @values;
    return '[' . (join(',', @values) || main::blank()) . ']';
}

run_tests();

__DATA__

=== TEST 1: ten thousand random documents, there and back
--- user_files eval: ">>> fn/echo.py\n$::Echo"
--- code
my $seed = $ENV{FAAS_SEED} // time ^ $$;
my ($sent, $bad, $first) = (0, 0, '');

srand $seed;
Test::More::note("FAAS_SEED=$seed");
is(post('/function/echo', 'x', headers => [ 'Content-Type: a/b' ])->{body}, 'x', 'it serves');

# Some are an input of their own, and else many are one; the requests stand in
# line on a few connections.

while ($sent < 10_000) {
    my @inputs = map {
        my @values = map { main::value(4) } 1 .. main::pick(1, 1, 80, 80);

        $sent += @values;
        @values > 1 ? '[' . join(',', @values) . ']' : $values[0];
    } 1 .. 50;

    my $sock = connect_to();
    my $bytes = join '', map {
        invoke_request('echo', $inputs[$_], headers => [
            $_ == $#inputs ? 'Connection: close' : 'Connection: keep-alive' ])
    } 0 .. $#inputs;

    my ($raw) = map { $_->{raw} } parallel([ $bytes ], timeout => 60);

    for my $input (@inputs) {
        my $res = parse_response($raw);
        $raw = $res->{rest};

        next if index($res->{body}, "\"output\":$input,\"error_message\"") >= 0;

        $bad++;
        $first ||= "$input\n" . substr $res->{raw}, 0, 2000;
    }
}

is($bad, 0, "all $sent documents came back as they were")
    or diag("FAAS_SEED=$seed\n", $first);



=== TEST 2: bytes that are no UTF-8 are refused in an input, and base64 in an output
--- user_files eval: ">>> fn/bytes.py\n$::Bytes"
--- code
my @lone = map { chr } 0x80 .. 0xff;
my @in = parallel([ map { invoke_request('bytes', "[\"$_\"]") } @lone ], timeout => 60);

is(scalar(grep { $_->{status} ne '400' || $_->{body} !~ /"invalid_json".*at byte 1[12]"/ } @in),
   0, 'in an input each of them is refused');

# as outputs: alone, and texts of which most have one byte wrong

my $seed = $ENV{FAAS_SEED} // time ^ $$;

srand $seed;
Test::More::note("FAAS_SEED=$seed");

my @some = (@lone, map {
    my $text = join '', map { chr main::pick(rand 0x80, 0x80 + rand 0x780, 0x800 + rand 0xd000,
                                             0x10000 + rand 0x100000) } 1 .. 1 + rand 3;

    utf8::encode($text);
    substr($text, rand length $text, 1) = chr rand 256 if rand() < 0.6;
    $text;
} 1 .. 122);

my ($text, $encoded, $bad) = (0, 0, '');

while (my @part = splice @some, 0, 200) {
    my ($raw) = map { $_->{raw} } parallel([ join '', map {
        invoke_request('bytes', '[' . join(',', unpack 'C*', $part[$_]) . ']', headers => [
            $_ == $#part ? 'Connection: close' : 'Connection: keep-alive' ])
    } 0 .. $#part ], timeout => 60);

    for my $bytes (@part) {
        my $res = parse_response($raw);
        my $result = result($res);

        $raw = $res->{rest};

        if ($bytes =~ $main::Utf8) {
            utf8::decode(my $want = $bytes);
            $text++;
            next if ($result->{output} // '') eq $want && !exists $result->{output_encoding};

        } else {
            $encoded++;
            next if ($result->{output_encoding} // '') eq 'base64'
                    && MIME::Base64::decode_base64($result->{output}) eq $bytes;
        }

        $bad ||= unpack('H*', $bytes) . ': ' . substr($res->{raw}, 0, 1000);
    }
}

cmp_ok($text, '>', 20, "$text texts");
cmp_ok($encoded, '>', 130, "$encoded that are none");
is($bad, '', 'each came back in strict JSON') or diag("FAAS_SEED=$seed");
