"""Whoever takes their time asks the pulse, and hears it."""

from __future__ import annotations

import threading
import time

import pytest

from tests.support.hooks import A_SECOND, LONG, Pulsing, QuickClock
from toolkit.gates.waiting import Beat, Stopped, TookTooLong, Try, beside, in_words, tried

NO, YES = Try(False, "no"), Try(True, "yes")


def test_the_first_try_that_passes_ends_it() -> None:
    clock = QuickClock()
    results = iter([NO, YES, NO])
    result = tried(lambda _: next(results), retries=5, clock=clock, beat=Beat(Pulsing()))
    assert (result.passed, result.reason) == (True, "yes (try 2 of 6)")
    assert sum(clock.slept) == 1


def test_the_pauses_double_up_to_ten_seconds() -> None:
    clock = QuickClock()
    pauses: list[float] = []

    def attempt(_number: int) -> Try:
        pauses.append(sum(clock.slept) - sum(pauses))
        return NO

    result = tried(attempt, retries=6, clock=clock, beat=Beat(Pulsing()))
    assert (result.passed, result.reason) == (False, "no (try 7 of 7)")
    assert pauses == [0, 1, 2, 4, 8, 10, 10]


def test_a_try_that_asks_for_a_longer_pause_gets_it() -> None:
    clock = QuickClock()
    tried(lambda _: Try(False, "no", after=7.2), retries=1, clock=clock, beat=Beat(Pulsing()))
    assert sum(clock.slept) == pytest.approx(7.2)


def test_what_cannot_end_otherwise_is_not_tried_again() -> None:
    numbers: list[int] = []

    def attempt(number: int) -> Try:
        numbers.append(number)
        return Try(False, "never", again=False)

    made = tried(attempt, retries=3, clock=QuickClock(), beat=Beat(Pulsing()))
    assert numbers == [1]
    assert made.reason == "never"


def test_a_pause_ends_when_the_pulse_says_so_and_asks_it_every_half_second() -> None:
    clock, pulse = QuickClock(), Pulsing(stop_after=3)
    with pytest.raises(Stopped):
        tried(lambda _: Try(False, "no", after=60), retries=1, clock=clock, beat=Beat(pulse))
    assert len(pulse.asked) == 4
    assert clock.slept == [0.5] * 3


def test_work_beside_the_pulse_gives_what_it_gives_and_raises_what_it_raises() -> None:
    beat = Beat(Pulsing())
    assert beside(lambda: 7, beat) == 7
    assert beside(lambda: None, beat) is None
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 / 0, beat)


def test_the_pulse_is_asked_every_second_while_the_work_takes_its_time() -> None:
    pulse = Pulsing()
    beside(lambda: time.sleep(LONG), Beat(pulse))
    assert len(pulse.asked) >= 2
    assert pulse.longest_silence() < A_SECOND


def test_work_that_takes_too_long_is_cut() -> None:
    cut = threading.Event()
    began = time.monotonic()
    with pytest.raises(TookTooLong):
        beside(lambda: cut.wait(30), Beat(Pulsing()), seconds=0.2, cancel=cut.set)
    assert cut.is_set()
    assert time.monotonic() - began < 15


def test_work_is_cut_when_the_pulse_says_stop_or_fails() -> None:
    def fails() -> bool:
        raise KeyError

    for pulse, error in ((Pulsing(stop_after=0), Stopped), (fails, KeyError)):
        cut = threading.Event()
        with pytest.raises(error):
            beside(lambda cut=cut: cut.wait(30), Beat(pulse), cancel=cut.set)  # type: ignore[misc]
        assert cut.is_set()


def test_a_beat_asks_no_more_than_every_half_second() -> None:
    pulse = Pulsing()
    beat = Beat(pulse)
    for _ in range(1000):
        beat()
    assert len(pulse.asked) <= 1
    beat.now()
    assert pulse.asked


@pytest.mark.parametrize(("seconds", "words"), [(0.0123, "12 ms"), (0.9994, "999 ms"), (2.34, "2.3 s")])
def test_a_time_is_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
