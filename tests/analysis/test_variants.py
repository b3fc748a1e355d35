"""Rates and their difference, held against the figures that the papers print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.analysis.variants import Difference, Rate
from toolkit.errors import UsageError


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_an_interval_of_a_rate_is_the_one_that_the_paper_prints(count: int, of: int, low: float, high: float) -> None:
    interval = Rate(count, of).interval
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    # Newcombe 1998, "Interval estimation for the difference", table II, method 10
    [
        (Rate(56, 70), Rate(48, 80), 0.0524, 0.3339),
        (Rate(9, 10), Rate(3, 10), 0.1705, 0.8090),
        (Rate(5, 56), Rate(0, 29), -0.0381, 0.1926),
        (Rate(0, 10), Rate(0, 20), -0.1611, 0.2775),
        (Rate(10, 10), Rate(0, 20), 0.6791, 1.0000),
    ],
)
def test_an_interval_of_a_difference_is_the_one_that_the_paper_prints(
    one: Rate, other: Rate, low: float, high: float
) -> None:
    interval = Difference(one, other).interval
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


rates = st.integers(0, 10_000).flatmap(lambda of: st.builds(Rate, st.integers(0, of), st.just(of)))


@given(rates, rates)
def test_what_was_seen_lies_in_its_interval_and_no_interval_leaves_what_can_be(one: Rate, other: Rate) -> None:
    difference = Difference(one, other)
    assert 0 <= one.interval.low <= one.interval.high <= 1
    assert -1 <= difference.interval.low <= difference.interval.high <= 1
    if one.value is not None:
        assert one.interval.low - 1e-12 <= one.value <= one.interval.high + 1e-12
    if difference.value is not None:
        assert difference.interval.low - 1e-12 <= difference.value <= difference.interval.high + 1e-12


def test_without_requests_nothing_is_told_apart() -> None:
    difference = Difference(Rate(3, 10), Rate(0, 0))
    assert difference.value is None
    assert not difference.is_told


def test_more_of_a_thing_than_there_were_requests_is_no_rate() -> None:
    with pytest.raises(UsageError, match="11 of 10 is no rate"):
        Rate(11, 10)
