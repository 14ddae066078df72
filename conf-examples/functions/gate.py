"""Decides for auth_request: 204 and the user's name, 401, or 403.

The token comes in "Authorization: Bearer TOKEN", and who is let in, "user" or
"admin", in X-Role.
"""

import hmac
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# a true one would look them up, or verify a signature
USERS = {"ada": "token-of-ada", "bob": "token-of-bob"}
ADMINS = {"ada"}


class Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        user = self.user()

        if user is None:
            self.answer(401, "WWW-Authenticate", "Bearer")

        elif self.headers.get("X-Role") != "user" and user not in ADMINS:
            self.answer(403)

        else:
            self.answer(204, "X-User", user)

    def user(self):
        given = self.headers.get("Authorization", "").encode()

        for user, token in USERS.items():
            if hmac.compare_digest(given, f"Bearer {token}".encode()):
                return user

        return None

    def answer(self, status, *header):
        self.send_response(status)
        if header:
            self.send_header(*header)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("", int(os.environ["PORT"])), Gate).serve_forever()
