"""Clocks that are faster than the machine's, and botocore's pauses with them."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

from tests.benchmarks.accelerated import EPOCH, Time


def test_virtual_time_passes_by_sleeping_alone_and_at_once() -> None:
    clock = Time(at=60).clock()
    began = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-5)
    assert clock.now() == EPOCH + timedelta(seconds=3660)
    assert time.monotonic() - began < 5


def test_scaled_time_is_the_same_moment_to_everybody_and_passes_as_much_faster() -> None:
    zero = time.monotonic()
    one, other = Time(100, zero).clock(), Time(100, zero).clock()
    before = one.now()
    one.sleep(5)
    assert other.now() - before >= timedelta(seconds=5)
    assert time.monotonic() - zero < 5


def test_times_come_through_json() -> None:
    for each in (Time(), Time(10, 4.5)):
        assert Time(**each.to_json()) == each


def test_botocores_timeouts_are_divided_in_the_process_that_asks_for_it() -> None:
    asked = (
        "from tests.benchmarks.accelerated import scale_botocore; from toolkit.aws import session;"
        "before = session.READ_TIMEOUT_SECONDS; scale_botocore(10); print(before / session.READ_TIMEOUT_SECONDS)"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "10.0"
