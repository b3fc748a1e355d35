#!/usr/bin/env python3
"""A service small enough to see a release by: 200 everywhere, and in the headers which color and image answered."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers from the environment: COLOR, and VERSION, the image it runs on."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name that BaseHTTPRequestHandler looks for
        """Any path will do, the health check's too."""
        color, version = os.environ["COLOR"], os.environ["VERSION"]
        body = f"{color} {version}\n".encode()
        self.send_response(200)
        for name, value in (("X-Color", color), ("X-Version", version), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
