"""What is asked before a deployment: can the release be made, is there room for it, and does it run already."""

from __future__ import annotations

from fractions import Fraction

from toolkit.errors import PreflightRefused
from toolkit.rollout.deploy import runs_already
from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Level, Observation, needed_targets
from toolkit.rollout.routes import known_splits
from toolkit.rollout.workload import Change, Release
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
    if any(carrying):
        mend = "A release goes to the side that has no traffic: leave --to out, or roll back first."
        return [Finding("deploy", Level.REFUSED, f"{plan.to} has traffic", mend)]
    try:
        release = workload.foresee(change, plan.to)
    except PreflightRefused as error:
        return [Finding("deploy", Level.REFUSED, error.message.removesuffix("."), error.hint)]
    found = [Finding("deploy", Level.OK, f"{plan.to} is to run {release}")]
    maximum = workload.capacity(plan.to).maximum
    needed = needed_targets(observation.healthy(plan.base), Fraction(1), service.settings)
    if maximum is not None and needed > maximum:
        mend = "Raise its maximum in Terraform and apply."
        reason = f"all of the traffic takes {needed} targets, and {plan.to} may have {maximum} at most"
        found.append(Finding("deploy room", Level.REFUSED, reason, mend))
    return found


def running_already(service: Service, change: Change, plan: Plan, observation: Observation) -> Release | None:
    """What the live color runs, where that is what is asked for and all traffic is on it.

    Raises:
        AwsError, UsageError: as `Workload.foresee`.
    """
    splits = known_splits(observation.routes, service.contract).values()
    if service.workload is None or any(split.share(plan.to) for split in splits):
        return None
    try:
        wanted = service.workload.foresee(change, plan.to)
    except PreflightRefused:  # said with the other findings
        return None
    live = service.workload.release(plan.base)
    return live if runs_already(wanted, live, change) else None
