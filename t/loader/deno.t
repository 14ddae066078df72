# The deno loader, in a container: what functions see, verdicts, the protocol.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use JSON::PP qw(decode_json);
use Loader;
use Test::More;
use Time::HiRes qw(sleep time);

plan skip_all => 'no docker, or no image faas-deno' if !Loader::available('faas-deno');
plan tests => 163;

my $HELLO = <<'TS';
const port: number = Number(Deno.env.get("PORT"));
Deno.serve({ port }, (_: Request) => new Response("hello"));
TS

# What a plain function sees.

{
    my $loader = Loader->new('deno');
    my $verdict = $loader->load(<<'TS');
interface Seen { [name: string]: unknown }
enum Colour { Red, Green }
const files = [...Deno.readDirSync("/tmp")].map((f) => f.name).sort();
Deno.writeTextFileSync("/tmp/runs", "x", { append: true });
const plain = Deno.serve;
function stack(): string { return new Error("here").stack ?? ""; }
Deno.serve({ port: 8080 }, async (): Promise<Response> => {
  await Deno.writeTextFile("/tmp/x", "abc");
  const seen: Seen = {
    main: import.meta.main,
    url: import.meta.url,
    service: Deno.env.get("K_SERVICE"),
    faas: Object.keys(Deno.env.toObject()).filter((k) => k.startsWith("FAAS")),
    colour: Colour[1],
    stack: stack(),
    restored: Deno.serve !== plain,
    runs: await Deno.readTextFile("/tmp/runs"),
    files,
    tmp: await Deno.readTextFile("/tmp/x"),
    etc: await Deno.readTextFile("/etc/hostname").then(() => "read", (e) => e.name),
  };
  return Response.json(seen);
});
TS
    is $verdict, 'READY', 'TypeScript: READY';
    my $seen = eval { decode_json($loader->get) } // {};
    ok $seen->{main}, 'import.meta.main';
    is $seen->{url}, 'file:///tmp/function.ts', 'import.meta.url';
    is $seen->{service}, 'greet', 'env of the frame';
    is_deeply $seen->{faas}, [], 'no FAAS_* in the environment';
    is $seen->{colour}, 'Green', 'an enum';
    like $seen->{stack}, qr{file:///tmp/function\.ts:6:35}, 'the own line in a stack';
    ok $seen->{restored}, 'Deno.serve is itself again';
    is $seen->{runs}, 'x', 'it runs once';
    is_deeply $seen->{files}, ['.deno', 'function.ts'], 'the loader leaves one file in /tmp, and what deno keeps';
    is $seen->{tmp}, 'abc', '/tmp is readable and writable';
    is $seen->{etc}, 'NotCapable', 'other files are not';
    is $loader->connect_once(8081), undef, 'a second frame has nobody to take it';
}

# Kinds of servers.

my %servers = (
    'Deno.listen' => <<'TS',
const text = new TextEncoder().encode("HTTP/1.0 200 OK\r\n\r\nhello");
for await (const c of Deno.listen({ port: 8080 })) {
  await c.read(new Uint8Array(1000));
  await c.write(text);
  c.close();
}
TS
    'node:http' => <<'TS',
import { createServer } from "node:http";
createServer((_, reply) => reply.end("hello")).listen(8080);
TS
    'an open comment at the end' => "$HELLO/* b",
    'a comment at the end' => "#!/usr/bin/env deno\n$HELLO// b",
    'node:net' => <<'TS',
import * as net from "node:net";
net.createServer((c) => c.once("data", () => c.end("HTTP/1.0 200 OK\r\n\r\nhello"))).listen({ port: 8080, host: "0.0.0.0" });
TS
    'a server of node that is not imported' => <<'TS',
globalThis["process"].getBuiltinModule("http").createServer((_, reply) => reply.end("hello")).listen(8080);
TS
    'a server that begins late' => "await new Promise((done) => setTimeout(done, 300));\n$HELLO",
    'a handler that comes first' =>
        'Deno.serve({ port: 8080, onListen: () => console.log("up"), handler: () => new Response("hello") });',
    'plain JavaScript with a BOM' => "\xef\xbb\xbf" . 'const f = () => new Response("hello"); Deno.serve({ port: 8080 }, f);',
);

for my $kind (sort keys %servers) {
    for my $way ([0, 'awaited'], [1, 'rehearsed']) {
        my $loader = Loader->new('deno', rehearse => $way->[0]);
        is $loader->load($servers{$kind}), 'READY', "$kind, $way->[1]: READY";
        is $loader->get, 'hello', "$kind, $way->[1]: answers";
    }
}

# FAILED.

my $ENDED = qr/\AFAILED\ngreet\.ts ended without listening on port 8080/;

my @failures = (
    ['an exception', "interface A { a: 1 }\nfunction f(): void {\n  throw new Error('boom');\n}\n\nf();\n",
        qr/\AFAILED\nError: boom\n    at f \(greet\.ts:3:9\)\n    at greet\.ts:6:1\n\z/],
    ['an exception with a cause', "throw new Error('boom', { cause: new TypeError('caf\xc3\xa9') });\n",
        qr/\AFAILED\nError: boom\n    at greet\.ts:1:7 .*\[cause\]: TypeError: caf\xc3\xa9\n/s],
    ['an exception that is no error', "throw 'text';\n", qr/\AFAILED\nUncaught "text"\n\z/],
    ['an exception in a timer', "setTimeout(() => { throw new Error('later'); }, 20);\n",
        qr/\AFAILED\nError: later\n    at .*greet\.ts:1:26/],
    ['a rejection', "Promise.reject(new Error('no'));\nsetInterval(() => 0, 1000);\n",
        qr/\AFAILED\nError: no\n    at greet\.ts:1:16\n\z/],
    ['a rejection that is prevented', "addEventListener('unhandledrejection', (e) => e.preventDefault());\n"
        . "Promise.reject(new Error('no'));\nsetInterval(() => 0, 1000);\n", qr/\AFAILED\nError: no\n/],
    ['a bind error', "Deno.serve({ port: 8080, hostname: '192.0.2.1' }, () => new Response());\n",
        qr/\AFAILED\nAddrNotAvailable: (?!.*base64).*at greet\.ts:1:6/s],
    ['a bind error of node:http', "import http from 'node:http';\nhttp.createServer().listen(8080, '192.0.2.1');\n",
        qr/\AFAILED\nError: listen E/],
    ['Deno.exit(3)', "Deno.exit(3);\n", qr/$ENDED, exit status 3\n\z/],
    ['process.exit(4)', "import process from 'node:process';\nprocess.exit(4);\n", qr/$ENDED, exit status 4\n\z/],
    ['an end', "console.log('x');\n", qr/$ENDED\n\z/],
    ['an empty source', "", qr/$ENDED\n\z/],
    ['a wrong port', "const s = Deno.serve({ port: 9000 }, () => new Response());\nawait s.shutdown();\n",
        qr/$ENDED \(it listened on 9000\)\n\z/],
    ['the loopback address', "Deno.serve({ port: 8080, hostname: '127.0.0.1' }, () => new Response());\n",
        qr/\AFAILED\ngreet\.ts listens on 127\.0\.0\.1 port 8080, .*listen on 0\.0\.0\.0\n\z/],
    ['a bad UTF-8', "const a = 1;\n// \xff\n", qr/\AFAILED\nSyntaxError: not valid UTF-8\n    at greet\.ts:2\n\z/],
    ['a text too long', "throw new Error('\xc3\xa9'.repeat(50).concat('\\n').repeat(500) + 'end');\n",
        qr/end\n    at greet\.ts:1:7\n\z/, sub {
            my $n = length($_[0]) - length "FAILED\n";
            return $n <= 8192 && $n > 8000 && utf8::decode($_[0]);
        }],
);

for (@failures) {
    my ($kind, $source, $expected, $more) = @$_;
    my $loader = Loader->new('deno', rehearse => 0);
    my $verdict = $loader->load($source);
    like $verdict, $expected, "$kind: FAILED";
    ok $more->($verdict), "$kind: cut well" if $more;
    is $loader->exit_status, 1, "$kind: exit status 1";
}

# What deno cannot load: no verdict, and the reason in the log only.

my @unloadable = (
    ['a syntax error', "const a = 1;\nconst = 2;\n",
        qr{SyntaxError: Unexpected token.*\n2 \| const = 2;\n.*at file:///tmp/function\.ts:2:7$}ms],
    ['an open parenthesis at the end', "const a: number = 1;\n\nfunction f( {\n",
        qr{SyntaxError: .*\n3 \| function f\( \{\n[^\n]*\n    at file:///tmp/function\.ts:3:14$}ms],
    ['an open brace at the end', "if (1) {", qr{SyntaxError: .*at file:///tmp/function\.ts:1:9$}ms],
    ['a decorator at the end', "\@dec", qr{SyntaxError: .*at file:///tmp/function\.ts:1:5$}ms],
    ['an open template', "const a = `b\n", qr{SyntaxError: .*at file:///tmp/function\.ts:1:11$}ms],
    ['a NUL', "const a = 1;\nconst \0b = 2;\n", qr{SyntaxError: .*at file:///tmp/function\.ts:2:7$}ms],
    ['a name declared twice', "let a = 1;\nlet a = 2;\n",
        qr{SyntaxError: Identifier 'a' has already been declared\n.*file:///tmp/function\.ts:2:5}s],
    ['an import error', "const a = 1;\nimport x from './nowhere.ts';\nx();\n",
        qr{Module not found .*at file:///tmp/function\.ts:2:15$}ms],
    ['an import from the net', "import x from 'https://example.com/x.ts';\nx();\n",
        qr{example\.com.*at file:///tmp/function\.ts:1:15$}ms],
    ['an import from npm', "import x from 'npm:chalk';\nx();\n", qr{npm.*at file:///tmp/function\.ts:1:15$}ms],
    ['a name that is not exported', "import { nix } from 'node:http';\nnix();\n",
        qr{SyntaxError: .*'node:http' does not provide an export named 'nix'\n.*file:///tmp/function\.ts:1:10}s],
    ['an await without end', "await new Promise(() => {});\n", qr{never resolved.*file:///tmp/function\.ts:1:1}s],
);

for (@unloadable) {
    my ($kind, $source, $expected) = @$_;
    my $loader = Loader->new('deno', rehearse => 0);
    is $loader->load($source), "unexpected: ''", "$kind: closed";
    is $loader->exit_status, 1, "$kind: exit status 1";
    my $log = $loader->log;
    like $log, $expected, "$kind: in the log";
    unlike $log, qr/rehearsal|data:/, "$kind: nothing of the loader in the log";
}

# After READY.

{
    my $loader = Loader->new('deno');
    is $loader->load($HELLO . 'setTimeout(() => { throw new Error("late"); }, 50);'),
        'READY', 'an error after READY: READY';
    is $loader->exit_status, 1, 'an error after READY: exit status';
    like $loader->log, qr{^error: Uncaught.* Error: late\n.*file:///tmp/function\.ts:3:26}ms,
        'an error after READY: in the log';
}

{
    my $loader = Loader->new('deno');
    is $loader->load($HELLO . 'Deno.exit(5);'), 'READY', 'Deno.exit after READY: READY';
    is $loader->exit_status, 5, 'Deno.exit after READY: its status';
}

{
    my $loader = Loader->new('deno');
    is $loader->load("const s = Deno.serve({ port: 8080 }, () => new Response());\nawait s.shutdown();\n"),
        'READY', 'an end after READY: READY';
    is $loader->exit_status, 0, 'an end after READY: its status';
}

# The protocol.

{
    my $loader = Loader->new('deno');
    my @silent = map { $loader->connect } 1 .. 3;
    my @bad = (
        ['a wrong token', $loader->frame($HELLO, token => 'f' x 32)],
        ['a short token', $loader->frame($HELLO, token => 'f')],
        ['a token that is no string', $loader->frame($HELLO, token => 17)],
        ['garbage', "\x16\x03\x01\0\xff\xfe garbage\n"],
        ['an HTTP request', "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
        ['a null', "null\n"],
        ['deep nesting', '[' x 50000 . "\n"],
        ['a header too long', 'x' x 90000],
        ['a size too large', $loader->frame('', size => 16 * 1024 * 1024 + 1)],
        ['a negative size', $loader->frame('', size => -1)],
        ['a size that is no number', $loader->frame('', size => 'many')],
        ['an env that is no text', $loader->frame('', env => { A => 1 })],
    );
    for (@bad) {
        my ($kind, $bytes) = @$_;
        my $socket = $loader->connect;
        Loader::write_all($socket, $bytes);
        is Loader::read_all($socket, 4), '', "$kind: closed";
    }

    my $half = $loader->connect;
    Loader::write_all($half, substr $loader->frame($HELLO), 0, -10);
    close $half;

    my $socket = $loader->connect;
    for my $piece ($loader->frame($HELLO) =~ /(.{1,40})/gs) {
        Loader::write_all($socket, $piece);
        sleep 0.005;
    }
    is $loader->verdict($socket), 'READY', 'then a good frame, in pieces: READY';
    is $loader->get, 'hello', 'it answers';
    is Loader::read_all($silent[0], 4), '', 'a silent connection: closed';
}

{
    my $loader = Loader->new('deno');
    my $socket = $loader->connect;
    Loader::write_all($socket, "{");
    my $start = time;
    is Loader::read_all($socket, 10), '', 'a slow connection: closed';
    cmp_ok time - $start, '<', 7, 'after some seconds';
    my $large = $HELLO . '//' . 'x' x (1024 * 1024);
    is $loader->load($large), 'READY', 'a source of 1 MiB: READY';
}

# As who only wants to know whether it has booted.

{
    my $loader = Loader->new('deno');
    close $loader->connect for 1 .. 40;
    my $socket = $loader->connect;
    shutdown $socket, 1;
    is Loader::read_all($socket, 4), '', 'a connection without a frame: closed';
    is $loader->load($HELLO), 'READY', 'then a frame: READY';
    is $loader->get, 'hello', 'it answers';
}

# It tries the host, which may answer or not, and lets go of it.

{
    my $host = IO::Socket::INET->new(Listen => 8, LocalAddr => Loader::gateway(), Timeout => 20);
    my $loader = Loader->new('deno', knock => Loader::gateway() . ':' . $host->sockport);
    ok $host->accept, 'the host hears of it';
    is $loader->load($HELLO), 'READY', 'then a frame: READY';
    is $loader->get, 'hello', 'it answers';
}

{
    my $nobody = Loader::gateway() =~ s/\d+$/250/r;
    my $loader = Loader->new('deno', knock => "$nobody:9");
    my $start = time;
    like $loader->load("console.log(1);\n"), qr/ended without listening/, 'nobody is there: FAILED';
    cmp_ok time - $start, '<', 20, 'and nothing waits for him';
}
