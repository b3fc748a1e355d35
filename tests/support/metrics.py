"""CloudWatch in memory: minutes of traffic as load balancers count them, and alarms that stand as they were put."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from toolkit.analysis.series import MINUTE, Sample
from toolkit.contract import Contract
from toolkit.rollout.counting import Answered, errors_of
from toolkit.rollout.metrics import (
    AlarmState,
    AlarmValue,
    BalancerMinute,
    Latency,
    MetricsWanted,
    Minutes,
    Reading,
)
from toolkit.traffic import Color


@dataclass(frozen=True)
class Traffic:
    """One minute of a color. times: seconds -> how many answers took so long."""

    answered: Answered
    times: Mapping[float, int] = field(default_factory=dict)

    def slow(self, slow_over: float) -> int:
        return sum(count for seconds, count in self.times.items() if seconds > slow_over)


@dataclass
class FakeMetrics:
    """delay_seconds: how long after its end a minute appears (the others have no lateness of their own).

    `before` may raise; it is told the call. `asked` are the spans that were asked for.
    """

    traffic: dict[tuple[int, Color], Traffic] = field(default_factory=dict)
    balancer: dict[int, int] = field(default_factory=dict)
    own: dict[str, list[Reading]] = field(default_factory=dict)
    states: dict[str, AlarmState] = field(default_factory=dict)
    delay_seconds: float = 0.0
    latency: Latency = Latency.COUNT
    is_complete: bool = True
    remarks: tuple[str, ...] = ()
    before: Callable[[str], None] = lambda _name: None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def feed(self, minute: int, color: Color, requests: int, errors: int = 0, slow: int = 0) -> None:
        """Requests of one minute (Unix time // 60), of which so many were answered 5xx and so many took a minute."""
        answered = Answered(requests, code_2xx=requests - errors, code_5xx=errors)
        self.traffic[minute, color] = Traffic(answered, {0.01: requests - slow, 60.0: slow})

    def alarm(self, name: str, state: AlarmValue, reason: str = "", *, is_composite: bool = False) -> None:
        self.states[name] = AlarmState(name, state, reason, datetime(2026, 1, 1, tzinfo=UTC), is_composite)

    def minutes(self, contract: Contract, wanted: MetricsWanted, *, since: datetime, until: datetime) -> Minutes:
        self.before("minutes")
        self.asked.append((since, until))
        first = int(since.timestamp()) // MINUTE
        end = int((until - timedelta(seconds=self.delay_seconds)).timestamp()) // MINUTE
        span = range(first, max(first, end))
        latency = Latency.NONE if wanted.slow_over is None or contract.is_network else self.latency
        seen = {} if contract.is_network else self.traffic
        return Minutes(
            samples=tuple(
                Sample(
                    minute,
                    color,
                    traffic.answered.requests,
                    errors_of(traffic.answered, wanted),
                    None if latency is Latency.NONE else traffic.slow(wanted.slow_over or 0.0),
                )
                for (minute, color), traffic in sorted(seen.items())
                if minute in span
            ),
            balancer=tuple(
                BalancerMinute(
                    minute,
                    sum(each.answered.requests for (at, _), each in self.traffic.items() if at == minute),
                    self.balancer.get(minute, 0),
                )
                for minute in sorted({minute for minute, _ in self.traffic} | set(self.balancer))
                if minute in span
            ),
            own={
                metric.name: tuple(
                    reading
                    for reading in sorted(self.own.get(metric.name, ()), key=lambda one: (one.minute, one.color))
                    if reading.minute in span
                )
                for metric in wanted.own
            },
            latency=latency,
            is_complete=self.is_complete,
            remarks=self.remarks,
        )

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        self.before("alarms")
        return {
            name: self.states.get(name) or AlarmState(name, AlarmValue.MISSING, "there is no alarm of this name")
            for name in dict.fromkeys(names)
        }
