"""A server that answers ELBv2 calls as told: an error of AWS's, a closed connection, silence, else nothing there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

HANG_UP, SILENCE = (0, "hang up"), (0, "silence")
_SILENT_SECONDS = 1.0


@dataclass
class Answers:
    """then: (status, error code) for the next calls, in turn. calls: the operations asked for."""

    url: str
    then: list[tuple[int, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def answering() -> Iterator[Answers]:
    """One on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    answers = Answers(f"http://127.0.0.1:{server.server_port}")
    server.answers = answers  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield answers
    finally:
        answers.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def error_body(code: str, message: str) -> bytes:
    """An error as AWS's query protocol spells it."""
    return (
        '<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">'
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    ).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        answers: Answers = self.server.answers  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = parse_qs(body.decode())["Action"][0]
        answers.calls.append(operation)
        status, code = answers.then.pop(0) if answers.then else (200, "")
        if not status:
            if (status, code) == SILENCE:
                answers.over.wait(_SILENT_SECONDS)
            self.close_connection = True
            return
        result = f"<{operation}Response><{operation}Result><Rules/></{operation}Result></{operation}Response>".encode()
        content = error_body(code, f"{code} it is") if code else result
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
