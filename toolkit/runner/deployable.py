"""What is asked before a deployment: can the release be made, is there room for it, and does it run already."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from toolkit.errors import PreflightRefused
from toolkit.rollout.deploy import runs_already
from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Level, Observation, needed_targets
from toolkit.rollout.replacing import replacing
from toolkit.rollout.routes import known_splits
from toolkit.rollout.workload import Change, Release, Workload
from toolkit.runner.service import Service


def deployable(service: Service, change: Change, plan: Plan, observation: Observation) -> list[Finding]:
    """Whether the release can be made, and whether there is room for it; nothing where the contract names no workload.

    Raises:
        AwsError, UsageError: as `Workload.foresee`.
    """
    workload = service.workload
    if workload is None:
        return []
    carrying = [each.share(plan.to) for each in known_splits(observation.routes, service.contract).values()]
    if any(carrying) and not plan.in_place:
        mend = "A release goes to the side that has no traffic: leave --to out, or roll back first."
        return [Finding("deploy", Level.REFUSED, f"{plan.to} has traffic", mend)]
    try:
        release = workload.foresee(change, plan.to, in_place=plan.in_place)
        how = workload.replacement(plan.to) if plan.in_place else None
    except PreflightRefused as error:
        return [Finding("deploy", Level.REFUSED, error.message.removesuffix("."), error.hint)]
    place = ", in place" if plan.in_place else ""
    found = [Finding("deploy", Level.OK, f"{plan.to} is to run {release}{place}")]
    if how is not None and plan.rolling is not None:
        needed = needed_targets(plan.rolling.min_healthy, Fraction(1), service.settings)
        found += replacing(plan.to, how, plan.rolling, needed=needed, force=plan.force)
        return [*found, *_way_back(service, workload, plan)]
    return [*found, *_room(service, workload, plan, observation)]


def _way_back(service: Service, workload: Workload, plan: Plan) -> Iterator[Finding]:
    """Whether what would be gone back to has ever come up."""
    live = workload.release(plan.base)
    stands = _not_there(service, workload, plan, live)
    if stands:
        reason = f"{plan.base} was asked to run {live}, which is where a way back would go, and {stands}"
        yield Finding("way back", Level.WARNING, reason, "Let the update before come to its end, if it may still.")


def _not_there(service: Service, workload: Workload, plan: Plan, live: Release) -> str:
    """How the live color does not run yet what it was asked to; empty where it does."""
    progress = workload.progress(plan.base, live, service.clock.now())
    if progress.given_up:
        return progress.given_up
    if progress.older:
        return f"{progress.older} of its tasks run something else"
    return "" if progress.is_settled else "AWS is not done with that yet"


def _room(service: Service, workload: Workload, plan: Plan, observation: Observation) -> Iterator[Finding]:
    maximum = workload.capacity(plan.to).maximum
    needed = needed_targets(observation.healthy(plan.base), Fraction(1), service.settings)
    if maximum is not None and needed > maximum:
        mend = "Raise its maximum in Terraform and apply."
        reason = f"all of the traffic takes {needed} targets, and {plan.to} may have {maximum} at most"
        yield Finding("deploy room", Level.REFUSED, reason, mend)


def running_already(service: Service, change: Change, plan: Plan, observation: Observation) -> Release | None:
    """What the live color runs, where that is what is asked for and all traffic is on it.

    Raises:
        AwsError, UsageError: as `Workload.foresee`.
    """
    workload, base = service.workload, plan.base
    splits = known_splits(observation.routes, service.contract).values()
    if workload is None or any(split.share(base) < 1 for split in splits):
        return None
    try:
        wanted = workload.foresee(change, plan.to, in_place=plan.in_place)
    except PreflightRefused:  # said with the other findings
        return None
    live = workload.release(base)
    if not runs_already(wanted, live, change):
        return None
    is_missing = plan.in_place and _not_there(service, workload, plan, live)  # asked for, and it never came up
    return None if is_missing else live
