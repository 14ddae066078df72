# What the engine is told, and what it is left with: containers as hard as we
# promise, one for a burst, none for a function that is gone.

use lib 't/lib';
use FaasTest;
use FaasClient;

plan tests => 102;

worker_connections(1024);

# Tells where it runs, how many are in it at a time, and its version.

our $Where = <<'_EOC_';
import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = 1
lock = threading.Lock()
inside = most = 0


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        global inside, most
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

        with lock:
            inside += 1
            most = max(most, inside)

        if "slow" in self.path:
            time.sleep(2.5)
        elif "brief" in self.path:
            time.sleep(0.02)

        out = json.dumps({"host": socket.gethostname(), "inside": inside,
                          "most": most, "version": VERSION}).encode()

        with lock:
            inside -= 1

        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass

    do_GET = do_POST = answer


ThreadingHTTPServer.request_queue_size = 512
ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_

# Looks at its own confinement from the inside.

our $Inside = <<'_EOC_';
import json
import os
import resource
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer


def attempt(what):
    try:
        return what() and "done"
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def write(path, size=1):
    with open(path, "wb") as f:
        for _ in range(size):
            f.write(b"a" * 1048576)
    return True


def look():
    status = dict(line.rstrip().split(":\t", 1) for line in open("/proc/self/status")
                  if ":\t" in line)
    mounts = [line.split()[:4] for line in open("/proc/self/mounts")]
    return {
        "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
        "caps": [status[k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
        "no_new_privs": status["NoNewPrivs"], "seccomp": status["Seccomp"],
        "root": [m[3].split(",")[0] for m in mounts if m[1] == "/"],
        "tmp": [[m[2], m[3]] for m in mounts if m[1] == "/tmp"],
        "write_root": attempt(lambda: write("/file")),
        "write_etc": attempt(lambda: write("/etc/file")),
        "write_tmp": attempt(lambda: write("/tmp/file")),
        "fill_tmp": attempt(lambda: write("/tmp/full", 40)),
        "docker": attempt(lambda: os.stat("/var/run/docker.sock")),
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "env": sorted(os.environ),
        "memory": open("/sys/fs/cgroup/memory.max").read().strip()
                  if os.path.exists("/sys/fs/cgroup/memory.max") else None,
        "others": [p for p in os.listdir("/proc") if p.isdigit()],
    }


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        out = json.dumps(look()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
_EOC_


our $GreetTs = FaasClient::slurp('data/functions/greet.ts');


# The requests in the log of an engine: line, headers in order, body.

sub recorded {
    my ($rest) = @_;
    my @requests;

    while ($rest =~ s/\A(\S+ \S+ HTTP\/1\.[01])\r\n(.*?)\r\n\r\n//s) {
        my ($line, @headers) = ($1, split /\r\n/, $2);
        my ($length) = map { /^content-length: (\d+)$/i ? $1 : () } @headers;
        my $body = substr($rest, 0, $length // 0, '');

        push @requests, { line => $line, headers => \@headers, body => $body };
    }

    push @requests, { line => "not a request: $rest", headers => [], body => '' }
        if $rest ne '';

    return @requests;
}


sub where {
    my ($res) = @_;
    return eval { decode_json($res->{body}) } || { host => $res->{raw} };
}

run_tests();

__DATA__

=== TEST 1: no header of a client reaches the engine
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_docker unix:$TEST_NGINX_SERVER_ROOT/html/engine.sock;

    upstream functions {
        faas;
    }
--- post_setup_server_root
FaasTest::fake_engine(html_dir() . '/engine.sock', 'relay');
--- user_files eval
">>> fn/evil.py\n$::Where"
--- code
my $root = html_dir();
my @evil = ('X-Registry-Auth: c2VjcmV0', 'X-Registry-Config: e30=',
            'Expect: 100-continue', 'X-Evil: marker-of-the-client',
            'Host: marker.of.the.client', 'Cookie: marker-of-the-client=1',
            'Authorization: Basic bWFya2Vy', 'User-Agent: marker-of-the-client',
            'Content-Type: text/marker-of-the-client', 'Range: bytes=0-1',
            'If-None-Match: "marker-of-the-client"', 'Via: 1.0 marker-of-the-client',
            'Accept-Encoding: gzip', 'Referer: http://marker.of.the.client/');

# a container each for raw requests and an invocation

for my $kind (qw(raw upgrade chunked invoked)) {
    write_file("$root/fn/evil.py", $main::Where . "# $kind\n");

    my @less = grep { !/^Expect/ } @evil;
    my $res;

    if ($kind eq 'raw') {
        $res = get('/function/evil', headers => \@evil);

    } elsif ($kind eq 'upgrade') {
        $res = get('/function/evil', headers => [ @evil, 'TE: trailers',
                   'Connection: Upgrade, close', 'Upgrade: tcp', 'Trailer: X-T' ]);

    } elsif ($kind eq 'chunked') {
        $res = http(request('POST', '/function/evil', headers => [ @less,
                            'Transfer-Encoding: chunked' ],
                            body => "6\r\nmarker\r\n0\r\n\r\n"));

    } else {
        $res = http(request('POST', '/functions/evil/invoke', headers => \@less,
                    body => '{"input":"marker-of-the-client","timeout_ms":15000}'));
    }

    is($res->{status}, 200, "$kind: it is served");
}

# removals of the old ones too

wait_for(10, sub { instances('evil') == 1 });

my @all = recorded(slurp("$root/engine.sock.log"));
my $text = join "\n", map { join "\n", $_->{line}, @{ $_->{headers} }, $_->{body} } @all;

is(scalar(grep { $_->{line} =~ m{^POST /v[0-9.]+/containers/create\?} } @all), 4,
   'the engine is asked for four containers');
unlike($text, qr/marker/i, 'no value of a header');

my @ours = (qr/Host: docker/, qr/User-Agent: ngx_http_faas_module/,
            qr/Accept: (?:application\/json|\*\/\*)/, qr/Connection: close/,
            qr/Content-Type: application\/json/, qr/Content-Length: \d+/);
my %others;

for my $header (map { @{ $_->{headers} } } @all) {
    $others{$header}++ if !grep { $header =~ /\A$_\z/ } @ours;
}

is(join("\n", keys %others), '', 'no header but ours');
is(scalar(grep { $_->{line} =~ /^not a request/ } @all), 0,
   'each length is that of the body');

my @bodies = map { eval { decode_json($_->{body}) } } grep { $_->{body} ne '' } @all;

is(scalar(grep { !defined } @bodies), 0, 'each body is JSON');



=== TEST 2: a container is as confined as it can be
--- faas_http
    faas_runtime python memory=96m tmpfs=32m pids=40 cpus=0.5;
    faas_runtime deno;
--- user_files eval
">>> fn/inside.py\n$::Inside>>> fn/greet.ts\n$::GreetTs"
--- code
my $seen = decode_json(get('/function/inside')->{body});

is(get('/function/greet')->{status}, 200, 'one of deno');

# what the engine says

for my $name (qw(inside greet)) {
    my ($instance) = instances($name);
    my $got = inspect($instance->{Id});
    my $host = $got->{HostConfig};
    my %limit = map { $_->{Name} => "$_->{Soft} $_->{Hard}" } @{ $host->{Ulimits} };
    my $small = $name eq 'inside';

    is($got->{Config}{User}, '65534:65534', "$name: user");
    is("@{ $host->{CapDrop} }", 'ALL', "$name: all capabilities dropped");
    is(scalar(@{ $host->{CapAdd} || [] }), 0, "$name: none added");
    ok((grep { /^no-new-privileges(?:[:=]true)?$/ } @{ $host->{SecurityOpt} }),
       "$name: no new privileges");
    ok(!(grep { /unconfined/ } @{ $host->{SecurityOpt} }), "$name: seccomp stays");
    ok($host->{ReadonlyRootfs}, "$name: read-only root");
    ok(!$host->{Privileged}, "$name: not privileged");
    like($host->{Tmpfs}{'/tmp'}, qr/size=\d+/, "$name: a sized /tmp");
    is($host->{Memory}, $small ? 96 << 20 : 256 << 20, "$name: memory");
    is($host->{MemorySwap}, $host->{Memory}, "$name: no swap");
    is($host->{NanoCpus}, $small ? 500_000_000 : 1_000_000_000, "$name: CPU");
    is($host->{PidsLimit}, $small ? 40 : 64, "$name: processes");
    is($limit{nofile}, '1024 1024', "$name: files");
    is($limit{core}, '0 0', "$name: no core dumps");
    is(scalar(@{ $host->{Binds} || [] }) + @{ $got->{Mounts} || [] }, 0,
       "$name: nothing of the host, no volume");
    is(scalar(keys %{ $host->{PortBindings} || {} }), 0, "$name: no port published");
    is($host->{IpcMode} . $host->{PidMode} . $host->{UTSMode} . $host->{UsernsMode},
       'private', "$name: no namespace of the host");
    is($host->{RestartPolicy}{Name}, 'no', "$name: not restarted");
    is($host->{LogConfig}{Config}{'max-size'}, '1m', "$name: a bounded log");
    is(scalar(@{ $host->{Devices} || [] }) + @{ $host->{DeviceRequests} || [] }, 0,
       "$name: no device");

    my @networks = keys %{ $got->{NetworkSettings}{Networks} };
    my $network = decode_json(engine('GET', "/networks/$networks[0]")->{body});

    is(scalar(@networks), 1, "$name: one network");
    ok($network->{Internal}, "$name: an internal one");
    is($network->{Options}{'com.docker.network.bridge.enable_icc'}, 'false',
       "$name: without traffic between containers");
}

# and what it looks like from inside

is("$seen->{uid} $seen->{gid} @{ $seen->{groups} }", '65534 65534 65534',
   'inside: nobody') or diag("@{ $seen->{groups} }");
is(join(' ', @{ $seen->{caps} }), join(' ', ('0' x 16) x 5), 'inside: no capability');
is("$seen->{no_new_privs} $seen->{seccomp}", '1 2', 'inside: a filter on system calls');
is("@{ $seen->{root} }", 'ro', 'inside: the root is read-only');
like($seen->{write_root}, qr/Read-only|denied/, 'inside: as one sees');
like($seen->{write_etc}, qr/Read-only|denied/, 'inside: everywhere');
is($seen->{write_tmp}, 'done', 'inside: but in /tmp');
like($seen->{fill_tmp}, qr/No space/, 'inside: which is not endless');
like($seen->{tmp}[0][1], qr/nosuid.*nodev.*noexec/, 'inside: nor of use for programs');
like($seen->{docker}, qr/No such file/, 'inside: no socket of the engine');
is("@{ $seen->{nofile} } @{ $seen->{core} }", '1024 1024 0 0', 'inside: limits');
cmp_ok(scalar(@{ $seen->{others} }), '<=', 3, 'inside: no process of others');
is(join(' ', grep { /^FAAS|TOKEN/ } @{ $seen->{env} }), '', 'inside: no token');
is(join(' ', grep { /^(?:PORT|K_)/ } @{ $seen->{env} }),
   'K_CONFIGURATION K_REVISION K_SERVICE PORT', 'inside: the contract');



=== TEST 3: one container for 200 first requests at once, over two workers
--- http_config
    faas_zone test:1m;
    faas_root $TEST_NGINX_HTML_DIR/fn;
    faas_runtime python concurrency=256 pids=512;

    upstream functions {
        faas;
    }

    server {
        listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 reuseport;

        location / {
            faas burst;
            proxy_pass http://functions;
            add_header X-Worker $pid;
        }
    }
--- user_files eval: ">>> fn/burst.py\n$::Where"
--- code
my ($port) = slurp(server_root() . '/conf/nginx.conf') =~ /:(\d+) reuseport/;
my @answers = parallel([ (request('GET', '/')) x 200 ], port => $port);
my %hosts = map { where($_)->{host} => 1 } @answers;
my %workers = map { (header($_, 'X-Worker') // '') => 1 } @answers;

is(scalar(grep { $_->{status} == 200 } @answers), 200, 'all are served');
is(scalar(keys %hosts), 1, 'by one container');
is(scalar(keys %workers), 2, 'and two workers');
is(scalar(instances('burst')), 1, 'no other was made');



=== TEST 4: no more requests inside than concurrency says
--- faas_http
    faas_runtime python concurrency=1;
    faas_runtime deno concurrency=4;
--- user_files eval
">>> fn/alone.py\n$::Where>>> fn/four.ts\n" . <<'_EOC_'
let inside = 0, most = 0;
Deno.serve({ port: 8080 }, async () => {
  most = Math.max(most, ++inside);
  await new Promise((done) => setTimeout(done, 20));
  inside--;
  return Response.json({ most });
});
_EOC_
--- code
my @alone = parallel([ (request('GET', '/function/alone/brief')) x 40,
                       (request('POST', '/function/alone/brief', body => 'a')) x 20 ]);

is(scalar(grep { $_->{status} == 200 } @alone), 60, 'all are served');
is(join(' ', keys %{ { map { where($_)->{most} => 1 } @alone } }), 1,
   'never two at once');

my @four = parallel([ (request('GET', '/function/four')) x 40 ]);

is(scalar(grep { $_->{status} == 200 } @four), 40, 'concurrency=4: all are served');
is((sort { $b <=> $a } map { where($_)->{most} } @four)[0], 4,
   'up to four at once, and no more');



=== TEST 5: a changed file is a new revision
--- faas_http
    faas_runtime python concurrency=4;
--- user_files eval: ">>> fn/changing.py\n$::Where"
--- code
my $file = html_dir() . '/fn/changing.py';
my $version = sub { $main::Where =~ s/VERSION = 1/VERSION = $_[0]/r };
my $first = where(get('/function/changing'));

is($first->{version}, 1, 'the first');

# what is under way stays with the old one

my $sock = connect_to();
syswrite($sock, request('GET', '/function/changing/slow'));
ok(wait_for(5, sub { where(get('/function/changing'))->{inside} == 2 }),
   'a request is in it');

write_file($file, $version->(2));

my $second = where(get('/function/changing'));

is($second->{version}, 2, 'the next request has the second');
isnt($second->{host}, $first->{host}, 'in another container');

my $slow = where(parse_response(read_all($sock)));

is("$slow->{version} $slow->{host}", "1 $first->{host}",
   'the request under way ended in the first');
ok(wait_for(10, sub { instances('changing') == 1 }), 'whose container is removed');

# as many bytes, and within the same second

for my $n (3 .. 5) {
    if ($n == 4) {
        open(my $fh, '+<', $file) or die $!;     # in place
        print $fh $version->($n);
        close $fh;

    } else {
        write_file($file, $version->($n));
    }

    is(where(get('/function/changing'))->{version}, $n, "version $n");
}

# the same content again is the same revision

my $host = where(get('/function/changing'))->{host};

write_file($file, $version->(5));
is(where(get('/function/changing'))->{host}, $host, 'nothing new in a new file');



=== TEST 6: a function that is gone takes its container along
--- user_files eval: ">>> fn/one.py\n$::Where>>> fn/two.py\n$::Where"
--- code
is(get("/function/$_")->{status}, 200, "$_ runs") for qw(one two);
is(scalar(map { instances($_) } qw(one two)), 2, 'in two containers');

is(http(request('DELETE', '/functions/one'))->{status}, 204, 'deleted by the API');
unlink html_dir() . '/fn/two.py';

is(get('/function/one')->{status}, 404, 'the one is not there any more');
ok(wait_for(10, sub { !instances('one') }), 'nor its container');
ok(wait_for(10, sub { !instances('two') }), 'that of a file removed by hand neither');
is(get('/function/two')->{status}, 404, 'nor this function');
