"""Making the load: raw asyncio and httptools, because HTTP clients retry dropped connections behind one's back."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import httptools

from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.result import LoadResult, Tally
from toolkit.lab.load.standing import StandingFlows

_SWEEP_SECONDS = 0.1
_RECONNECT_SECONDS = 0.01
_IDLE = -1.0


class LoadRun:
    """One run of a plan. `stop` ends it at any time; requests under way are then neither failed nor counted."""

    def __init__(self, plan: LoadPlan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.clock = clock
        self.tally = Tally(clock(), plan.bucket_seconds, plan.expected)
        self._begun = 0
        self._next_slot = self.tally.began
        self._ended = asyncio.Event()
        self._wires: Iterator[bytes] = plan.methods()
        self._connections: list[_Connection] = []
        self.tls = _unverified() if plan.is_tls else None
        self._standing = StandingFlows(plan, clock, self.tls)

    async def run(self) -> LoadResult:
        """Send until the plan's end or `stop`, and return what was met."""
        count = min(self.plan.connections, self.plan.requests)
        self._connections = [_Connection(self) for _ in range(count)]
        self._standing.open()
        for connection in self._connections:
            connection.next()
        sweeper = asyncio.create_task(self._sweep())
        try:
            await asyncio.wait_for(self._ended.wait(), self.plan.duration)
        except TimeoutError:
            self._ended.set()
        finally:
            sweeper.cancel()
            for connection in self._connections:
                connection.close()
            self._standing.close()
        return self.tally.result(self.clock(), self._standing.result())

    def stop(self) -> None:
        self._ended.set()

    def count(self) -> dict[str, Any]:
        """How things stand, for whoever drives the load."""
        counted = self.tally.count(self.clock())
        return counted | {"standing": self._standing.count()} if self.plan.standing else counted

    @property
    def is_over(self) -> bool:
        return self._ended.is_set()

    def slot(self) -> float | None:
        """When (clock) the next request may begin; None when there is none to begin any more."""
        if self._begun >= self.plan.requests or self.is_over:
            return None
        self._begun += 1
        if self.plan.rate is None:
            return 0.0
        slot = max(self._next_slot, self.clock() - 1.0)  # at most a second's backlog is caught up on
        self._next_slot = slot + 1 / self.plan.rate
        return slot

    def wire(self) -> bytes:
        return next(self._wires)

    def noted(self) -> None:
        """A request has ended, and its result is in the tally."""
        if self.tally.requests >= self.plan.requests:
            self._ended.set()

    async def _sweep(self) -> None:
        """Time out requests; a timer for each would cost more than the request."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            limit = self.clock() - self.plan.timeout
            for connection in self._connections:
                connection.time_out(limit)
            self._standing.time_out(limit)


class _Connection(asyncio.Protocol):
    """One client, with one request under way at a time and a connection that it renews as needed."""

    def __init__(self, run: LoadRun) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._started = _IDLE
        self._parser: httptools.HttpResponseParser | None = None
        self._color = self._version = ""
        self._generation = 0
        self._answered: float | None = None

    def next(self) -> None:
        """Begin the next request, now or when its slot comes."""
        slot = self._run.slot()
        if slot is None:
            return
        wait = slot - self._run.clock()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._run.is_over:
            return
        self._started = self._run.clock()
        if self._transport is not None and not self._transport.is_closing():
            self._send()
        else:
            self._transport = None
            self._generation += 1
            task = asyncio.get_running_loop().create_task(self._connect(self._generation))
            self._connecting = task  # the loop itself keeps only a weak reference

    async def _connect(self, generation: int) -> None:
        plan = self._run.plan
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: _Wire(self, generation), plan.host, plan.port, ssl=self._run.tls
            )
        except OSError as error:
            if generation == self._generation and not self._run.is_over:
                self._failed("connect", str(error))
            return
        if generation != self._generation or self._run.is_over:
            transport.close()
            return
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def _send(self) -> None:
        self._color = self._version = ""
        self._answered = None
        assert self._transport is not None  # noqa: S101
        self._transport.write(self._run.wire())

    # httptools calls these while it parses
    def on_header(self, name: bytes, value: bytes) -> None:
        # Envoy writes names in lower case, the app itself in title case.
        if name in (b"x-color", b"X-Color"):
            self._color = value.decode("latin-1")
        elif name in (b"x-version", b"X-Version"):
            self._version = value.decode("latin-1")

    def on_message_complete(self) -> None:
        run, parser = self._run, self._parser
        if self._started == _IDLE or parser is None:
            return
        if run.plan.balances_flows:
            # The target closes: a flow that is reset after its answer has failed, and no port of ours is left waiting.
            self._answered = run.clock()
            return
        self._count_answer(run.clock())
        if not run.plan.keep_alive or not parser.should_keep_alive():
            self._drop()
        self.next()

    def _count_answer(self, at: float) -> None:
        started, self._started = self._started, _IDLE
        if not self._run.is_over and self._parser is not None:
            status = self._parser.get_status_code()
            self._run.tally.answer(started, at, status, self._color, self._version)
            self._run.noted()

    def received(self, generation: int, data: bytes) -> None:
        if generation != self._generation or self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._drop()
            if self._started != _IDLE:
                self._failed("protocol", str(error))

    def lost(self, generation: int, error: Exception | None) -> None:
        if generation != self._generation:
            return
        self._transport = None
        if self._started == _IDLE or self._run.is_over:
            return
        if self._answered is not None and error is None:
            self._count_answer(self._answered)
            self.next()
        else:
            self._failed("reset", str(error) if error else "closed before the answer was complete")

    def time_out(self, limit: float) -> None:
        if self._started != _IDLE and self._started < limit and not self._run.is_over:
            missing = "answer" if self._answered is None else "end after the answer"
            self._drop()
            self._failed("timeout", f"no {missing} for {self._run.plan.timeout:g} s")

    def close(self) -> None:
        self._started = _IDLE
        self._drop()

    def _failed(self, kind: str, detail: str) -> None:
        started, self._started = self._started, _IDLE
        self._run.tally.failure(kind, detail, started, self._run.clock())
        self._run.noted()
        asyncio.get_running_loop().call_later(_RECONNECT_SECONDS, self.next)

    def _drop(self) -> None:
        transport, self._transport = self._transport, None
        self._generation += 1
        if transport is not None:
            transport.abort()


class _Wire(asyncio.Protocol):
    """One TCP connection of a client; tells it what comes, with the generation it belongs to."""

    def __init__(self, client: _Connection, generation: int) -> None:
        self._client = client
        self._generation = generation

    def data_received(self, data: bytes) -> None:
        self._client.received(self._generation, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost(self._generation, exc)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
