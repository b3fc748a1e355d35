"""A rollout in words: what happened, where it stands, what may be done next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.cli.outcome import splits_document
from toolkit.cli.workload import release_document, release_words, workload_document
from toolkit.rollout.agenda import effect_of
from toolkit.rollout.effects import RunHooks
from toolkit.rollout.events import (
    CommandTaken,
    Ending,
    Entry,
    Event,
    GateFailed,
    Prepared,
    ReleasePut,
    RolloutEnded,
    RolloutStarted,
    RunnerTookOver,
    ShiftFailed,
    ShiftVerified,
    StepPassed,
    WorkloadHeld,
)
from toolkit.rollout.machine import is_preparation
from toolkit.rollout.plain import plain
from toolkit.rollout.plan import Plan
from toolkit.rollout.state import Phase, RolloutState
from toolkit.rollout.steps import Batch, Gate, Probe, describe, duration
from toolkit.rollout.telling import ENDINGS, tell

if TYPE_CHECKING:
    from toolkit.rollout.ports import Lease
    from toolkit.rollout.workload import Release
    from toolkit.traffic import Color

_PHASES = {
    Phase.AWAITING_APPROVAL: "waiting for an approval",
    Phase.HOOK: "running a hook",
    Phase.ROLLING_BACK: "rolling back",
    Phase.ROLLED_BACK: "rolled back",
}


def line_of(entry: Entry, state: RolloutState) -> str:
    """An entry on one line, with its time (UTC) and what is under way since then."""
    under_way = _next_words(entry.event, state)
    said = sentence(entry, state)
    return plain(f"{entry.at:%H:%M:%S}Z {state.plan.service}: {said}{f'; {under_way}' if under_way else ''}")


def sentence(entry: Entry, state: RolloutState) -> str:
    """What has happened; `state` is the one after it, and knows more than the entry alone."""
    match entry.event:
        case RolloutStarted():
            return f"rollout {state.id} {tell(entry)}"
        case ShiftVerified():
            return f"{', '.join(sorted({str(split) for split in state.splits.values()}))} is read back"
        case StepPassed(step, detail, _):
            return f"{place(step, state.plan)} is done" + (f": {detail}" if detail else "")
        case ReleasePut(step, release):
            done = "" if state.plan.in_place else " is done"  # in place it goes on until every task runs it
            return f"{place(step, state.plan)}{done}: {state.plan.to} is to run {release_words(release)}"
        case RolloutEnded():
            return f"rollout {state.id} is over: {ending_words(state)}"
        case _:
            return tell(entry)


def ending_words(state: RolloutState) -> str:
    """How it ended; one that was taken back before its first shift took no traffic back."""
    if state.ending is None:
        return phase_words(state)
    if state.ending is Ending.ROLLED_BACK and state.plan.in_place:
        return f"ended, {state.plan.base} runs what it ran before"
    if state.ending is Ending.ROLLED_BACK and not state.touched:
        return f"ended before its first shift, {state.plan.base} has carried all traffic throughout"
    undone = f"; {state.plan.base} is left as it is" if state.left_undone else ""
    return f"{ENDINGS[state.ending]}{undone}"


def _next_words(event: Event, state: RolloutState) -> str:
    """The step that an event has begun, or the hooks beside the steps; empty where it has begun neither."""
    if isinstance(event, GateFailed | ShiftFailed | CommandTaken) and state.phase is Phase.ROLLING_BACK:
        return _way_back(state)
    if running := hooks_words(state):
        return running
    begins = isinstance(event, _BEGINNING)
    if state.plan.scales and not state.held:
        begins = False  # what stands behind the colors is looked at and held before the first step
    if not begins or state.ending is not None or state.current is None or state.phase in _STANDING:
        return ""
    if state.deadline is not None:
        return f"{place(state.step, state.plan)} until {state.deadline:%H:%M:%S}Z"
    return f"{place(state.step, state.plan)}"


def hooks_words(state: RolloutState) -> str:
    """The hooks that run now beside the steps, on the way back and at the end; empty where none does."""
    effect = effect_of(state)
    if not isinstance(effect, RunHooks):
        return ""
    return f"{effect.at}: {', '.join(f'hook {hook.name}' for hook in effect.hooks)}"


_BEGINNING = (Prepared, WorkloadHeld, ReleasePut, StepPassed, ShiftVerified, RunnerTookOver, CommandTaken)


def _way_back(state: RolloutState) -> str:
    """What a rollout that is taken back does with the traffic."""
    base = state.plan.base
    if state.plan.in_place:
        return f"what was updated of {base} goes back to what it ran"
    return f"all traffic goes back to {base}" if state.touched else f"nothing was shifted, all traffic stays on {base}"


_STANDING = {Phase.PAUSED, Phase.HALTED, Phase.ROLLING_BACK, Phase.PREPARING}


def sides_words(plan: Plan) -> str:
    """From where to where: `blue to green`, `blue in place`."""
    return f"{plan.base} in place" if plan.in_place else f"{plan.base} to {plan.to}"


def place(step: int, plan: Plan) -> str:
    """Which step of how many: `step 2 of 9 (bake 5m)`."""
    return f"step {step + 1} of {len(plan.steps)} ({describe(plan.steps[step])})"


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` columns: of a longer one both ends, for an image's name ends in its version."""
    if len(text) <= width:
        return text
    front = (width - 1) // 3
    return f"{text[:front]}…{text[front + 1 - width :]}"


def phase_words(state: RolloutState) -> str:
    return _PHASES.get(state.phase, state.phase.value)


def gates_words(plan: Plan) -> str:
    """What is watched while the new color carries traffic."""
    asked = [f"{_gate(gate)} every {duration(plan.gate_seconds)}" for gate in plan.gates]
    return ", ".join(["target health", *asked])


def _gate(gate: Gate) -> str:
    return f"probe {gate.path} via {gate.via}" if isinstance(gate, Probe) else f"hook {gate.name}"


def lease_words(lease: Lease | None, now: datetime) -> str:
    """Who may advance the rollout, and whether they still do."""
    if lease is None:
        return "nobody holds the lease"
    since = lease.since.isoformat(timespec="seconds")
    if lease.is_held(now):
        left = (lease.expires - now).total_seconds()
        return f"held by {lease.holder} since {since}, for another {left:.0f} s unless it is renewed"
    ago = (now - lease.expires).total_seconds()
    return f"expired {ago:.0f} s ago; {lease.holder} had it since {since} and has not renewed it"


def what_next(state: RolloutState, *, held: bool) -> list[tuple[str, str]]:
    """What may be done now, as commands and what each does. held: somebody's lease is alive."""
    name = state.plan.service
    back = (f"bluegreen rollback {name}", _going_back(state))
    if state.ending is not None:
        return [back] if state.ending in (Ending.PROMOTED, Ending.RETIRED) else []
    if state.phase is Phase.HALTED:
        again = (f"bluegreen resume {name}", "look again, and go on if AWS agrees with the record")
        return [(f"bluegreen drift {name}", "see what differs"), again, back]
    if not held and state.is_detached:
        report = (f"bluegreen ab {name} --report", "what both colors did since")
        promote = [] if state.plan.ends_back else [(f"bluegreen promote {name}", f"everything to {state.plan.to}")]
        return [report, *promote, (back[0], f"end it; all traffic stays on {state.plan.base}")]
    if not held:
        does = "finish the rollback" if state.back else "go on from this terminal"
        return [(f"bluegreen resume {name}", does), back]
    return _while_it_runs(state, back)


def _going_back(state: RolloutState) -> str:
    """What a rollback would do now."""
    base = state.plan.base
    if state.plan.in_place:
        return "what was updated back to what it ran"
    if state.ending is None and not state.touched:
        return f"end it; all traffic stays on {base}"
    return f"all traffic back to {base}" + (", once enough of it runs" if state.ending is Ending.RETIRED else "")


def print_next(state: RolloutState, *, held: bool) -> None:
    """What may be done now, one command a line, last on it to be copied."""
    commands = what_next(state, held=held)
    width = max((len(does) for _, does in commands), default=0)
    for command, does in commands:
        print(f"  {does:{width}}   {command}")


def _while_it_runs(state: RolloutState, back: tuple[str, str]) -> list[tuple[str, str]]:
    name, plan = state.plan.service, state.plan
    match state.phase:
        case Phase.ROLLING_BACK:
            return []
        case Phase.PAUSED:
            return [(f"bluegreen resume {name}", "go on"), back]
        case Phase.AWAITING_APPROVAL:
            if plan.ends_back:
                return [(f"bluegreen abort {name}", f"end it; all traffic stays on {plan.base}")]
            return [(f"bluegreen approve {name}", "go on"), (f"bluegreen abort {name}", f"back to {plan.base}")]
        case _:
            pause = (f"bluegreen pause {name}", "stay as it is" if plan.in_place else "stay at this split")
            if plan.in_place or any(map(is_preparation, plan.steps[state.step :])):
                return [pause, back]  # nothing can be promoted that is not there yet
            return [pause, (f"bluegreen promote {name}", f"everything to {plan.to} now"), back]


def updated_words(plan: Plan) -> str:
    """How many were updated in place: `3 targets of blue are updated, in 3 batches`."""
    parts = [step.members for step in plan.steps if isinstance(step, Batch)]
    count, batches = sum(map(len, parts)), len(parts)
    targets = "1 target" if count == 1 else f"{count} targets"
    return f"{targets} of {plan.base} updated, in {batches} batch{'' if batches == 1 else 'es'}"


def how_it_stands(state: RolloutState) -> str:
    """Phase, step and split in a few words."""
    held = ", ".join(sorted({str(split) for split in state.splits.values()}))
    at = f", {place(state.step, state.plan)}" if state.current is not None and state.ending is None else ""
    return f"it is {phase_words(state)}{at}{f', {held}' if held else ''}"


def already_words(name: str, live: Color | None, release: Release) -> str:
    """That what is to be deployed is live. live None: nobody knows which color that is now."""
    runs = f"{live or 'the live side'} runs {release_words(release)} already"
    return f"{name}: {runs} and carries all traffic; nothing was done."


def already_document(live: Color | None, release: Release) -> dict[str, Any]:
    """The same as JSON values."""
    return {"color": live.value if live else None, **(release_document(release) or {})}


def state_document(state: RolloutState) -> dict[str, Any]:
    """Where a rollout stands, as JSON values."""
    plan = state.plan
    return {
        "rollout": state.id,
        "strategy": plan.strategy,
        "base": plan.base.value,
        "to": plan.to.value,
        "phase": state.phase.value,
        "step": min(state.step + 1, len(plan.steps)),
        "steps": len(plan.steps),
        "splits": splits_document(state.splits),
        "began": state.began.isoformat(),
        "deadline": state.deadline.isoformat() if state.deadline else None,
        "reason": state.reason,
        "ending": state.ending.value if state.ending else None,
        "release": list(plan.release),
        "workload": workload_document(state),
    }
