"""What has happened to a service, as values: the entries of its journal.

Each `ShiftIntended` carries everything that must outlive it (base, stickiness put aside). Effects are absolute, so an
intent without an outcome (a crash between the two) means: AWS holds either what was before or what was meant, and
nobody knows which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from toolkit.contract import Stickiness
from toolkit.rollout.diverting import Diversion
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Act
from toolkit.rollout.workload import Release, Side
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split


class Kind(StrEnum):
    """Which command meant the shift. CUTOVER is of journals from before there were rollouts."""

    SHIFT = "shift"
    CUTOVER = "cutover"
    ROLLOUT = "rollout"
    ROLLBACK = "rollback"
    RESTORE_STICKINESS = "restore-stickiness"
    SYNC = "sync"


class Word(StrEnum):
    """What a person can tell a rollout."""

    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    PROMOTE = "promote"
    ABORT = "abort"
    ROLLBACK = "rollback"


class Ending(StrEnum):
    """How a rollout is over. COMPLETED: updated in place. REFUSED: its checks failed before anything was written."""

    COMPLETED = "completed"
    PROMOTED = "promoted"
    RETIRED = "retired"
    ROLLED_BACK = "rolled-back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SuspendedStickiness:
    """Target-group stickiness that a rollback switched off.

    stickiness: what stood there. until: when the last cookie handed out before has expired (UTC).
    """

    stickiness: Stickiness
    until: datetime


@dataclass(frozen=True, slots=True)
class ShiftIntended:
    """About to be written. `before` and `suspended` are by route name; `base` None: nobody knows it.

    suspended: stickiness that was off before or will be off after. restores: the routes of these where the move brings
    it back, which counts once it is verified: until then nothing that was put aside may be forgotten.
    """

    kind: Kind
    base: Color | None
    before: Mapping[str, Split]
    to: Split
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShiftVerified:
    """Every route reads back as meant."""


@dataclass(frozen=True, slots=True)
class ShiftFailed:
    """Not as meant. `after` is what each route was last seen to hold; a route that could not be read is left out."""

    reason: str
    after: Mapping[str, Split]


@dataclass(frozen=True, slots=True)
class Promoted:
    """`color` is live."""

    color: Color


@dataclass(frozen=True, slots=True)
class DriftAccepted:
    """The operator takes what AWS holds as the truth."""

    splits: Mapping[str, Split]


@dataclass(frozen=True, slots=True)
class RolloutStarted:
    """A rollout begins. Its id is the service and this entry's number: `web-42`."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Prepared:
    """Every check before the first write has passed. remarks: what they warned of."""

    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A check before the first write failed. exit_code: of the error that it is."""

    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class WorkloadSeen:
    """What stood behind each color before anything is changed there: what is restored in the end."""

    before: Mapping[Color, Side]


@dataclass(frozen=True, slots=True)
class WorkloadHeld:
    """Nothing scales either color in from now on."""


@dataclass(frozen=True, slots=True)
class ReleasePut:
    """Step number `step` (from 0) is done: the new color is to run `release`."""

    step: int
    release: Release


@dataclass(frozen=True, slots=True)
class WorkloadLetGo:
    """Autoscaling is bound as before. problem: what could not be restored, and how it stands."""

    problem: str = ""


@dataclass(frozen=True, slots=True)
class DivertMeant:
    """Rules are about to be made that send some requests to the new color; none of them has an ARN yet."""

    rules: tuple[Diversion, ...]


@dataclass(frozen=True, slots=True)
class Diverted:
    """Step number `step` (from 0) is done: these rules stand."""

    step: int
    rules: tuple[Diversion, ...]


@dataclass(frozen=True, slots=True)
class DivertRemoved:
    """No rule of this rollout stands any more. count: how many were removed just now."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class BatchMoved:
    """`act` is done with the batch of step `step` (from 0). detail: one sentence; output: what an update said."""

    step: int
    act: Act
    detail: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseRestored:
    """The live color runs again what it ran. detail: one sentence."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class RestSkipped:
    """Step number `step` (from 0) and all after it are left undone: the rollout is promoted, and that is enough.

    output: what the hook said that would not have it.
    """

    step: int
    reason: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class HooksRan:
    """The hooks of a point that holds nothing up have run. detail: how each ended; output: what they said."""

    point: HookPoint
    detail: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class StepPassed:
    """Step number `step` (from 0) is done. detail: one sentence; output: what a hook said."""

    step: int
    detail: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class GateFailed:
    """Something that must hold does not, at step `step`: the rollout goes back. gate: its name."""

    step: int
    gate: str
    reason: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """The holder found a command and obeys it. by: who gave it; the entry's actor is the holder. id: the command's."""

    word: Word
    by: str
    id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunnerPaused:
    """The runner itself stops here: a signal, or something it cannot see. leaves: its lease is given back."""

    reason: str
    leaves: bool = True


@dataclass(frozen=True, slots=True)
class RunnerTookOver:
    """A new runner goes on. previous: who held the lease before. broke: it was taken from a living one."""

    holder: str
    previous: str = ""
    broke: bool = False


@dataclass(frozen=True, slots=True)
class WorldDiffers:
    """AWS holds something that the journal does not explain: nothing is touched until a person decides."""

    reason: str
    found: Mapping[str, Split] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stuck:
    """What had to be done cannot be: a rollback without a healthy target, or that failed. reason: how things stand."""

    reason: str


@dataclass(frozen=True, slots=True)
class RolloutEnded:
    """Nothing more comes of this rollout."""

    ending: Ending


RolloutEvent = (
    RolloutStarted
    | Prepared
    | Refused
    | WorkloadSeen
    | WorkloadHeld
    | ReleasePut
    | WorkloadLetGo
    | DivertMeant
    | Diverted
    | DivertRemoved
    | BatchMoved
    | ReleaseRestored
    | RestSkipped
    | HooksRan
    | StepPassed
    | GateFailed
    | CommandTaken
    | RunnerPaused
    | RunnerTookOver
    | WorldDiffers
    | Stuck
    | RolloutEnded
)
Event = ShiftIntended | ShiftVerified | ShiftFailed | Promoted | DriftAccepted | RolloutEvent


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a journal: the last entry's number (0 without any) and hash."""

    sequence: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `sequence` counts from 1 without gaps; `at` is UTC.

    actor: whose credentials wrote it, where known. rollout: the id of the rollout it belongs to; None outside one.
    previous: the hash of the entry before. hash: of this entry's stored text (SHA-256, hexadecimal).
    `codec.seal` makes one that can be appended.
    """

    sequence: int
    at: datetime
    event: Event
    actor: str | None = None
    rollout: str | None = None
    previous: str = ""
    hash: str = ""

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.hash)


def rollout_id(service: str, sequence: int) -> str:
    """The id of the rollout that the entry of this number started."""
    return f"{service}-{sequence}"


def start_of(rollout: str) -> tuple[str, int] | None:
    """Service and number of the entry that started a rollout, of its id; None where it is no id."""
    service, dash, number = rollout.rpartition("-")
    return (service, int(number)) if dash and service and number.isascii() and number.isdigit() else None
