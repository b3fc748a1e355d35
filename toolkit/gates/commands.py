"""One run of a hook's command: a process group of its own, its output bounded, its end certain."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from toolkit.gates.output import Kept
from toolkit.gates.waiting import Beat, Stopped, Try, in_words
from toolkit.rollout.steps import Hook, duration

GRACE_SECONDS = 2.0
"""From the request to end until the kill."""
_LOOK_SECONDS = 0.05
_CHUNK = 64 * 1024
_LAST_BYTES = 2 * 1024 * 1024
"""More than a pipe holds, so all that an ended program has said; a descendant may go on writing for ever."""
_REAP_SECONDS = 5.0


def run_command(
    hook: Hook, *, directory: Path, environ: Mapping[str, str], beat: Beat, secrets: Iterable[str] = ()
) -> Try:
    """Start the command, and see it ended: by itself, at its timeout, or because the pulse said stop.

    Output and errors are one stream. What its descendants do after its end is theirs; at a timeout and a stop they end
    with it, unless they have left its process group.
    """
    program = hook.command[0]
    try:
        process = subprocess.Popen(
            hook.command,
            cwd=directory,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,  # a Ctrl-C on our terminal is for us; and its descendants are told by the group
        )
    except (OSError, ValueError) as error:
        return Try(False, _why_not_started(program, directory, error), again=False)
    running = _Running(process)
    try:
        return _seen_out(hook, running, beat, secrets)
    finally:
        running.close()


def _seen_out(hook: Hook, running: _Running, beat: Beat, secrets: Iterable[str]) -> Try:
    program, began = Path(hook.command[0]).name, time.monotonic()
    end = began + hook.timeout_seconds
    try:
        while not running.has_ended():
            if time.monotonic() >= end:
                running.end(beat)
                told = f"{program} was not done after {duration(hook.timeout_seconds)} and was ended"
                return Try(False, told, running.kept.text(secrets))
            running.listen(_LOOK_SECONDS)
            beat()
    except Stopped:
        running.end()
        return Try(False, "stopped", running.kept.text(secrets), again=False)
    took = in_words(time.monotonic() - began)
    running.hear_out()
    code = running.process.wait()
    if running.is_lost:
        told = f"{program} ended after {took} and nobody knows how: bluegreen was started with SIGCHLD ignored"
        return Try(False, told, running.kept.text(secrets), again=False)
    told = f"was ended by {_signal(-code)}" if code < 0 else f"ended with exit code {code}"
    return Try(code == 0, f"{program} {told} after {took}", running.kept.text(secrets))


class _Running:
    """A process that leads its group, and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        self.process = process
        self.kept = Kept()
        self.is_lost = False
        """The system has reaped it already, so its exit code is nowhere: SIGCHLD was ignored by who started us."""
        self._pipe: int | None = process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        os.set_blocking(self._pipe, False)
        self._selector.register(self._pipe, selectors.EVENT_READ)

    def has_ended(self) -> bool:
        """Not reaped, where the system can: so nobody else gets the number of its group before the last kill."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self.process.poll() is not None
        if self.is_lost:
            return True
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        self.is_lost = True
        return True

    def listen(self, seconds: float) -> int:
        """Keep what is said within `seconds`, one piece at most; its size. Once nobody can say more, just wait."""
        if self._pipe is None:
            time.sleep(seconds)
            return 0
        if not self._selector.select(seconds):
            return 0
        chunk = os.read(self._pipe, _CHUNK)
        if not chunk:
            self._selector.unregister(self._pipe)
            self._pipe = None
        self.kept.add(chunk)
        return len(chunk)

    def hear_out(self) -> None:
        """Keep what an ended program has said; a descendant that holds the pipe open is not waited for."""
        heard = 0
        while self._pipe is not None and heard < _LAST_BYTES and (size := self.listen(0)):
            heard += size

    def end(self, beat: Beat | None = None) -> None:
        """Ask the group to end, and kill it when the grace is over. beat: goes on; its stop comes too late."""
        self._signal(signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        while not self.has_ended() and time.monotonic() < end:
            self.listen(_LOOK_SECONDS)
            if beat is not None:
                with suppress(Stopped):
                    beat()
        self._signal(signal.SIGKILL)
        self.hear_out()
        with suppress(subprocess.TimeoutExpired):  # one that the kernel holds cannot be waited for
            self.process.wait(_REAP_SECONDS)

    def close(self) -> None:
        """Leave nothing behind: neither a living program nor an open pipe."""
        try:
            if self.process.returncode is None:
                self.end()
        finally:
            self._selector.close()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _signal(self, number: int) -> None:
        if self.process.returncode is None and not self.is_lost:  # else the number may be somebody else's
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


def _why_not_started(program: str, directory: Path, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"{program!r} cannot be started: {error}"
    if not directory.is_dir():
        return f"{program} was not started: its directory {directory} is not there"
    if isinstance(error, FileNotFoundError):
        return f"there is no program {program}, or the interpreter that its first line names is missing"
    if isinstance(error, PermissionError):
        return f"{program} may not be run: it is not executable for this user"
    return f"{program} cannot be started: {error.strerror}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
