"""Greets: POST / {"name": "Ada"} answers {"message":"Hello, Ada"}.

A function is a complete HTTP server in one file, listening on $PORT.  What it
prints goes to the log of its container.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit


class Greet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        self.greet(query.get("name", ["world"])[0])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))

        try:
            name = json.loads(body or "{}").get("name", "world")
        except (ValueError, AttributeError):
            self.answer(400, {"error": "the body must be a JSON object"})
            return

        self.greet(name)

    def greet(self, name):
        self.answer(200, {"message": f"Hello, {name}"})

    def answer(self, status, value):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        body = text.encode()

        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Greet).serve_forever()
