"""Standing flows: connections opened once and kept, each of which must stay with the target that answered first.

A flow that is lost stays lost: nothing is reopened, so every loss is seen, and seen once.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import httptools

from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.result import LostFlow, Standing


class StandingFlows:
    """The standing flows of a plan. `clock` is monotonic, in seconds."""

    def __init__(self, plan: LoadPlan, clock: Callable[[], float], tls: ssl.SSLContext | None) -> None:
        self.plan = plan
        self.clock = clock
        self.tls = tls
        self.wire = plan.wire("GET", closing=False)
        self.lost: list[LostFlow] = []
        self._flows = [_Flow(self, number) for number in range(plan.standing)]

    def open(self) -> None:
        """Begin to open them all."""
        for flow in self._flows:
            flow.open()

    def time_out(self, limit: float) -> None:
        """Lose the flows that wait since before `limit` for an answer."""
        for flow in self._flows:
            flow.time_out(limit)

    def close(self) -> None:
        """End those that are left; no loss of theirs counts any more."""
        for flow in self._flows:
            flow.close()

    def count(self) -> dict[str, Any]:
        """How things stand. `heard` is the time by which every open flow was answered last; None where none is open."""
        open_flows = [flow for flow in self._flows if flow.is_open]
        return {
            "open": dict(Counter(flow.color for flow in open_flows)),
            "lost": len(self.lost),
            "heard": min((flow.heard for flow in open_flows), default=None),
        }

    def result(self) -> Standing:
        answered = [flow for flow in self._flows if flow.messages]
        return Standing(
            asked=self.plan.standing,
            opened=dict(Counter(flow.color for flow in answered)),
            targets=dict(Counter(flow.target for flow in answered)),
            messages=sum(flow.messages for flow in self._flows),
            lost=tuple(self.lost),
        )


class _Flow(asyncio.Protocol):
    """One standing flow: a message, its answer, a pause, and so on."""

    def __init__(self, all_flows: StandingFlows, number: int) -> None:
        self._all = all_flows
        self._interval = 1 / all_flows.plan.standing_rate
        # The first pause differs from flow to flow, so that their messages do not come in volleys.
        self._pause = self._interval * (number + 1) / all_flows.plan.standing
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._asked: float | None = None
        self._next: asyncio.TimerHandle | None = None
        self._is_over = False
        self._answer: dict[bytes, str] = {}
        self.color = self.target = ""
        self.opened = self.heard = 0.0
        self.messages = 0

    @property
    def is_open(self) -> bool:
        return not self._is_over and self.messages > 0

    def open(self) -> None:
        self._asked = self._all.clock()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        plan = self._all.plan
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, plan.host, plan.port, ssl=self._all.tls)
        except OSError as error:
            self._lose("connect", str(error))

    # asyncio calls these
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        if self._is_over:
            self._transport.abort()
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._lose("protocol", str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._lose("reset", str(exc))
        else:
            self._lose("closed", "closed by the other side" + (", an answer due" if self._asked is not None else ""))

    # httptools calls these while it parses
    def on_message_begin(self) -> None:
        self._answer = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer[name.lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        if self._asked is None:
            self._lose("protocol", "an answer to no message")
            return
        color, target = self._answer.get(b"x-color", ""), self._answer.get(b"x-target", "")
        self._asked, self.heard = None, self._all.clock()
        if not self.messages:
            self.color, self.target, self.opened = color, target, self.heard
        self.messages += 1
        status, version = self._parser.get_status_code(), self._answer.get(b"x-version", "")
        expected = self._all.plan.expected
        if (color, target) != (self.color, self.target):
            self._lose("changed", f"{self.color} {self.target} at first, now {color} {target}")
        elif not 200 <= status < 300:  # noqa: PLR2004
            self._lose("status", str(status))
        elif expected and expected.get(color) != version:
            self._lose("unexpected", f"{color or 'no color'} {version or 'no version'}")
        else:
            self._next = asyncio.get_running_loop().call_later(self._pause, self._send)
            self._pause = self._interval

    def time_out(self, limit: float) -> None:
        if self._asked is not None and self._asked < limit:
            self._lose("timeout", f"no answer for {self._all.plan.timeout:g} s")

    def close(self) -> None:
        self._is_over = True
        if self._next is not None:
            self._next.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        if self._is_over or self._transport is None:
            return
        self._asked = self._all.clock()
        self._transport.write(self._all.wire)

    def _lose(self, kind: str, detail: str) -> None:
        if self._is_over:
            return
        at = self._all.clock()
        self._all.lost.append(LostFlow(self.color, self.target, kind, detail, self.opened, at, self.messages))
        self.close()
