"""Every check before the first write of a plan, whatever kind of plan it is."""

from __future__ import annotations

from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Observation
from toolkit.rollout.rolling_plan import rolling_findings
from toolkit.runner import diverting
from toolkit.runner.service import Service


def checks(service: Service, plan: Plan, observation: Observation, *, accept_drift: bool = False) -> list[Finding]:
    """What speaks for and against it. Raises AwsError."""
    if plan.in_place:
        return rolling_findings(observation, plan, service.settings, accept_drift=accept_drift)
    return diverting.checks(service, plan, observation, accept_drift=accept_drift)
