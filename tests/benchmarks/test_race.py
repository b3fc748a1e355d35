"""What the benchmark of races takes for a race."""

from __future__ import annotations

from tests.benchmarks import race
from tests.benchmarks.boundaries import When
from tests.benchmarks.race import TakeOver
from tests.benchmarks.test_stage import entries
from toolkit.rollout.events import Ending, RolloutEnded, RolloutStarted
from toolkit.rollout.plan import Plan
from toolkit.rollout.steps import Shift
from toolkit.traffic import Color


def test_two_rollouts_under_way_at_once_are_seen_and_one_after_the_other_is_in_order() -> None:
    started = RolloutStarted(Plan("web", "canary", Color.BLUE, (Shift(1),), ("route",)))  # type: ignore[arg-type]
    ended = RolloutEnded(Ending.PROMOTED)
    assert race._overlap(entries(started, started, ended))
    assert not race._overlap(entries(started, ended, started))


def test_strokes_and_take_overs_by_chance_are_the_same_each_time() -> None:
    assert TakeOver.by_chance(7, 40) == TakeOver.by_chance(7, 40)
    strokes = [TakeOver.by_chance(number, 40).stroke for number in range(200)]
    assert {stroke.when for stroke in strokes} == set(When)
    assert {stroke.at for stroke in strokes} > set(range(5, 36))
