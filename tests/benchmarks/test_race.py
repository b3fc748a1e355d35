"""What the benchmark of races takes for a race."""

from __future__ import annotations

from tests.benchmarks import race
from tests.benchmarks.boundaries import When
from tests.benchmarks.race import How, TakeOver
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


def test_take_overs_by_chance_are_the_same_each_time_and_of_every_kind() -> None:
    calls = [*["Query"] * 10, "ModifyRule", *["Query"] * 10]
    drawn = [TakeOver.by_chance(number, "canary", calls) for number in range(300)]
    assert drawn == [TakeOver.by_chance(number, "canary", calls) for number in range(300)]
    strokes = [case.stroke for case in drawn if case.stroke is not None]
    assert {case.how for case in drawn} == set(How)
    assert {stroke.when for stroke in strokes} == set(When)
    assert len(strokes) < 300
    assert sum((stroke.at, stroke.operation) == (1, "ModifyRule") for stroke in strokes) > len(strokes) / 3
    assert all(case.stroke is not None for case in drawn if case.how is How.RESUME)
