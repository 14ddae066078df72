package Soak::Function;

# What runs in the containers: it tells the ledger of each call, at once and by
# a datagram, so that whatever becomes of it the call was counted.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(source);


sub source {
    my ($version, $port) = @_;

    return <<"PY";
import errno
import json
import os
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

VERSION = $version


def gateway():
    for line in open("/proc/net/route").readlines()[1:]:
        fields = line.split()

        if fields[1] != "00000000":
            net = struct.unpack(">L", struct.pack("<L", int(fields[1], 16)))[0]
            return socket.inet_ntoa(struct.pack(">L", net + 1))


ledger = (gateway(), $port)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
host = socket.gethostname()


def fill():
    written = 0

    try:
        with open("/tmp/fill", "wb") as f:
            while True:
                written += f.write(b"x" * 65536)
                f.flush()
    except OSError as e:
        return {"written": written, "error": errno.errorcode[e.errno]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}

        if body[:1] == b"{":
            call.update(json.loads(body))

        udp.sendto(f"{call['id']} {host}".encode(), ledger)

        out = {"id": call["id"], "version": VERSION, "host": host,
               "name": os.environ["K_SERVICE"], "length": len(body)}

        if call.get("do") == "fill":
            out["fill"] = fill()

        time.sleep(int(call.get("ms", 0)) / 1000)

        text = json.dumps(out).encode()

        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass

    do_GET = do_POST = answer


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
PY
}


1;
