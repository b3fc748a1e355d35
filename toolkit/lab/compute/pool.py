"""The processes of the lab's compute: one sample app per task or instance, started and ended without waiting.

Nothing here knows ECS or Auto Scaling. `advance` is called every fraction of a second and moves things on; until then
`stop` is only a wish. Safe to use from several threads.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from toolkit.lab.app.site import Site
from toolkit.lab.compute.images import Behaviour

_KILL_AFTER: Final = 12.0  # seconds from SIGTERM to SIGKILL; the app lets requests end for five of them
_READY: Final = b"ready"
_CRASH: Final = (sys.executable, "-I", "-S", "-c", "raise SystemExit(1)")


class Ledger(Protocol):
    """Who writes processes down, so that `lab down` ends those that a crashed lab has left."""

    def record(self, pid: int, what: str) -> object: ...
    def forget(self, pid: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Starting:
    """It runs and does not listen yet."""


@dataclass(frozen=True, slots=True)
class Running:
    """It listens."""

    pid: int


@dataclass(frozen=True, slots=True)
class Exited:
    """It has ended. `code` is negative for a signal; `listened`: whether it ever did; `said`: its last words."""

    code: int
    listened: bool
    said: str


State = Starting | Running | Exited


@dataclass(slots=True)
class _Unit:
    """One process and what is wished of it. `stop_at` and `kill_at` by the pool's clock."""

    process: subprocess.Popen[bytes]
    output: bytes = b""
    listened: bool = False
    stop_at: float | None = None
    kill_at: float | None = None
    closed: bool = field(default=False)

    def look(self) -> None:
        """Read what it has said since, without waiting."""
        if self.closed or self.process.stdout is None:
            return
        has_ended = self.process.poll() is not None
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.process.stdout.fileno(), 4096):
                self.output = (self.output + chunk)[-8192:]
        self.listened = self.listened or _READY in self.output.splitlines()
        if has_ended:
            self.close()

    def close(self) -> None:
        if self.process.stdout is not None and not self.closed:
            self.process.stdout.close()
        self.closed = True

    @property
    def state(self) -> State:
        code = self.process.poll()
        if code is not None:
            lines = self.output.decode(errors="replace").strip().splitlines()
            return Exited(code, self.listened, lines[-1] if lines else "")
        return Running(self.process.pid) if self.listened else Starting()


class Pool:
    """Processes by a key of the caller's, such as a task's id.

    Args:
        ledger: where each process is recorded while it runs.
        clock: monotonic seconds.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.RLock()
        self._units: dict[str, _Unit] = {}

    def start(self, key: str, site: Site, behaviour: Behaviour, *more: Site) -> None:
        """Start the sample app for `key` at `site`, and at `more`. Returns at once; `state` says when it listens.

        Raises:
            ValueError: the key has a process already.
            OSError: no process can be started.
        """
        with self._lock:
            if key in self._units:
                raise ValueError(f"{key} has a process already")
            sites = [word for one in (site, *more) for word in ("--site", str(one))]
            app = (sys.executable, "-m", "toolkit.lab.app", *behaviour.options, *sites)
            process = subprocess.Popen(
                _CRASH if behaviour.crashes else app,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            assert process.stdout is not None  # noqa: S101  a pipe was asked for
            os.set_blocking(process.stdout.fileno(), False)
            self._units[key] = _Unit(process)
            self._ledger.record(process.pid, f"app {key}")

    def state(self, key: str) -> State | None:
        """How the process of `key` is; None if it has none."""
        with self._lock:
            unit = self._units.get(key)
            if unit is None:
                return None
            unit.look()
            return unit.state

    def stop(self, key: str, after: float = 0.0) -> None:
        """Ask the process to end in `after` seconds; an earlier wish stands. Harmless for an unknown key."""
        with self._lock:
            if (unit := self._units.get(key)) is not None:
                at = self._clock() + after
                unit.stop_at = at if unit.stop_at is None else min(unit.stop_at, at)

    def forget(self, key: str) -> None:
        """Give the key free. A process that still runs is killed."""
        with self._lock:
            if (unit := self._units.pop(key, None)) is not None:
                self._end([unit])

    def advance(self) -> None:
        """Send what signals are due, and collect what has ended."""
        now = self._clock()
        with self._lock:
            for unit in self._units.values():
                unit.look()
                if unit.closed:
                    self._ledger.forget(unit.process.pid)
                elif unit.kill_at is not None and now >= unit.kill_at:
                    unit.process.kill()
                elif unit.kill_at is None and unit.stop_at is not None and now >= unit.stop_at:
                    unit.process.terminate()
                    unit.kill_at = now + _KILL_AFTER

    def pids(self) -> dict[str, int]:
        """The processes that run, by key."""
        with self._lock:
            return {key: unit.process.pid for key, unit in self._units.items() if unit.process.poll() is None}

    def clear(self) -> None:
        """End every process at once, and forget all keys."""
        with self._lock:
            units, self._units = list(self._units.values()), {}
        self._end(units)

    def close(self) -> None:
        """End every process. Idempotent."""
        self.clear()

    def _end(self, units: list[_Unit]) -> None:
        for unit in units:
            unit.process.kill()
        for unit in units:
            unit.process.wait()
            unit.close()
            self._ledger.forget(unit.process.pid)
