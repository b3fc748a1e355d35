"""Sample apps as child processes: started, told to misbehave, stopped."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

from toolkit.errors import LabError
from toolkit.lab.app.site import Site

_START_SECONDS = 20.0
_STOP_SECONDS = 12.0
_ASK_SECONDS = 5.0


@dataclass(slots=True)
class AppProcess:
    """One process that serves `sites`. Leaving its `with` block stops it."""

    sites: tuple[Site, ...]
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def set_faults(self, site: Site, **changes: Any) -> dict[str, Any]:
        """Change the named faults of one site at run time; returns all of them.

        Raises:
            LabError: the app does not answer, or knows no such fault.
        """
        connection = HTTPConnection(site.address, site.port, timeout=_ASK_SECONDS)
        try:
            connection.request("POST", "/_app/faults", json.dumps(changes))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except OSError as error:
            raise LabError(f"the sample app at {site.target} does not answer: {error}") from error
        finally:
            connection.close()
        if "error" in answer:
            raise LabError(f"the sample app at {site.target} refused {changes}: {answer['error']}")
        return answer

    def stop(self) -> None:
        """Let it finish what is under way, then end it. Idempotent."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close_pipes()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.process.kill()
        self.process.wait()
        self._close_pipes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def start_app(sites: Sequence[Site], *options: str) -> AppProcess:
    """Start one process that serves all `sites`, in a session of its own, and wait until they listen.

    One process for several sites costs the least on few cores; start several where one is to be killed alone.
    `options` are further command line options, such as "--unhealthy".

    Raises:
        LabError: it ended, or does not listen in time; the message holds what it said.
    """
    command = [sys.executable, "-m", "toolkit.lab.app", *options]
    for site in sites:
        command += ["--site", str(site)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    app = AppProcess(tuple(sites), process)
    if _first_line(process) == b"ready\n":
        return app
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    said = process.communicate()[1].decode(errors="replace").strip().splitlines()
    raise LabError(f"the sample app did not start: {said[-1] if said else f'silent for {_START_SECONDS:.0f} s'}")


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The first line on its stdout; empty if it ends or stays silent."""
    assert process.stdout is not None  # noqa: S101  a pipe was asked for
    descriptor, text, deadline = process.stdout.fileno(), b"", time.monotonic() + _START_SECONDS
    while not text.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 4096)
        if not chunk:
            break
        text += chunk
    return text
