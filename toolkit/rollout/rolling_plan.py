"""A rolling update made concrete for one service: who is updated when, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.contract import Contract
from toolkit.errors import PreflightRefused
from toolkit.rollout.hooking import hooked, hooks_at
from toolkit.rollout.plan import GATE_SECONDS, Plan
from toolkit.rollout.ports import TargetHealth
from toolkit.rollout.preflight import Finding, Level, Observation, preflight
from toolkit.rollout.rolling import Member, Rolling, batches, count_of
from toolkit.rollout.routes import known_splits
from toolkit.rollout.steps import Bake, Batch, Gate, Roll, Step
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint, HookSettings, OnFailure, ServiceSettings, Update
from toolkit.traffic import Color

_LEAVING = "draining"
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingStrategy:
    """How the live color is updated in place, before its targets are known.

    batch, min_healthy: a number of targets, or a part of them above 0 and below 1; min_healthy None: all that are
    healthy but a batch. update None: ECS replaces its tasks by itself. gates: asked every `gate_seconds`.
    """

    batch: float = 1
    min_healthy: float | None = None
    bake_seconds: float = 60.0
    on_failure: OnFailure = OnFailure.TAKE_BACK
    update: Update | None = None
    version: str = ""
    gates: tuple[Gate, ...] = ()
    gate_seconds: float = GATE_SECONDS

    @property
    def name(self) -> str:
        return "rolling"


def rolling_plan(
    strategy: RollingStrategy,
    contract: Contract,
    targets: Sequence[TargetHealth],
    *,
    base: Color,
    change: Change | None = None,
    release: Sequence[str] = (),
    force: bool = False,
    hooks: Sequence[HookSettings] = (),
) -> Plan:
    """The plan for the live color `base`, of which `targets` are registered now; by ECS itself where `change` is said.

    Raises:
        PreflightRefused: nobody is registered, a batch would leave too few, or the targets are not a user's to update.
    """
    bake = Bake(strategy.bake_seconds)
    if change is not None:
        rolling = Rolling(None, 1, strategy.on_failure, strategy.version)
        steps: tuple[Step, ...] = (Roll(change), bake)
    else:
        members, healthy = _members(contract, targets, base)
        _require_instances(strategy, contract.name, members)
        parts = batches(members, count_of(strategy.batch, len(members)))
        kept = _kept(strategy, contract.name, len(members), healthy, max(map(len, parts)), force=force)
        rolling = Rolling(strategy.update, kept, strategy.on_failure, strategy.version)
        steps = tuple(step for number, part in enumerate(parts, 1) for step in (Batch(number, len(parts), part), bake))
    return Plan(
        service=contract.name,
        strategy=strategy.name,
        base=base,
        steps=hooked(steps, hooks),
        routes=tuple(route.name for route in contract.routes),
        gates=strategy.gates,
        release=tuple(release),
        force=force,
        gate_seconds=strategy.gate_seconds,
        on_rollback=hooks_at(HookPoint.ON_ROLLBACK, hooks),
        on_end=hooks_at(HookPoint.ON_END, hooks),
        rolling=rolling,
    )


def _members(contract: Contract, targets: Sequence[TargetHealth], base: Color) -> tuple[list[Member], int]:
    """Who is to be updated, and how many of them are healthy."""
    staying = [each for each in targets if each.state != _LEAVING]
    if not staying:
        raise PreflightRefused(
            f"{contract.name}: {base} is live and has no targets, so there is nobody to update. Nothing was changed.",
            hint=f"See `bluegreen status {contract.name}`.",
        )
    if any(each.port is None for each in staying):
        raise PreflightRefused(
            f"{contract.name}: {base}'s target is a Lambda function, which has no instances to update. "
            "Nothing was changed.",
            hint="Publish a version for the other color, and shift traffic to it.",
        )
    return [Member(each.id, each.port, each.zone) for each in staying], sum(each.is_healthy for each in staying)


def _require_instances(strategy: RollingStrategy, service: str, members: Sequence[Member]) -> None:
    """SSM knows instances, its own managed ones among them, and no addresses."""
    if strategy.update is None or not strategy.update.document:
        return
    others = [str(each) for each in members if not each.id.startswith(("i-", "mi-"))]
    if others:
        raise PreflightRefused(
            f"{service}: SSM runs documents on instances, and {', '.join(others[:_NAMED])} "
            f"{'is none' if len(others) == 1 else 'are none'}. Nothing was changed.",
            hint="Register instances, or update by a command: -- ./update.sh.",
        )


def _kept(strategy: RollingStrategy, service: str, targets: int, healthy: int, size: int, *, force: bool) -> int:
    """How many have to stay healthy while a batch is out."""
    if size >= targets and not force:
        raise PreflightRefused(
            f"{service}: a batch of {size} is all there is ({targets} registered), so nobody would serve. "
            "Nothing was changed.",
            hint="Take a smaller --batch, add targets, or let --force do it all the same.",
        )
    if strategy.min_healthy is None:
        return max(0 if force else 1, healthy - size)
    kept = count_of(strategy.min_healthy, targets)
    if kept + size > targets and not force:
        raise PreflightRefused(
            f"{service}: {kept} of {targets} targets cannot stay healthy while {size} are out. Nothing was changed.",
            hint=f"Take a smaller --batch, or a --min-healthy of at most {targets - size}.",
        )
    return kept


def rolling_findings(
    observation: Observation, plan: Plan, settings: ServiceSettings, *, accept_drift: bool = False
) -> list[Finding]:
    """Every check before the first write; the other color's state does not matter."""
    other = plan.base.other
    found = [
        each
        for each in preflight(observation, plan.home, settings, accept_drift=accept_drift)
        if each.check not in (f"{other} attached", f"{other} capacity")
    ]
    return found + _live_alone(observation, plan) + _batches(observation, plan)


def _live_alone(observation: Observation, plan: Plan) -> list[Finding]:
    """Half of a release on each side is nothing to update: nobody would know what goes back to what."""
    other, splits = plan.base.other, known_splits(observation.routes, observation.contract)
    carrying = [name for name, split in splits.items() if split.share(other)]
    if not carrying:
        return []
    reason = f"{other} has traffic too, on {', '.join(sorted(carrying))}"
    mend = f"Give {plan.base} all of it first, or shift on: bluegreen rollback, bluegreen shift."
    return [Finding("rolling", Level.REFUSED, reason, mend)]


def _stay(count: int) -> str:
    return f"{count} stay{'s' if count == 1 else ''}"


def _batches(observation: Observation, plan: Plan) -> list[Finding]:
    rolling, parts = plan.rolling, [step for step in plan.steps if isinstance(step, Batch)]
    if rolling is None or not parts:
        return []
    count = sum(len(part.members) for part in parts)
    found = [
        Finding(
            "rolling",
            Level.OK,
            f"{count} targets of {plan.base} in {len(parts)} batches; {_stay(rolling.min_healthy)} healthy meanwhile",
        )
    ]
    sick = [
        f"{each.id} is {each.state}"
        for each in observation.health.get(plan.base, ())
        if not each.is_healthy and each.state != _LEAVING
    ]
    if sick:
        reason = f"{', '.join(sick)}: updated with the others, and waited for like them"
        found.append(Finding("rolling", Level.WARNING, reason))
    return found
