package Bench::Functions;

# The sources that more than one subject calls.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(deno_hello python_hello);


sub deno_hello {
    return <<'DENO';
Deno.serve(
  { hostname: "0.0.0.0", port: Number(Deno.env.get("PORT")) },
  () => new Response("hello\n"),
);
DENO
}


# python_hello([PROTOCOL [, SERVER]]): the standard library, as all write it

sub python_hello {
    my ($protocol, $server) = @_;

    $protocol //= 'HTTP/1.0';
    $server //= 'HTTPServer';

    return <<"PYTHON";
import os
from http.server import BaseHTTPRequestHandler, $server


class Hello(BaseHTTPRequestHandler):
    protocol_version = "$protocol"

    def do_GET(self):
        body = b"hello\\n"

        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


$server(("0.0.0.0", int(os.environ["PORT"])), Hello).serve_forever()
PYTHON
}


1;
