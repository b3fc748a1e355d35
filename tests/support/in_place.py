"""Targets that are updated in place: each a process of its own, started, ended and asked past the load balancer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.support import update_target
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.rehearsal.targets import TARGET_PORT

DEAD = "dead"
ASKED = 40
"""Requests to a target: of a version with errors all of them are answered well once in 100,000 times."""
_ASK_SECONDS = 5.0


@dataclass(frozen=True)
class Fleet:
    """The targets by their private addresses. directory: where updates note what they did. options: of the app."""

    directory: Path
    addresses: Sequence[str]
    options: Sequence[str] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """What updates one of them."""
        return sys.executable, str(Path(update_target.__file__)), str(self.directory), *self.options

    @property
    def hold(self) -> Path:
        """While it exists, an update stands in the middle of what it does."""
        return self.directory / "hold"

    def versions(self) -> list[str]:
        """What each answers that it runs; `dead` of one that answers nothing."""
        return [version_at(to_loopback(address)) for address in self.addresses]

    def updates(self) -> list[dict[str, Any]]:
        """What each update was told so far, in their order."""
        file = self.directory / "ran.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def bring(self, version: str) -> None:
        """Have all of them run this version, past bluegreen; who runs it already is left alone."""
        for address, running in zip(self.addresses, self.versions(), strict=True):
            if running == version:
                continue
            told = {"ROLLOUT": "by-hand", "DIRECTION": "forward", "VERSION": version}
            place = {"TARGET_ID": address, "TARGET_PORT": str(TARGET_PORT)}
            words = {f"BLUEGREEN_{name}": value for name, value in {**told, **place}.items()}
            subprocess.run(self.command, env={**os.environ, **words}, check=True, stdout=subprocess.DEVNULL)

    def end(self) -> None:
        """End every process."""
        self.hold.unlink(missing_ok=True)
        for address in self.addresses:
            update_target.end(self.directory / address)


@contextmanager
def fleet(directory: Path, addresses: Sequence[str], version: str, options: Sequence[str] = ()) -> Iterator[Fleet]:
    """Processes that serve this version at all addresses; whatever serves there at the end is ended."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Fleet(directory, addresses, options)
    try:
        made.bring(version)
        yield made
    finally:
        made.end()


def version_at(address: str) -> str:
    """What answers there, asked past the load balancer."""
    connection = HTTPConnection(address, TARGET_PORT, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().headers["X-Version"] or DEAD
    except (OSError, HTTPException):
        return DEAD
    finally:
        connection.close()


def errors_at(address: str) -> int:
    """How many of `ASKED` requests, all at once, are not answered 200."""
    with ThreadPoolExecutor(max_workers=ASKED) as pool:
        return ASKED - sum(pool.map(lambda _: _is_well(address), range(ASKED)))


def _is_well(address: str) -> bool:
    connection = HTTPConnection(address, TARGET_PORT, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def as_hook(fleet: Fleet) -> str:
    """A hook in the words of a settings file: it asks each target by itself, and fails where one answers wrongly."""
    code = (
        "import sys; from tests.support.in_place import errors_at; "
        f"sys.exit('; '.join(f'{{each}} answered {{failed}} of {ASKED} requests wrongly' "
        "for each in sys.argv[1:] if (failed := errors_at(each))) or None)"
    )
    words = [sys.executable, "-c", code, *map(to_loopback, fleet.addresses)]
    return f'[[service.web.hook]]\nat = "after-shift"\nname = "ask"\nhook = {json.dumps(words)}\ntimeout = "60s"\n'


def environment(lab_environ: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """What a command needs to reach the lab, with caches and state of its own, and the hook to find the tests."""
    return {
        **lab_environ,
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "XDG_STATE_HOME": str(scratch / "state"),
        "COLUMNS": "200",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
