"""A deployment as a strategy: the release goes to the idle side, which is brought up share by share. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from toolkit.contract import Contract, RouteKind
from toolkit.rollout.steps import Bake, Deploy, Retire, Scale, Shift, Step
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Change, Release
from toolkit.settings import RetireSettings, ServiceSettings

APPLICATION_SETTLE_SECONDS = 120.0
"""How long after a write of weights the old side of an Application Load Balancer is left as it is. AWS publishes no
figure for how long new weights take everywhere; users of Argo Rollouts saw 503s when the old side went at once, and
none with this delay. Source: argo-rollouts issues 4595, 3926 and 4834."""


def deployed(
    strategy: Strategy, change: Change, *, retire: RetireSettings, settle_seconds: float, full_capacity: bool = False
) -> Strategy:
    """`strategy` with the release put first, capacity before each shift, and the old side retired at the end.

    A strategy that scales or retires by itself is left to do so. settle_seconds: how long at least after the last shift
    nothing is retired. full_capacity: what all of the traffic takes, from the beginning.
    """
    steps = list(strategy.steps)
    if not any(isinstance(step, Scale) for step in steps):
        steps = list(_scaled(steps, full_capacity=full_capacity))
    if retire.after_seconds is not None and not any(isinstance(step, Retire) for step in steps):
        steps += _retired(steps, max(retire.after_seconds, settle_seconds), retire.keep)
    return replace(strategy, steps=(Deploy(change), *steps))


def _scaled(steps: Sequence[Step], *, full_capacity: bool) -> Iterator[Step]:
    """What the first shift takes comes first of all, so that probes and hooks before it meet somebody."""
    shares = [step.share for step in steps if isinstance(step, Shift)]
    yield Scale(for_share=Fraction(1) if full_capacity else shares[0])
    for step in steps:
        if isinstance(step, Shift) and step.share != shares[0] and not full_capacity:
            yield Scale(for_share=step.share)
        yield step


def _retired(steps: Sequence[Step], seconds: float, keep: int) -> tuple[Step, ...]:
    """The bake right after the last shift is what the promotion waits for, so this one needs another before it."""
    more = () if isinstance(steps[-1], Bake) else (Bake(0.0),)
    return (*more, Bake(seconds), Retire(keep))


def settle_of(contract: Contract, settings: ServiceSettings) -> float:
    """How long at least after a verified shift the side without traffic is left as it is, in seconds.

    A client whose cookie holds it to the old color would be answered 503 where nobody is left, so cookies must have
    expired too.
    """
    cookies = (
        float(route.stickiness.duration_seconds or 0)
        for route in contract.routes
        if route.stickiness.enabled and route.kind is not RouteKind.NLB_LISTENER
    )
    by_default = settings.settle_of(network=contract.is_network) or APPLICATION_SETTLE_SECONDS
    seconds = by_default if settings.settle_seconds is None else settings.settle_seconds
    return max(seconds, *cookies, 0.0)


def runs_already(wanted: Release, live: Release, change: Change) -> bool:
    """Whether the live color runs what is asked for: the revision that is named, or the image where none is."""
    if wanted.revision and wanted.revision == live.revision:
        return True
    if change.task_definition is not None or change.template_version is not None:
        return False
    return wanted.image == live.image or (bool(live.digest) and wanted.image.endswith(f"@{live.digest}"))
