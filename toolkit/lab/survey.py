"""A look at the health of every target that a load balancer uses, for the host count metrics."""

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import elbv2_backends

from toolkit.lab.fidelity import HealthSource
from toolkit.lab.metrics import HostCounts


def look_at_hosts(source: HealthSource, hosts: HostCounts, *, now: float) -> None:
    """Note how many targets of each attached target group are in which state at this moment."""
    for backend in tuple(elbv2_backends[DEFAULT_ACCOUNT_ID].values()):
        for group in tuple(backend.target_groups.values()):
            states = [one.state for one in source.health(group.arn).values()]
            for balancer in tuple(group.load_balancer_arns) if states else ():
                hosts.look(balancer.partition(":loadbalancer/")[2], _suffix(group.arn), states, now=now)


def _suffix(target_group_arn: str) -> str:
    return target_group_arn.rpartition(":")[2]
