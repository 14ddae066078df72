"""Works for as many seconds as the path says, and tells how often it has.

GET /0.5 answers "call 1 took 0.5 s" half a second later.
"""

import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

calls = 0


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global calls

        calls += 1
        seconds = self.path.strip("/") or "0"
        time.sleep(float(seconds))

        body = f"call {calls} took {seconds} s\n".encode()

        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", int(os.environ["PORT"])), Slow).serve_forever()
