"""Rollouts from outside: starting one, picking one up again, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.errors import (
    BluegreenError,
    Halted,
    Paused,
    PreflightRefused,
    RolledBack,
    RouteUnusable,
    WrongAccount,
)
from toolkit.rollout.deploy import deployed
from toolkit.rollout.events import CommandTaken, Ending, Event, Head, RolloutStarted, RunnerTookOver
from toolkit.rollout.freeze import frozen
from toolkit.rollout.machine import begin
from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Level, Observation, idle_color, refuse
from toolkit.rollout.rolling_plan import RollingStrategy, rolling_plan
from toolkit.rollout.routes import live_color, split_of_service
from toolkit.rollout.state import Course, RolloutState
from toolkit.rollout.steps import Retire, Scale
from toolkit.rollout.strategy import Strategy, plan_of
from toolkit.rollout.workload import Change, Release
from toolkit.runner.attention import Peers
from toolkit.runner.checked import accept, require_no_rollout, tell_warnings
from toolkit.runner.checks import checks
from toolkit.runner.deployable import deployable, running_already
from toolkit.runner.engine import Engine
from toolkit.runner.interrupts import Signals, heeded_signals
from toolkit.runner.lease import Keeper, leased
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.runner.states import state_of
from toolkit.runner.watching import DETACHED
from toolkit.runner.write import splits_now
from toolkit.settings import RetireSettings
from toolkit.traffic import Color


@dataclass(frozen=True, slots=True)
class RolloutOutcome:
    """How a rollout ended well. state None: the new color carried everything already, and nothing was begun.

    already: what the live color runs, which is what was to be deployed: nothing was begun either.
    """

    service: str
    state: RolloutState | None
    head: Head
    already: Release | None = None

    @property
    def rollout(self) -> str | None:
        """Its id."""
        return self.state.id if self.state else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a rollout is started with. to: the new color; None: the idle one. release: all services released as one.

    settle_seconds: how long after a write nothing is judged; None: as the settings say. change: what is put on the new
    color first; None: it runs it already. full_capacity: at once what all of the traffic takes. retire: what becomes of
    the old side after a deployment; None: as the settings say. detach: leave it to itself where it waits for an
    approval, which is no bad end.
    """

    strategy: Strategy | RollingStrategy
    to: Color | None = None
    settle_seconds: float | None = None
    force: bool = False
    accept_drift: bool = False
    ignore_freeze: bool = False
    release: tuple[str, ...] = ()
    change: Change | None = None
    full_capacity: bool = False
    retire: RetireSettings | None = None
    detach: bool = False


def plan_rollout(service: Service, wanted: Wanted) -> tuple[Plan, Observation, list[Finding]]:
    """The plan that `start` would follow, and every finding. Nothing is written, nothing refused.

    Raises:
        NoBase: nobody knows which color is idle.
        RouteUnusable: a route is gone or is not of this pair.
        AwsError, JournalError: the world could not be read.
    """
    observation = service.observe()
    plan = _plan(service, wanted, observation)
    return plan, observation, _findings(service, wanted, plan, observation)


def start(
    service: Service, wanted: Wanted, *, peers: Peers | None = None, signals: Signals | None = None
) -> RolloutOutcome:
    """Run a rollout to its end, holding the lease of the service. Returns where it was promoted.

    Raises:
        Locked: somebody else holds the lease; nothing was written.
        PreflightRefused, WrongAccount, RouteUnusable, NoBase: nothing was written.
        RolledBack: a gate failed, or somebody asked for it; all traffic is back on the base.
        Halted: the world is not what the journal says, or the way back is barred; the message says how things stand.
        Paused: it stands where it is, and nobody runs it.
        LeaseLost: somebody took the lease over.
        JournalError: the store was away for too long.
    """
    with heeded_signals() as own, leased(service, f"rollout {wanted.strategy.name}") as keeper:
        observation = service.observe()
        require_no_rollout(service, observation.record)
        plan = _plan(service, wanted, observation)
        head = observation.record.head
        if wanted.change is not None:
            already = running_already(service, wanted.change, plan, observation)
            if already is not None:
                return RolloutOutcome(service.name, None, head, already)
        elif not plan.in_place and _is_there(plan, observation):
            return RolloutOutcome(service.name, None, head)
        findings = _findings(service, wanted, plan, observation)
        refuse(findings, service.name)
        tell_warnings(service, findings)
        recorder = Recorder(service, observation.record.head, keeper)
        if wanted.accept_drift:
            accept(recorder, observation)
            observation = replace(observation, record=service.record())
        actor = observation.identity.arn if observation.identity else None
        entry = recorder.append(RolloutStarted(plan), actor=actor)
        state = begin(entry)
        service.watch(entry, state)
        engine = Engine(
            service,
            keeper,
            recorder,
            state,
            observation.record,
            signals=signals or own,
            peers=peers,
            observation=observation,
            detaches=wanted.detach,
        )
        return _ended(service, engine.run(), recorder.head)


def resume(service: Service, *, break_lease: bool = False) -> RolloutOutcome:
    """Pick up the rollout under way: paused, halted, or one whose runner died.

    Raises:
        NoRollout: there is none.
        others as `start`.
    """
    return take_over(service, None, break_lease=break_lease)


def take_over(service: Service, command: CommandTaken | None, *, break_lease: bool = False) -> RolloutOutcome:
    """As `resume`, and obey `command` at once."""
    with heeded_signals() as signals, leased(service, "resuming", force=break_lease) as keeper:
        record = service.record()
        state = state_of(service, record.rollout)
        recorder = Recorder(service, record.head, keeper, rollout=state.id)
        engine = Engine(service, keeper, recorder, state, record, signals=signals)
        for event in _arrival(keeper, command):
            engine.happened(event)
        return _ended(service, engine.run(), recorder.head)


def _arrival(keeper: Keeper, command: CommandTaken | None) -> list[Event]:
    before = str(keeper.broke.holder) if keeper.broke else ""
    took = RunnerTookOver(str(keeper.lease.holder), before, broke=keeper.by_force)
    return [took, command] if command else [took]


def _plan(service: Service, wanted: Wanted, observation: Observation) -> Plan:
    to = wanted.to or idle_color(observation)
    strategy = wanted.strategy
    if isinstance(strategy, RollingStrategy):
        base = to.other
        return rolling_plan(
            strategy,
            service.contract,
            observation.health.get(base, ()),
            base=base,
            change=wanted.change,
            release=wanted.release,
            force=wanted.force,
            hooks=service.settings.hooks,
        )
    if wanted.change is not None:
        strategy = deployed(
            strategy,
            wanted.change,
            retire=wanted.retire or service.settings.retire,
            settle_seconds=service.retire_settle_seconds,
            full_capacity=wanted.full_capacity,
        )
    return plan_of(
        strategy,
        service.contract,
        base=to.other,
        settle_seconds=service.settle_seconds if wanted.settle_seconds is None else wanted.settle_seconds,
        release=wanted.release,
        force=wanted.force,
        hooks=service.settings.hooks,
    )


def _is_there(plan: Plan, observation: Observation) -> bool:
    split = split_of_service(observation.routes, observation.contract)
    return split is not None and live_color(split, observation.record) is plan.to and split.share(plan.to) == 1


def _findings(service: Service, wanted: Wanted, plan: Plan, observation: Observation) -> list[Finding]:
    findings = checks(service, plan, observation, accept_drift=wanted.accept_drift)
    if plan.brings_up:
        findings = [finding for finding in findings if not finding.is_about_capacity]
    elif plan.force:
        findings = [_waived(finding) if finding.is_about_capacity else finding for finding in findings]
    findings += [*_workload(service, plan), *_frozen(service, ignored=wanted.ignore_freeze)]
    if wanted.change is not None:
        findings += deployable(service, wanted.change, plan, observation)
    return findings


def _waived(finding: Finding) -> Finding:
    level = Level.WARNING if finding.level is Level.REFUSED else finding.level
    return Finding(finding.check, level, finding.reason, "--force goes on all the same.")


def _workload(service: Service, plan: Plan) -> list[Finding]:
    if service.workload is not None or not any(isinstance(step, Scale | Retire) for step in plan.steps):
        return []
    return [
        Finding(
            "workload",
            Level.REFUSED,
            f"strategy {plan.strategy} scales a color, and the contract names no workload",
            "Give the deployment contract a `workload`, or leave the step out.",
        )
    ]


def _frozen(service: Service, *, ignored: bool) -> list[Finding]:
    freeze = frozen(service.settings.freeze, service.clock.now())
    if freeze is None:
        return []
    level = Level.WARNING if ignored else Level.REFUSED
    return [Finding("freeze", level, str(freeze), "Wait until then; --ignore-freeze starts all the same.")]


def _ended(service: Service, state: RolloutState, head: Head) -> RolloutOutcome:
    name = service.name
    if state.course is Course.HALTED:
        raise Halted(f"{name}: {state.id} is halted: {_with_stands(state.reason, service)}", hint=_mending(state))
    if state.is_detached and state.reason == DETACHED:
        return RolloutOutcome(name, state, head)
    if state.course is Course.PAUSED:
        raise Paused(
            f"{name}: {state.id} is paused: {_with_stands(state.reason, service)}",
            hint=f"Go on: bluegreen resume {name}. Go back: bluegreen abort {name}.",
        )
    if state.ending is Ending.ROLLED_BACK:
        stays = _unshifted(state)
        traffic = "all traffic is back on" if state.touched else f"{stays}, all traffic stays on"
        raise RolledBack(
            f"{name}: {state.reason.removesuffix('.') or 'rolled back'}; {traffic} {state.plan.base}",
            hint=f"See `bluegreen show {state.id}`, and {_check(state.plan)} before the next try.",
        )
    if state.ending is Ending.REFUSED:
        raise _refusal(state.exit_code)(
            f"{name}: {state.reason}. Nothing was changed.", hint=f"bluegreen doctor {name}"
        )
    return RolloutOutcome(name, state, head)


def _mending(state: RolloutState) -> str:
    """What to do about one that is halted."""
    name = state.plan.service
    if state.plan.in_place and state.back:
        return (
            f"Mend what is named, then bluegreen resume {name}: it is tried once more, then left as it is, and the "
            f"others are taken back. See `bluegreen status {name}`."
        )
    return (
        f"Find out who wrote; then bluegreen resume {name}, or bluegreen rollback {name}. By hand: "
        f"bluegreen rollback {name} --print-awscli."
    )


def _check(plan: Plan) -> str:
    """What looks at everything that a next try asks for."""
    return "the same command with --dry-run" if plan.in_place else f"`bluegreen doctor {plan.service}`"


def _unshifted(state: RolloutState) -> str:
    """What became of a rollout that was taken back without a shift."""
    if state.diversions:
        return "nobody is diverted any more"
    if not state.plan.in_place:
        return "nothing was shifted"
    if state.left:
        return "all else that was updated runs again what it ran"
    return "what was updated runs again what it ran" if state.batches or state.restored else "nothing was updated"


def _refusal(exit_code: int) -> type[BluegreenError]:
    return next((kind for kind in (WrongAccount, RouteUnusable) if kind.exit_code == exit_code), PreflightRefused)


def _with_stands(reason: str, service: Service) -> str:
    """The reason and how things stand; one that comes of a failed write says that itself."""
    if "Now: " in reason:
        return reason
    stands = "; ".join(f"{route} holds {split}" for route, split in splits_now(service).items())
    return f"{reason}. Now: {stands}." if stands else f"{reason}. The routes cannot be read."
