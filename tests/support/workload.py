"""A workload in memory: what stands behind each color."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from toolkit.errors import AwsError
from toolkit.rollout.ports import Capacity
from toolkit.traffic import Color


@dataclass
class FakeWorkload:
    """`looks`: how often `capacity` is asked until what was asked for runs. `before` may raise; it is told the call."""

    held: dict[Color, Capacity]
    looks: int = 0
    scaled: list[tuple[Color, int]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _name: None
    _left: dict[Color, int] = field(default_factory=dict)

    def capacity(self, color: Color) -> Capacity:
        self.before("capacity")
        held = self._of(color)
        if self._left.get(color, 0) > 0:
            self._left[color] -= 1
        else:
            self.held[color] = held = replace(held, running=held.desired)
        return held

    def scale(self, color: Color, targets: int) -> None:
        self.before("scale")
        held = self._of(color)
        if held.maximum is not None and targets > held.maximum:
            raise AwsError(f"{color} may hold {held.maximum} at most, and {targets} are wanted. Nothing was changed.")
        wanted = max(targets, held.minimum or 0)
        self.scaled.append((color, wanted))
        self.held[color] = replace(held, desired=wanted)
        self._left[color] = self.looks

    def _of(self, color: Color) -> Capacity:
        if color not in self.held:
            raise AwsError(f"what runs behind {color} is gone")
        return self.held[color]


def a_workload(*, blue: int = 2, green: int = 0, looks: int = 0) -> FakeWorkload:
    """A workload without bounds of which so many run."""
    held = {Color.BLUE: Capacity(blue, blue), Color.GREEN: Capacity(green, green)}
    return FakeWorkload(held, looks)
