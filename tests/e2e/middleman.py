"""A server between the toolkit and AWS: answers with AWS's errors, loses answers, holds a call until told to go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ALL = "*"
HOLD_SECONDS = 30.0
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class Hold:
    """One call, of the first `operation` that comes after an `after`, kept waiting between two events."""

    operation: str
    after: str
    arrived: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@dataclass
class Middleman:
    """Forwards to `aws`, an endpoint URL, what it was not told to refuse.

    `calls` are the operations asked for. Those in `lost` reach AWS, and nobody hears what it answered.
    """

    url: str
    aws: str
    calls: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    _refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    _hold: Hold | None = None

    def refuse(self, operation: str, code: str, *, status: int = 400) -> None:
        """Answer every such call (`ALL`: any) with AWS's error `code`."""
        self._refused[operation] = (status, code)

    def hold(self, operation: str, *, after: str) -> Hold:
        """Keep the first `operation` after an `after` waiting until its `go_on` is set."""
        self._hold = Hold(operation, after)
        return self._hold

    def error_for(self, operation: str) -> tuple[int, str] | None:
        """Note the call, wait if it is held, and say how it is refused (status, code), if it is."""
        hold = self._hold
        if hold is not None and operation == hold.operation and hold.after in self.calls:
            self._hold = None
            hold.arrived.set()
            hold.go_on.wait(HOLD_SECONDS)
        self.calls.append(operation)
        return self._refused.get(operation) or self._refused.get(ALL)


@contextmanager
def middleman(aws: str) -> Iterator[Middleman]:
    """One on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.middleman = Middleman(f"http://127.0.0.1:{server.server_port}", aws)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.middleman  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        middleman: Middleman = self.server.middleman  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self._operation(body)
        refused = middleman.error_for(operation)
        if refused is not None:
            status, code = refused
            self._answer(status, self._error(code), {"Content-Type": self.headers["Content-Type"]})
            return
        parts = urlsplit(middleman.aws)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if operation in middleman.lost:
            self.close_connection = True
        else:
            self._answer(response.status, content, dict(response.getheaders()))

    def _operation(self, body: bytes) -> str:
        """The API operation: of a JSON protocol in a header, of the query protocol in the form."""
        target = self.headers.get("X-Amz-Target")
        return target.rpartition(".")[2] if target else parse_qs(body.decode())["Action"][0]

    def _error(self, code: str) -> bytes:
        """An error as AWS's JSON and query protocols spell it."""
        if self.headers.get("X-Amz-Target"):
            return json.dumps({"__type": code, "message": f"{code} it is"}).encode()
        return (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{code} it is</Message></Error>"
            "<RequestId>1</RequestId></ErrorResponse>"
        ).encode()

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
