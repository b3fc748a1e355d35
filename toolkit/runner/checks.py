"""Every check before the first write of a plan, whatever kind of plan it is."""

from __future__ import annotations

from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Level, Observation
from toolkit.rollout.rolling_plan import rolling_findings
from toolkit.runner import diverting
from toolkit.runner.rolling import NO_PORT
from toolkit.runner.service import Service


def checks(service: Service, plan: Plan, observation: Observation, *, accept_drift: bool = False) -> list[Finding]:
    """What speaks for and against it. Raises AwsError."""
    if plan.in_place:
        found = rolling_findings(observation, plan, service.settings, accept_drift=accept_drift)
        return [*found, *_update(service, plan)]
    return diverting.checks(service, plan, observation, accept_drift=accept_drift)


def _update(service: Service, plan: Plan) -> list[Finding]:
    """Whether targets can be updated at all, before the first of them is out."""
    update = plan.rolling.update if plan.rolling else None
    if update is None:
        return []
    unable = NO_PORT if service.updates is None else service.updates.unable(update)
    if not unable:
        return [Finding("update", Level.OK, update.document or " ".join(update.command))]
    return [Finding("update", Level.REFUSED, unable, "Name a program, or a path from where the settings file is.")]
