"""Flows in CloudWatch's names, dimensions and values."""

from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.metrics.flow_points import flow_points, shown_flows
from toolkit.lab.metrics.points import Point

BALANCER, BLUE, GREEN = "net/web/1", "targetgroup/blue/1", "targetgroup/green/2"
MINUTE = 600
counts = st.integers(0, 100_000)


def named(found: list[Point], *dimensions: tuple[str, str]) -> dict[str, float]:
    wanted = [{"Name": name, "Value": value} for name, value in dimensions]
    return {
        point.name: sum(value * count for value, count in point.values.items())
        for point in found
        if point.dimensions == wanted
    }


def test_a_load_balancer_has_the_sums_and_a_target_group_its_flows() -> None:
    rows = [
        MinuteFlows(MINUTE, BALANCER, BLUE, new=10, active=4, client_resets=1, target_resets=2, bytes=500),
        MinuteFlows(MINUTE, BALANCER, GREEN, new=5, active=1, bytes=100),
        MinuteFlows(MINUTE, BALANCER, "", balancer_resets=3),
    ]
    found = list(flow_points(rows))
    assert named(found, ("LoadBalancer", BALANCER)) == {
        "ActiveFlowCount": 5,
        "NewFlowCount": 15,
        "ProcessedBytes": 600,
        "TCP_Client_Reset_Count": 1,
        "TCP_Target_Reset_Count": 2,
        "TCP_ELB_Reset_Count": 3,
    }
    assert named(found, ("TargetGroup", BLUE)) == {"ActiveFlowCount": 4, "NewFlowCount": 10}
    assert named(found, ("TargetGroup", GREEN)) == {"ActiveFlowCount": 1, "NewFlowCount": 5}
    assert named(found, ("LoadBalancer", BALANCER), ("TargetGroup", BLUE)) == {}
    assert {point.namespace for point in found} == {"AWS/NetworkELB"}
    assert {point.unit for point in found if point.name == "ProcessedBytes"} == {"Bytes"}


def test_minutes_are_apart_and_one_without_a_row_has_no_point() -> None:
    rows = [MinuteFlows(MINUTE, BALANCER, BLUE, active=2), MinuteFlows(MINUTE + 120, BALANCER, BLUE, active=1)]
    found = [point for point in flow_points(rows) if point.name == "ActiveFlowCount" and not point.target_group]
    assert {point.minute: point.values for point in found} == {MINUTE: {2.0: 1}, MINUTE + 120: {1.0: 1}}
    assert list(flow_points([])) == []


@given(counts, counts, counts, st.floats(0, 1))
def test_counts_arrive_in_part_and_what_stands_is_whole(new: int, active: int, sent: int, share: float) -> None:
    row = MinuteFlows(MINUTE, BALANCER, BLUE, new=new, active=active, bytes=sent)
    part = shown_flows(row, share)
    assert part.active == active
    assert 0 <= part.new <= new
    assert 0 <= part.bytes <= sent
    assert shown_flows(row, 1.0) == row
