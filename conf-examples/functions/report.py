"""A table of ten thousand lines, as CSV, in one piece."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

LINES = [f"{n},{n * n},{n ** 3}\n" for n in range(1, 10001)]
BODY = ("number,square,cube\n" + "".join(LINES)).encode()


class Report(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)


HTTPServer(("", int(os.environ["PORT"])), Report).serve_forever()
