"""Flows in the words of CloudWatch, namespace AWS/NetworkELB: names, dimension sets and values. Pure.

Source: CloudWatch metrics for your Network Load Balancer. All of these are reported, zeros too, in every minute in
which anything flows. Flow counts have the dimension sets `LoadBalancer` and, in the newest text of that page,
`TargetGroup` alone; bytes and resets have `LoadBalancer` only. Those by Availability Zone are left out, for the lab
has no zones, and so is `ProcessedBytes`' share of TCP/IP headers, which Envoy does not see. There are no HTTP metrics.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.metrics.points import Point

_COUNTS: Final = ("new", "client_resets", "target_resets", "balancer_resets", "bytes")
_PER_TARGET_GROUP: Final[Mapping[str, str]] = {
    "ActiveFlowCount": "active",
    "NewFlowCount": "new",
}
_PER_LOAD_BALANCER: Final[Mapping[str, str]] = {
    **_PER_TARGET_GROUP,
    "ProcessedBytes": "bytes",
    "TCP_Client_Reset_Count": "client_resets",
    "TCP_Target_Reset_Count": "target_resets",
    "TCP_ELB_Reset_Count": "balancer_resets",
}
_UNITS: Final[Mapping[str, str]] = {"ProcessedBytes": "Bytes"}


def flow_points(rows: Iterable[MinuteFlows]) -> Iterator[Point]:
    """Every point of these rows, per target group and per load balancer."""
    rows = tuple(rows)
    for row in rows:
        if row.target_group:
            yield from _points(row, row.target_group, _PER_TARGET_GROUP)
    for total in _totals(rows):
        yield from _points(total, None, _PER_LOAD_BALANCER)


def shown_flows(row: MinuteFlows, share: float) -> MinuteFlows:
    """What CloudWatch shows of `row` while `share` of its counts has arrived; how many flows stand is never a part."""
    if share >= 1:
        return row
    counts: dict[str, Any] = {name: int(getattr(row, name) * share) for name in _COUNTS}
    return replace(row, **counts)


def _points(row: MinuteFlows, target_group: str | None, metrics: Mapping[str, str]) -> Iterator[Point]:
    for name, attribute in metrics.items():
        # One sample a minute: Sum, Maximum and Average agree, and a zero is a value.
        values = {float(getattr(row, attribute)): 1}
        unit = _UNITS.get(name, "Count")
        yield Point(
            name,
            row.load_balancer,
            target_group,
            int(row.minute),
            values,
            unit,
            by_group_alone=target_group is not None,
        )


def _totals(rows: Iterable[MinuteFlows]) -> list[MinuteFlows]:
    """One row per load balancer and minute: the sum over its target groups and the flows that found no target."""
    totals: dict[tuple[str, float], MinuteFlows] = {}
    for row in rows:
        key = (row.load_balancer, row.minute)
        total = totals.setdefault(key, MinuteFlows(row.minute, row.load_balancer, ""))
        for name in (*_COUNTS, "active"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    return list(totals.values())
