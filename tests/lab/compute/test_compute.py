"""The loop over the controllers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from toolkit.lab.compute import Compute, Pool


class FakePool:
    def __init__(self) -> None:
        self.advanced = 0
        self.closed = False

    def advance(self) -> None:
        self.advanced += 1

    def close(self) -> None:
        self.closed = True


class Good:
    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.has_ticked = threading.Event()

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        self.has_ticked.set()

    def reset(self) -> None:
        self.ticks.clear()


class Broken(Good):
    """One that fails until it is mended."""

    is_broken = True

    def tick(self, now: float) -> None:
        if self.is_broken:
            raise ValueError("no subnet")
        super().tick(now)


def test_a_controller_that_fails_is_told_of_and_keeps_no_other_from_its_work() -> None:
    broken, good = Broken(), Good()
    compute = Compute(cast("Pool", FakePool()), (broken, good))
    compute.tick(1.0)
    assert compute.failures == ("Broken: ValueError: no subnet",)
    assert good.ticks == [1.0]
    broken.is_broken = False
    compute.tick(2.0)
    assert not compute.failures
    assert broken.ticks == [2.0]


def test_the_patches_are_in_force_for_a_while() -> None:
    in_force: list[str] = []

    @contextmanager
    def patch(name: str) -> Iterator[None]:
        in_force.append(name)
        yield
        in_force.remove(name)

    compute = Compute(cast("Pool", FakePool()), (), patches=(patch("ecs"), patch("asg")))
    with compute.installed():
        assert in_force == ["ecs", "asg"]
    assert in_force == []


def test_it_looks_by_itself_until_it_is_stopped() -> None:
    pool, good = FakePool(), Good()
    compute = Compute(cast("Pool", pool), (good,), clock=lambda: 7.0)
    compute.start()
    assert good.has_ticked.wait(10)
    compute.stop()
    seen = len(good.ticks)
    assert set(good.ticks) == {7.0}
    assert pool.closed
    assert pool.advanced == seen
    compute.stop()
