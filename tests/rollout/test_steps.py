from fractions import Fraction

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.steps import (
    Analyze,
    Approve,
    Bake,
    Hook,
    Probe,
    Retire,
    Scale,
    Shift,
    Step,
    Via,
    describe,
    duration,
    percent,
)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Shift(Fraction(1, 1000)), "shift 0.1 %"),
        (Bake(5400), "bake 1h30m"),
        (Analyze(), "analyze target health"),
        (Approve(7200), "approve within 2h"),
        (Approve(60, "look at the logs"), "approve within 1m (look at the logs)"),
        (Hook("smoke", command=("./smoke.sh",)), "hook smoke"),
        (Probe("/healthz", Via.TEST_ROUTE), "probe /healthz via test-route"),
        (Scale(targets=3), "scale to 3"),
        (Scale(of_live=Fraction(1, 2)), "scale to 50 % of live"),
        (Retire(), "retire to 0"),
    ],
)
def test_a_step_is_told_in_a_few_words(step: Step, words: str) -> None:
    assert describe(step) == words


@pytest.mark.parametrize("share", [Fraction(0), Fraction(-1, 10), Fraction(11, 10)])
def test_a_shift_gives_the_new_color_something_and_not_more_than_all(share: Fraction) -> None:
    with pytest.raises(UsageError, match="above 0 % and at most 100 %"):
        Shift(share)


def test_a_hook_is_a_command_or_a_webhook_and_not_both_or_none() -> None:
    for words in ({}, {"command": ("true",), "url": "https://example.com"}):
        with pytest.raises(UsageError, match="either a command or a url"):
            Hook("h", **words)  # type: ignore[arg-type]


def test_a_scale_step_has_a_number_or_a_part_and_not_both_or_none() -> None:
    for words in ({}, {"targets": 1, "of_live": Fraction(1)}):
        with pytest.raises(UsageError, match="a number of targets, a part of the live side, or a share"):
            Scale(**words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (59, "59s"),
        (60, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (3661, "1h1m1s"),
        (90.5, "90.5s"),
    ],
)
def test_a_duration_is_written_in_its_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [("1/1000", "0.1 %"), ("1/3", "33.3333 %"), ("1", "100 %"), ("1/8", "12.5 %")]
)
def test_a_share_is_written_in_percent(share: str, text: str) -> None:
    assert percent(Fraction(share)) == text
