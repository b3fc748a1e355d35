from __future__ import annotations

import pytest

from toolkit.aws.pace import Pace


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def a_pace(time: Time, *, burst: int, per_second: float, reserve: int = 0) -> Pace:
    return Pace(burst=burst, per_second=per_second, reserve=reserve, clock=time.clock, sleep=time.sleep)


def passing(pace: Pace, time: Time, calls: int, *, urgent: bool = False) -> list[float]:
    """When each of `calls` calls may go."""
    passed = []
    for _ in range(calls):
        pace.wait(urgent=urgent)
        passed.append(time.now)
    return passed


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    time = Time()
    pace = a_pace(time, burst=3, per_second=2)
    assert passing(pace, time, 6) == pytest.approx([0, 0, 0, 0.5, 1, 1.5])


def test_a_pause_fills_the_burst_again_and_no_further() -> None:
    time = Time()
    pace = a_pace(time, burst=2, per_second=1)
    passing(pace, time, 2)
    time.now = 100
    assert passing(pace, time, 3) == pytest.approx([100, 100, 101])


def test_the_last_of_a_burst_is_left_to_urgent_calls() -> None:
    time = Time()
    pace = a_pace(time, burst=4, per_second=1, reserve=2)
    assert passing(pace, time, 3) == pytest.approx([0, 0, 1])
    assert passing(pace, time, 3, urgent=True) == pytest.approx([1, 1, 2])


def test_who_was_throttled_takes_the_bucket_for_empty() -> None:
    time = Time()
    pace = a_pace(time, burst=10, per_second=2)
    pace.throttled()
    assert passing(pace, time, 2, urgent=True) == pytest.approx([0.5, 1])


def test_a_throttled_pace_is_half_as_fast_and_comes_back_with_what_passes() -> None:
    time = Time()
    pace = a_pace(time, burst=10, per_second=1)
    pace.throttled()
    assert passing(pace, time, 2) == pytest.approx([2, 4])
    for _ in range(14):
        pace.passed()
    assert passing(pace, time, 2) == pytest.approx([5, 6])


def test_calls_that_are_throttled_together_slow_it_down_once() -> None:
    time = Time()
    pace = a_pace(time, burst=10, per_second=1)
    for _ in range(8):
        pace.throttled()
    assert passing(pace, time, 1) == pytest.approx([2])


def test_it_slows_down_to_an_eighth_at_most() -> None:
    time = Time()
    pace = a_pace(time, burst=10, per_second=1)
    for _ in range(10):
        time.now += 1
        pace.throttled()
    began = time.now
    assert passing(pace, time, 1) == pytest.approx([began + 8])


def test_urgent_calls_keep_their_rate_when_the_others_slow_down() -> None:
    time = Time()
    pace = a_pace(time, burst=10, per_second=1)
    pace.throttled()
    assert passing(pace, time, 3, urgent=True) == pytest.approx([1, 2, 3])
