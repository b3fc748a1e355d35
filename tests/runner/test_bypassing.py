"""When requests came past the split, as far as looks at the rules can tell, and how it is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fakes import NOON, PREFIX, FakeWorld, a_world
from toolkit.analysis.verdict import Outcome
from toolkit.errors import AwsUnreachable
from toolkit.rollout.bypass import Rule
from toolkit.rollout.preview import Condition
from toolkit.runner.bypassing import BypassWatch
from toolkit.traffic import Color

START = int(NOON.timestamp()) // 60
LISTENER = f"{PREFIX}:listener/app/web/1/2"


def a_rule(world: FakeWorld, priority: int, **weights: int) -> Rule:
    groups = world.service.contract.target_groups
    return Rule(
        arn=f"{PREFIX}:listener-rule/app/web/1/2/{priority}",
        listener_arn=LISTENER,
        protocol="HTTP",
        port=80,
        priority=priority,
        conditions=(Condition("path-pattern", (f"/{priority}",)),),
        weights={groups[Color(color)].arn: weight for color, weight in weights.items()},
    )


def touched(seen: list[bool | None]) -> list[int]:
    """The minutes of the first eight that may have such requests; looks are at 30 s of each. None: the look failed."""
    world = a_world()
    watch = BypassWatch(world.service)

    def fail() -> None:
        raise AwsUnreachable("no answer")

    for minute, stood in enumerate(seen):
        world.rules.before = fail if stood is None else lambda: None
        world.rules.rules = [a_rule(world, 5, green=1)] if stood else []
        try:
            watch.look(NOON + timedelta(minutes=minute, seconds=30))
        except AwsUnreachable:
            assert stood is None
    return [minute for minute in range(8) if watch.touches(START + minute)]


@pytest.mark.parametrize(
    ("seen", "minutes"),
    [
        ([False] * 8, []),
        ([False, False, False, True, False, False], [2, 3, 4]),
        ([True, True, False], [0, 1, 2]),
        ([False, False, True], [1, 2, 3, 4, 5, 6, 7]),
        ([False, True, False, False, False, True, False], [0, 1, 2, 4, 5, 6]),
        ([False, None, False], []),
        ([False, None, True, None, False], [0, 1, 2, 3, 4]),
    ],
)
def test_minutes_between_the_looks_before_and_after_are_touched(seen: list[bool | None], minutes: list[int]) -> None:
    assert touched(seen) == minutes


def test_what_stands_is_named_and_many_are_counted() -> None:
    world = a_world()
    world.rules.rules = [a_rule(world, 2, green=1), a_rule(world, 1, blue=1, green=3)]
    verdict = BypassWatch(world.service).look(NOON)
    assert verdict is not None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == (
        "rule 1 of the HTTP listener on port 80 (path /1) sends requests to blue and green; "
        "rule 2 of the HTTP listener on port 80 (path /2) sends requests to green, past the split, "
        "so blue and green are not under the same load; "
        "remove them until the rollout is over, or make them part of the contract"
    )
    world.rules.rules = [a_rule(world, priority, green=1) for priority in range(1, 6)]
    verdict = BypassWatch(world.service).look(NOON)
    assert verdict is not None
    assert "; so do 2 more, past the split" in verdict.reason
    assert "rule 4" not in verdict.reason


def test_without_any_there_is_nothing_to_say() -> None:
    assert BypassWatch(a_world().service).look(NOON) is None
