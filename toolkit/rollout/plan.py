"""A plan: the steps of one rollout made concrete for one service, frozen before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from toolkit.errors import UsageError
from toolkit.rollout.rolling import Rolling
from toolkit.rollout.steps import Bake, Batch, Deploy, Divert, Gate, Hook, Retire, Roll, Scale, Shift, Step
from toolkit.settings import HookPoint, Inconclusive
from toolkit.traffic import Color, Split

GATE_SECONDS = 10.0
"""How often a gate is asked, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one rollout is going to do.

    base: who carries the traffic when it begins, and where a rollback goes. gates: asked while the new color carries
    traffic, beside its target health. settle_seconds: how long after a write nothing is judged. release: the
    services that are released as one, this one among them; empty for one alone. force: the new color may get traffic
    without a healthy target. gate_seconds: how often the gates are asked. inconclusive: what follows where the
    analysis cannot say; None: as the service's settings have it. on_rollback, on_end: hooks that run when the
    traffic is back, and at the very end. rolling: the base itself is updated, in place; None: the other color is
    the new one.
    """

    service: str
    strategy: str
    base: Color
    steps: tuple[Step, ...]
    routes: tuple[str, ...]
    gates: tuple[Gate, ...] = ()
    settle_seconds: float = 0.0
    release: tuple[str, ...] = ()
    force: bool = False
    gate_seconds: float = GATE_SECONDS
    inconclusive: Inconclusive | None = None
    on_rollback: tuple[Hook, ...] = ()
    on_end: tuple[Hook, ...] = ()
    rolling: Rolling | None = None

    def __post_init__(self) -> None:
        shares = [step.share for step in self.steps if isinstance(step, Shift)]
        if self.in_place != any(isinstance(step, Batch | Roll) for step in self.steps) or (self.in_place and shares):
            raise UsageError(f"strategy {self.strategy}: a rolling update updates in place, and shifts nothing")
        if self.in_place:
            return
        if self.ends_back and any(isinstance(step, Divert) for step in self.steps):
            return
        if not shares or shares[-1] != 1:
            raise UsageError(f"strategy {self.strategy} does not end with all traffic on the new color")

    @property
    def to(self) -> Color:
        """The new color; the base itself where that is updated in place."""
        return self.base if self.in_place else self.base.other

    @property
    def in_place(self) -> bool:
        """Whether the live color itself is updated, and no traffic shifted."""
        return self.rolling is not None

    def split(self, step: Shift) -> Split:
        """What a shift puts on every route."""
        return Split.giving(self.to, step.share)

    @property
    def home(self) -> Split:
        """What a rollback puts on every route."""
        return Split.all_to(self.base)

    @property
    def last_shift(self) -> int:
        """The index of the shift that gives the new color everything; of a plan that ends back, past its end."""
        last = max((index for index, step in enumerate(self.steps) if isinstance(step, Shift)), default=None)
        return len(self.steps) if last is None else last

    @property
    def ends_back(self) -> bool:
        """Whether it shifts and updates nothing, so that it can only end where it began."""
        return not self.in_place and not any(isinstance(step, Shift) for step in self.steps)

    @property
    def diverts(self) -> Divert | None:
        """The step that picks requests out, where there is one."""
        return next((step for step in self.steps if isinstance(step, Divert)), None)

    @property
    def rolls(self) -> Roll | None:
        """The step that leaves the update to ECS, where there is one."""
        return next((step for step in self.steps if isinstance(step, Roll)), None)

    @property
    def scales(self) -> bool:
        """Whether it changes what runs behind the colors, so that their autoscaling is held meanwhile."""
        return any(isinstance(step, Deploy | Roll | Scale | Retire) for step in self.steps)

    @property
    def brings_up(self) -> bool:
        """Whether it brings the new color up before its first shift, so that nothing need run there when it begins."""
        first = next((index for index, step in enumerate(self.steps) if isinstance(step, Shift)), 0)
        return any(isinstance(step, Deploy | Scale) for step in self.steps[:first])

    @property
    def kept(self) -> int | None:
        """How many targets stay of the old color where it is retired; None where it is not."""
        kept = [step.targets for step in self.steps if isinstance(step, Retire)]
        return kept[-1] if kept else None

    @property
    def promotes_before(self) -> int:
        """The index of the step before which the rollout is promoted.

        That is after all of them, or before a retire with its hooks and the bake that goes before it; the first bake
        after the last shift is what the promotion waits for.
        """
        retires = (index for index, step in enumerate(self.steps) if isinstance(step, Retire))
        end = next((index for index in retires if index > self.last_shift), len(self.steps))
        if end == len(self.steps):
            return end
        while isinstance(hook := self.steps[end - 1], Hook) and hook.at is HookPoint.BEFORE_RETIRE:
            end -= 1
        waited = any(isinstance(step, Bake) for step in self.steps[self.last_shift + 1 : end - 1])
        return end - 1 if waited and isinstance(self.steps[end - 1], Bake) else end

    def share_at(self, index: int) -> Fraction:
        """The new color's share once the steps before `index` are done."""
        shares = [step.share for step in self.steps[:index] if isinstance(step, Shift)]
        return shares[-1] if shares else Fraction(0)
