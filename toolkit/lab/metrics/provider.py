"""The seam with moto's CloudWatch: it asks here for the load balancers' metrics at every query.

moto 5.2.5 answers percentiles with an error, starts its periods at an unaligned StartTime and compares the order
of dimensions; those three are put right for as long as the metrics are published.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from moto.cloudwatch.models import CloudWatchBackend, Dimension, MetricAggregatedDatum, Statistics
from moto.core.common_models import CloudWatchMetricProvider
from moto.elbv2.models import elbv2_backends

from toolkit.lab.dataplane import MinuteTraffic
from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.metrics.flow_points import flow_points, shown_flows
from toolkit.lab.metrics.hosts import HostCounts
from toolkit.lab.metrics.lateness import MINUTE, Lateness, shown
from toolkit.lab.metrics.points import Point, points
from toolkit.lab.metrics.statistics import statistic

# moto walks all data once per period and query: three hours keep a query in the milliseconds.
KEPT_SECONDS = 3 * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class MetricsSource:
    """Where the numbers come from: the data plane's traffic and flows, the looks at target health, the lateness now."""

    traffic: Callable[[float], Sequence[MinuteTraffic]]
    hosts: HostCounts
    lateness: Callable[[], Lateness]
    clock: Callable[[], float]
    flows: Callable[[float], Sequence[MinuteFlows]] = lambda _since: ()

    def visible(self) -> Iterator[Point]:
        """Every point CloudWatch shows at this moment."""
        now, lateness = self.clock(), self.lateness()
        since = now - KEPT_SECONDS
        shares = ((row, lateness.share(row.minute, now)) for row in self.traffic(since))
        yield from points(shown(row, share) for row, share in shares if share > 0)
        flows = ((row, lateness.share(int(row.minute), now)) for row in self.flows(since))
        yield from flow_points(shown_flows(row, share) for row, share in flows if share > 0)
        yield from (point for point in self.hosts.points(since) if lateness.share(point.minute, now) > 0)


class _Distribution(MetricAggregatedDatum):
    """One metric's samples in one minute, from which any statistic can be had."""

    def __init__(self, point: Point) -> None:
        super().__init__(
            namespace=point.namespace,
            name=point.name,
            min_stat=min(point.values),
            max_stat=max(point.values),
            sample_count=sum(point.values.values()),
            sum_stat=sum(value * count for value, count in point.values.items()),
            dimensions=point.dimensions,
            timestamp=datetime.fromtimestamp(point.minute, UTC).replace(tzinfo=None),  # moto counts in naive UTC
            unit=point.unit,
        )
        self.table = point.values


class _LoadBalancers(CloudWatchMetricProvider):
    """moto finds its providers by asking for the subclasses, so the source can only be set on the class."""

    source: ClassVar[MetricsSource | None] = None

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[_Distribution]:
        source = _LoadBalancers.source
        if source is None:
            return []
        arns = tuple(elbv2_backends[account_id][region].load_balancers)
        here = {arn.partition(":loadbalancer/")[2] for arn in arns}
        return [_Distribution(point) for point in source.visible() if point.load_balancer in here]


@contextmanager
def published(source: MetricsSource) -> Iterator[None]:
    """The metrics are to be had from this process's CloudWatch as long as this lasts."""
    replaced = [(owner, name, getattr(owner, name)) for owner, name, _ in _REPLACEMENTS]
    for owner, name, wrap in _REPLACEMENTS:
        setattr(owner, name, wrap(getattr(owner, name)))
    _LoadBalancers.source = source
    try:
        yield
    finally:
        _LoadBalancers.source = None
        for owner, name, original in replaced:
            setattr(owner, name, original)


def _with_percentiles(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_statistics_for_type(statistics: Any, stat: str) -> Any:
        found = original(statistics, stat)
        if found is not None:
            return found
        return statistic(stat, (one.table for one in statistics.metric_data if isinstance(one, _Distribution)))

    return get_statistics_for_type


def _from_a_whole_minute(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_metric_data(backend: Any, **call: Any) -> Any:
        start: datetime = call.pop("start_time")
        return original(backend, start_time=start.replace(second=0, microsecond=0), **call)

    return get_metric_data


def _by_name(_original: Callable[..., Any]) -> Callable[..., Any]:
    def less(one: Any, other: Any) -> bool:
        return (str(one.name), str(one.value)) < (str(other.name), str(other.value))

    return less


_REPLACEMENTS: tuple[tuple[type, str, Callable[[Callable[..., Any]], Callable[..., Any]]], ...] = (
    (Statistics, "get_statistics_for_type", _with_percentiles),
    (CloudWatchBackend, "get_metric_data", _from_a_whole_minute),
    (Dimension, "__lt__", _by_name),
)
