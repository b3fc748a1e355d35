"""The toolkit's commands as the demo runs them: in processes of their own, ended in order when it is interrupted."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from toolkit.errors import DemoFailed
from toolkit.lab.handle import Lab

_END_SECONDS: Final = 30.0  # that a command gets to end in order after Ctrl-C


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs `bluegreen …` in `directory`, led to `lab` by its environment alone."""

    lab: Lab
    directory: Path

    def run(self, *words: str) -> str:
        """Run one that must succeed; what it printed. Its remarks and errors go straight to stderr.

        Raises:
            DemoFailed: it ended with another exit code than 0.
        """
        code, said = self._ended(words, capture=True)
        if code != 0:
            raise DemoFailed(
                f"`bluegreen {' '.join(words)}` ended with exit code {code}.", hint="What it said is above."
            )
        return said

    def exit_code(self, *words: str) -> int:
        """Run one that may fail; all that it says goes to stderr."""
        return self._ended(words, capture=False)[0]

    def _ended(self, words: tuple[str, ...], *, capture: bool) -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", *words],
            env=self.lab.environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else sys.stderr,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on and waits
        )
        self.lab.record(process.pid, f"bluegreen {words[0]}")
        try:
            said, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
        finally:
            self.lab.state.forget(process.pid)
        return process.returncode, said or ""


def _end(process: "subprocess.Popen[str]") -> None:
    """Pass an interruption on to a command and all it runs; it gets time to end in order."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def interrupted_once() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does; further ones do not disturb it while it stops what it has started."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
