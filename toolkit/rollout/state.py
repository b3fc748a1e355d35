"""Where a rollout stands: the value that its journal's entries fold to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import Ending, ShiftIntended
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Member, Place, Runs, Standing
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
    Step,
)
from toolkit.rollout.workload import Release, Side
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split


class Course(StrEnum):
    """Which way a rollout goes. HALTED and PAUSED remember by `RolloutState.back` where they came from."""

    ON = "on"
    PAUSED = "paused"
    HALTED = "halted"
    OVER = "over"


class Phase(StrEnum):
    """Where a rollout stands, in an operator's words."""

    PREPARING = "preparing"
    DEPLOYING = "deploying"
    UPDATING = "updating"
    DIVERTING = "diverting"
    SHIFTING = "shifting"
    BAKING = "baking"
    ANALYZING = "analyzing"
    AWAITING_APPROVAL = "awaiting-approval"
    HOOK = "hook"
    PROBING = "probing"
    SCALING = "scaling"
    RETIRING = "retiring"
    PAUSED = "paused"
    HALTED = "halted"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    COMPLETED = "completed"
    PROMOTED = "promoted"
    RETIRED = "retired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RolloutState:
    """Where a rollout stands.

    began: when the step under way began. watched: since when its bake has been watched without a break. step: the
    index of the step under way. splits: what each route is known to hold. intent: begun and not verified. touched:
    something was meant to be written, ever. shifts: when each split was verified. back: it goes to the base. ending:
    decided; `course` is OVER once it is recorded. stays: a paused runner waits for commands. commands: ids of those
    taken. cause: why it goes back. exit_code: of the refusal. before: what stood behind the colors; None where nothing
    is changed there. held: nothing scales them in. let_go: not any more. release: what the new color is to run. ran:
    points whose hooks have run, of those that hold nothing up. left_undone: steps after the promotion were. diversions:
    rules that were meant, and made where they have an ARN. undiverted: they are gone. batches: where those stand that
    were begun, by their steps' indices. restored: the live color runs again what it ran.
    """

    id: str
    plan: Plan
    began: datetime
    watched: datetime
    course: Course = Course.ON
    prepared: bool = False
    step: int = 0
    splits: Mapping[str, Split] = field(default_factory=dict)
    shifts: tuple[tuple[datetime, Split], ...] = ()
    intent: ShiftIntended | None = None
    touched: bool = False
    back: bool = False
    promoted: bool = False
    ending: Ending | None = None
    stays: bool = False
    reason: str = ""
    cause: str = ""
    exit_code: int = 0
    commands: frozenset[str] = frozenset()
    before: Mapping[Color, Side] | None = None
    held: bool = False
    let_go: bool = False
    release: Release | None = None
    ran: frozenset[HookPoint] = frozenset()
    left_undone: bool = False
    diversions: tuple[Diversion, ...] = ()
    undiverted: bool = False
    batches: Mapping[int, Standing] = field(default_factory=dict)
    restored: bool = False

    @property
    def current(self) -> Step | None:
        """The step under way; None where all are done."""
        return self.plan.steps[self.step] if self.step < len(self.plan.steps) else None

    @property
    def deadline(self) -> datetime | None:
        """When the bake under way has been watched whole, or an approval comes too late."""
        match self.current:
            case Bake(seconds):
                return self.watched + timedelta(seconds=seconds)
            case Approve(seconds):
                return self.began + timedelta(seconds=seconds)
            case _:
                return None

    @property
    def wanted(self) -> Runs:
        """The version that batches are to run."""
        return Runs.OLD if self.back else Runs.NEW

    @property
    def next_batch(self) -> int | None:
        """The step of the batch that moves now; None where none has to.

        On the way back that is the one that was under way, for it serves nobody as it is; then the last one first.
        """
        if not self.back:
            return self.step if isinstance(self.current, Batch) else None
        return self._under_way if self._under_way is not None else next(iter(self.may_be_released), None)

    @property
    def may_be_released(self) -> tuple[int, ...]:
        """On the way back: the steps of the batches of which any may go next, the last first; none while one is out."""
        if not self.back or self._under_way is not None:
            return ()
        return tuple(sorted((step for step, each in self.batches.items() if not each.is_done(Runs.OLD)), reverse=True))

    @property
    def away(self) -> tuple[Member, ...]:
        """The targets of the batch under way, which may have no traffic."""
        batch = None if self._under_way is None else self.plan.steps[self._under_way]
        return batch.members if isinstance(batch, Batch) else ()

    @property
    def updated(self) -> tuple[Member, ...]:
        """The targets that serve with the new version."""
        return self._members(lambda standing: standing.is_done(Runs.NEW) and not standing.left)

    @property
    def left(self) -> tuple[Member, ...]:
        """The targets whose way back failed, and that stay as they are."""
        return self._members(lambda standing: standing.left)

    def _members(self, which: Callable[[Standing], bool]) -> tuple[Member, ...]:
        steps = (self.plan.steps[step] for step, standing in sorted(self.batches.items()) if which(standing))
        return tuple(member for step in steps if isinstance(step, Batch) for member in step.members)

    @property
    def _under_way(self) -> int | None:
        """The step of the batch that is not in; there is never more than one."""
        out = (step for step, each in self.batches.items() if each.place is not Place.IN and not each.left)
        return next(out, None)

    @property
    def diverts(self) -> bool:
        """Whether rules of it stand, or may."""
        return bool(self.diversions) and not self.undiverted

    @property
    def is_detached(self) -> bool:
        """Whether it was left to itself until somebody decides."""
        return self.course is Course.PAUSED and self.diverts and isinstance(self.current, Approve)

    @property
    def is_over(self) -> bool:
        return self.course is Course.OVER

    @property
    def phase(self) -> Phase:
        if self.ending is not None and self.course is not Course.HALTED:
            return Phase(self.ending.value)
        if self.course in (Course.HALTED, Course.PAUSED):
            return Phase(self.course.value)
        if self.back:
            return Phase.ROLLING_BACK
        if not self.prepared:
            return Phase.PREPARING
        if self.current is None:
            return Phase.COMPLETED if self.plan.in_place else Phase.PROMOTED
        return _PHASES[type(self.current)]


_PHASES: Mapping[type[Step], Phase] = {
    Deploy: Phase.DEPLOYING,
    Batch: Phase.UPDATING,
    Roll: Phase.UPDATING,
    Divert: Phase.DIVERTING,
    Shift: Phase.SHIFTING,
    Bake: Phase.BAKING,
    Analyze: Phase.ANALYZING,
    Approve: Phase.AWAITING_APPROVAL,
    Hook: Phase.HOOK,
    Probe: Phase.PROBING,
    Scale: Phase.SCALING,
    Retire: Phase.RETIRING,
}
