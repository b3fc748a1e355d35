"""The evidence: e-values have mean 1 at most, products ignore order, more bad requests are more evidence."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.making import counts, traffic
from toolkit.analysis.sequential import (
    ALTERNATIVES,
    BURSTY_BURSTS,
    ORDINARY_BURSTS,
    Evidence,
    Excess,
    Safety,
)
from toolkit.analysis.series import Counts

NULL = 1.25

requests = st.integers(1, 5000)
minutes = st.tuples(requests, st.integers(0, 50), requests, st.integers(0, 50)).map(
    lambda each: Counts(each[0], min(each[0], each[1]), each[2], min(each[2], each[3]))
)


def after(series: list[Counts]) -> Evidence:
    evidence = Evidence(NULL)
    for each in series:
        evidence.add(each)
    return evidence


def binomial(size: int, rate: float) -> list[float]:
    return [math.comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(size + 1)]


@pytest.mark.parametrize("ratio", [0.2, 1.0, 1.25])
@pytest.mark.parametrize("rate", [0.01, 0.3, 0.75])
@pytest.mark.parametrize(("here", "there"), [(1, 30), (10, 10), (25, 5)])
def test_a_minute_of_a_release_that_is_not_worse_is_worth_one_at_most_in_the_mean(
    ratio: float, rate: float, here: int, there: int
) -> None:
    ordinary = bursty = 0.0
    for bad, chance in enumerate(binomial(here, rate * ratio)):
        for live, likely in enumerate(binomial(there, rate)):
            evidence = after([Counts(here, bad, there, live)])
            ordinary += chance * likely * evidence.ordinary
            bursty += chance * likely * evidence.bursty
    assert ordinary <= 1
    assert bursty <= 1


@pytest.mark.parametrize("rate", [0.02, 0.4])
@pytest.mark.parametrize(("here", "there"), [(2, 20), (12, 12)])
def test_a_minute_of_an_unsafe_release_is_worth_one_at_most_in_the_mean(rate: float, here: int, there: int) -> None:
    ratio, excess = 2.0, 0.05
    total = sum(
        chance * likely * math.exp(_safety(Counts(here, bad, there, live), ratio, excess))
        for bad, chance in enumerate(binomial(here, rate * ratio + excess))
        for live, likely in enumerate(binomial(there, rate))
    )
    assert total <= 1 + 1e-9


def _safety(each: Counts, ratio: float, excess: float) -> float:
    safety = Safety(ratio, excess)
    safety.add(each)
    return safety.log_evidence()


@pytest.mark.parametrize("rate", [0.02, 0.4])
def test_an_excess_that_does_not_matter_is_worth_one_at_most_in_the_mean(rate: float) -> None:
    excess, here, there = 0.05, 8, 16
    total = sum(
        chance * likely * math.exp(Excess(excess).log_evidence([Counts(here, bad, there, live)]))
        for bad, chance in enumerate(binomial(here, rate + excess))
        for live, likely in enumerate(binomial(there, rate))
    )
    assert total <= 1 + 1e-9


def test_an_excess_asked_for_at_every_minute_is_the_same_as_at_the_last() -> None:
    series = [Counts(100, at % 5, 900, at % 7) for at in range(30)]
    asked = Excess(0.001)
    found = [asked.log_evidence(series[:upto]) for upto in range(31)]
    assert found[-1] == pytest.approx(Excess(0.001).log_evidence(series))


def test_the_starting_weights_are_one_together_at_most() -> None:
    evidence = Evidence(NULL)
    for _ in range(5000):  # minutes without a bad request, each the first of a new split
        evidence.add(Counts(100, 0, 100, 0), new_split=True)
    assert evidence.most_ordinary <= 1
    assert sum(weight for _, weight in ALTERNATIVES) == pytest.approx(1)


def test_one_minute_is_worth_less_than_one_over_the_part_of_bursts() -> None:
    worst = after([Counts(100_000, 100_000, 100_000, 0)])
    assert worst.ordinary < 1 / ORDINARY_BURSTS
    assert worst.bursty < 1 / BURSTY_BURSTS


@settings(deadline=None)
@given(st.lists(minutes, min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_minutes_does_not_change_what_the_first_bet_is_worth(
    series: list[Counts], chance: random.Random
) -> None:
    """What is bet from the first minute on is a product; only the bets on a later start look at the order."""
    shuffled = list(series)
    chance.shuffle(shuffled)
    assert after(shuffled).bursty == pytest.approx(after(series).bursty, rel=1e-6, abs=1e-90)
    assert Excess(0.001).log_evidence(shuffled) == pytest.approx(Excess(0.001).log_evidence(series), abs=1e-6)


@settings(deadline=None)
@given(st.lists(minutes, min_size=1, max_size=12), st.integers(0, 11), st.integers(1, 40))
def test_more_bad_requests_on_the_new_side_are_never_less_evidence(series: list[Counts], at: int, more: int) -> None:
    at %= len(series)
    was = series[at]
    worse = list(series)
    worse[at] = Counts(was.new_requests + more, was.new + more, was.live_requests, was.live)
    same = list(series)
    same[at] = Counts(was.new_requests + more, was.new, was.live_requests, was.live)
    assert after(worse).ordinary >= after(same).ordinary * (1 - 1e-9)
    assert after(worse).bursty >= after(same).bursty * (1 - 1e-9)
    assert Excess(0.001).log_evidence(worse) >= Excess(0.001).log_evidence(same) - 1e-6


@settings(deadline=None)
@given(st.lists(minutes, min_size=1, max_size=12))
def test_evidence_stays_a_number(series: list[Counts]) -> None:
    evidence = after(series * 20)
    assert math.isfinite(evidence.ordinary)
    assert math.isfinite(evidence.bursty)
    assert evidence.most_ordinary >= evidence.ordinary


def test_thousands_of_bad_minutes_and_then_good_ones_stay_numbers() -> None:
    evidence = after([Counts(1000, 900, 1000, 1)] * 3000 + [Counts(10**6, 0, 10**6, 10**5)] * 3)
    assert math.isfinite(evidence.ordinary)


def test_ten_times_the_traffic_is_not_less_evidence() -> None:
    small, large = ([Counts(100 * k, 3 * k, 900 * k, 9 * k)] * 20 for k in (1, 10))
    assert after(large).ordinary > after(small).ordinary


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_what_got_worse_late_is_seen_though_it_was_good_for_long(seed: int) -> None:
    chance = random.Random(seed)
    late = traffic(chance, minutes=60) + traffic(chance, ratio=10, minutes=15)
    evidence = after([counts(each) for each in late])
    assert evidence.ordinary > 1000
