"""What the benchmark of deployments takes for a release gone well, and for a failure; a short row for real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.benchmarks.deploy import measure
from tests.benchmarks.deploy_report import Kind, Release, figures, missed, most_of, plan
from toolkit.lab.load.result import LoadResult, Tally

SHARE = 0.1
ROW = (
    Release(1, Kind.GOOD, 0, 12.0, "green", "green", 20, 20, began=0.0, ended=10.0, requests=0, failed=0),
    Release(2, Kind.CRASH, 32, 6.0, "blue", "green", 0, 20, began=10.0, ended=20.0, requests=0, failed=0),
    Release(3, Kind.ERRORS, 32, 9.0, "blue", "green", 0, 20, began=20.0, ended=30.0, requests=0, failed=3),
)


def load(*bad: tuple[float, str, int], resets: tuple[float, ...] = ()) -> LoadResult:
    """100 requests a second for 30 s, of which blue answers one in ten from 22 to 27. bad: at, color, status."""
    tally = Tally(began=0.0, bucket_seconds=0.01)
    for number in range(3000 - len(bad)):
        at = number / 100
        color = "blue" if at < 5 or (22 <= at < 27 and number % 10 == 0) else "green"
        tally.answer(at, at + 0.002, 200, color, "")
    for at, color, status in bad:
        tally.answer(at, at + 0.002, status, color, "")
    for at in resets:
        tally.failure("reset", "closed", at, at)
    return tally.result(now=30.0)


OWN = ((23.0, "blue", 500), (24.0, "blue", 500), (25.0, "blue", 500))


def document(result: LoadResult, *row: Release) -> dict[str, Any]:
    return figures(row or ROW, result, share=SHARE)


def test_two_of_a_row_are_bad_and_they_do_not_stand_at_its_ends() -> None:
    assert [kind.value for kind in plan(10)] == [
        *["good"] * 3, "crash", *["good"] * 2, "errors", *["good"] * 3,
    ]  # fmt: skip
    assert all(sorted(each.value for each in plan(many)).count("good") == many - 2 for many in range(3, 51))


def test_a_row_in_which_only_the_bad_release_has_failed_reaches_the_goal() -> None:
    shown = document(load(*OWN))
    assert (shown["promoted"], shown["rolled_back"], shown["seconds_p50"]) == (1, 2, 12.0)
    assert (shown["failed_requests_good"], shown["failed_requests_bad"]) == (0, 3)
    assert (shown["requests_at_crashed"], shown["failures"]) == (0, [])
    assert 490 <= shown["requests_during_canary"] <= 510
    assert missed(shown, releases=3) == []


@pytest.mark.parametrize(
    ("bad", "resets"),
    [
        ([(5.0, "green", 503)], ()),
        ([(15.0, "green", 500)], ()),
        ([(15.0, "blue", 500)], ()),
        ([], (3.0,)),
        ([], (24.0,)),
        ([(24.0, "", 502)], ()),
    ],
    ids=["while good", "while it crashes", "at the one that crashes", "reset", "reset in the canary", "no target"],
)
def test_a_failure_elsewhere_than_at_the_bad_release_misses_the_goal(
    bad: list[tuple[float, str, int]], resets: tuple[float, ...]
) -> None:
    row = (*ROW[:2], replace(ROW[2], failed=3 + sum(at >= 20 for at in (*(each[0] for each in bad), *resets))))
    shown = document(load(*OWN, *bad, resets=resets), *row)
    assert shown["failed_requests_good"] == 1
    assert any("failed_requests_good is 1" in fault for fault in missed(shown, releases=3))


def test_more_failures_than_a_canarys_share_explains_miss_the_goal() -> None:
    many = [(23 + number / 100, "blue", 500) for number in range(40)]
    shown = document(load(*many), *ROW[:2], replace(ROW[2], failed=40))
    assert shown["failed_requests_good"] == 0
    assert [fault.partition(" ")[0] for fault in missed(shown, releases=3)] == ["failed_requests_bad"]
    assert most_of(0, 0.01) == 5
    assert most_of(10_000, 0.01) == 155


def test_a_request_at_the_release_that_crashed_misses_the_goal() -> None:
    shown = document(load(*OWN, (15.0, "blue", 200)))
    assert [fault.partition(" ")[0] for fault in missed(shown, releases=3)] == ["requests_at_crashed"]


@pytest.mark.parametrize(
    ("release", "key"),
    [
        (replace(ROW[0], code=32), "promoted"),
        (replace(ROW[0], live="blue"), "promoted"),
        (replace(ROW[0], answered_by_new=19), "promoted"),
        (replace(ROW[1], code=0), "rolled_back"),
        (replace(ROW[1], live="blue"), "rolled_back"),
        (replace(ROW[1], live="both"), "rolled_back"),
        (replace(ROW[1], answered_by_new=1), "rolled_back"),
    ],
)
def test_a_release_that_does_not_stand_as_it_says_is_no_success(release: Release, key: str) -> None:
    row = [release if each.number == release.number else each for each in ROW]
    assert [fault.partition(" ")[0] for fault in missed(document(load(*OWN), *row), releases=3)] == [key]


def test_a_row_that_was_broken_off_or_that_never_saw_errors_misses_the_goal() -> None:
    assert missed(document(load(*OWN), *ROW[:2]), releases=3)
    quiet = Tally(began=0.0, bucket_seconds=0.01)
    shown = document(quiet.result(now=30.0), *ROW[:2], replace(ROW[2], failed=0))
    assert [fault.partition(" ")[0] for fault in missed(shown, releases=3)] == ["requests_at_bad"]
    assert missed(shown | {"judge": "probe"}, releases=3) == [], "a probe may be faster than the first request"


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("workload", ["ecs", "asg"])
def test_a_short_row_for_real_reaches_the_goal(workload: str) -> None:
    shown = measure(3, workload, "probe")
    assert missed(shown, releases=3) == [], shown
