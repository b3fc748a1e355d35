"""What is said before ECS replaces the live color's tasks by itself."""

from __future__ import annotations

import pytest

from toolkit.rollout.preflight import Finding, Level
from toolkit.rollout.replacing import replacing
from toolkit.rollout.rolling import Rolling
from toolkit.rollout.workload import Replacement
from toolkit.settings import OnFailure
from toolkit.traffic import Color

TAKES_BACK, PAUSES = Rolling(), Rolling(on_failure=OnFailure.PAUSE)


def found(how: Replacement, rolling: Rolling = TAKES_BACK, *, needed: int = 1, force: bool = False) -> list[Finding]:
    return list(replacing(Color.BLUE, how, rolling, needed=needed, force=force))


@pytest.mark.parametrize(
    ("how", "least", "most", "is_stuck"),
    [
        (Replacement(4), 4, 8, False),
        (Replacement(3, 50, 150), 2, 4, False),
        (Replacement(1, 50, 150), 1, 1, True),
        (Replacement(3, 100, 120), 3, 3, True),
        (Replacement(2, 100, 100), 2, 2, True),
        (Replacement(1, 0, 100), 0, 1, False),
        (Replacement(0, 100, 100), 0, 0, False),
    ],
)
def test_the_minimum_is_rounded_up_and_the_maximum_down(
    how: Replacement, least: int, most: int, is_stuck: bool
) -> None:
    assert (how.least, how.most, how.is_stuck) == (least, most, is_stuck)


def test_the_bounds_are_told_with_the_settings_they_come_of() -> None:
    (said,) = found(Replacement(2))
    assert said.level is Level.OK
    assert said.reason == (
        "ECS replaces blue's 2 tasks: 2 stay healthy and up to 4 run meanwhile "
        "(minimumHealthyPercent 100, maximumPercent 200)"
    )


def test_bounds_under_which_ecs_can_do_nothing_are_refused_whoever_insists() -> None:
    for force in (False, True):
        (said,) = found(Replacement(2, 100, 100), force=force)
        assert said.level is Level.REFUSED
        assert said.reason.startswith("of blue's 2 tasks 2 have to stay healthy and 2 may run at most")


def test_that_nobody_may_serve_meanwhile_is_warned_of() -> None:
    _, said = found(Replacement(1, 0, 200))
    assert said.level is Level.WARNING
    assert "may stop all of blue's 1 task before another one is healthy, so nobody may serve" in said.reason


@pytest.mark.parametrize(("force", "level"), [(False, Level.REFUSED), (True, Level.WARNING)])
def test_fewer_than_the_gates_ask_for_are_refused_unless_somebody_insists(force: bool, level: Level) -> None:
    _, said = found(Replacement(4, 50, 100), needed=3, force=force)
    assert (said.level, "keeps only 2 of blue's 4 tasks healthy" in said.reason) == (level, True)


@pytest.mark.parametrize(
    ("how", "rolling", "level", "words"),
    [
        (Replacement(2, gives_up=True), TAKES_BACK, Level.OK, "ECS gives it up, the rollout has it go back"),
        (Replacement(2, gives_up=True, goes_back=True), TAKES_BACK, Level.OK, "ECS goes back by itself, and"),
        (
            Replacement(2, gives_up=True, goes_back=True),
            PAUSES,
            Level.WARNING,
            "to pause, and blue's ECS service",
        ),
    ],
)
def test_what_ecs_does_where_it_fails_is_told(how: Replacement, rolling: Rolling, level: Level, words: str) -> None:
    _, said = found(how, rolling)
    assert (said.level, words in said.reason) == (level, True)
