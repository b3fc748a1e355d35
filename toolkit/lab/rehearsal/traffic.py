"""Requests through the load balancer: a few that are counted by color, or load that counts every failure."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from toolkit.errors import LabError
from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.process import LoadProcess
from toolkit.lab.load.result import Failure, LoadResult

FAILED = "failed"
_ANSWER_SECONDS = 10.0
_BEGIN_SECONDS = 30.0
_POLL_SECONDS = 0.02
_BEFORE_AND_AFTER = 20  # requests that load sends before its block begins, and after the block has ended


def answers(url: str, count: int, *, path: str, headers: Mapping[str, str], by: str) -> dict[str, int]:
    """How many of `count` requests, each on a connection of its own, were answered with which value of header `by`.

    An answer that is no 2xx, names nobody or never came counts as `failed`.
    """
    return dict(Counter(_answer(url, path, headers, by) for _ in range(count)))


def _answer(url: str, path: str, headers: Mapping[str, str], by: str) -> str:
    connection = _connection(url)
    try:
        connection.request("GET", path, headers={"Connection": "close", **headers})
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return FAILED
    finally:
        connection.close()
    is_success = 200 <= response.status < 300  # noqa: PLR2004
    return (response.headers[by] or FAILED) if is_success else FAILED


def _connection(url: str) -> HTTPConnection:
    """The lab's certificates are self-signed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme in ("https", "tls"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HTTPSConnection(host, port, timeout=_ANSWER_SECONDS, context=context)
    return HTTPConnection(host, port, timeout=_ANSWER_SECONDS)


class Load:
    """Load on its way; after its block, what it met. Nothing is ever retried, so every failure counts."""

    def __init__(self, process: LoadProcess) -> None:
        self._process = process
        self._result: LoadResult | None = None

    @property
    def requests(self) -> int:
        """How many ended, well or not."""
        return int(self._process.count()["requests"])

    @property
    def failed(self) -> int:
        """How many were no 2xx, were reset, timed out, could not connect, or told another version than expected."""
        return int(self._process.count()["failed"])

    @property
    def colors(self) -> dict[str, int]:
        """How many each color answered."""
        return dict(self._process.count()["colors"])

    @property
    def failures(self) -> Sequence[Failure]:
        """The first of those that failed, with kind, detail and times."""
        return self.result.failures

    @property
    def result(self) -> LoadResult:
        """All that was counted.

        Raises:
            LabError: its block has not ended.
        """
        if self._result is None:
            raise LabError("the load still runs.", hint="Ask for its result after the `with` block.")
        return self._result

    def wait_for(self, requests: int) -> None:
        """Until so many more have ended.

        Raises:
            LabError: they take longer than 30 s.
        """
        wanted = self.requests + requests
        wait_until(lambda: self.requests >= wanted, f"the load has not made {requests} requests")

    def end(self) -> None:
        self._result = self._process.stop()


@contextmanager
def load(plan: LoadPlan, record: Callable[[int, str], None]) -> Iterator[Load]:
    """Load that has begun when the block does, standing flows too, and that meets what the block has left."""
    with LoadProcess(plan) as process:
        record(process.pid, "load generator")
        going = Load(process)
        going.wait_for(_BEFORE_AND_AFTER)
        if plan.standing:
            wait_until(lambda: _stand(process.count()) == plan.standing, "the standing flows do not stand")
        yield going
        going.wait_for(_BEFORE_AND_AFTER)
        going.end()


def _stand(counted: Mapping[str, Any]) -> int:
    """How many standing flows have had their first answer, or are lost already."""
    standing = counted["standing"]
    return int(sum(standing["open"].values()) + standing["lost"])


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = _BEGIN_SECONDS) -> None:
    """Until it holds; LabError with the words of `otherwise` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"{otherwise} after {seconds:g} s.")
        time.sleep(_POLL_SECONDS)


def plan_for(url: str, path: str, expected: Mapping[str, str], **words: Any) -> LoadPlan:
    """A plan for this listener: requests on kept connections, or new flows where flows are balanced."""
    flows = urlsplit(url).scheme in ("tcp", "tls")
    return LoadPlan(**{"url": f"{url}{path}", "keep_alive": not flows, "expected": expected, **words})
