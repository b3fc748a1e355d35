"""`bluegreen` as a user runs it: the installed command, in a process and a directory of its own."""

from __future__ import annotations

import json
import subprocess
import sys
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
