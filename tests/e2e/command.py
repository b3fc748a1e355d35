"""`bluegreen` as a user runs it: the installed command, in a process and a directory of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLUEGREEN = str(Path(sys.executable).with_name("bluegreen"))


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document on stdout, of a command that must have succeeded."""
        assert self.code == 0, self.err
        return json.loads(self.out)


_OF_ITS_OWN = (
    "import fcntl,os,sys,termios; os.setsid(); fcntl.ioctl(0,termios.TIOCSCTTY,0); os.execv(*eval(sys.argv[1]))"
)
"""Makes the terminal on stdin the one that sends the process its signals."""
_SIZE = struct.pack("HHHH", 40, 120, 0, 0)  # lines, columns


class Terminal:
    """A command on a pseudo-terminal, as a person sits before it. shown: all that it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.shown = ""
        self._screen = screen

    def read_until(self, text: str, *, seconds: float = 30.0) -> None:
        """Wait until `text` has been written since the last wait."""
        begin, end = len(self.shown), time.monotonic() + seconds
        while text not in self.shown[begin:]:
            assert time.monotonic() < end, f"no {text!r} in {self.shown[begin:]!r}"
            if not self._read():
                assert text in self.shown[begin:], self.shown
                return

    def type(self, keys: str) -> None:
        """Press keys; `\x03` is Ctrl-C."""
        os.write(self._screen, keys.encode())

    def wait(self, *, seconds: float = 30.0) -> int:
        """The exit code, reading what is written until then."""
        end = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < end, self.shown
        return self.process.wait(max(0.1, end - time.monotonic()))

    def _read(self) -> bool:
        """Read what there is, waiting a moment; whether the other end is still open."""
        ready, _, _ = select.select([self._screen], [], [], 0.2)
        if not ready:
            return True
        try:
            read = os.read(self._screen, 65_536)
        except OSError:  # Linux says so where nobody holds the terminal any more
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


@dataclass(frozen=True)
class Commands:
    """Runs commands with this environment in this directory, which holds no settings file."""

    environ: Mapping[str, str]
    directory: Path

    def __call__(self, *words: str, timeout: float = 60.0, **environ: str) -> Ended:
        """Run one to its end; `environ` is laid over the environment."""
        with self.started(*words, **environ) as process:
            out, err = process.communicate(timeout=timeout)
        return Ended(process.returncode, out, err)

    @contextmanager
    def started(self, *words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """One under way, killed at the end of the block if it still runs.

        It is in a session of its own, so that a signal is meant for it alone.
        """
        with subprocess.Popen(
            [BLUEGREEN, *words],
            env={**self.environ, **environ},
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    @contextmanager
    def on_terminal(self, *words: str, **environ: str) -> Iterator[Terminal]:
        """One under way on a terminal of its own, killed at the end of the block if it still runs."""
        screen, keyboard = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, _SIZE)
        try:
            with subprocess.Popen(
                [sys.executable, "-c", _OF_ITS_OWN, repr((BLUEGREEN, [BLUEGREEN, *words]))],
                env={**self.environ, "TERM": "xterm", **environ},
                cwd=self.directory,
                stdin=keyboard,
                stdout=keyboard,
                stderr=keyboard,
            ) as process:
                os.close(keyboard)
                try:
                    yield Terminal(process, screen)
                finally:
                    if process.poll() is None:
                        process.kill()
        finally:
            os.close(screen)


def assert_one_clear_line(ended: Ended, code: int, *said: str) -> None:
    """Exit code `code`, one line on stderr that holds every word of `said`, and nothing on stdout."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1, ended.err
    assert ended.err.startswith("bluegreen: ")
    assert ended.err.endswith(f"  [exit {code}]\n")
    assert "Traceback" not in ended.err
    for words in said:
        assert words in ended.err
