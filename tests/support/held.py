"""A request that its target holds for long, whatever becomes of the target."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.rehearsal.targets import TARGET_PORT


def answer_in(target: str, *, milliseconds: float) -> None:
    """Let every request but the health check take so long there."""
    connection = HTTPConnection(to_loopback(target), TARGET_PORT, timeout=5)
    connection.request("POST", "/_app/faults", json.dumps({"slow_rate": 1.0, "slow_ms": milliseconds}))
    assert connection.getresponse().status == 200
    connection.close()


class Asked(threading.Thread):
    """A request under way; how it ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._outcome = ""
        self.start()

    def run(self) -> None:
        parts = urlsplit(self._url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request("GET", "/")
            self._outcome = str(connection.getresponse().status)
        except (OSError, HTTPException) as error:
            self._outcome = type(error).__name__
        finally:
            connection.close()

    def ended(self, *, seconds: float) -> str:
        """The status, or the name of an error; empty while it is under way."""
        self.join(seconds)
        return self._outcome


def request_held_by(url: str) -> Asked:
    """One that somebody holds: most find another target, and are answered at once."""
    for _ in range(100):
        asked = Asked(url)
        if not asked.ended(seconds=1.0):
            return asked
    raise AssertionError("nobody holds a request")
