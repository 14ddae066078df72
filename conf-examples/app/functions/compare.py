"""Compares two texts: POST {"old": "...", "new": "..."} answers a diff."""

import difflib
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


def compare(old, new):
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(),
                                 "old", "new", lineterm="")
    return "\n".join(lines) or "no difference"


class Compare(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

        try:
            texts = json.loads(body)
            self.answer(200, compare(texts["old"], texts["new"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            self.answer(400, 'the body must be {"old": "...", "new": "..."}')

    def answer(self, status, text):
        body = f"{text}\n".encode()

        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("", int(os.environ["PORT"])), Compare).serve_forever()
