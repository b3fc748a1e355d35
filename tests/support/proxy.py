"""A proxy between operators and AWS: it writes down every call, and harms those that it is told to harm.

Each operator comes in by a door of its own, so that one ledger tells who called when. What AWS committed is known
from AWS's own answers, whether the operator was told them or not.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toolkit.errors import JournalError
from toolkit.rollout.codec import decode
from toolkit.rollout.events import Entry

_UPSTREAM_SECONDS = 30.0
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")


class Harm(StrEnum):
    """What can happen to a call.

    THROTTLED, UNAVAILABLE: refused with AWS's own errors. RESET: the connection is reset, and AWS never heard of it.
    LOST: AWS commits, and the connection is reset instead of an answer. SLOW: AWS commits, and the answer is held
    back until the caller has given up. LATE: held back, and AWS commits after the caller has given up.
    """

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    RESET = "reset"
    LOST = "lost"
    SLOW = "slow"
    LATE = "late"

    @property
    def commits(self) -> bool:
        """Whether AWS is told, sooner or later."""
        return self in (Harm.LOST, Harm.SLOW, Harm.LATE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm. seconds: how long the answer (SLOW) or the call (LATE) is held back."""

    harm: Harm
    seconds: float = 0.0


@dataclass(slots=True)
class Call:
    """One request. at, done: monotonic times of arrival and of AWS's answer; status: of that answer, None without."""

    number: int
    door: str
    service: str
    operation: str
    body: bytes
    at: float
    fault: Fault | None = None
    status: int | None = None
    done: float | None = None

    @property
    def is_committed(self) -> bool:
        return self.status == 200

    @property
    def is_write(self) -> bool:
        """Whether it puts weights on a route."""
        return self.operation in ("ModifyRule", "ModifyListener")


@dataclass(frozen=True, slots=True)
class Written:
    """What a write asked for: the route's ARN, weights by target group, stickiness. held: AWS held it all already."""

    call: Call
    arn: str
    weights: Mapping[str, int]
    sticky: str
    held: bool


@dataclass
class Ledger:
    """What passed, in order. `judge` says which harm a call suffers; `watch` is told of each when it arrives."""

    calls: list[Call] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)
    entries: list[tuple[Call, Entry]] = field(default_factory=list)
    judge: Callable[[Call], Fault | None] = lambda _call: None
    watch: Callable[[Call], None] = lambda _call: None
    _held: dict[str, tuple[Mapping[str, int], str]] = field(default_factory=dict)
    _under_way: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)
    writing: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, held: Mapping[str, tuple[Mapping[str, int], str]]) -> None:
        """Forget everything; `held` is what AWS holds now: weights and stickiness by the route's ARN."""
        with self._lock:
            self.calls, self.writes, self.entries = [], [], []
            self._held = dict(held)
            self.judge, self.watch = lambda _call: None, lambda _call: None

    def arrived(self, door: str, service: str, operation: str, body: bytes) -> Call:
        with self._lock:
            call = Call(len(self.calls) + 1, door, service, operation, body, time.monotonic())
            self.calls.append(call)
            self._under_way += 1
            call.fault = self.judge(call)
        self.watch(call)
        return call

    def left(self) -> None:
        with self._lock:
            self._under_way -= 1
            self._lock.notify_all()

    def settle(self, seconds: float = 10.0) -> bool:
        """Whether every call that has arrived has been answered by AWS, or never will be, within `seconds`."""
        with self._lock:
            return self._lock.wait_for(lambda: self._under_way == 0, seconds)

    def told(self, call: Call, status: int) -> None:
        """AWS has answered."""
        call.status, call.done = status, time.monotonic()
        if not call.is_committed:
            return
        found = list(_entries(call))
        with self._lock:
            self.entries += [(call, entry) for entry in found]
            if call.is_write:
                arn, weights, sticky = _write(call.body)
                self.writes.append(Written(call, arn, weights, sticky, self._held.get(arn) == (weights, sticky)))
                self._held[arn] = (weights, sticky)

    @property
    def double_writes(self) -> list[Written]:
        """Those that asked for what AWS held when they arrived."""
        return [write for write in self.writes if write.held]


def _write(body: bytes) -> tuple[str, dict[str, int], str]:
    """Route, weights and stickiness of a ModifyRule or ModifyListener, as the query protocol spells them."""
    form = {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    arn = form.get("RuleArn") or form["ListenerArn"]
    weights = {
        value: int(form.get(key.removesuffix("TargetGroupArn") + "Weight", "1"))
        for key, value in form.items()
        if ".ForwardConfig." in key and key.endswith(".TargetGroupArn")
    }
    return arn, weights, stickiness_of(form)


def stickiness_of(form: Mapping[str, str]) -> str:
    """`off`, or the seconds it lasts."""
    said = {key.rpartition(".")[2]: value for key, value in form.items() if ".TargetGroupStickinessConfig." in key}
    return said.get("DurationSeconds", "on") if said.get("Enabled", "false").lower() == "true" else "off"


def _entries(call: Call) -> Iterator[Entry]:
    """The journal entries that a call to DynamoDB adds, whatever its shape: texts of ours in string attributes."""
    if call.service != "dynamodb" or call.operation not in ("PutItem", "TransactWriteItems", "UpdateItem"):
        return
    for text in _strings(json.loads(call.body)):
        if text.startswith("{") and '"event"' in text:
            try:
                yield decode(text, source="a call to DynamoDB")
            except JournalError:
                continue  # it only looks like one


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)


@dataclass(frozen=True, slots=True)
class Door:
    """Where one operator comes in."""

    label: str
    url: str


@contextmanager
def proxied(aws: str, labels: Sequence[str] = ("operator",)) -> Iterator[tuple[Ledger, dict[str, Door]]]:
    """One ledger, and a door on a free port of loopback for each label, which all lead to `aws`."""
    ledger = Ledger()
    with ExitStack() as stack:
        yield ledger, {label: stack.enter_context(_door(aws, label, ledger)) for label in labels}


@contextmanager
def _door(aws: str, label: str, ledger: Ledger) -> Iterator[Door]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.aws, server.label, server.ledger = aws, label, ledger
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Door(label, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    aws: str
    label: str
    ledger: Ledger

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a caller that is killed in mid-call is what this is for
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._aws: HTTPConnection | None = None

    def finish(self) -> None:
        if self._aws is not None:
            self._aws.close()
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ledger = self.server.ledger
        call = ledger.arrived(self.server.label, self._service(), self._operation(body), body)
        try:
            self._carried(call)
        finally:
            ledger.left()

    def _carried(self, call: Call) -> None:
        fault = call.fault
        if fault is None:
            self._answer(*self._forwarded(call))
            return
        match fault.harm:
            case Harm.THROTTLED:
                self._refuse(400, "ThrottlingException" if self._is_json else "Throttling")
            case Harm.UNAVAILABLE:
                self._refuse(503, "InternalServerError" if self._is_json else "ServiceUnavailable")
            case Harm.RESET:
                self._reset()
            case Harm.LOST:
                self._forwarded(call)
                self._reset()
            case Harm.SLOW:
                status, content, headers = self._forwarded(call)
                time.sleep(fault.seconds)
                self._answer(status, content, headers)
            case Harm.LATE:
                time.sleep(fault.seconds)
                self._answer(*self._forwarded(call))

    def _forwarded(self, call: Call) -> tuple[int, bytes, Mapping[str, str]]:
        """AWS's answer. Writes of weights go one after the other, so that what AWS held before each is known."""
        if not call.is_write:
            return self._asked(call)
        with self.server.ledger.writing:
            return self._asked(call)

    def _asked(self, call: Call) -> tuple[int, bytes, Mapping[str, str]]:
        for fresh in (False, True):
            if self._aws is None or fresh:
                parts = urlsplit(self.server.aws)
                self._aws = HTTPConnection(parts.hostname or "", parts.port, timeout=_UPSTREAM_SECONDS)
            try:
                self._aws.request("POST", self.path, call.body, dict(self.headers))
                response = self._aws.getresponse()
            except (HTTPException, ConnectionError):
                self._aws.close()
                if fresh:
                    raise
                continue
            content = response.read()
            self.server.ledger.told(call, response.status)
            return response.status, content, dict(response.getheaders())
        raise AssertionError("unreachable")

    def _service(self) -> str:
        """The service by the signature, as AWS tells it."""
        found = _SERVICE.search(self.headers.get("Authorization") or "")
        return found.group(1) if found else ""

    @property
    def _is_json(self) -> bool:
        return bool(self.headers.get("X-Amz-Target"))

    def _operation(self, body: bytes) -> str:
        target = self.headers.get("X-Amz-Target")
        return target.rpartition(".")[2] if target else parse_qs(body.decode()).get("Action", [""])[0]

    def _refuse(self, status: int, code: str) -> None:
        """An error as AWS's JSON and query protocols spell it."""
        if self._is_json:
            content = json.dumps({"__type": code, "message": f"{code} it is"}).encode()
        else:
            content = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{code} it is</Message></Error>"
                "<RequestId>1</RequestId></ErrorResponse>"
            ).encode()
        self._answer(status, content, {"Content-Type": self.headers.get("Content-Type") or "text/xml"})

    def _reset(self) -> None:
        """End the connection with RST: nobody can take it for an answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
