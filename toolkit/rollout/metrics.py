"""What a verdict gets its numbers from, in the core's words: minutes of traffic of both colors, and alarms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from toolkit.analysis.series import Sample
from toolkit.contract import Contract
from toolkit.errors import UsageError
from toolkit.traffic import Color

MOST_METRICS = 200
"""Metrics of the user's own. With them one call of GetMetricData, which takes 500 queries, still holds everything."""

_OF_A_COLOR = frozenset({"color", "target_group"})
_PLACES = _OF_A_COLOR | {"load_balancer"}
_PLACE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_STATISTIC = re.compile(
    r"Average|Sum|Minimum|Maximum|SampleCount|IQM|[pP](\d{1,2}(\.\d{1,10})?|100)|(TM|WM|PR|TC|TS)\([\d.%]*:[\d.%]*\)|"
    r"(tm|tc|ts|wm)\d{1,2}(\.\d{1,10})?"
)
"""Source: "CloudWatch statistics definitions", CloudWatch user guide."""
_MOST_DIMENSIONS = 30  # of one metric. Source: CloudWatch API reference, Metric
_SHORTEST = 0.001  # load balancers publish milliseconds


class Latency(StrEnum):
    """How slow requests were counted."""

    COUNT = "count"
    """CloudWatch counted them: `TC(objective:)` of `TargetResponseTime`."""
    PERCENTILES = "percentiles"
    """Estimated from percentiles, for the endpoint has no such count. Too rough for a test on counts."""
    NONE = "none"
    """Not at all: not asked for, or the endpoint has neither."""


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric of the user's own, read once for each color.

    name: how verdicts call it. metric: CloudWatch's `MetricName`.
    dimensions: all that the metric has, for CloudWatch matches the whole set. `{color}` stands for the color,
        `{target_group}` and `{load_balancer}` for the ARN suffixes that CloudWatch knows them by; one of the first two
        must be there.

    Raises:
        UsageError: words that CloudWatch would not take, or that do not tell the colors apart.
    """

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"'{self.name:.60}' is no name for a metric", hint="Use letters, digits, - and _.")
        where = f"metric {self.name}"
        if not self.namespace or not self.metric:
            raise UsageError(f"{where} lacks its namespace or its name in CloudWatch")
        if not _STATISTIC.fullmatch(self.statistic):
            raise UsageError(
                f"{where}: CloudWatch has no statistic '{self.statistic:.60}'",
                hint="Write Sum, Average, Minimum, Maximum, SampleCount, p99 or TC(0.5:).",
            )
        if len(self.dimensions) > _MOST_DIMENSIONS:
            raise UsageError(f"{where} has {len(self.dimensions)} dimensions, and CloudWatch takes {_MOST_DIMENSIONS}")
        if not all(name and value for name, value in self.dimensions.items()):
            raise UsageError(f"{where} has a dimension without a name or a value")
        found = {place for value in self.dimensions.values() for place in _PLACE.findall(value)}
        if unknown := sorted(found - _PLACES):
            raise UsageError(
                f"{where} has the placeholder {{{unknown[0]:.40}}}",
                hint="Write {color}, {target_group} or {load_balancer}.",
            )
        if not found & _OF_A_COLOR:
            raise UsageError(
                f"{where} has the same dimensions for both colors, so it cannot tell them apart",
                hint="Let one of its dimensions hold {color} or {target_group}.",
            )

    def dimensions_of(self, contract: Contract, color: Color) -> dict[str, str]:
        """The dimensions of one color, placeholders filled."""
        words = {
            "color": color.value,
            "target_group": contract.target_groups[color].arn_suffix,
            "load_balancer": contract.load_balancer.arn_suffix,
        }
        return {name: _PLACE.sub(lambda found: words[found[1]], value) for name, value in self.dimensions.items()}


@dataclass(frozen=True, slots=True)
class MetricsWanted:
    """What is asked of the metrics.

    slow_over: seconds; requests that took longer are slow. None: latency is not asked for.
    websockets: whether requests may become WebSockets, which are answered 101 and so in no class of status codes.
    count_4xx: whether an answer 4xx is an error. count_connection_errors: whether a connection to a target that failed
        is one, also where the load balancer then found another target.
    own: metrics of the user's own, at most MOST_METRICS.
    """

    slow_over: float | None = None
    websockets: bool = False
    count_4xx: bool = False
    count_connection_errors: bool = False
    own: tuple[OwnMetric, ...] = ()

    def __post_init__(self) -> None:
        if self.slow_over is not None and not _SHORTEST <= self.slow_over <= 3600:  # noqa: PLR2004 - an hour
            raise UsageError(
                f"a request cannot be slow over {self.slow_over:g} s", hint="Write a time from 1 ms to an hour."
            )
        names = [metric.name for metric in self.own]
        if len(set(names)) != len(names):
            raise UsageError("two metrics have the same name", hint="Name each once.")
        if len(names) > MOST_METRICS:
            raise UsageError(f"{len(names)} metrics are more than the {MOST_METRICS} that one call holds")


@dataclass(frozen=True, slots=True)
class BalancerMinute:
    """What the load balancer as a whole did in one minute: all its routes, both colors, and services beside this one.

    minute: as in `Sample`. Of an ALB, requests that found a target, and errors that it answered itself (5xx); the
    requests that found none are in `errors` alone. Of an NLB, new flows, and flows that a target reset.
    """

    minute: int
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a metric of the user's own."""

    minute: int
    color: Color
    value: float


@dataclass(frozen=True, slots=True)
class Minutes:
    """What the metrics say of some minutes, oldest first.

    samples: a color's minute that is not among them is one CloudWatch has nothing of, which is not a minute without
        errors. Their `split` is empty: whoever asks knows when it was shifted.
    own: by the name of the metric.
    latency: how `Sample.slow` was counted; NONE where it is None.
    is_complete: whether everything that was asked for was given. Where it was not, what lacks is left out, and the same
        minutes should be asked for again before any of them is taken for settled.
    remarks: what a reader of the verdict should know, each a sentence.
    """

    samples: tuple[Sample, ...] = ()
    balancer: tuple[BalancerMinute, ...] = ()
    own: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    latency: Latency = Latency.NONE
    is_complete: bool = True
    remarks: tuple[str, ...] = ()


class AlarmValue(StrEnum):
    """CloudWatch's words for the state of an alarm, and ours for one that does not exist."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class AlarmState:
    """One alarm. reason: CloudWatch's own words. since: when it came into this state, UTC; None where it is missing."""

    name: str
    state: AlarmValue
    reason: str
    since: datetime | None = None
    is_composite: bool = False


class Metrics(Protocol):
    """CloudWatch. Raises AwsError and its children: an error is no data, and no data is no health."""

    def minutes(self, contract: Contract, wanted: MetricsWanted, *, since: datetime, until: datetime) -> Minutes:
        """Every whole minute from the one that `since` lies in to the last that is over at `until`, in one call.

        The newest of them arrive late and may still grow; which are settled is for the caller to say.
        """

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        """The state of each, in the order of `names`, in one call a hundred; a missing one has the state MISSING."""
