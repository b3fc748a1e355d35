"""The state machine of a rollout: its journal's entries fold to a state; `agenda` says what is to be done then.

Pure and total: every event in every state gives a state. What cannot follow from the state halts the rollout, which
then touches nothing until a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from toolkit.errors import NoRollout
from toolkit.rollout.agenda import effect_of
from toolkit.rollout.effects import Effect
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Diverted,
    DivertMeant,
    DivertRemoved,
    DriftAccepted,
    Ending,
    Entry,
    Event,
    GateFailed,
    HooksRan,
    Kind,
    Prepared,
    Promoted,
    Refused,
    ReleasePut,
    ReleaseRestored,
    RestSkipped,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
    Word,
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
)
from toolkit.rollout.in_place import batch_moved, doubting, may_move, stuck, with_away
from toolkit.rollout.rolling import Runs
from toolkit.rollout.state import Course, RolloutState
from toolkit.rollout.steps import Approve, Batch, Deploy, Divert, Hook, Roll, Scale, Shift, Step
from toolkit.settings import HookPoint, OnFailure


def begin(entry: Entry) -> RolloutState:
    """The state after a rollout's first entry.

    Raises:
        NoRollout: it starts none.
    """
    if not isinstance(entry.event, RolloutStarted) or entry.rollout is None:
        raise NoRollout(f"entry {entry.sequence} of the journal starts no rollout")
    return RolloutState(entry.rollout, entry.event.plan, began=entry.at, watched=entry.at)


def fold_rollout(entries: Iterable[Entry]) -> RolloutState:
    """The state after `entries`, of which the first starts the rollout; those that are not of it are passed over.

    Raises:
        NoRollout: the first starts none.
    """
    first, *others = entries
    state = begin(first)
    for entry in others:
        if entry.rollout == state.id:
            state = evolve(state, entry)
    return state


def advance(state: RolloutState, entry: Entry) -> tuple[RolloutState, Effect | None]:
    """The state after one more entry, and what is to be done then; None: nothing, until a person says something."""
    after = evolve(state, entry)
    return after, effect_of(after)


def evolve(state: RolloutState, entry: Entry) -> RolloutState:  # noqa: PLR0911 - one case a kind of event
    """The state once `entry` has happened too. What cannot follow from the state halts the rollout."""
    if state.course is Course.OVER:
        return state
    match entry.event:
        case ShiftIntended() | ShiftVerified() | ShiftFailed():
            return _shifted(state, entry.event, entry.at)
        case CommandTaken():
            return _commanded(state, entry.event, entry.at)
        case RunnerPaused() | RunnerTookOver() | WorldDiffers() | Stuck():
            return _of_the_runner(state, entry.event, entry.at)
        case WorkloadSeen() | WorkloadHeld() | ReleasePut() | WorkloadLetGo():
            return _behind_the_colors(state, entry.event, entry.at)
        case DivertMeant() | Diverted() | DivertRemoved():
            return _diverted(state, entry.event, entry.at)
        case BatchMoved() | ReleaseRestored():
            return _in_place(state, entry.event, entry.at)
        case _:
            return _stepped(state, entry.event, entry.at)


def _shifted(state: RolloutState, event: ShiftIntended | ShiftVerified | ShiftFailed, at: datetime) -> RolloutState:
    match event:
        case ShiftIntended(kind=Kind.ROLLBACK):
            return replace(_going_back(state, state.reason, at), splits=dict(event.before), intent=event, touched=True)
        case ShiftIntended(kind=Kind.ROLLOUT) if _goes_on(state) and state.prepared:
            return replace(state, splits=dict(event.before), intent=event, touched=True)
        case ShiftVerified() if state.intent is not None:
            return _verified(state, state.intent, at)
        case ShiftFailed(reason, seen) if state.intent is not None:
            failed = replace(state, splits=dict(seen), intent=None)
            return _halted(failed, reason) if state.back else _going_back(failed, reason, at)
        case _:
            return _impossible(state, event)


def _verified(state: RolloutState, intent: ShiftIntended, at: datetime) -> RolloutState:
    held = replace(
        state,
        splits=dict.fromkeys(state.plan.routes, intent.to),
        shifts=(*state.shifts, (at, intent.to)),
        intent=None,
    )
    if intent.kind is Kind.ROLLBACK:  # what was updated in place is not taken back by weights
        return held if state.plan.in_place else replace(held, ending=Ending.ROLLED_BACK)
    step = state.current
    if not state.back and isinstance(step, Shift) and state.plan.split(step) == intent.to:
        return _next_step(held, at)
    return held


def _stepped(state: RolloutState, event: Event, at: datetime) -> RolloutState:  # noqa: PLR0911 - one case an event
    match event:
        case Prepared() if not state.prepared:
            return replace(state, prepared=True, began=at, watched=at)
        case Refused(reason, exit_code) if not state.prepared:
            return replace(state, ending=Ending.REFUSED, reason=reason, exit_code=exit_code, course=Course.ON)
        case StepPassed(step) if state.prepared and step == state.step and not (state.back or _is_batch(state)):
            return _next_step(state, at)
        case RestSkipped(step, reason) if state.promoted and step == state.step and not state.back:
            done = replace(state, step=len(state.plan.steps), left_undone=True, reason=reason)
            return replace(done, began=at, watched=at)
        case HooksRan(point):
            return replace(state, ran=state.ran | {point})
        case GateFailed(_, gate, reason) if not state.back:
            return _failed(state, f"{gate}: {reason}", at)
        case Promoted() if not (state.back or state.plan.in_place):
            return replace(state, promoted=True)
        case RolloutEnded(ending):
            return replace(state, course=Course.OVER, ending=ending)
        case DriftAccepted():
            return state
        case _:
            return _impossible(state, event)


def _behind_the_colors(
    state: RolloutState, event: WorkloadSeen | WorkloadHeld | ReleasePut | WorkloadLetGo, at: datetime
) -> RolloutState:
    match event:
        case WorkloadSeen(before) if state.prepared and state.before is None:
            return replace(state, before=dict(before))
        case WorkloadHeld() if state.before is not None:
            return replace(state, held=True)
        case ReleasePut(step, release) if state.held and step == state.step and not (state.back or _is_batch(state)):
            put = replace(state, release=release)
            return replace(put, began=at, watched=at) if isinstance(state.current, Roll) else _next_step(put, at)
        case WorkloadLetGo() if state.before is not None:
            return replace(state, let_go=True)
        case _:
            return _impossible(state, event)


def _diverted(state: RolloutState, event: DivertMeant | Diverted | DivertRemoved, at: datetime) -> RolloutState:
    match event:
        case DivertMeant(rules) if state.prepared and isinstance(state.current, Divert) and not state.back:
            return replace(state, diversions=rules)
        case Diverted(step, rules) if state.diverts and step == state.step and not (state.back or _is_batch(state)):
            return _next_step(replace(state, diversions=rules), at)
        case DivertRemoved() if state.diversions:
            return replace(state, undiverted=True)
        case _:
            return _impossible(state, event)


def _in_place(state: RolloutState, event: BatchMoved | ReleaseRestored, at: datetime) -> RolloutState:
    match event:
        case BatchMoved(step, act) if state.prepared and may_move(state, step, act):
            moved = batch_moved(state, event)
            is_done = moved.batches[step].is_done(Runs.NEW)
            return _next_step(moved, at) if is_done and not state.back else replace(moved, began=at)
        case ReleaseRestored() if state.back and state.plan.rolls is not None and state.held:
            return replace(state, restored=True)
        case _:
            return _impossible(state, event)


def _is_batch(state: RolloutState) -> bool:
    """Whether only what becomes of a batch ends the step under way."""
    return isinstance(state.current, Batch)


def _failed(state: RolloutState, reason: str, at: datetime) -> RolloutState:
    """A gate does not hold: back, unless the plan leaves what was updated in place to a person."""
    rolling = state.plan.rolling
    if rolling is not None and rolling.on_failure is OnFailure.PAUSE and state.prepared:
        doubted = doubting(state)
        return replace(doubted, course=Course.PAUSED, stays=False, reason=with_away(doubted, reason))
    return _going_back(state, reason, at)


def _commanded(state: RolloutState, event: CommandTaken, at: datetime) -> RolloutState:
    taken = replace(state, commands=state.commands | {event.id}) if event.id else state
    said = f"{event.by}: {event.reason}" if event.reason else f"{event.word} by {event.by}"
    match event.word:
        case Word.ABORT | Word.ROLLBACK if state.ending is not Ending.REFUSED:
            return _going_back(taken, said, at)
        case Word.PAUSE if _goes_on(state) and state.ending is None:
            return replace(taken, course=Course.PAUSED, stays=True, reason=said)
        case Word.RESUME if state.course is Course.PAUSED:
            return replace(taken, course=Course.ON, stays=False, reason="", watched=at)
        case Word.APPROVE if isinstance(state.current, Approve) and not state.back and not state.plan.ends_back:
            return _next_step(taken, at)
        case Word.PROMOTE if state.prepared and not state.back and state.ending is None:
            return _promoting(taken, at)
        case _:
            return taken  # it came too late, or too early: nothing to obey


def _promoting(state: RolloutState, at: datetime) -> RolloutState:
    """What is left before the promotion is skipped; the last shift is not, nor is what is yet to be prepared.

    What ends where it began, or is updated in place, has nothing to promote.
    """
    plan = state.plan
    if plan.ends_back or plan.in_place or any(is_preparation(step) for step in plan.steps[state.step :]):
        return state
    step = _last_leap(state) if state.step <= plan.last_shift else max(state.step, plan.promotes_before)
    return replace(state, step=step, course=Course.ON, stays=False, reason="", began=at, watched=at)


def _last_leap(state: RolloutState) -> int:
    """The last shift, or the steps before it that bring up what it takes and run the hooks of every shift."""
    steps, step = state.plan.steps, state.plan.last_shift
    while step > state.step and _goes_with_a_shift(steps[step - 1]):
        step -= 1
    return step


def is_preparation(step: Step) -> bool:
    """Whether the new color may get no traffic without it, whoever says so: a migration is among the hooks."""
    return isinstance(step, Deploy) or (isinstance(step, Hook) and step.at in _OF_THE_PREPARATION)


_OF_THE_PREPARATION = (HookPoint.BEFORE_PREPARE, HookPoint.AFTER_PREPARE)


def _goes_with_a_shift(step: Step) -> bool:
    return isinstance(step, Scale) or (isinstance(step, Hook) and step.at is HookPoint.BEFORE_SHIFT)


def _of_the_runner(
    state: RolloutState, event: RunnerPaused | RunnerTookOver | WorldDiffers | Stuck, at: datetime
) -> RolloutState:
    match event:
        case RunnerPaused(reason, leaves):
            return replace(state, course=Course.PAUSED, stays=not leaves, reason=with_away(state, reason))
        case RunnerTookOver():
            return replace(state, course=Course.ON, stays=False, reason=state.cause if state.back else "", watched=at)
        case WorldDiffers(reason):
            return _halted(state, reason)
        case Stuck(reason):
            return _halted(stuck(state), reason)


def _goes_on(state: RolloutState) -> bool:
    """Whether it moves forward."""
    return state.course is Course.ON and not state.back


def _next_step(state: RolloutState, at: datetime) -> RolloutState:
    return replace(state, step=state.step + 1, began=at, watched=at)


def _going_back(state: RolloutState, reason: str, at: datetime) -> RolloutState:
    on = state if state.back else doubting(state)
    return replace(on, back=True, course=Course.ON, stays=False, ending=None, reason=reason, cause=reason, began=at)


def _halted(state: RolloutState, reason: str) -> RolloutState:
    return replace(state, course=Course.HALTED, stays=False, reason=reason)


def _impossible(state: RolloutState, event: Event) -> RolloutState:
    return _halted(state, f"{type(event).__name__} cannot happen while the rollout is {state.phase}")
