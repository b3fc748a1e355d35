"""CloudWatch of moto, fed: late, then revised, by name, dimensions and aligned periods."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.elbv2.models import elbv2_backends

from toolkit.lab.dataplane import MinuteTraffic
from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.metrics import HostCounts, Lateness, MetricsSource, published

REGION = "eu-central-1"
BALANCER, BLUE = "app/web/1", "targetgroup/blue/1"
NETWORK, TCP = "net/web/2", "targetgroup/tcp/2"
MINUTE = 1_700_000_040


class World:
    """A clock, some traffic, and what CloudWatch says of them."""

    def __init__(self) -> None:
        self.now = float(MINUTE)
        self.lateness = Lateness(delay=60, revision=60)
        self.rows = [
            MinuteTraffic(
                BALANCER,
                BLUE,
                MINUTE,
                request_count=100,
                target_2xx=90,
                target_5xx=10,
                response_times={0.1: 90, 0.7: 10},
            )
        ]
        self.flows = [
            MinuteFlows(MINUTE, NETWORK, TCP, new=100, active=7, bytes=1000),
            MinuteFlows(MINUTE, NETWORK, "", balancer_resets=3),
        ]
        self.hosts = HostCounts()
        self.source = MetricsSource(
            self.traffic, self.hosts, lambda: self.lateness, lambda: self.now, lambda _: self.flows
        )
        self.client = boto3.client(
            "cloudwatch", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )

    def traffic(self, since: float) -> Sequence[MinuteTraffic]:
        return [row for row in self.rows if row.minute + 60 > since]

    def ask(self, metric: str, stat: str = "Sum", *, start: int = MINUTE, **dimensions: str) -> dict[int, float]:
        """Minute -> value, for the five minutes from `start`."""
        wanted = dimensions or {"LoadBalancer": BALANCER, "TargetGroup": BLUE}
        query: dict[str, Any] = {
            "Namespace": "AWS/NetworkELB" if {NETWORK, TCP} & set(wanted.values()) else "AWS/ApplicationELB",
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in wanted.items()],
        }
        answer = self.client.get_metric_data(
            MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": query, "Period": 60, "Stat": stat}}],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(start + 300, UTC),
        )["MetricDataResults"][0]
        return {int(at.timestamp()): value for at, value in zip(answer["Timestamps"], answer["Values"], strict=True)}


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        made = World()
        balancers = elbv2_backends["123456789012"][REGION].load_balancers
        for suffix in (BALANCER, NETWORK):
            balancers[f"arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/{suffix}"] = object()  # type: ignore[assignment]
        with published(made.source):
            yield made


def test_a_minute_comes_late_then_incomplete_then_whole(world: World) -> None:
    seen = []
    for seconds in (60, 119, 120, 150, 180):
        world.now = MINUTE + seconds
        seen.append(world.ask("RequestCount"))
    # Three quarters of 90 answers and of 10 errors: 67 and 7, in whole requests.
    assert seen == [{}, {}, {MINUTE: 50.0}, {MINUTE: 74.0}, {MINUTE: 100.0}]


def test_the_lateness_can_be_changed_meanwhile(world: World) -> None:
    world.now = MINUTE + 60
    assert world.ask("RequestCount") == {}
    world.lateness = Lateness(0, 0)
    assert world.ask("RequestCount") == {MINUTE: 100.0}


def test_sums_averages_percentiles_and_trimmed_counts(world: World) -> None:
    world.now = MINUTE + 600
    assert world.ask("HTTPCode_Target_5XX_Count") == {MINUTE: 10.0}
    assert world.ask("RequestCount", "Average") == {MINUTE: 1.0}
    assert world.ask("RequestCount", "SampleCount") == {MINUTE: 100.0}
    assert world.ask("TargetResponseTime", "Average")[MINUTE] == pytest.approx(0.16)
    assert world.ask("TargetResponseTime", "p50") == {MINUTE: 0.1}
    assert world.ask("TargetResponseTime", "p99") == {MINUTE: 0.7}
    assert world.ask("TargetResponseTime", "TC(0.5:)") == {MINUTE: 10.0}


def test_a_start_within_a_minute_means_the_whole_minute(world: World) -> None:
    world.now = MINUTE + 600
    assert world.ask("RequestCount", start=MINUTE + 17) == {MINUTE: 100.0}


def test_dimensions_are_exact_in_any_order(world: World) -> None:
    world.now = MINUTE + 600
    assert world.ask("RequestCount", TargetGroup=BLUE, LoadBalancer=BALANCER) == {MINUTE: 100.0}
    assert world.ask("RequestCount", LoadBalancer=BALANCER) == {MINUTE: 100.0}
    assert world.ask("RequestCount", LoadBalancer=BALANCER, TargetGroup="targetgroup/green/2") == {}
    assert world.ask("RequestCount", TargetGroup=BLUE) == {}


def test_flows_come_as_late_as_requests_and_their_counts_grow_but_not_how_many_stand(world: World) -> None:
    seen = []
    for seconds in (119, 120, 180):
        world.now = MINUTE + seconds
        answers = [world.ask(name, "Maximum", LoadBalancer=NETWORK) for name in ("ActiveFlowCount", "NewFlowCount")]
        seen.append([answer.get(MINUTE) for answer in answers])
    assert seen == [[None, None], [7.0, 50.0], [7.0, 100.0]]


def test_flow_metrics_have_the_dimensions_of_aws(world: World) -> None:
    world.now = MINUTE + 600
    assert world.ask("NewFlowCount", TargetGroup=TCP) == {MINUTE: 100.0}
    assert world.ask("NewFlowCount", LoadBalancer=NETWORK, TargetGroup=TCP) == {}
    assert world.ask("TCP_ELB_Reset_Count", LoadBalancer=NETWORK) == {MINUTE: 3.0}
    assert world.ask("TCP_Client_Reset_Count", LoadBalancer=NETWORK) == {MINUTE: 0.0}
    assert world.ask("TCP_ELB_Reset_Count", TargetGroup=TCP) == {}


def test_get_metric_statistics_tells_how_many_flows_stood_last(world: World) -> None:
    world.now = MINUTE + 600
    world.flows.append(MinuteFlows(MINUTE + 60, NETWORK, TCP, active=5))
    points = world.client.get_metric_statistics(
        Namespace="AWS/NetworkELB",
        MetricName="ActiveFlowCount",
        Dimensions=[{"Name": "LoadBalancer", "Value": NETWORK}],
        StartTime=datetime.fromtimestamp(MINUTE - 37, UTC),
        EndTime=datetime.fromtimestamp(MINUTE + 300, UTC),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert {int(one["Timestamp"].timestamp()): one["Maximum"] for one in points} == {MINUTE: 7.0, MINUTE + 60: 5.0}


def test_a_network_load_balancer_has_host_counts_in_its_own_namespace_and_no_http_metrics(world: World) -> None:
    world.now = MINUTE + 600
    world.hosts.look(NETWORK, TCP, ["healthy", "unhealthy"], now=MINUTE + 1)
    listed = world.client.list_metrics(Namespace="AWS/NetworkELB")["Metrics"]
    assert {one["MetricName"] for one in listed} == {
        "ActiveFlowCount", "NewFlowCount", "ProcessedBytes", "TCP_Client_Reset_Count", "TCP_Target_Reset_Count",
        "TCP_ELB_Reset_Count", "HealthyHostCount", "UnHealthyHostCount",
    }  # fmt: skip
    others = world.client.list_metrics(Namespace="AWS/ApplicationELB")["Metrics"]
    assert NETWORK not in {value["Value"] for one in others for value in one["Dimensions"]}
    assert world.ask("UnHealthyHostCount", "Maximum", LoadBalancer=NETWORK, TargetGroup=TCP) == {MINUTE: 1.0}


def test_a_load_balancer_of_another_region_is_not_shown(world: World) -> None:
    world.now = MINUTE + 600
    elbv2_backends["123456789012"][REGION].load_balancers.clear()
    assert world.ask("RequestCount") == {}


def test_nothing_is_left_when_it_is_over(world: World) -> None:
    world.now = MINUTE + 600
    with published(world.source):
        assert world.ask("RequestCount") == {MINUTE: 100.0}
    assert world.ask("RequestCount") == {}
