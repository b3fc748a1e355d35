"""Retiring by hand: the side without traffic goes down to a warm minimum, outside of any rollout."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from toolkit.errors import AwsError, PreflightRefused
from toolkit.rollout.events import DriftAccepted, Event, ShiftFailed, ShiftVerified
from toolkit.rollout.preflight import Finding, Observation, preflight, refuse
from toolkit.rollout.routes import known_splits
from toolkit.rollout.steps import duration
from toolkit.rollout.workload import Capacity, Workload, let_go_of
from toolkit.runner.checked import require_no_rollout
from toolkit.runner.lease import leased
from toolkit.runner.service import TAIL, Service
from toolkit.traffic import Color, Split


@dataclass(frozen=True, slots=True)
class Retirement:
    """What is done, or would be. before: of `color`, which has no traffic. after: what it is asked for then.

    written False: it is asked for no more than that already. problem: how its autoscaling stands, where it could not
    be bound as meant.
    """

    service: str
    color: Color
    before: Capacity
    after: int
    written: bool = False
    problem: str = ""


def plan_retire(service: Service, keep: int) -> Retirement:
    """What `retire` would do. Nothing is written. Raises as `retire`, but Locked."""
    return _checked(service, keep)[0]


def retire(service: Service, keep: int, *, wait: bool = False) -> Retirement:
    """Bring the color without traffic down to `keep` targets, and let its autoscaling's minimum allow that.

    It is never brought up. wait: sleep until the last shift has settled, in place of refusing.

    Raises:
        Locked: somebody else holds the lease.
        PreflightRefused, WrongAccount, RouteUnusable: the contract names no workload, a rollout is under way, both
            colors carry traffic, the one that does is sick, the record differs from AWS, or the last shift has not
            settled; nothing was written.
        AwsError: the world could not be read, or AWS did not take it; nothing was written.
    """
    if wait:
        _wait(service)
    with leased(service, f"retire to {keep}"):
        planned, live, workload = _checked(service, keep)
        if planned.before.desired <= keep:
            return planned
        workload.scale(planned.color, keep)  # raises or lowers its minimum to that
        problem = _bound(workload, planned, live)
    if problem:
        service.note(f"warning: {service.name}: {problem}")
    return Retirement(planned.service, planned.color, planned.before, keep, written=True, problem=problem)


def _checked(service: Service, keep: int) -> tuple[Retirement, Capacity, Workload]:
    """What would be done, what the live color has, and where to do it."""
    workload = service.workload
    if workload is None:
        raise PreflightRefused(
            f"{service.name}: the contract names no workload, so nothing can be retired. Nothing was changed.",
            hint="Give the deployment contract a `workload`.",
        )
    observation = service.observe()
    require_no_rollout(service, observation.record)
    color = _idle(service, observation)
    _require_settled(service)
    before, live = workload.capacity(color), workload.capacity(color.other)
    return Retirement(service.name, color, before, min(keep, before.desired)), live, workload


def _bound(workload: Workload, planned: Retirement, live: Capacity) -> str:
    """Its minimum was lower than `keep`, maybe; and what was suspended stays so. How it stands where that fails."""
    bounds = let_go_of(planned.before, live, kept=planned.after, is_live=False)
    try:
        workload.let_go(planned.color, bounds)
    except AwsError as error:
        return (
            f"{planned.color} goes down to {planned.after}, and its autoscaling is not bound as meant: {error.message}"
        )
    return ""


def _idle(service: Service, observation: Observation) -> Color:
    """The color without traffic, where nothing speaks against what AWS holds. Raises as `retire`."""
    splits = set(known_splits(observation.routes, service.contract).values())
    held = splits.pop() if len(splits) == 1 else None
    carrying = [color for color in Color if held is not None and held.share(color) == 1]
    findings = preflight(observation, held or Split(blue=50, green=50), service.settings)
    refuse([finding for finding in findings if _is_about_the_record(finding)], service.name)
    if not carrying:
        raise PreflightRefused(
            f"{service.name}: both colors carry traffic, so neither can be retired. Nothing was changed.",
            hint=f"See `bluegreen status {service.name}`.",
        )
    if observation.record.in_doubt:
        raise PreflightRefused(
            f"{service.name}: a command ended between writing weights and recording that. Nothing was changed.",
            hint=f"`bluegreen shift {service.name} {carrying[0]}=100` settles it.",
        )
    if not observation.healthy(carrying[0]):
        raise PreflightRefused(
            f"{service.name}: {carrying[0]} carries all traffic and has no healthy target, so {carrying[0].other} is "
            "left as it is. Nothing was changed.",
            hint=f"See `bluegreen status {service.name}`.",
        )
    return carrying[0].other


def _is_about_the_record(finding: Finding) -> bool:
    """Account, routes and drift; how many targets a side has, or whether they are in use, keeps nobody from this."""
    return not (finding.is_about_capacity or finding.check.endswith("attached"))


def _require_settled(service: Service) -> None:
    """Raises PreflightRefused where the color may still get requests of before the last shift."""
    left = _unsettled(service)
    if left > 0:
        raise PreflightRefused(
            f"{service.name}: the last shift is not {duration(service.retire_settle_seconds)} old, so requests may "
            f"still come; wait {duration(math.ceil(left))}. Nothing was changed.",
            hint=f"bluegreen retire {service.name} --wait does it then.",
        )


def _wait(service: Service) -> None:
    left = _unsettled(service)
    if left > 0:
        service.note(f"{service.name}: waiting {duration(math.ceil(left))} for the last shift to settle")
        service.clock.sleep(left)


def _unsettled(service: Service) -> float:
    """Seconds until the last shift has settled; 0 or less where it has, or where none is recorded."""
    at = _last_written(service)
    if at is None:
        return 0.0
    return (at + timedelta(seconds=service.retire_settle_seconds) - service.clock.now()).total_seconds()


def _last_written(service: Service) -> datetime | None:
    """When the weights that AWS holds were last known to be written."""
    count = TAIL
    while entries := service.store.tail(service.name, count):
        found = [entry.at for entry in entries if _tells_of_weights(entry.event)]
        if found or entries[0].sequence == 1:
            return found[-1] if found else None
        count *= 8
    return None


def _tells_of_weights(event: Event) -> bool:
    return isinstance(event, ShiftVerified | ShiftFailed | DriftAccepted)
