"""A task's targets: registered and deregistered through the lab's own ELBv2, so that its load balancer learns of it."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.elbv2.models import elbv2_backends

from toolkit.lab.compute.ecs.model import Task
from toolkit.lab.compute.ecs.tasks import Reports
from toolkit.lab.compute.ecs.words import Narrator
from toolkit.lab.fidelity import HealthSource, HealthUnknown

log = logging.getLogger(__name__)


class Targets:
    """The target groups of one region."""

    def __init__(self, account: str, region: str) -> None:
        self._elbv2 = elbv2_backends[account][region]

    def register(self, tasks: Iterable[Task], say: Narrator, tell: Callable[[str], None]) -> None:
        """Register the tasks; what the load balancer refuses is told in the service's events."""
        for arn, targets in _by_group(tasks).items():
            try:
                self._elbv2.register_targets(arn, targets)
            except ServiceException as error:
                tell(say.not_registered(arn, error.message))
            else:
                tell(say.registered(len(targets), arn))

    def deregister(self, tasks: Iterable[Task], say: Narrator, tell: Callable[[str], None]) -> None:
        """Deregister the tasks. A group or target that is gone already needs it no more."""
        for arn, targets in _by_group(tasks).items():
            try:
                self._elbv2.deregister_targets(arn, targets)
            except ServiceException as error:
                log.info("%s: targets were gone already: %s", arn, error.message)
            else:
                tell(say.deregistered(len(targets), arn))

    def drain(self, arn: str) -> float:
        """How long a target of this group drains, in seconds as AWS has them; none where no listener uses it."""
        group = self._elbv2.target_groups.get(arn)
        if group is None or not group.load_balancer_arns:
            return 0.0
        return float(str(group.attributes.get("deregistration_delay.timeout_seconds") or 300))


def reports_of(source: HealthSource, arns: Iterable[str]) -> Mapping[str, Reports]:
    """The health of each group's targets; a group that nobody can speak for is left out."""
    found: dict[str, Reports] = {}
    for arn in arns:
        try:
            found[arn] = source.health(arn)
        except HealthUnknown as error:
            log.debug("no health of %s: %s", arn, error)
    return found


def _by_group(tasks: Iterable[Task]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        for arn, port in task.targets:
            found.setdefault(arn, []).append({"Id": task.address, "Port": port})
    return found
