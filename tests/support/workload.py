"""A workload in memory: what stands behind each color."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.support.fakes import FakeWorld
from toolkit.errors import AwsError, PreflightRefused, UsageError
from toolkit.rollout.workload import Capacity, Change, Progress, Release, Replacement
from toolkit.traffic import Color

HELD = ("scale-in",)


@dataclass
class FakeWorkload:
    """An ECS service for each color. `before` may raise; it is told the call. ended: what a look at the progress says.

    looks: how often `capacity` is asked until what was asked for runs. images: of each revision of the family `web`.
    how: its bounds of a rolling update, whatever is asked for; None: it has none. puts: what was put, in order.
    """

    held: dict[Color, Capacity]
    looks: int = 0
    scaled: list[tuple[Color, int]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _name: None
    images: dict[str, str] = field(default_factory=lambda: {"web:1": "web:1.0"})
    runs: dict[Color, str] = field(default_factory=lambda: dict.fromkeys(Color, "web:1"))
    ended: Progress | None = None
    after: Callable[[Color], None] = lambda _color: None
    how: Replacement | None = field(default_factory=lambda: Replacement(0, 100, 200))
    puts: list[tuple[Color, str]] = field(default_factory=list)
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
        self.scaled.append((color, targets))
        self.held[color] = replace(held, desired=targets, minimum=None if held.minimum is None else targets)
        self._left[color] = self.looks
        self.after(color)

    def hold(self, color: Color) -> None:
        self.before("hold")
        held = self._of(color)
        minimum = None if held.minimum is None else held.desired
        self.held[color] = replace(held, minimum=minimum, suspended=() if held.minimum is None else HELD)

    def let_go(self, color: Color, bounds: Capacity) -> None:
        self.before("let_go")
        held = self._of(color)
        minimum = None if held.minimum is None else bounds.minimum
        self.held[color] = replace(held, minimum=minimum, suspended=() if held.minimum is None else bounds.suspended)

    def release(self, color: Color) -> Release:
        self.before("release")
        self._of(color)
        return Release(self.runs[color], self.images[self.runs[color]])

    def foresee(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        self.before("foresee")
        if not change.is_for_ecs:
            raise UsageError(f"{color} runs ECS services, and an AMI is asked for")
        by = change.task_definition or self.runs[color if in_place else color.other]
        if by not in self.images:
            raise PreflightRefused(f"there is no task definition {by}")
        image = change.image or self.images[by]
        return Release(by if image == self.images[by] else "", image)

    def make(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        release = self.foresee(change, color, in_place=in_place)
        self.before("make")
        newest = list(self.images)[-1]
        if release.revision:
            return release
        if self.images[newest] == release.image:
            return replace(release, revision=newest)
        revision = f"web:{len(self.images) + 1}"
        self.images[revision] = release.image
        return replace(release, revision=revision)

    def put(self, color: Color, release: Release) -> None:
        self.before("put")
        self.puts.append((color, release.revision))
        self.runs[color] = release.revision

    def progress(self, color: Color, release: Release, since: datetime) -> Progress:
        self.before("progress")
        if self.ended is not None:
            return self.ended
        running = self.capacity(color).running
        is_wanted = self.runs[color] == release.revision
        return Progress(running) if is_wanted else Progress(0, older=running, is_settled=False)

    def replacement(self, color: Color) -> Replacement:
        self.before("replacement")
        desired = self._of(color).desired
        if self.how is None:
            raise PreflightRefused(f"what runs behind {color} is not replaced by AWS itself")
        return replace(self.how, desired=desired)

    def remarks(self) -> Sequence[str]:
        return ()

    def _of(self, color: Color) -> Capacity:
        if color not in self.held:
            raise AwsError(f"what runs behind {color} is gone")
        return self.held[color]


def a_workload(*, blue: int = 2, green: int = 0, looks: int = 0) -> FakeWorkload:
    """A workload without bounds of which so many run."""
    held = {Color.BLUE: Capacity(blue, blue), Color.GREEN: Capacity(green, green)}
    return FakeWorkload(held, looks)


def autoscaled(*, blue: int = 3, green: int = 0) -> FakeWorkload:
    """A workload with bounds, each color's minimum being what it has now."""
    counts = {Color.BLUE: blue, Color.GREEN: green}
    return FakeWorkload({color: Capacity(count, count, count, 20) for color, count in counts.items()})


def follow(world: FakeWorld, workload: FakeWorkload) -> FakeWorkload:
    """Give the world this workload: what is asked for is healthy at the next look."""

    def healthy(color: Color) -> None:
        world.health(color, *["healthy"] * workload.held[color].desired)

    workload.after = healthy
    for color in workload.held:
        healthy(color)
    world.service.workload = workload
    return workload
