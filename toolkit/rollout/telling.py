"""Journal entries in words: the same in histories, notifications and reports. Pure, and safe for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.rollout.diverting import Diversion
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
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
)
from toolkit.rollout.plain import plain
from toolkit.rollout.rolling import Act
from toolkit.rollout.workload import Side
from toolkit.traffic import Split

ENDINGS: Mapping[Ending, str] = {
    Ending.COMPLETED: "completed",
    Ending.PROMOTED: "promoted",
    Ending.RETIRED: "promoted, and the old side is retired",
    Ending.ROLLED_BACK: "rolled back",
    Ending.REFUSED: "refused, nothing was written",
}


MOVES: Mapping[Act, str] = {
    Act.RELEASE: "the batch is about to be taken out",
    Act.TAKE_OUT: "the batch is out and has drained",
    Act.UPDATE: "the batch is updated",
    Act.PUT_IN: "the batch is in again and healthy",
    Act.LEAVE: "the batch stays as it is, for it could not be taken back",
}


def tell(entry: Entry) -> str:
    """What happened, on one line, without number, time and actor."""
    return plain(_said(entry.event))


def _said(event: Event) -> str:  # noqa: PLR0911, PLR0912, C901 - one case an event
    match event:
        case RolloutStarted(plan):
            steps = "1 step" if len(plan.steps) == 1 else f"{len(plan.steps)} steps"
            where = f"{plan.base} in place" if plan.in_place else f"{plan.base} to {plan.to}"
            return f"begins: {plan.strategy}, {where}, {steps}"
        case Prepared(remarks):
            return "every check has passed" + (f", with {'; '.join(remarks)}" if remarks else "")
        case Refused(reason, exit_code):
            return f"refused, nothing was written: {reason} [exit {exit_code}]"
        case ShiftIntended(kind, base, before, to):
            return f"{kind}: about to write {to} on {', '.join(before) or 'no route'}; base {base or 'unknown'}"
        case ShiftVerified():
            return "read back as meant"
        case ShiftFailed(reason, after):
            return f"not as meant: {reason}" + (f"; last seen: {_splits(after)}" if after else "")
        case WorkloadSeen(before):
            return "; ".join(_side(str(color), side) for color, side in before.items()) or "nothing runs"
        case WorkloadHeld():
            return "nothing scales a color in until the rollout is over"
        case ReleasePut(step, release):
            return f"step {step + 1}: AWS is asked to run {release}"
        case WorkloadLetGo(problem):
            return f"not all is as before: {problem}" if problem else "autoscaling is bound as before"
        case DivertMeant(rules):
            return f"about to divert requests by {_rules(rules)}"
        case Diverted(step, rules):
            return f"step {step + 1} is done: {_rules(rules)} divert{'s' if len(rules) == 1 else ''} requests"
        case DivertRemoved(count):
            return f"requests are not diverted any more; {count} rule{'s were' if count != 1 else ' was'} removed"
        case BatchMoved(step, act, detail, _):
            return f"step {step + 1}: {MOVES[act]}" + (f": {detail}" if detail else "")
        case ReleaseRestored(detail):
            return "the live color runs again what it ran" + (f": {detail}" if detail else "")
        case RestSkipped(step, reason, _):
            return f"step {step + 1} and what follows is left undone: {reason}"
        case HooksRan(at, detail, _):
            return f"{at}: {detail}"
        case StepPassed(step, detail, _):
            return f"step {step + 1} is done" + (f": {detail}" if detail else "")
        case GateFailed(step, gate, reason, _):
            return f"gate failed at step {step + 1}: {gate}: {reason}"
        case CommandTaken(word, by, _, reason):
            return f"{word} by {by}" + (f": {reason}" if reason else "")
        case RunnerPaused(reason, leaves):
            return f"paused: {reason}" + ("; the lease is given back" if leaves else "")
        case RunnerTookOver(holder, previous, broke):
            how = "broke the lease of" if broke else "takes over from"
            return f"{holder} {how} {previous}" if previous else f"{holder} goes on"
        case WorldDiffers(reason, found):
            return f"halted: {reason}" + (f"; found: {_splits(found)}" if found else "")
        case Stuck(reason):
            return f"halted: {reason}"
        case Promoted(color):
            return f"{color} is live"
        case DriftAccepted(splits):
            return f"what AWS holds is taken as the truth: {_splits(splits)}"
        case RolloutEnded(ending):
            return f"over: {ENDINGS[ending]}"


def _rules(rules: Sequence[Diversion]) -> str:
    told = ", ".join(f"{each.priority} of {each.route}" for each in rules)
    return f"rule{'' if len(rules) == 1 else 's'} {told or 'of no route'}"


def _side(color: str, side: Side) -> str:
    runs = f" of {side.release}" if side.release else ""
    bounds = f", at least {side.capacity.minimum}" if side.capacity.minimum is not None else ""
    return f"{color} has {side.capacity.running} of {side.capacity.desired}{runs}{bounds}"


def _splits(splits: Mapping[str, Split]) -> str:
    return ", ".join(f"{name} {split}" for name, split in splits.items())
