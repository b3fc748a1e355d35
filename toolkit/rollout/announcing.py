"""What is told of a journal's entries: which of them, in which words, how loudly. Pure.

An entry alone says little: what the routes hold, or that the next step waits for a yes, follows from those before it.
So `learned` folds them, and `notification_of` looks at what was known before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Diverted,
    DivertMeant,
    DivertRemoved,
    DriftAccepted,
    Ending,
    Entry,
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
from toolkit.rollout.machine import begin, evolve
from toolkit.rollout.notification import LONGEST_LINE, Notification, Place, Severity, shortened
from toolkit.rollout.plain import plain
from toolkit.rollout.record import Record, after
from toolkit.rollout.rolling import Act
from toolkit.rollout.state import Phase, RolloutState
from toolkit.rollout.steps import Approve
from toolkit.rollout.telling import tell


@dataclass(frozen=True, slots=True)
class Known:
    """What follows from the entries so far: of the service, and of the rollout under way."""

    record: Record = field(default_factory=Record)
    state: RolloutState | None = None


def learned(known: Known, entry: Entry) -> Known:
    """What is known once `entry` has been read too. Of a rollout whose start was not read, no state is known."""
    state = known.state
    if isinstance(entry.event, RolloutStarted) and entry.rollout is not None:
        state = begin(entry)
    elif state is not None and entry.rollout == state.id:
        state = evolve(state, entry)
    elif entry.rollout is not None:
        state = None
    return Known(after(known.record, entry), state)


def known_of(entries: Iterable[Entry]) -> Known:
    known = Known()
    for entry in entries:
        known = learned(known, entry)
    return known


def notification_of(service: str, place: Place, entry: Entry, before: Known, now: Known) -> Notification:
    """What is told of an entry; before, now: what was known without it, and with it."""
    event, severity, important = _meaning(entry, now)
    line = tell(entry)
    if isinstance(entry.event, ShiftVerified) and now.record.splits:
        held = ", ".join(sorted({str(split) for split in now.record.splits.values()}))
        line = f"{held} is read back"
    asked = _asks(entry, before, now)
    if asked is not None:
        event, severity, important = "awaiting-approval", Severity.WARNING, True
        line += f"; waits for an approval{f': {asked.note}' if asked.note else ''}"
    return Notification(
        service=service,
        place=place,
        event=event,
        severity=severity,
        line=shortened(plain(line)),
        head=entry.head,
        at=entry.at,
        important=important,
        rollout=entry.rollout,
        actor=entry.actor,
        splits=dict(now.record.splits),
        cut=len(line) > LONGEST_LINE,
    )


def _asks(entry: Entry, before: Known, now: Known) -> Approve | None:
    """The approval that the rollout waits for from this entry on."""
    state, earlier = now.state, before.state
    if state is None or entry.rollout != state.id or state.phase is not Phase.AWAITING_APPROVAL:
        return None
    waited = earlier is not None and earlier.phase is state.phase and earlier.step == state.step
    return state.current if isinstance(state.current, Approve) and not waited else None


_WORDS = {Word.PAUSE: "paused", Word.RESUME: "resumed", Word.APPROVE: "approved", Word.PROMOTE: "promoting"}
_ENDINGS = {
    Ending.COMPLETED: ("over", Severity.INFO),
    Ending.PROMOTED: ("over", Severity.INFO),
    Ending.RETIRED: ("retired", Severity.INFO),
    Ending.ROLLED_BACK: ("rolled-back", Severity.ALERT),
    Ending.REFUSED: ("over", Severity.INFO),
}


_MOVED = {
    Act.RELEASE: "batch-leaving",
    Act.TAKE_OUT: "batch-out",
    Act.UPDATE: "batch-updated",
    Act.PUT_IN: "batch-in",
    Act.LEAVE: "batch-left",
}


def _meaning(entry: Entry, now: Known) -> tuple[str, Severity, bool]:  # noqa: PLR0911, PLR0912, C901 - one case an event
    """The word for it, how loud it is, and whether it is important."""
    match entry.event:
        case RolloutStarted():
            return "started", Severity.INFO, True
        case Prepared(remarks):
            return "prepared", Severity.WARNING if remarks else Severity.INFO, False
        case Refused():
            return "refused", Severity.WARNING, True
        case ShiftIntended(Kind.ROLLBACK):
            return "shifting-back", Severity.WARNING, True
        case ShiftIntended():
            return "shifting", Severity.INFO, False
        case ShiftVerified():
            back = now.record.kind is Kind.ROLLBACK
            return ("shifted-back", Severity.WARNING, True) if back else ("shifted", Severity.INFO, True)
        case ShiftFailed():
            return "shift-failed", Severity.ALERT, True
        case GateFailed():
            return "gate-failed", Severity.ALERT, True
        case CommandTaken(word):
            return _WORDS.get(word, "taken-back"), Severity.WARNING, True
        case RunnerPaused():
            return "paused", Severity.WARNING, True
        case RunnerTookOver(_, _, broke):
            return "taken-over", Severity.WARNING, broke
        case WorldDiffers() | Stuck():
            return "halted", Severity.ALERT, True
        case Promoted():
            return "promoted", Severity.INFO, True
        case DriftAccepted():
            return "drift-accepted", Severity.WARNING, True
        case RolloutEnded(ending):
            return *_ENDINGS[ending], True
        case WorkloadLetGo(problem):
            return "workload-let-go", Severity.WARNING if problem else Severity.INFO, bool(problem)
        case RestSkipped():
            return "rest-skipped", Severity.WARNING, True
        case StepPassed():
            return "step-passed", Severity.INFO, False
        case BatchMoved(_, act):
            severity = Severity.ALERT if act is Act.LEAVE else Severity.INFO
            return _MOVED[act], severity, act in (Act.PUT_IN, Act.LEAVE)
        case ReleaseRestored():
            return "release-restored", Severity.INFO, True
        case HooksRan():
            return "hooks-ran", Severity.INFO, False
        case WorkloadSeen():
            return "workload-seen", Severity.INFO, False
        case WorkloadHeld():
            return "workload-held", Severity.INFO, False
        case ReleasePut():
            return "release-put", Severity.INFO, False
        case DivertMeant():
            return "diverting", Severity.INFO, False
        case Diverted():
            return "diverted", Severity.INFO, True
        case DivertRemoved():
            return "divert-removed", Severity.INFO, True
