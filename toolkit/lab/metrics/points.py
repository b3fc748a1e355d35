"""Traffic in the words of CloudWatch: metric names, dimension sets and values. Pure.

Names, dimensions and when a value is reported: CloudWatch metrics for your Application Load Balancer. Counts are
reported only where they are not zero, so a missing value is not a zero. Flows: `flow_points`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from toolkit.lab.dataplane import MinuteTraffic

_NAMESPACES: Final[Mapping[str, str]] = {
    "app": "AWS/ApplicationELB",
    "net": "AWS/NetworkELB",
    "gwy": "AWS/GatewayELB",  # never any traffic here, but its targets are counted
}
_PER_TARGET_GROUP: Final[Mapping[str, str]] = {
    "RequestCount": "request_count",
    "HTTPCode_Target_2XX_Count": "target_2xx",
    "HTTPCode_Target_3XX_Count": "target_3xx",
    "HTTPCode_Target_4XX_Count": "target_4xx",
    "HTTPCode_Target_5XX_Count": "target_5xx",
    "TargetConnectionErrorCount": "connection_errors",
}
_PER_LOAD_BALANCER: Final[Mapping[str, str]] = {
    **_PER_TARGET_GROUP,
    "HTTPCode_ELB_3XX_Count": "elb_3xx",
    "HTTPCode_ELB_4XX_Count": "elb_4xx",
    "HTTPCode_ELB_5XX_Count": "elb_5xx",
}


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one metric in one minute.

    Attributes:
        name: of the metric.
        load_balancer: its ARN suffix, the dimension `LoadBalancer`.
        target_group: its ARN suffix, the dimension `TargetGroup`; None for the load balancer as a whole.
        minute: epoch seconds at which the minute began.
        values: value -> how many samples had it.
        unit: CloudWatch's word.
        by_group_alone: whether it has the dimension `TargetGroup` without `LoadBalancer`.
    """

    name: str
    load_balancer: str
    target_group: str | None
    minute: int
    values: Mapping[float, int] = field(repr=False)
    unit: str = "Count"
    by_group_alone: bool = False

    @property
    def namespace(self) -> str:
        """By the kind of load balancer, which its suffix begins with."""
        return _NAMESPACES[self.load_balancer.partition("/")[0]]

    @property
    def dimensions(self) -> list[dict[str, str]]:
        balancer = None if self.by_group_alone else self.load_balancer
        pairs = {"LoadBalancer": balancer, "TargetGroup": self.target_group}
        return [{"Name": name, "Value": value} for name, value in pairs.items() if value is not None]


def points(rows: Iterable[MinuteTraffic]) -> Iterator[Point]:
    """Every point of these rows, per target group and per load balancer."""
    rows = tuple(rows)
    for row in rows:
        if row.target_group is not None:
            yield from _points(row, _PER_TARGET_GROUP)
    for total in _totals(rows):
        yield from _points(total, _PER_LOAD_BALANCER)


def _points(row: MinuteTraffic, metrics: Mapping[str, str]) -> Iterator[Point]:
    for name, attribute in metrics.items():
        if count := getattr(row, attribute):
            # Each counted thing is one sample of 1: Sum and SampleCount are the count, Average is 1.
            yield Point(name, row.load_balancer, row.target_group, row.minute, {1.0: count})
    if row.response_times:
        times = dict(row.response_times)
        yield Point("TargetResponseTime", row.load_balancer, row.target_group, row.minute, times, "Seconds")


def _totals(rows: Iterable[MinuteTraffic]) -> list[MinuteTraffic]:
    """One row per load balancer and minute: the sum over its target groups and its own answers."""
    totals: dict[tuple[str, int], MinuteTraffic] = {}
    for row in rows:
        key = (row.load_balancer, row.minute)
        total = totals.setdefault(key, MinuteTraffic(row.load_balancer, None, row.minute))
        for counted in fields(MinuteTraffic):
            if counted.type in (int, "int") and counted.name != "minute":
                setattr(total, counted.name, getattr(total, counted.name) + getattr(row, counted.name))
        total.response_times = dict(Counter(total.response_times) + Counter(row.response_times))
    return list(totals.values())
