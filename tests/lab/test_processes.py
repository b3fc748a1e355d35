"""Processes are only stopped while they are the ones that were recorded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.world import wait_until
from toolkit.lab.processes import Recorded, birth_of, is_running, recorded, stop

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)


@contextmanager
def running(code: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def record_of(process: "subprocess.Popen[bytes]") -> Recorded:
    found = recorded(process.pid, "a child")
    assert found is not None
    return found


def test_a_birth_is_the_same_as_long_as_the_process_lives_and_no_other_has_it() -> None:
    with running(SLEEP) as one, running(SLEEP) as other:
        assert birth_of(one.pid) == birth_of(one.pid)
        assert birth_of(os.getpid()) not in {birth_of(one.pid), birth_of(other.pid)}


def test_a_process_that_ended_has_none_even_as_a_zombie() -> None:
    with running("pass") as process:
        wait_until(lambda: birth_of(process.pid) is None)
        assert recorded(process.pid, "gone") is None


def test_a_process_is_asked_first() -> None:
    with running(SLEEP) as process:
        (stopped,) = stop([record_of(process)], grace=10)
        assert not stopped.killed
        assert not is_running(stopped.process)


def test_one_that_does_not_go_is_killed() -> None:
    with running(STUBBORN) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (stopped,) = stop([record_of(process)], grace=0.2)
        assert stopped.killed
        assert birth_of(process.pid) is None


def test_a_stranger_under_a_recorded_pid_is_left_alone() -> None:
    with running(SLEEP) as process:
        assert stop([Recorded(process.pid, "another-boot/1", "envoy")], grace=1) == []
        assert process.poll() is None


def test_nobody_to_stop_is_no_trouble() -> None:
    assert stop([], grace=1) == []
