"""Processes told apart from strangers: a pid is only ours while the start time recorded with it holds."""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_STAT_START_TIME = 19  # field 22 of /proc/PID/stat, counted after the name in parentheses (proc_pid_stat(5))
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One process we started. `birth` is what `birth_of` said then; `what` is for people."""

    pid: int
    birth: str
    what: str

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "birth": self.birth, "what": self.what}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A process that was ended; `killed` if it did not go when asked."""

    process: Recorded
    killed: bool

    def to_json(self) -> dict[str, Any]:
        return self.process.to_json() | {"killed": self.killed}


def birth_of(pid: int) -> str | None:
    """When the process with this pid was started, exactly; None if there is none (a zombie counts as none).

    On Linux the kernel's clock ticks since a named boot: unlike a wall-clock time it cannot drift.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        created = process.create_time()
    except psutil.NoSuchProcess:
        return None
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        ticks = stat.rpartition(")")[2].split()[_STAT_START_TIME]
        return f"{_BOOT_ID.read_text().strip()}/{ticks}"
    return f"{created:.2f}"


def recorded(pid: int, what: str) -> Recorded | None:
    """A record of a running process; None if it is gone."""
    birth = birth_of(pid)
    return None if birth is None else Recorded(pid, birth, what)


def is_running(process: Recorded) -> bool:
    """Whether this very process still runs, not another that got its pid."""
    return birth_of(process.pid) == process.birth


def stop(processes: Iterable[Recorded], *, grace: float) -> list[Stopped]:
    """Ask each to end, wait `grace` seconds in all, then end who still runs. Strangers are left alone."""
    ours = [process for process in processes if is_running(process)]
    for process in ours:
        _signal(process, kill=False)
    left = _wait(ours, grace)
    for process in left:
        _signal(process, kill=True)
    _wait(left, grace)
    return [Stopped(process, killed=process in left) for process in ours]


def _signal(process: Recorded, *, kill: bool) -> None:
    # psutil.Process remembers the start time it saw, and refuses to signal a pid that has been reused since.
    with contextlib.suppress(psutil.NoSuchProcess):
        handle = psutil.Process(process.pid)
        if is_running(process):
            if kill:
                handle.kill()
            else:
                handle.terminate()


def _wait(processes: list[Recorded], seconds: float) -> list[Recorded]:
    """Those that still run after `seconds`."""
    deadline = time.monotonic() + seconds
    left = processes
    while left := [process for process in left if is_running(process)]:
        if time.monotonic() >= deadline:
            break
        _reap(left)
        time.sleep(0.02)
    return left


def _reap(processes: list[Recorded]) -> None:
    """Collect those that are children of ours, so they do not stay as zombies."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            psutil.Process(process.pid).wait(timeout=0)
