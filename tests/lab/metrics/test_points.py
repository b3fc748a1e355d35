"""Traffic in CloudWatch's names, dimensions and values."""

import pytest

from toolkit.lab.dataplane import MinuteTraffic
from toolkit.lab.metrics.hosts import HostCounts
from toolkit.lab.metrics.points import Point, points

BALANCER, BLUE, GREEN = "app/web/1", "targetgroup/blue/1", "targetgroup/green/2"
MINUTE = 600


def named(found: list[Point], target_group: str | None) -> dict[str, float]:
    return {
        point.name: sum(value * count for value, count in point.values.items())
        for point in found
        if point.target_group == target_group
    }


def test_target_groups_and_load_balancer_each_have_their_sums() -> None:
    rows = [
        MinuteTraffic(
            BALANCER, BLUE, MINUTE, request_count=10, target_2xx=8, target_5xx=1, elb_5xx=1, connection_errors=1
        ),
        MinuteTraffic(BALANCER, GREEN, MINUTE, request_count=5, target_2xx=5),
        MinuteTraffic(BALANCER, None, MINUTE, request_count=2, elb_5xx=2),
    ]
    found = list(points(rows))
    assert named(found, BLUE) == {
        "RequestCount": 10,
        "HTTPCode_Target_2XX_Count": 8,
        "HTTPCode_Target_5XX_Count": 1,
        "TargetConnectionErrorCount": 1,
    }
    assert named(found, GREEN) == {"RequestCount": 5, "HTTPCode_Target_2XX_Count": 5}
    assert named(found, None) == {
        "RequestCount": 17,
        "HTTPCode_Target_2XX_Count": 13,
        "HTTPCode_Target_5XX_Count": 1,
        "HTTPCode_ELB_5XX_Count": 3,
        "TargetConnectionErrorCount": 1,
    }


def test_without_traffic_nothing_is_published_and_no_error_is_no_zero() -> None:
    assert list(points([])) == []
    found = list(points([MinuteTraffic(BALANCER, BLUE, MINUTE, request_count=1, target_2xx=1)]))
    assert "HTTPCode_Target_5XX_Count" not in {point.name for point in found}


def test_response_times_keep_their_distribution() -> None:
    rows = [
        MinuteTraffic(BALANCER, BLUE, MINUTE, request_count=3, target_2xx=3, response_times={0.1: 2, 0.5: 1}),
        MinuteTraffic(BALANCER, GREEN, MINUTE, request_count=1, target_2xx=1, response_times={0.1: 1}),
    ]
    times = {point.target_group: point for point in points(rows) if point.name == "TargetResponseTime"}
    assert times[BLUE].values == {0.1: 2, 0.5: 1}
    assert times[None].values == {0.1: 3, 0.5: 1}
    assert times[None].unit == "Seconds"


def test_dimensions_are_those_of_aws() -> None:
    point = Point("RequestCount", BALANCER, BLUE, MINUTE, {1.0: 1})
    assert point.dimensions == [
        {"Name": "LoadBalancer", "Value": BALANCER},
        {"Name": "TargetGroup", "Value": BLUE},
    ]


@pytest.mark.parametrize(
    ("suffix", "namespace"),
    [("app/web/1", "AWS/ApplicationELB"), ("net/web/1", "AWS/NetworkELB"), ("gwy/web/1", "AWS/GatewayELB")],
)
def test_each_kind_of_load_balancer_has_its_namespace(suffix: str, namespace: str) -> None:
    hosts = HostCounts()
    hosts.look(suffix, BLUE, ["healthy"], now=MINUTE)
    assert {point.namespace for point in hosts.points(since=0)} == {namespace}


def test_hosts_are_counted_at_every_look_of_a_minute() -> None:
    hosts = HostCounts()
    hosts.look(BALANCER, BLUE, ["healthy", "healthy", "initial"], now=MINUTE + 1)
    hosts.look(BALANCER, BLUE, ["healthy", "unhealthy", "draining"], now=MINUTE + 31)
    found = {point.name: point.values for point in hosts.points(since=0)}
    assert found == {"HealthyHostCount": {2.0: 1, 1.0: 1}, "UnHealthyHostCount": {0.0: 1, 1.0: 1}}
    assert list(hosts.points(since=MINUTE + 61)) == []
