"""What a change of weights leaves on a Network Load Balancer: standing flows, how many, and how to end them.

A flow stays on its target until it ends, whatever the weights say, so a read-back proves nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from toolkit.contract import TargetGroup
from toolkit.errors import AwsError, BluegreenError, Interrupted, UsageError
from toolkit.rollout.ports import Draining, FlowCount, TargetHealth
from toolkit.runner.interrupts import Deferred, deferred_interrupts
from toolkit.runner.service import Service
from toolkit.traffic import Color

DRAINED_SECONDS = 120.0
"""How long deregistered targets may take to be gone at a delay of 0; AWS gives no figure."""
_POLL_SECONDS = 1.0
_AT_ONCE = Draining(delay_seconds=0, terminates=True)
_WAIT = "bluegreen: registering the targets again; then it stops"


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be left on the color that was abandoned.

    flows: the last count; None where CloudWatch has none.
    terminated: the targets whose flows were ended.
    """

    color: Color
    flows: FlowCount | None = None
    terminated: int = 0


def standing(service: Service, color: Color) -> Standing:
    """How many flows may remain on `color`. A count that cannot be had is said, not raised."""
    try:
        group = service.contract.target_groups[color]
        return Standing(color, service.flows.active(service.contract.load_balancer, group))
    except AwsError as error:
        service.note(f"warning: nobody knows how many flows remain on {color}: {error.message}")
        return Standing(color)


def require_flows(service: Service) -> None:
    """Raises UsageError where the service's load balancer balances requests, so that there are no flows to end."""
    if not service.contract.is_network:
        raise UsageError(
            f"{service.name} is behind an Application Load Balancer, which has no flows to terminate. "
            "Nothing was changed.",
            hint="Leave --terminate-flows out: every new request follows the weights.",
        )


def terminate(service: Service, color: Color) -> int:
    """End every flow on `color`, which must carry no weight. Returns how many targets it has.

    They are deregistered with connection termination and, once they are gone, registered again. The group's
    deregistration delay is 0 meanwhile and is put back at the end.

    Raises:
        AwsError: how far it came is said, and how to register the targets again.
        Interrupted: somebody pressed Ctrl-C meanwhile; the targets are registered again.
    """
    group = service.contract.target_groups[color]
    targets = [target for target in service.targets.health(group) if target.state != "draining"]
    if not targets:
        return 0
    service.note(f"{service.name}: ending the flows of {color}'s {len(targets)} targets")
    with deferred_interrupts(_WAIT) as interrupts:
        before = service.targets.draining(group)
        try:
            service.targets.set_draining(group, _AT_ONCE)
            service.targets.deregister(group, targets)
            gone = _wait_until_gone(service, group, targets, interrupts)
        finally:
            _bring_back(service, group, targets, before)
    if interrupts.asked:
        raise Interrupted(
            f"{service.name}: interrupted while the flows of {color} were ended; its targets are registered again",
            hint=f"See `bluegreen status {service.name}`.",
        )
    if not gone:
        service.note(
            f"warning: {color}'s targets were still draining after {DRAINED_SECONDS:g} s; some flows may remain"
        )
    return len(targets)


def _wait_until_gone(
    service: Service, group: TargetGroup, targets: Sequence[TargetHealth], interrupts: Deferred
) -> bool:
    deadline = service.clock.now() + timedelta(seconds=DRAINED_SECONDS)
    places = {(target.id, target.port) for target in targets}
    while any((target.id, target.port) in places for target in service.targets.health(group)):
        if interrupts.asked or service.clock.now() >= deadline:
            return False
        service.clock.sleep(_POLL_SECONDS)
    return True


def _bring_back(service: Service, group: TargetGroup, targets: Sequence[TargetHealth], before: Draining) -> None:
    """Both steps are tried, whatever the first one meets.

    Raises:
        AwsError: of the first that failed, with what is left to do by hand.
    """
    steps: tuple[Callable[[], None], ...] = (
        lambda: service.targets.register(group, targets),
        lambda: service.targets.set_draining(group, before),
    )
    failed: list[BluegreenError] = []
    for step in steps:
        try:
            step()
        except BluegreenError as error:
            failed.append(error)
    if failed:
        places = " ".join(f"Id={target.id}" + (f",Port={target.port}" if target.port else "") for target in targets)
        raise type(failed[0])(
            f"{service.name}: its flows were to be ended, and {group.name} is not as it was: {failed[0].message}",
            hint=f"Register its targets again: aws elbv2 register-targets --target-group-arn {group.arn} "
            f"--targets {places}; and its deregistration delay was {before.delay_seconds:g} s.",
        ) from failed[0]
