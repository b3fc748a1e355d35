"""A server before an emulated AWS that throttles ELBv2 as AWS does: by token buckets that all callers share."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.support.answers import error_body

ELBV2 = "2015-12-01"
"""The version of the API that a request of ELBv2's names."""
ARNS_A_CALL = 20
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class Bucket:
    """`burst` calls at once, and `per_second` more each second; who finds it empty is throttled."""

    burst: int
    per_second: float
    clock: Callable[[], float] = time.monotonic
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = float(self.burst), self.clock()

    def take(self) -> bool:
        with self._lock:
            now = self.clock()
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_second)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


@dataclass
class Throttle:
    """calls: ELBv2 operations that were asked for, throttled ones included. buckets: by how an operation begins."""

    url: str
    aws: str
    buckets: dict[str, Bucket]
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, form: dict[str, list[str]]) -> tuple[str, str] | None:
        """Note a call of ELBv2's, and say how it is refused (code, message), if it is."""
        operation = form["Action"][0]
        bucket = next((each for begins, each in self.buckets.items() if operation.startswith(begins)), None)
        empty = bucket is not None and not bucket.take()
        with self._lock:
            self.calls[operation] += 1
            self.throttled[operation] += empty
        if empty:
            return "Throttling", "Rate exceeded"
        if sum(name.partition(".")[0] in ("RuleArns", "ListenerArns") for name in form) > ARNS_A_CALL:
            return "ValidationError", f"{operation} takes {ARNS_A_CALL} ARNs at most"
        return None


@contextmanager
def throttling(aws: str, buckets: dict[str, Bucket]) -> Iterator[Throttle]:
    """One on a free port of loopback, before the endpoint `aws`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    throttle = Throttle(f"http://127.0.0.1:{server.server_port}", aws, buckets)
    server.throttle = throttle  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield throttle
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a fleet connects all at once
    daemon_threads = True  # clients may keep idle connections


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    _upstream: HTTPConnection | None = None

    def do_POST(self) -> None:
        throttle: Throttle = self.server.throttle  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form = {} if self.headers.get("X-Amz-Target") else parse_qs(body.decode())
        refusal = throttle.refusal(form) if form.get("Version") == [ELBV2] else None
        if refusal is not None:
            self._answer(400, error_body(*refusal), {"Content-Type": "text/xml"})
            return
        status, content, headers = self._forward(throttle.aws, body)
        self._answer(status, content, headers)

    def _forward(self, aws: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """What `aws` answers, on a connection of this client's own; once more where that had been closed meanwhile."""
        for fresh in (False, True):
            if fresh or self._upstream is None:
                parts = urlsplit(aws)
                self._upstream = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
            try:
                self._upstream.request("POST", self.path, body, dict(self.headers))
                response = self._upstream.getresponse()
                return response.status, response.read(), dict(response.getheaders())
            except (HTTPException, ConnectionError):
                self._upstream.close()
                if fresh:
                    raise
        raise AssertionError

    def finish(self) -> None:
        super().finish()
        if self._upstream is not None:
            self._upstream.close()

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
