"""Which metrics of CloudWatch a verdict needs, and what their values mean. Nothing here calls AWS.

Names, dimensions and when a value is published: "CloudWatch metrics for your Application Load Balancer" and "... for
your Network Load Balancer", ELB user guides. Counts are published only where they are not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from toolkit.analysis.series import Sample
from toolkit.aws.metric_data import Answer, Query, Series
from toolkit.contract import Contract
from toolkit.rollout.counting import PERCENTILES, Answered, errors_of, slow_of, unexplained
from toolkit.rollout.metrics import BalancerMinute, Latency, MetricsWanted, Minutes, Reading
from toolkit.traffic import Color

_APPLICATION, _NETWORK = "AWS/ApplicationELB", "AWS/NetworkELB"
_REQUESTS = "RequestCount"
_CLASSES = {
    "code_2xx": "HTTPCode_Target_2XX_Count",
    "code_3xx": "HTTPCode_Target_3XX_Count",
    "code_4xx": "HTTPCode_Target_4XX_Count",
    "code_5xx": "HTTPCode_Target_5XX_Count",
    "connection_errors": "TargetConnectionErrorCount",
}
_BALANCER = {
    _APPLICATION: (_REQUESTS, "HTTPCode_ELB_5XX_Count"),
    _NETWORK: ("NewFlowCount", "TCP_Target_Reset_Count"),
}
_LATENCY, _TIMED = "TargetResponseTime", "SampleCount"
_ROUNDING = 0.1  # of all answers, for those that took just as long as the objective
_WORTH_A_REMARK = 0.5  # of the bad requests

NO_REQUESTS = (
    "A Network Load Balancer counts no requests and tells resets for all its targets together: "
    "probes, alarms and metrics of your own decide."
)


@dataclass(frozen=True, slots=True)
class OfGroup:
    """The queries of one color. counted: attribute of `Answered` -> query. slow: statistic -> query."""

    requests: Query
    counted: Mapping[str, Query]
    slow: Mapping[str, Query]


@dataclass(frozen=True)
class Asked:
    """All queries of one call, each where its answer is looked for."""

    wanted: MetricsWanted
    latency: Latency
    groups: Mapping[Color, OfGroup]
    balancer: tuple[Query, Query]
    own: Mapping[str, Mapping[Color, Query]] = field(default_factory=dict)

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        found: list[Query] = list(self.balancer)
        for group in self.groups.values():
            found += [group.requests, *group.counted.values(), *group.slow.values()]
        for colors in self.own.values():
            found += colors.values()
        return tuple(dict.fromkeys(found))

    def is_refused_silently(self, answer: Answer) -> bool:
        """Whether an endpoint has response times, but does not know the statistics of them that were asked for.

        It may then give no value at all, or that of a statistic it knows. What took longer than the objective and what
        did not must together be all answers, or nothing was counted.
        """
        timed = told = 0.0
        for group in self.groups.values():
            for statistic, query in group.slow.items():
                series = answer.series[query]
                if not series.is_complete:
                    return False
                if statistic == _TIMED:
                    timed += sum(series.points.values())
                else:
                    told += sum(series.points.values())
        if self.latency is Latency.COUNT:
            return abs(told - timed) > timed * _ROUNDING
        return timed > 0 and not told


def asked_for(contract: Contract, wanted: MetricsWanted, latency: Latency) -> Asked:
    """The queries for a service; `latency` says how slow requests are asked for."""
    balancer = ("LoadBalancer", contract.load_balancer.arn_suffix)
    namespace = _NETWORK if contract.is_network else _APPLICATION
    groups: dict[Color, OfGroup] = {}
    for color, group in () if contract.is_network else contract.target_groups.items():
        dimensions = (balancer, ("TargetGroup", group.arn_suffix))
        groups[color] = OfGroup(
            requests=Query(namespace, _REQUESTS, dimensions),
            counted={name: Query(namespace, metric, dimensions) for name, metric in _CLASSES.items()},
            slow={
                statistic: Query(namespace, _LATENCY, dimensions, statistic)
                for statistic in _statistics(latency, wanted.slow_over)
            },
        )
    counts, failures = _BALANCER[namespace]
    return Asked(
        wanted=wanted,
        latency=latency,
        groups=groups,
        balancer=(Query(namespace, counts, (balancer,)), Query(namespace, failures, (balancer,))),
        own={
            metric.name: {
                color: Query(
                    metric.namespace,
                    metric.metric,
                    tuple(metric.dimensions_of(contract, color).items()),
                    metric.statistic,
                )
                for color in Color
            }
            for metric in wanted.own
        },
    )


def _statistics(latency: Latency, slow_over: float | None) -> tuple[str, ...]:
    """What is asked of the response times, and how many there are.

    Both sides of the objective, as `Asked.is_refused_silently` needs them.
    """
    if slow_over is None or latency is Latency.NONE:
        return ()
    if latency is Latency.COUNT:
        objective = f"{slow_over:.6f}".rstrip("0").rstrip(".")
        return (_TIMED, f"TC({objective}:)", f"TC(:{objective})")
    return (_TIMED, *(f"p{percent:g}" for percent in PERCENTILES))


def made_of(contract: Contract, asked: Asked, answer: Answer) -> Minutes:
    """The minutes that an answer tells of."""
    return _Reading(contract, asked, answer).minutes()


class _Reading:
    """Reads one answer; gathers remarks on the way."""

    def __init__(self, contract: Contract, asked: Asked, answer: Answer) -> None:
        self._contract, self._asked, self._answer = contract, asked, answer
        self._remarks: list[str] = list(answer.messages)
        self._bad = self._target_5xx = 0

    def minutes(self) -> Minutes:
        samples = [sample for color, group in self._asked.groups.items() for sample in self._samples(color, group)]
        balancer = self._balancer()
        self._remark_on_latency()
        self._remark_on_the_unexplained(balancer)
        if self._contract.is_network:
            self._remarks.append(NO_REQUESTS)
        return Minutes(
            samples=tuple(sorted(samples, key=lambda sample: (sample.minute, sample.color))),
            balancer=balancer or (),
            own={name: self._own(name, colors) for name, colors in self._asked.own.items()},
            latency=self._asked.latency,
            is_complete=all(series.is_complete for series in self._answer.series.values()),
            remarks=tuple(self._remarks),
        )

    def _samples(self, color: Color, group: OfGroup) -> list[Sample]:
        """A color's minutes. None at all where a count is incomplete: what lacks would look like bad requests."""
        if not self._is_complete(f"of {color}", (group.requests, *group.counted.values())):
            return []
        counted = {name: self._answer.series[query].points for name, query in group.counted.items()}
        has_latency = self._is_complete(f"of {color}", group.slow.values())
        samples = []
        for minute, requests in self._answer.series[group.requests].points.items():
            answered = Answered(round(requests), **{n: round(points.get(minute, 0)) for n, points in counted.items()})
            errors = errors_of(answered, self._asked.wanted)
            self._bad += errors
            self._target_5xx += answered.code_5xx
            slow = self._slow(group, minute, answered) if has_latency and group.slow else None
            if slow is not None:
                slow = min(slow, answered.requests)  # two metrics, of which one may be ahead of the other
            samples.append(Sample(minute, color, answered.requests, errors, slow))
        return samples

    def _slow(self, group: OfGroup, minute: int, answered: Answered) -> int | None:
        """Slow requests of a minute. Without response times there are none where no target answered, else no data."""
        values = {
            statistic: points[minute]
            for statistic, query in group.slow.items()
            if minute in (points := self._answer.series[query].points)
        }
        timed = round(values.pop(_TIMED, 0))
        if not timed:
            return None if answered.by_targets else 0
        if self._asked.latency is Latency.COUNT:
            return round(values.get(next(name for name in group.slow if name.endswith(":)")), 0))
        times = {float(statistic.removeprefix("p")): seconds for statistic, seconds in values.items()}
        return slow_of(times, timed, self._asked.wanted.slow_over or 0.0)

    def _balancer(self) -> tuple[BalancerMinute, ...] | None:
        """The load balancer's own minutes; None where they are not known."""
        if not self._is_complete("of the load balancer", self._asked.balancer):
            return None
        counts, failures = (self._answer.series[query].points for query in self._asked.balancer)
        return tuple(
            BalancerMinute(minute, round(counts.get(minute, 0)), round(failures.get(minute, 0)))
            for minute in sorted({*counts, *failures})
        )

    def _own(self, name: str, colors: Mapping[Color, Query]) -> tuple[Reading, ...]:
        found = []
        for color, query in colors.items():
            if self._is_complete(f"of {color} ({name})", (query,)):
                points = self._answer.series[query].points
                found += [Reading(minute, color, value) for minute, value in points.items()]
        return tuple(sorted(found, key=lambda reading: (reading.minute, reading.color)))

    def _is_complete(self, whose: str, queries: Iterable[Query]) -> bool:
        lacking: dict[Query, Series] = {
            query: series for query in queries if not (series := self._answer.series[query]).is_complete
        }
        self._remarks += [
            f"CloudWatch did not give all of {query.metric} {query.statistic} {whose} ({series.status}), "
            "so nothing is made of it."
            for query, series in lacking.items()
        ]
        return not lacking

    def _remark_on_latency(self) -> None:
        wanted, latency = self._asked.wanted, self._asked.latency
        if wanted.slow_over is None or self._contract.is_network:
            return
        words = {
            Latency.COUNT: f"Slow requests are counted: TC({wanted.slow_over:g}:) of {_LATENCY}.",
            Latency.PERCENTILES: f"Slow requests are estimated from percentiles of {_LATENCY}: "
            "this endpoint does not count them.",
            Latency.NONE: f"Latency is not measured: this endpoint has neither counts nor percentiles of {_LATENCY}.",
        }
        self._remarks.append(words[latency])

    def _remark_on_the_unexplained(self, balancer: Iterable[BalancerMinute] | None) -> None:
        """Bad requests that nobody answered with 5xx are probably no errors of the release."""
        wanted = self._asked.wanted
        if balancer is None or wanted.websockets or wanted.count_4xx or not self._asked.groups:
            return
        strange = unexplained(self._bad, self._target_5xx, sum(minute.errors for minute in balancer))
        if strange > self._bad * _WORTH_A_REMARK:
            self._remarks.append(
                f"{strange:,} of {self._bad:,} bad requests were answered 5xx neither by a target nor by the load "
                "balancer: WebSockets look like this (say websockets = true), and clients that left early."
            )
