"""What the machine asks for: plain data. The interpreter carries one out and answers with one event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import Ending, ShiftIntended
from toolkit.rollout.preview import Condition
from toolkit.rollout.rolling import Act, Runs
from toolkit.rollout.steps import Batch, Hook, Probe, Scale
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split


@dataclass(frozen=True, slots=True)
class Prepare:
    """Check everything before the first write: Prepared or Refused."""


@dataclass(frozen=True, slots=True)
class Intend:
    """Read the world, and say what is about to be written: ShiftIntended; or GateFailed, WorldDiffers, Stuck.

    back: a rollback, which only a destination without a healthy target can hold up.
    """

    to: Split
    back: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Write what an intent means where it is not held yet, and read it back: ShiftVerified or ShiftFailed."""

    intent: ShiftIntended


@dataclass(frozen=True, slots=True)
class Watch:
    """Ask the gates again and again until the time is up: StepPassed; or GateFailed, WorldDiffers, a command.

    until: None waits for a command. approval: without one by then, GateFailed. until_safe: StepPassed already where the
    analysis passes. judged: it ends only with a verdict, or as the policy on inconclusive ones says.
    """

    until: datetime | None
    until_safe: bool = False
    judged: bool = False
    approval: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask the gates once: StepPassed or GateFailed."""


@dataclass(frozen=True, slots=True)
class RunHook:
    """StepPassed or GateFailed. id: the same however often it is run."""

    hook: Hook
    id: str


@dataclass(frozen=True, slots=True)
class RunProbe:
    """StepPassed or GateFailed."""

    probe: Probe


@dataclass(frozen=True, slots=True)
class Survey:
    """Read what stands behind each color, before anything is changed there: WorkloadSeen or GateFailed."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Let nothing scale either color in: WorkloadHeld or GateFailed."""


@dataclass(frozen=True, slots=True)
class PutRelease:
    """Make the release and let `color` run it: ReleasePut, GateFailed or WorldDiffers.

    in_place: it has the traffic; else it has none, or nothing is done.
    """

    change: Change
    color: Color
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class MoveBatch:
    """Carry out one act on the batch of step number `step` (from 0): BatchMoved, GateFailed, Stuck or RunnerPaused.

    wanted: the version that it is to run. id: the same however often the act is done.
    """

    step: int
    batch: Batch
    act: Act
    wanted: Runs
    id: str


@dataclass(frozen=True, slots=True)
class AwaitRelease:
    """Wait until every task of `color` runs the release, the gates watching: StepPassed or GateFailed."""

    color: Color


@dataclass(frozen=True, slots=True)
class RestoreRelease:
    """Let `color` run again what it ran, and wait until it does: ReleaseRestored or Stuck."""

    color: Color


@dataclass(frozen=True, slots=True)
class MeanDivert:
    """Read where rules are to go, and say which are about to be made: DivertMeant or GateFailed."""

    conditions: tuple[Condition, ...]
    color: Color


@dataclass(frozen=True, slots=True)
class PutDivert:
    """Make the rules that do not stand yet: Diverted or GateFailed."""

    rules: tuple[Diversion, ...]


@dataclass(frozen=True, slots=True)
class Undivert:
    """Remove every rule of this rollout, known to the journal or not: DivertRemoved, RunnerPaused or Stuck."""


@dataclass(frozen=True, slots=True)
class ScaleTo:
    """Bring `color` to as many targets as the scale step says: StepPassed or GateFailed."""

    color: Color
    amount: Scale


@dataclass(frozen=True, slots=True)
class Wane:
    """Bring `color`, which has no traffic any more, down to `targets`: StepPassed."""

    color: Color
    targets: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """Bind autoscaling again as before, and take back what the new color was given if the rollout is: WorkloadLetGo."""


@dataclass(frozen=True, slots=True)
class RunHooks:
    """Run these, which can hold nothing up: HooksRan. id: the same however often they are run, but for their number."""

    at: HookPoint
    hooks: tuple[Hook, ...]
    id: str


@dataclass(frozen=True, slots=True)
class Promote:
    """Record that `color` is live: Promoted."""

    color: Color


@dataclass(frozen=True, slots=True)
class End:
    """Record that the rollout is over: RolloutEnded."""

    ending: Ending


Effect = (
    Prepare
    | Survey
    | Hold
    | PutRelease
    | MoveBatch
    | AwaitRelease
    | RestoreRelease
    | MeanDivert
    | PutDivert
    | Undivert
    | Intend
    | Write
    | Watch
    | Judge
    | RunHook
    | RunProbe
    | ScaleTo
    | Wane
    | LetGo
    | RunHooks
    | Promote
    | End
)
