"""The commands of bluegreen as a user runs them: processes of their own that find the lab by their environment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 120.0
_END_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document on stdout, of a command that was given `-o json`."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Running:
    """A command under way."""

    process: subprocess.Popen[str]
    line: str

    def wait(self, *, exit_code: int = 0, seconds: float = SECONDS) -> Ended:
        """Its end.

        Raises:
            AssertionError: it ended with another exit code, or runs on after `seconds`.
        """
        __tracebackhide__ = True
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"`{self.line}` runs on after {seconds:g} s") from None
        code = self.process.returncode
        if code != exit_code:
            said = err.rstrip() or "nothing"
            raise AssertionError(f"`{self.line}` ended with exit code {code}, not {exit_code}; it said:\n{said}")
        return Ended(code, out, err)


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs commands with this environment in this directory, which holds no settings file."""

    environ: Mapping[str, str]
    directory: Path

    def run(self, *words: str, exit_code: int = 0, seconds: float = SECONDS) -> Ended:
        """Run `bluegreen WORDS…` to its end. Raises as `Running.wait`."""
        __tracebackhide__ = True
        with self.started(*words) as running:
            return running.wait(exit_code=exit_code, seconds=seconds)

    @contextmanager
    def started(self, *words: str) -> Iterator[Running]:
        """`bluegreen WORDS…` under way; interrupted at the end of the block, should it still run."""
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", *words],
            env=dict(self.environ),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that all it has started can be ended with it
        )
        with process:
            try:
                yield Running(process, f"bluegreen {' '.join(words)}")
            finally:
                if process.poll() is None:
                    _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """As Ctrl-C does, then for good."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_END_SECONDS)
            return
