from __future__ import annotations

from toolkit.aws.pace import Pace


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_burst_passes_at_once_and_the_rest_at_the_rate() -> None:
    time = Time()
    pace = Pace(burst=3, per_second=2, clock=time.clock, sleep=time.sleep)
    passed = []
    for _ in range(6):
        pace.wait()
        passed.append(time.now)
    assert passed == [0, 0, 0, 0.5, 1, 1.5]


def test_a_pause_fills_the_burst_again_and_no_further() -> None:
    time = Time()
    pace = Pace(burst=2, per_second=1, clock=time.clock, sleep=time.sleep)
    for _ in range(2):
        pace.wait()
    time.now = 100
    for _ in range(3):
        pace.wait()
    assert time.now == 101
