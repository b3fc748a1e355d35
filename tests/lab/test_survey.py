"""Looks at target health, for the host counts."""

from collections.abc import Mapping

import pytest
from moto import mock_aws
from moto.elbv2.models import elbv2_backends

from toolkit.lab.fidelity import Health, HealthUnknown
from toolkit.lab.metrics import HostCounts
from toolkit.lab.survey import look_at_hosts

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
GROUP, BALANCER = f"{ARN}:targetgroup/blue/1", f"{ARN}:loadbalancer/app/web/1"


class FakeGroup:
    def __init__(self, *balancers: str) -> None:
        self.arn = GROUP
        self.load_balancer_arns = list(balancers)


class Source:
    def __init__(self, *states: str) -> None:
        self.states = states

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], Health]:
        if not self.states:
            raise HealthUnknown("nobody checks")
        return {("10.0.0.1", port): Health(state) for port, state in enumerate(self.states)}


def looked(group: FakeGroup, source: Source) -> dict[tuple[str, str, str | None], Mapping[float, int]]:
    hosts = HostCounts()
    with mock_aws():
        elbv2_backends["123456789012"]["eu-central-1"].target_groups[GROUP] = group  # type: ignore[assignment]
        look_at_hosts(source, hosts, now=600)
    return {(p.name, p.load_balancer, p.target_group): p.values for p in hosts.points(since=0)}


def test_healthy_and_unhealthy_targets_are_counted_under_awss_dimensions() -> None:
    assert looked(FakeGroup(BALANCER), Source("healthy", "healthy", "unhealthy", "initial")) == {
        ("HealthyHostCount", "app/web/1", "targetgroup/blue/1"): {2.0: 1},
        ("UnHealthyHostCount", "app/web/1", "targetgroup/blue/1"): {1.0: 1},
    }


@pytest.mark.parametrize(
    ("group", "source"), [(FakeGroup(), Source("healthy")), (FakeGroup(BALANCER), Source())], ids=["unused", "unknown"]
)
def test_nothing_is_made_up(group: FakeGroup, source: Source) -> None:
    assert looked(group, source) == {}
