"""Verdicts: what fails, what passes, what is left open and why."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.making import Both, first_fail, looks, minute, series, traffic
from toolkit.analysis.judge import Analysis, judge
from toolkit.analysis.policy import Metric, Policy, Threshold
from toolkit.analysis.series import Sample, first_warm, last_settled
from toolkit.analysis.verdict import Outcome
from toolkit.errors import UsageError
from toolkit.traffic import Color

ONLY = Policy()
GOOD: Both = (750, 7, 2250, 22)
BAD: Both = (750, 75, 2250, 22)

requests = st.integers(1, 3000)
a_minute = st.tuples(requests, st.integers(0, 60), requests, st.integers(0, 60)).map(
    lambda each: (each[0], min(each[0], each[1]), each[2], min(each[2], each[3]))
)


def test_a_release_that_is_worse_fails_with_the_numbers_behind_it() -> None:
    *_, last = looks([BAD] * 5)
    assert last.outcome is Outcome.FAIL
    assert last.reason == (
        "green fails requests 10\u00d7 as often as blue (150 of 1,500 against 44 of 4,500; "
        "p \u2264 0.000003 at any time, limit 0.01)"
    )


def test_one_minute_fails_nobody() -> None:
    first, second, *_ = looks([(3000, 3000, 57_000, 5)] * 3)
    assert (first.outcome, second.outcome) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    assert first.reason.endswith("which would do if it lasted, but a burst looks like this too")


def test_a_failure_is_final() -> None:
    *_, last = looks([BAD] * 5 + [GOOD] * 100)
    assert last.outcome is Outcome.FAIL


def test_a_release_as_good_as_the_live_side_passes_and_says_below_what_it_is() -> None:
    *_, last = looks([GOOD] * 10)
    assert last.outcome is Outcome.PASS
    assert "(70 of 7,500 against 220 of 22,500; below 2\u00d7 blue's rate plus 0.1 %" in last.reason


def test_a_service_without_errors_passes_by_its_requests() -> None:
    verdicts = list(looks([(500, 0, 9500, 0)] * 20))
    assert verdicts[0].outcome is Outcome.INCONCLUSIVE
    assert verdicts[-1].outcome is Outcome.PASS
    assert "neither color failed a request" in verdicts[-1].reason


def test_nothing_passes_before_three_minutes() -> None:
    one, two, three = looks([(50_000, 0, 50_000, 0)] * 3)
    assert [each.outcome for each in (one, two, three)] == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Outcome.PASS]
    assert "3 minutes are the least" in two.reason


def test_an_excess_that_does_not_matter_fails_nobody() -> None:
    minutes = [(100_000, 30, 300_000, 9)] * 10
    assert first_fail(minutes) < 10
    *_, last = looks(minutes, Policy(excess=0.001, safe_excess=0.0001))
    assert last.outcome is Outcome.INCONCLUSIVE
    assert "not shown to be by more than 0.1 % of its requests" in last.reason


def test_without_requests_there_is_no_verdict_and_the_reason_is_said() -> None:
    for minutes in ([], [(0, 0, 3000, 3)] * 9, [(3000, 3, 0, 0)] * 9):
        verdict = judge(series(minutes), ONLY, Color.BLUE)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "have not both had requests under one split in any minute yet" in verdict.reason


def test_data_that_end_are_no_pass() -> None:
    samples = series([GOOD] * 10)
    analysis = Analysis(ONLY, Color.BLUE)
    assert analysis.look(samples, 9).outcome is Outcome.PASS
    assert analysis.look([], 13).outcome is Outcome.PASS
    stale = analysis.look([], 14)
    assert (stale.outcome, stale.reason) == (
        Outcome.INCONCLUSIVE,
        "for 5 minutes, green and blue have not both had requests",
    )


def test_a_metric_that_has_no_data_is_no_pass() -> None:
    verdict = judge(series([GOOD] * 10), Policy(metrics=(Metric.ERRORS, Metric.SLOW)), Color.BLUE)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "there are no data on slow, which the policy asks for"


def test_a_sick_live_side_is_reported_and_excuses_nothing() -> None:
    alike = judge(series([(750, 150, 2250, 450)] * 30), ONLY, Color.BLUE)
    assert alike.outcome is Outcome.INCONCLUSIVE
    assert alike.reason.startswith("blue, the live side, is sick itself: it fails requests 20 % of the time")
    worse = judge(series([(750, 600, 2250, 450)] * 30), ONLY, Color.BLUE)
    assert worse.outcome is Outcome.FAIL
    assert "is sick itself" in worse.reason


def test_each_minute_is_taken_in_once_however_it_grows_afterwards() -> None:
    analysis = Analysis(ONLY, Color.BLUE)
    for at in range(10):
        analysis.look(minute(at, GOOD), at)
    before = analysis.look([], 9)
    assert analysis.look([sample for at in range(10) for sample in minute(at, BAD)], 9) == before


def test_minutes_that_have_not_settled_wait() -> None:
    analysis = Analysis(ONLY, Color.BLUE)
    samples = series([BAD] * 10)
    assert analysis.look(samples, 0).outcome is Outcome.INCONCLUSIVE
    assert analysis.newest == 0
    assert analysis.look(samples, 9).outcome is Outcome.FAIL


def test_whoever_takes_over_comes_to_the_same_verdict() -> None:
    minutes = traffic(random.Random(4), ratio=2.2, minutes=40)
    *_, watched = looks(minutes)
    assert judge(series(minutes), ONLY, Color.BLUE) == watched


def test_the_other_color_may_be_the_live_one() -> None:
    swapped = [(blue, bad, green, green_bad) for green, green_bad, blue, bad in [BAD] * 5]
    assert judge(series(swapped), ONLY, Color.GREEN).reason.startswith("blue fails requests 10\u00d7 as often as green")


def test_minutes_whose_colors_had_different_splits_are_not_compared() -> None:
    samples = [
        Sample(at, color, 1000, 100 if color is Color.GREEN else 1, split=str(color))
        for at in range(9)
        for color in Color
    ]
    assert judge(samples, ONLY, Color.BLUE).outcome is Outcome.INCONCLUSIVE


def test_a_load_that_changes_with_the_split_is_no_difference_between_the_colors() -> None:
    """Simpson's paradox: green gets its traffic while everything fails more; pooled, it looks 19 times as bad."""
    minutes: list[Both] = [(30, 0, 2970, 3)] * 30 + [(2970, 59, 30, 1)] * 30
    assert first_fail(minutes) > 60


def test_a_regression_under_the_second_split_is_seen() -> None:
    analysis = Analysis(ONLY, Color.BLUE)
    for at in range(60):
        analysis.look(minute(at, (150, 1, 2850, 19), split="95/5"), at)
    outcomes = [analysis.look(minute(at, (1500, 90, 1500, 10), split="50/50"), at).outcome for at in range(60, 70)]
    assert outcomes.index(Outcome.FAIL) <= 8


def test_alpha_is_divided_and_the_report_says_how() -> None:
    samples = [
        Sample(at, color, 1000, 10 if color is Color.BLUE else 100, slow=10) for at in range(5) for color in Color
    ]
    verdict = judge(samples, Policy(metrics=(Metric.ERRORS, Metric.SLOW)), Color.BLUE)
    assert "limit 0.005, 1 % over 2 metrics" in verdict.reason


def test_slow_requests_are_judged_like_bad_ones() -> None:
    samples = [
        Sample(at, color, 1000, 1, slow=10 if color is Color.BLUE else 100) for at in range(5) for color in Color
    ]
    verdict = judge(samples, Policy(metrics=(Metric.ERRORS, Metric.SLOW)), Color.BLUE)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("green is slow 10\u00d7 as often as blue")


# Thresholds


def test_a_threshold_once_fails_at_the_first_minute_above_it() -> None:
    policy = Policy(compare=False, thresholds=(Threshold(Metric.ERRORS, 0.01),))
    assert first_fail([(1000, 10, 1000, 0), (1000, 11, 1000, 0)], policy) == 2


def test_a_threshold_of_three_wants_three_in_a_row() -> None:
    policy = Policy(compare=False, thresholds=(Threshold(Metric.ERRORS, 0.01, times=3),))
    over, under = (1000, 20, 1000, 20), (1000, 1, 1000, 1)
    assert first_fail([over, over, under, over, over, over], policy) == 6
    *_, last = looks([over, over, under], policy)
    assert (last.outcome, last.reason) == (Outcome.PASS, "green passed no threshold")


def test_a_minute_with_few_requests_neither_counts_nor_ends_a_row() -> None:
    policy = Policy(compare=False, thresholds=(Threshold(Metric.ERRORS, 0.01, times=2, minimum_requests=100),))
    assert first_fail([(1000, 20, 1, 0), (5, 0, 1, 0), (1000, 20, 1, 0)], policy) == 3


def test_thresholds_without_data_are_no_pass() -> None:
    policy = Policy(compare=False, thresholds=(Threshold(Metric.ERRORS, 0.01),))
    *_, last = looks([(0, 0, 100, 0)] * 5, policy)
    assert (last.outcome, last.reason) == (Outcome.INCONCLUSIVE, "green has not had requests in any minute yet")


# Rates of false alarms and of detection: small simulations, fixed seeds, loose bounds


@pytest.mark.parametrize("ratio", [1.0, 1.2])
@pytest.mark.parametrize(("a_minute", "share", "rate"), [(600, 0.05, 0.01), (3000, 0.25, 0.01), (3000, 0.05, 0.001)])
def test_healthy_releases_are_not_failed(ratio: float, a_minute: float, share: float, rate: float) -> None:
    runs = [traffic(random.Random(seed), a_minute=a_minute, share=share, rate=rate, ratio=ratio) for seed in range(60)]
    assert sum(first_fail(run) <= 60 for run in runs) <= 2


def test_shared_bursts_fail_nobody() -> None:
    runs = [traffic(random.Random(seed), shared_bursts=0.05) for seed in range(60)]
    assert sum(first_fail(run) <= 60 for run in runs) <= 1


def test_own_bursts_that_the_past_shows_fail_nobody() -> None:
    failed = 0
    for seed in range(60):
        everything = traffic(random.Random(seed), own_bursts=0.05, minutes=180)
        past = [Sample(at - 120, Color.BLUE, both[2], both[3]) for at, both in enumerate(everything[:120])]
        failed += first_fail(everything[120:], ONLY, past) <= 60
    assert failed <= 1


def test_a_service_with_bursts_takes_eight_minutes_even_for_a_total_failure() -> None:
    past = [Sample(at - 120, Color.BLUE, 3000, 600 if at % 20 == 0 else 30) for at in range(120)]
    assert first_fail([(750, 750, 2250, 22)] * 20, ONLY, past) == 8
    breaker = Policy(thresholds=(Threshold(Metric.ERRORS, 0.5, times=2, minimum_requests=20),))
    assert first_fail([(750, 750, 2250, 22)] * 20, breaker, past) == 2


def test_own_bursts_fail_few_even_without_a_past() -> None:
    runs = [traffic(random.Random(seed), own_bursts=0.05) for seed in range(100)]
    assert sum(first_fail(run) <= 60 for run in runs) <= 4


@pytest.mark.parametrize(("ratio", "within"), [(2, 14), (3, 5), (10, 2), (100, 2)])
def test_bad_releases_are_failed_soon(ratio: float, within: int) -> None:
    found = sorted(first_fail(traffic(random.Random(seed), ratio=ratio)) for seed in range(31))
    assert found[15] <= within


# Invariants


@settings(max_examples=60, deadline=None)
@given(st.lists(a_minute, min_size=1, max_size=15), st.integers(0, 14), st.integers(1, 200))
def test_more_errors_on_the_new_side_never_turn_a_fail_into_a_pass(minutes: list[Both], at: int, more: int) -> None:
    at %= len(minutes)
    green, bad, blue, blue_bad = minutes[at]
    worse = list(minutes)
    worse[at] = (green, min(green, bad + more), blue, blue_bad)
    if judge(series(minutes), ONLY, Color.BLUE).outcome is Outcome.FAIL:
        assert judge(series(worse), ONLY, Color.BLUE).outcome is not Outcome.PASS


@settings(max_examples=60, deadline=None)
@given(st.lists(a_minute, min_size=1, max_size=15), st.randoms(use_true_random=False))
def test_the_counts_of_a_verdict_do_not_depend_on_the_order_of_samples(
    minutes: list[Both], chance: random.Random
) -> None:
    samples = series(minutes)
    shuffled = list(samples)
    chance.shuffle(shuffled)
    assert judge(shuffled, ONLY, Color.BLUE) == judge(samples, ONLY, Color.BLUE)


# What is refused at the door; the arithmetic of minutes


@pytest.mark.parametrize(("errors", "slow"), [(11, None), (-1, None), (0, 11), (0, -1)])
def test_counts_that_cannot_be_are_refused(errors: int, slow: int | None) -> None:
    with pytest.raises(UsageError, match="which cannot be"):
        Sample(0, Color.BLUE, 10, errors, slow)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0},
        {"alpha": 1},
        {"metrics": ()},
        {"metrics": (Metric.ERRORS, Metric.ERRORS)},
        {"ratio": 0.9},
        {"excess": -0.1},
        {"safe_ratio": 1},
        {"safe_alpha": 2},
        {"sick": 0},
        {"stale_minutes": 0},
        {"compare": False},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Policy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"limit": 1.0}, {"limit": 0.1, "times": 0}, {"limit": 0.1, "minimum_requests": 0}])
def test_a_threshold_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Threshold(Metric.ERRORS, **wrong)  # type: ignore[arg-type]


def test_a_minute_has_settled_when_it_ended_long_enough_ago() -> None:
    assert last_settled(600.0, 120) == 7
    assert last_settled(599.9, 120) == 6
    assert last_settled(600.0, 0) == 9


def test_the_first_warm_minute_is_whole_and_past_the_warm_up() -> None:
    assert first_warm(600.0, 0) == 10
    assert first_warm(600.1, 0) == 11
    assert first_warm(630.0, 2) == 13
