"""How a rollout ended, apart from when: what two runs of the same rollout have in common, a crash or not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.rollout.events import ShiftIntended
from toolkit.rollout.plan import Plan
from toolkit.rollout.state import Phase, RolloutState
from toolkit.rollout.workload import Release
from toolkit.traffic import Split


@dataclass(frozen=True, slots=True)
class HowItEnded:
    """What stands in a state at the end. reason: its numbers left out, for they may be times."""

    plan: Plan
    phase: Phase
    is_over: bool
    step: int
    splits: tuple[tuple[str, Split], ...]
    intent: ShiftIntended | None
    promoted: bool
    back: bool
    reason: str
    exit_code: int
    release: Release | None

    @classmethod
    def of(cls, state: RolloutState | None) -> HowItEnded | None:
        """None where there was no rollout."""
        if state is None:
            return None
        return cls(
            plan=state.plan,
            phase=state.phase,
            is_over=state.is_over,
            step=state.step,
            splits=tuple(sorted(state.splits.items())),
            intent=state.intent,
            promoted=state.promoted,
            back=state.back,
            reason=re.sub(r"\d+", "#", state.reason),
            exit_code=state.exit_code,
            release=state.release,
        )
