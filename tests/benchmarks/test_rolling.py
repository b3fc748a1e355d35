"""What the benchmark of rolling releases takes for success and for failure; for real, one that drains nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.rolling import measure
from tests.benchmarks.rolling_report import Kind, Release, figures, missed, plan
from toolkit.lab.load.result import LoadResult, Tally

OLD, NEW = ("1.0.0",) * 3, ("2.1.0",) * 3
ROW = (
    Release(1, Kind.GOOD, "2.1.0", 0, 12.0, OLD, NEW, 3, began=0.0, ended=10.0, requests=0, failed=0),
    Release(2, Kind.DEAD, "2.2.0-dead", 32, 6.0, NEW, NEW, 1, began=10.0, ended=20.0, requests=0, failed=0),
    Release(3, Kind.ERRORS, "2.3.0-errors", 32, 9.0, NEW, NEW, 1, began=20.0, ended=30.0, requests=0, failed=2),
)
OWN = ((23.0, "errors", 500), (24.0, "errors", 500))


def load(*bad: tuple[float, str, int], resets: tuple[float, ...] = (), spoilt: tuple[float, float] = (22, 25)) -> Any:
    """100 requests a second for 30 s, of which the version with errors answers one in three while `spoilt`."""
    tally = Tally(began=0.0, bucket_seconds=0.01)
    for number in range(3000):
        at = number / 100
        is_spoilt = spoilt[0] <= at < spoilt[1] and number % 3 == 0
        tally.answer(at, at + 0.002, 200, "errors" if is_spoilt else "blue", "")
    for at, color, status in bad:
        tally.answer(at, at + 0.002, status, color, "")
    for at in resets:
        tally.failure("reset", "closed", at, at)
    return tally.result(now=30.0)


def faults(result: LoadResult, *row: Release) -> list[str]:
    """The keys of the goals that are missed."""
    return [each.partition(" ")[0] for each in missed(figures(row or ROW, result), releases=3)]


def test_two_of_a_row_are_bad_and_they_do_not_stand_at_its_ends() -> None:
    assert [kind.value for kind in plan(10)] == [
        *["good"] * 3, "dead", *["good"] * 2, "errors", *["good"] * 3,
    ]  # fmt: skip


def test_a_row_in_which_only_the_bad_batch_has_failed_reaches_the_goal() -> None:
    shown = figures(ROW, load(*OWN))
    assert (shown["completed"], shown["taken_back"], shown["seconds_p50"]) == (1, 2, 12.0)
    assert (shown["failed_requests"], shown["failed_requests_bad"], shown["failures"]) == (0, 2, [])
    assert faults(load(*OWN)) == []


@pytest.mark.parametrize(
    ("bad", "resets"),
    [([(5.0, "blue", 503)], ()), ([(24.0, "blue", 500)], ()), ([(15.0, "", 502)], ()), ([], (3.0,)), ([], (24.0,))],
    ids=["while good", "at another target", "at the dead one", "reset", "reset while bad"],
)
def test_a_failure_elsewhere_than_at_the_bad_batch_misses_the_goal(
    bad: list[tuple[float, str, int]], resets: tuple[float, ...]
) -> None:
    shown = figures(ROW, load(*OWN, *bad, resets=resets))
    assert shown["failed_requests"] == 1
    assert faults(load(*OWN, *bad, resets=resets)) == ["failed_requests"]


def test_more_failures_than_its_error_rate_explains_miss_the_goal() -> None:
    many = [(23 + number / 100, "errors", 500) for number in range(150)]
    assert faults(load(*many)) == ["failed_requests_bad"]


def test_a_bad_version_that_answers_before_or_after_its_release_misses_the_goal() -> None:
    assert faults(load(*OWN, (15.0, "errors", 200))) == ["requests_at_bad_elsewhere"]
    assert faults(load(spoilt=(0, 0))) == ["requests_at_bad"]


@pytest.mark.parametrize(
    ("release", "key"),
    [
        (replace(ROW[0], code=32), "completed"),
        (replace(ROW[0], after=("2.1.0", "2.1.0", "1.0.0")), "completed"),
        (replace(ROW[1], code=0), "taken_back"),
        (replace(ROW[1], after=("2.1.0", "2.1.0", "dead")), "taken_back"),
        (replace(ROW[2], after=("2.1.0", "2.1.0", "2.3.0-errors")), "taken_back"),
        (replace(ROW[2], reached=2), "targets_of_bad"),
    ],
)
def test_a_release_that_does_not_stand_as_it_says_is_no_success(release: Release, key: str) -> None:
    row = [release if each.number == release.number else each for each in ROW]
    assert faults(load(*OWN), *row) == [key]


def test_a_row_that_was_broken_off_misses_the_goal() -> None:
    assert faults(load(*OWN), *ROW[:2])


@pytest.mark.lab
@pytest.mark.slow
def test_targets_that_are_not_drained_are_noticed() -> None:
    shown = measure([Kind.GOOD], drains=False)
    assert shown["completed"] == 1, shown
    assert shown["failed_requests"] > 0, "requests were under way at every target that was killed"
    assert any(fault.startswith("failed_requests is") for fault in missed(shown, releases=1)), shown
