"""The picture of a rollout: one line a step, what is watched, and who may advance it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from tests.cli.test_rollout_words import BACK, BAKING, BOB, PLAN, state
from tests.support.fakes import NOON
from toolkit.cli.rollout_picture import picture
from toolkit.rollout.events import Ending, GateFailed, RolloutEnded, RolloutStarted, RunnerPaused, Stuck
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Bake, Shift
from toolkit.traffic import Color

SEEN = {Color.BLUE: (3, 3), Color.GREEN: (2, 3)}


def drawn(shown: RolloutState, *, seconds: float = 33, room: int = 40) -> list[str]:
    return [line.text for line in picture(shown, SEEN, BOB, NOON + timedelta(seconds=seconds), room)]


def test_each_step_has_a_line_and_the_one_under_way_says_how_long_it_takes() -> None:
    assert drawn(state(*BAKING)) == [
        "web-1  canary, blue to green: baking",
        "  ok   1  shift 20 %          blue 80 / green 20",
        "  >>   2  bake 5m             4m30s left",
        "       3  approve within 10m",
        "       4  shift 100 %         blue 0 / green 100",
        "  health  blue 3 healthy of 3, green 2 healthy of 3",
        "  gates   target health, probe /healthz via route every 10s, hook smoke every 10s",
        "  lease   bob on here (process 7)",
    ]


def test_a_step_without_an_end_of_its_own_says_since_when() -> None:
    assert drawn(state(*BAKING[:3]))[1] == "  >>   1  shift 20 %          blue 80 / green 20, since 32s"


def test_a_bake_whose_time_is_up_is_ending() -> None:
    assert drawn(state(*BAKING), seconds=303)[2].endswith("  ending")


def test_before_the_checks_no_step_is_under_way() -> None:
    assert not any(">>" in line for line in drawn(state(BAKING[0])))


def test_a_rollout_that_stands_still_or_goes_back_says_why() -> None:
    for event, words, mark in (
        (RunnerPaused("Ctrl-C"), "paused", "||"),
        (Stuck("blue is sick"), "halted", "!!"),
        (GateFailed(1, "health", "green fell"), "rolling back", "!!"),
    ):
        title, why, _, step, *_ = drawn(state(*BAKING, event))
        assert title.endswith(f": {words}")
        assert why.strip() in {"Ctrl-C", "blue is sick", "health: green fell"}
        assert step == f"  {mark}   2  bake 5m"


def test_a_rollout_that_is_over_counts_nothing_down() -> None:
    lines = drawn(state(*BAKING, RolloutEnded(Ending.PROMOTED)))
    assert lines[0].endswith(": promoted")
    assert not any(" left" in line for line in lines)


def test_the_lease_is_shown_while_it_is_held() -> None:
    for events, held in (
        ((), True),
        ((RunnerPaused("bob", leaves=False),), True),
        ((RunnerPaused("Ctrl-C"),), False),
        ((Stuck("blue is sick"),), False),
        ((RolloutEnded(Ending.PROMOTED),), False),
    ):
        assert any("lease" in line for line in drawn(state(*BAKING, *events))) is held


def test_health_that_nobody_has_seen_is_not_made_up() -> None:
    lines = picture(state(*BAKING), {}, BOB, NOON, 40)
    assert "  health  not looked at yet" in [line.text for line in lines]


def test_a_long_plan_shows_the_steps_around_the_one_under_way_and_counts_the_rest() -> None:
    steps = tuple(step for part in range(1, 101) for step in (Shift(Fraction(part, 100)), Bake(60)))
    long = replace(PLAN, steps=steps)
    begun = state(RolloutStarted(long), *BAKING[1:3])
    for under_way in (0, 100, 199):
        lines = drawn(replace(begun, step=under_way), room=20)
        assert len(lines) <= 20
        assert any(line.lstrip("> ").startswith(f"{under_way + 1}  ") for line in lines)
        before = sum(int(line.split()[0]) for line in lines if line.endswith("done before"))
        after = sum(int(line.split()[0]) for line in lines if line.endswith(" more"))
        shown = sum("shift " in line or "bake " in line for line in lines)
        assert before + shown + after == 200


def test_the_hooks_that_run_beside_the_steps_have_a_line_while_they_do() -> None:
    assert "  hooks   on-rollback: hook page" in drawn(state(*BACK))
    assert not any("hooks  " in line for line in drawn(state(*BAKING)))
