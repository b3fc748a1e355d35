"""How many tasks to start and which to stop next: the rolling update of ECS. Pure.

Source: API_DeploymentConfiguration. The minimum is rounded up, the maximum down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """One task that nobody has told to stop: of the primary deployment or an older one, ready or on its way."""

    id: str
    is_primary: bool
    is_ready: bool
    is_running: bool
    created: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """`desired` tasks in the end; meanwhile at least `least` ready ones and at most `most` in all."""

    desired: int
    least: int
    most: int

    @classmethod
    def of(cls, desired: int, minimum_percent: int, maximum_percent: int) -> "Bounds":
        return cls(desired, -(-desired * minimum_percent // 100), desired * maximum_percent // 100)

    @property
    def is_stuck(self) -> bool:
        """Whether no task of another deployment may be stopped and none started in its place."""
        return 0 < self.most <= self.desired <= self.least


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: start so many tasks of the primary deployment, stop these."""

    start: int = 0
    stop: tuple[str, ...] = ()


def next_step(bounds: Bounds, tasks: Sequence[Standing]) -> Step:
    """The next step towards `desired` ready tasks of the primary deployment and none of another."""
    new = [task for task in tasks if task.is_primary]
    start = max(0, min(bounds.desired - len(new), bounds.most - len(tasks)))
    surplus = _worst_first(new, youngest_first=True)[: max(0, len(new) - bounds.desired)]
    return Step(start, tuple(task.id for task in (*surplus, *_leaving(bounds, tasks, surplus))))


def _leaving(bounds: Bounds, tasks: Sequence[Standing], surplus: Iterable[Standing]) -> list[Standing]:
    """The older deployments' tasks that can go: those that do not run yet, and what is ready above the least.

    One that runs and is not ready adds nothing to what is ready, so it goes as soon as the least is there without it.
    """
    going = {task.id for task in surplus}
    old = [task for task in tasks if not task.is_primary]
    spare = sum(task.is_ready for task in tasks if task.id not in going) - bounds.least
    starting = [task for task in old if not task.is_running]
    sick = [task for task in old if task.is_running and not task.is_ready] if spare >= 0 else []
    ready = _worst_first([task for task in old if task.is_ready], youngest_first=False)
    return [*starting, *sick, *ready[: max(0, spare)]]


def _worst_first(tasks: Iterable[Standing], *, youngest_first: bool) -> list[Standing]:
    """Those on their way before those that run, those that are sick before the healthy."""
    sign = -1 if youngest_first else 1
    return sorted(tasks, key=lambda task: (task.is_ready, task.is_running, sign * task.created, task.id))
