"""Probes: HTTP requests, and whether their answers are what the step says."""

from __future__ import annotations

import time
from collections.abc import Callable

from toolkit.errors import AwsError, BluegreenError
from toolkit.gates.exchange import Answer, Message, Unanswered, Untrusted, exchange
from toolkit.gates.output import readable
from toolkit.gates.waiting import Beat, Stopped, Try, beside, in_words, tried
from toolkit.rollout.ports import Clock, Pulse, Result
from toolkit.rollout.probing import Target
from toolkit.rollout.steps import Probe, duration
from toolkit.traffic import Color

_BODY_LIMIT = 1024 * 1024
_SHOWN_BODY = 1024
_SHOWN_VALUE = 80


class HttpProbes:
    """Sends the requests of a probe, each on a connection of its own, without proxies; redirects are not followed.

    where: the way to what is probed; may take its time, and raises as `Probes` says. timer: seconds that only grow.
    """

    def __init__(
        self,
        where: Callable[[Probe, Color], Target],
        *,
        clock: Clock,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._where = where
        self._clock = clock
        self._timer = timer

    def probe(self, probe: Probe, color: Color, *, pulse: Pulse) -> Result:
        """Every try of it. color: the new one.

        Raises:
            AwsError: the way to the load balancer could not be read; what `pulse` raises passes too.
        """
        beat = Beat(pulse)

        def attempt(_number: int) -> Try:
            try:
                target = beside(lambda: self._where(probe, color), beat)
            except AwsError:
                raise
            except BluegreenError as error:
                return Try(False, f"{error.message}. {error.hint}".removesuffix(" "), again=False)
            return self._tried(probe, target, beat)

        try:
            return tried(attempt, retries=probe.retries, clock=self._clock, beat=beat)
        except Stopped:
            return Result(False, "stopped")

    def _tried(self, probe: Probe, target: Target, beat: Beat) -> Try:
        slowest = 0.0
        for number in range(1, probe.count + 1):
            beat()
            told = f"{target.method} {target.url}"
            message = Message(target.method, target.url, target.headers, connect_to=target.connect_to)
            try:
                answer = exchange(
                    message, seconds=probe.timeout_seconds, limit=_BODY_LIMIT, beat=beat, timer=self._timer
                )
            except Unanswered as error:
                mend = ": `probe_host` names the one that it is for" if isinstance(error, Untrusted) else ""
                fault, said = f"{told} {error}{mend}", ""
            else:
                slowest = max(slowest, answer.seconds)
                told = f"{told} answered {answer.status} in {in_words(answer.seconds)}"
                wanted = _wanted(probe, answer)
                fault = f"{told}, wanted {wanted}" if wanted else ""
                said = readable(answer.body[:_SHOWN_BODY])
            if fault:
                nth = f" (request {number} of {probe.count})" if probe.count > 1 else ""
                remarks = f"; of its rule: {'; '.join(target.remarks)}" if target.remarks else ""
                return Try(False, f"{fault}{nth}{remarks}", said)
        if probe.count > 1:
            told = f"{target.method} {target.url} passed {probe.count} times, the slowest in {in_words(slowest)}"
        return Try(True, told)


def _wanted(probe: Probe, answer: Answer) -> str:
    """The first thing that is not as the probe says; empty where all is."""
    if probe.status is not None and answer.status != probe.status:
        return str(probe.status)
    if probe.within_seconds is not None and answer.seconds > probe.within_seconds:
        return f"it within {_limit(probe.within_seconds)}"
    if probe.header is not None:
        name, value = probe.header
        came = answer.headers.get(name.lower())
        if came != value:
            held = "without that header" if came is None else f"not {readable(came.encode())[:_SHOWN_VALUE]!r}"
            return f"{name}: {value}, {held}"
    if probe.body is not None and probe.body.encode() not in answer.body:
        where = f"the first {_BODY_LIMIT // 1024 // 1024} MB of its body" if answer.cut else "its body"
        return f"{probe.body[:_SHOWN_VALUE]!r} in {where}"
    return ""


def _limit(seconds: float) -> str:
    return in_words(seconds) if seconds < 1 else duration(seconds)
