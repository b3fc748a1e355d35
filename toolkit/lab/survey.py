"""The health checks of the data plane, as the emulated AWS and its metrics see them."""

import logging
from collections.abc import Mapping

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import elbv2_backends

from toolkit.errors import LabError
from toolkit.lab.dataplane import DataPlane, TargetHealth
from toolkit.lab.fidelity import HealthSource, HealthUnknown
from toolkit.lab.metrics import HostCounts

log = logging.getLogger(__name__)


class HealthChecks(HealthSource):
    """The data plane as a source of health: a dead load balancer is no answer about the targets."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], TargetHealth]:
        try:
            return self._plane.health(target_group_arn)
        except LabError as error:
            log.warning("no health of %s: %s", target_group_arn, error.message)
            raise HealthUnknown(error.message) from error


def look_at_hosts(source: HealthSource, hosts: HostCounts, *, now: float) -> None:
    """Note how many targets of each attached target group are in which state at this moment."""
    for backend in tuple(elbv2_backends[DEFAULT_ACCOUNT_ID].values()):
        for group in tuple(backend.target_groups.values()):
            balancers = tuple(group.load_balancer_arns)
            states = _states(source, group.arn) if balancers else []
            for balancer in balancers if states else ():
                hosts.look(balancer.partition(":loadbalancer/")[2], _suffix(group.arn), states, now=now)


def _states(source: HealthSource, target_group_arn: str) -> list[str]:
    """The states of the targets; none where nobody can say, so that no count is made up."""
    try:
        return [one.state for one in source.health(target_group_arn).values()]
    except HealthUnknown:
        return []


def _suffix(target_group_arn: str) -> str:
    return target_group_arn.rpartition(":")[2]
