"""A command line run in this process, on a service of fakes."""

from __future__ import annotations

import gc
import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.fakes import FakeWorld
from toolkit.cli import service as cli_service
from toolkit.cli.app import main


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The document on stdout, whatever the exit code."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line on stderr that an error is."""
        assert len(self.err.splitlines()) == 1, self.err
        assert self.err.startswith("bluegreen: "), self.err
        assert self.err.endswith(f"  [exit {self.code}]\n"), self.err
        return self.err

    @property
    def last_line(self) -> str:
        """The error after the lines of what happened before it."""
        assert self.err.splitlines()[-1].startswith("bluegreen: "), self.err
        return self.err.splitlines()[-1]


Line = Callable[[FakeWorld, str], Ended]


@contextmanager
def as_it_was() -> Iterator[None]:
    """What `main` changes of its process, it changes for good; the test run goes on."""
    handler, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        gc.set_threshold(*threshold)
        gc.unfreeze()


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    """Run a command line on a fake world, whose service is called web."""

    def run(world: FakeWorld, line: str) -> Ended:
        def wire(name: str | None, _where: object, note: Callable[[str], None]) -> object:
            assert name in (None, "web")
            world.service.note = note
            return world.service

        monkeypatch.setattr(cli_service, "wire", wire)
        monkeypatch.setattr(cli_service, "wire_all", lambda where, note: [wire(None, where, note)])
        monkeypatch.setattr(sys, "argv", ["bluegreen", *shlex.split(line)])
        with as_it_was(), pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


Worlds = Mapping[str, FakeWorld]
Fleet = Callable[[Worlds, str], Ended]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fleet:
    """Run a command line on several fake worlds, each a service of its name."""

    def run(worlds: Worlds, line: str) -> Ended:
        def wire(name: str, _where: object, note: Callable[[str], None]) -> object:
            worlds[name].service.note = note
            return worlds[name].service

        monkeypatch.setattr(cli_service, "wire", wire)
        monkeypatch.setattr(cli_service, "wire_all", lambda where, note: [wire(name, where, note) for name in worlds])
        monkeypatch.setattr(sys, "argv", ["bluegreen", *shlex.split(line)])
        with as_it_was(), pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run
