"""What a rollout does next, by its state alone.

Effects are absolute, so whoever resumes after a crash folds the journal, asks for the effect, and repeats it without
harm.
"""

from __future__ import annotations

from toolkit.rollout.effects import (
    AwaitRelease,
    Effect,
    End,
    Hold,
    Intend,
    Judge,
    LetGo,
    MeanDivert,
    MoveBatch,
    Prepare,
    Promote,
    PutDivert,
    PutRelease,
    RestoreRelease,
    RunHook,
    RunHooks,
    RunProbe,
    ScaleTo,
    Survey,
    Undivert,
    Wane,
    Watch,
    Write,
)
from toolkit.rollout.events import Ending, Kind
from toolkit.rollout.rolling import Standing
from toolkit.rollout.state import Course, RolloutState
from toolkit.rollout.steps import (
    Analyze,
    Approve,
    Bake,
    Batch,
    Deploy,
    Divert,
    Hook,
    Probe,
    Retire,
    Roll,
    Scale,
    Shift,
)
from toolkit.settings import HookPoint


def effect_of(state: RolloutState) -> Effect | None:
    """What is to be done now. It depends on the state alone, so it may be asked again after a crash."""
    if state.course in (Course.HALTED, Course.OVER):
        return None
    if state.ending is not None:
        return _end(state, state.ending)
    if state.course is Course.PAUSED:
        return Watch(until=None) if state.stays else None
    return _way_back(state) if state.back else _way_on(state)


def ending_of(state: RolloutState) -> Ending:
    """How it has ended; of one that has not, how it will from here."""
    if state.ending is not None:
        return state.ending
    if state.back:
        return Ending.ROLLED_BACK
    if state.plan.in_place:
        return Ending.COMPLETED
    retires = any(isinstance(step, Retire) for step in state.plan.steps)
    return Ending.RETIRED if retires and not state.left_undone else Ending.PROMOTED


def _end(state: RolloutState, ending: Ending) -> Effect:
    """What comes before the end: no rule diverts, hooks of a rollback, letting go of the colors, hooks of the end."""
    plan, ran = state.plan, state.ran
    if state.diverts:
        return Undivert()
    if ending is Ending.ROLLED_BACK and plan.on_rollback and HookPoint.ON_ROLLBACK not in ran:
        return RunHooks(HookPoint.ON_ROLLBACK, plan.on_rollback, f"{state.id}/{HookPoint.ON_ROLLBACK}")
    if state.before is not None and not state.let_go:
        return LetGo()
    if plan.on_end and HookPoint.ON_END not in ran:
        return RunHooks(HookPoint.ON_END, plan.on_end, f"{state.id}/{HookPoint.ON_END}")
    return End(ending)


def _way_on(state: RolloutState) -> Effect:
    if not state.prepared:
        return Prepare()
    if state.plan.scales and not state.held:
        return Survey() if state.before is None else Hold()
    if state.intent is not None:
        return Write(state.intent)
    if state.diverts and state.step > state.plan.last_shift:
        return Undivert()  # only now: before the last shift those who were diverted would flip back and forth
    if state.step >= state.plan.promotes_before and not state.promoted and not state.plan.in_place:
        return Promote(state.plan.to)
    return _effect_of_step(state)


def _way_back(state: RolloutState) -> Effect:
    if state.intent is not None and state.intent.kind is Kind.ROLLBACK:
        return Write(state.intent)
    if state.plan.in_place:
        return _taking_back(state)
    is_home = all(state.splits.get(name) == state.plan.home for name in state.plan.routes)
    if not state.touched or (is_home and state.intent is None):
        return _end(state, Ending.ROLLED_BACK)
    return Intend(state.plan.home, back=True)


def _taking_back(state: RolloutState) -> Effect:
    """Of what was updated in place: one batch after the other, or what ECS was given."""
    step = state.next_batch
    batch = None if step is None else state.plan.steps[step]
    if step is not None and isinstance(batch, Batch):
        return _moving(state, step, batch)
    # What was put may not be on record, so whatever was noted before is put again.
    if state.plan.rolls is not None and state.held and not state.restored:
        return RestoreRelease(state.plan.base)
    return _end(state, Ending.ROLLED_BACK)


def _moving(state: RolloutState, step: int, batch: Batch) -> Effect:
    act = state.batches.get(step, Standing()).act(state.wanted)
    return MoveBatch(step, batch, act, state.wanted, f"{state.id}/{step}/{state.wanted}/{act}")


def _effect_of_step(state: RolloutState) -> Effect:  # noqa: PLR0911, PLR0912, C901 - one case a step
    match state.current:
        case None:
            return _end(state, ending_of(state))
        case Deploy(change):
            return PutRelease(change, state.plan.to)
        case Batch() as batch:
            return _moving(state, state.step, batch)
        case Roll(change):
            color = state.plan.to
            return AwaitRelease(color) if state.release else PutRelease(change, color, in_place=True)
        case Divert(conditions):
            return PutDivert(state.diversions) if state.diversions else MeanDivert(conditions, state.plan.to)
        case Shift() as shift:
            return Intend(state.plan.split(shift))
        case Bake(_, until_safe):
            return Watch(until=state.deadline, until_safe=until_safe, judged=True)
        case Approve(_, note):
            return Watch(until=state.deadline, approval=True, note=note)
        case Analyze():
            return Judge()
        case Hook() as hook:
            return RunHook(hook, f"{state.id}/{state.step}")
        case Probe() as probe:
            return RunProbe(probe)
        case Scale() as scale:
            return ScaleTo(state.plan.to, scale)
        case Retire(targets):
            return Wane(state.plan.base, targets)
