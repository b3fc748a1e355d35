"""The deployments of one service: a new one begins, completes, fails, or goes back to the last good one."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.lab.compute.ecs.model import Breaker, Definition, Rollout, Wish, pause_after
from toolkit.lab.compute.ecs.words import BREAKER, Narrator, completed, in_progress, rolling_back

_TELL_AFTER = 3  # launches in a row that came to nothing


@dataclass(slots=True)
class Deployment:
    """One deployment; the newest of a service is PRIMARY, those before it ACTIVE.

    Attributes:
        failed: tasks that failed; counted anew when the first one runs and when one gets healthy, unless the circuit
            breaker is told to count all.
        rounds: launches in a row that came to nothing, for the growing pauses.
        next_launch: no new task before this time.
        has_run: whether one of its tasks has ever run.
        told: whether the service's events tell of these failures.
    """

    id: str
    definition: Definition
    desired: int
    created: float
    updated: float
    reason: str
    rollout: Rollout = Rollout.IN_PROGRESS
    failed: int = 0
    rounds: int = 0
    next_launch: float = 0.0
    has_run: bool = False
    told: bool = False

    def may_launch(self, now: float) -> bool:
        """Whether new tasks may be started now. A failed deployment starts none."""
        return self.rollout is not Rollout.FAILED and now >= self.next_launch

    def launched(self) -> None:
        """Note that tasks were started."""
        if self.next_launch:
            self.rounds += 1

    def failed_to_start(self, now: float, time_scale: float) -> bool:
        """Count a task that never ran; True if the service's events should tell of it."""
        self.failed += 1
        self.next_launch = now + pause_after(self.rounds + 1) * time_scale
        tell = self.rounds + 1 >= _TELL_AFTER and not self.told
        self.told = self.told or tell
        return tell

    def succeeded(self, *, resets: bool) -> None:
        """Note that a task runs. resets: it lets the failures be counted anew, where it is the first."""
        self.rounds, self.next_launch, self.told = 0, 0.0, False
        if resets and not self.has_run:
            self.failed = 0
        self.has_run = True


class Deployments:
    """All that are listed, the newest first."""

    def __init__(self) -> None:
        self._all: list[Deployment] = []
        self._last_good: Deployment | None = None

    def __iter__(self) -> Iterator[Deployment]:
        return iter(self._all)

    @property
    def primary(self) -> Deployment | None:
        return self._all[0] if self._all else None

    @property
    def is_settled(self) -> bool:
        """Whether the only one there is has completed."""
        return [one.rollout for one in self._all] == [Rollout.COMPLETED]

    def get(self, deployment: str) -> Deployment | None:
        return next((one for one in self._all if one.id == deployment), None)

    def begin(self, definition: Definition, desired: int, now: float) -> Deployment:
        """Start a deployment; it is the primary one from now on."""
        fresh = f"ecs-svc/{random.randrange(10**18, 10**19)}"  # noqa: S311  an id, not a secret
        begun = Deployment(fresh, definition, desired, now, now, in_progress(fresh))
        self._all.insert(0, begun)
        return begun

    def retire(self, with_tasks: set[str]) -> None:
        """Let go of the older ones that have no task any more; a failed one stays until its successor is done."""
        primary = self.primary
        self._all = [
            one
            for one in self._all
            if one is primary
            or one.id in with_tasks
            or (one.rollout is Rollout.FAILED and primary is not None and primary.rollout is Rollout.IN_PROGRESS)
        ]

    def complete(self, now: float) -> bool:
        """All is as wished: complete the primary one, if nothing of the others is left. True if that is news."""
        primary = self.primary
        if primary is None or primary.rollout is not Rollout.IN_PROGRESS:
            return False
        if any(one.rollout is not Rollout.FAILED for one in self._all[1:]):
            return False
        self._all = [primary]
        primary.rollout, primary.reason, primary.updated = Rollout.COMPLETED, completed(primary.id), now
        primary.failed = 0
        self._last_good = primary
        return True

    def break_off(self, wish: Wish, breaker: Breaker, now: float, say: Narrator) -> list[str]:
        """Give the primary one up if too many of its tasks failed; the events that tell of it."""
        failed = self.primary
        if failed is None or failed.rollout is not Rollout.IN_PROGRESS:
            return []
        if failed.failed < breaker.gives_up_after(wish.desired):
            return []
        failed.rollout, failed.reason, failed.updated = Rollout.FAILED, BREAKER, now
        good = self._last_good
        if not breaker.rollback or good is None or good is failed:
            return [say.failed(failed.id)]
        self._go_back(good, wish, now)
        return [say.failed(failed.id), say.rolling_back(good.id)]

    def _go_back(self, good: Deployment, wish: Wish, now: float) -> None:
        """Make the last good one primary again, with the tasks it still has, or one like it."""
        if good in self._all:
            self._all.remove(good)
            self._all.insert(0, good)
            good.rollout, good.updated, good.failed = Rollout.IN_PROGRESS, now, 0
            again = good
        else:
            again = self.begin(good.definition, wish.desired, now)
        again.reason = rolling_back(good.id)
