"""Says hello: to whom (the header X-User), who, and what it was asked for."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

NAME = os.environ["K_SERVICE"]


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

        user = self.headers.get("X-User") or "stranger"
        body = f"Hello, {user}! {NAME} was asked for {self.path}\n".encode()

        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer


HTTPServer(("", int(os.environ["PORT"])), Hello).serve_forever()
