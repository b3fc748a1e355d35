"""What every Updates does: a command for each target, a script that SSM runs on each, and the fake.

SSM is a server of our own that runs scripts for real (tests/support/ssm.py): moto ends every command at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.hooks import A_SECOND, Pulsing, is_alive
from tests.support.http_server import wait_until
from tests.support.provision import CREDENTIALS, REGION
from tests.support.rolling import FakeUpdates, FastClock
from tests.support.ssm import SHELL, running_ssm
from toolkit.aws.session import Session
from toolkit.aws.ssm_commands import SsmCommands
from toolkit.gates.hooks import OutsideHooks
from toolkit.gates.updates import AT_ONCE, TargetUpdates
from toolkit.rollout.ports import Pulse, Result, Updates
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import OUTPUT_LIMIT
from toolkit.settings import AwsSettings, Update

TOLD = {"BLUEGREEN_SERVICE": "web", "BLUEGREEN_HOOK_ID": "web-7/0-new", "BLUEGREEN_VERSION": "it's {{1}}.2; $(x)"}
A, B, C = (Member(f"i-0{letter}", 8080, zone) for letter, zone in (("a", "eu-central-1a"), ("b", None), ("c", None)))
SOON = 20
"""Seconds, on a busy machine: less than any timeout of a case that is not brief."""
WAYS = {False: "update", True: "take-back"}

SCRIPT = """\
set -eu
cd {directory}
way=$1 id=$BLUEGREEN_TARGET_ID
echo $$ > pid-$id
[ ! -e says-$id ] || cat says-$id
echo $id $way >> begun
env > told-$id
[ ! -e hangs-$id-$way ] || sleep 60
[ ! -e fails-$id-$way ] || exit 3
echo $way > runs-$id
"""


class Case(Protocol):
    """One implementation, and what befalls its targets. brief: a timeout that is soon over."""

    update: Update
    brief: float

    @property
    def updates(self) -> Updates: ...

    def befalls(self, what: str, member: Member, *, back: bool = False) -> None: ...

    def says(self, member: Member, text: str) -> None: ...

    def begun(self) -> list[tuple[str, bool]]:
        """Which updates were begun, by id and direction."""

    def runs(self, member: Member) -> str:
        """The way that it went last to the end: update or take-back; empty: none."""

    def told(self, member: Member) -> dict[str, str]: ...

    def is_at_rest(self) -> bool:
        """Whether nothing is under way any more."""


@dataclass
class Fake:
    updates: FakeUpdates = field(default_factory=FakeUpdates)
    update: Update = field(default_factory=lambda: Update(command=("x",)))
    brief: float = 20

    def befalls(self, what: str, member: Member, *, back: bool = False) -> None:
        {"fails": self.updates.fails, "hangs": self.updates.hangs}[what].add((member.id, back))

    def says(self, member: Member, text: str) -> None:
        self.updates.says[member.id] = text

    def begun(self) -> list[tuple[str, bool]]:
        return self.updates.calls

    def runs(self, member: Member) -> str:
        return {"": "", "new": WAYS[False], "old": WAYS[True]}[self.updates.runs.get(member.id, "")]

    def told(self, member: Member) -> dict[str, str]:
        return next(each for each in self.updates.told if each["BLUEGREEN_TARGET_ID"] == member.id)

    def is_at_rest(self) -> bool:
        return True


@dataclass
class Real:
    """Runs SCRIPT, which looks into `directory` for what befalls it."""

    updates: Updates
    update: Update
    directory: Path
    brief: float

    def befalls(self, what: str, member: Member, *, back: bool = False) -> None:
        (self.directory / f"{what}-{member.id}-{WAYS[back]}").touch()

    def says(self, member: Member, text: str) -> None:
        (self.directory / f"says-{member.id}").write_text(text, encoding="utf-8")

    def begun(self) -> list[tuple[str, bool]]:
        lines = (line.split() for line in self._read("begun").splitlines())
        return [(name, way == WAYS[True]) for name, way in lines]

    def runs(self, member: Member) -> str:
        return self._read(f"runs-{member.id}").strip()

    def told(self, member: Member) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._read(f"told-{member.id}").splitlines())

    def is_at_rest(self) -> bool:
        return not any(is_alive(int(path.read_text())) for path in self.directory.glob("pid-*"))

    def _read(self, name: str) -> str:
        path = self.directory / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


class NoDocuments:
    """Nobody asks."""

    def run(self, *_: object, **__: object) -> None:
        raise AssertionError("a command was asked for")


def script_in(directory: Path) -> Path:
    path = directory / "update.sh"
    path.write_text(SCRIPT.format(directory=directory), encoding="utf-8")
    return path


@contextmanager
def fake(_directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    yield Fake()


@contextmanager
def command(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    path, clock = script_in(directory), FastClock(20)
    hooks = OutsideHooks(directory=directory, clock=clock)
    ways = (("sh", str(path), WAYS[False]), ("sh", path.name, WAYS[True]))
    updates = TargetUpdates(hooks=hooks, documents=NoDocuments(), clock=clock, directory=Path())  # type: ignore[arg-type]
    yield Real(updates, Update(command=ways[0], take_back=ways[1], timeout_seconds=30), directory, brief=1)


@contextmanager
def ssm(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    path, clock = script_in(directory), FastClock(20)
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    with running_ssm(directory) as server:
        session = Session(AwsSettings(region=REGION, endpoint_url=server.url))
        hooks = OutsideHooks(directory=directory, clock=clock)
        updates = TargetUpdates(hooks=hooks, documents=SsmCommands(session, clock), clock=clock, directory=Path())
        update = Update(
            document=SHELL,
            parameters={"commands": (f"sh {path} {WAYS[False]}",)},
            take_back_parameters={"commands": ("#!/bin/sh -e", f"sh {path} {WAYS[True]}")},
            timeout_seconds=600,
        )
        yield Real(updates, update, directory, brief=20)


@pytest.fixture(params=[fake, command, ssm], ids=["fake", "command", "ssm"])
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    with request.param(tmp_path, monkeypatch) as made:
        yield made


def updated(
    case: Case, *members: Member, back: bool = False, pulse: Pulse | None = None, timeout: float | None = None
) -> Result:
    update = case.update
    if timeout is not None:
        update = Update(
            command=update.command, document=update.document, parameters=update.parameters, timeout_seconds=timeout
        )
    return case.updates.update(update, members, TOLD, back=back, pulse=pulse or Pulsing())


def ids(members: Sequence[Member]) -> set[str]:
    return {member.id for member in members}


def test_every_target_is_updated_and_told_which_it_is(case: Case) -> None:
    result = updated(case, A, B, C)
    assert result.passed
    assert result.reason == "i-0a:8080, i-0b:8080, i-0c:8080 updated"
    assert [case.runs(member) for member in (A, B, C)] == ["update"] * 3
    told = case.told(A)
    assert {name: told[name] for name in TOLD} == {**TOLD, "BLUEGREEN_HOOK_ID": "web-7/0-new/i-0a:8080"}
    assert (told["BLUEGREEN_TARGET_ID"], told["BLUEGREEN_TARGET_PORT"]) == ("i-0a", "8080")
    assert told["BLUEGREEN_TARGET_ZONE"] == "eu-central-1a"
    assert case.told(B)["BLUEGREEN_TARGET_ZONE"] == ""


def test_a_target_without_a_port_has_an_empty_one(case: Case) -> None:
    assert updated(case, Member("i-0f")).passed
    assert case.told(Member("i-0f"))["BLUEGREEN_TARGET_PORT"] == ""


def test_it_is_taken_back_by_its_own_way(case: Case) -> None:
    assert updated(case, A, B).passed
    result = updated(case, B, back=True)
    assert (result.passed, result.reason) == (True, "i-0b:8080 taken back")
    assert (case.runs(A), case.runs(B)) == ("update", "take-back")
    assert case.begun()[-1] == ("i-0b", True)


def test_an_update_that_is_repeated_is_done_again(case: Case) -> None:
    assert updated(case, A).passed
    assert updated(case, A).passed
    assert case.begun() == [("i-0a", False)] * 2


def test_one_that_fails_is_named_with_its_reason_in_one_line(case: Case) -> None:
    case.befalls("fails", B)
    result = updated(case, A, B)
    assert not result.passed
    assert "i-0b:8080: " in result.reason
    assert "exit" in result.reason
    assert result.reason.count(" 3") == 1
    assert "i-0a:8080 updated" in result.reason
    assert "\n" not in result.reason
    assert case.runs(B) == ""


def test_what_failed_may_succeed_the_next_time_and_in_the_other_direction(case: Case) -> None:
    case.befalls("fails", A)
    assert not updated(case, A).passed
    assert updated(case, A, back=True).passed
    assert case.runs(A) == "take-back"


def test_after_a_failure_no_other_is_begun(case: Case) -> None:
    members = [Member(f"i-{number:02}") for number in range(2 * AT_ONCE)]
    for member in members[:AT_ONCE]:
        case.befalls("fails", member)
    result = updated(case, *members)
    begun = {name for name, _ in case.begun()}
    assert begun <= ids(members[:AT_ONCE])
    assert result.reason.endswith(f"; {len(members) - len(begun)} not begun")
    assert case.is_at_rest()


def test_what_each_said_stands_below_its_name(case: Case) -> None:
    case.says(A, "one\ntwo\n")
    case.says(C, "three")
    case.befalls("fails", C)
    result = updated(case, A, B, C)
    assert result.output == "i-0a:8080:\none\ntwo\ni-0c:8080:\nthree\n"


def test_however_much_all_of_them_say_the_output_has_its_limit(case: Case) -> None:
    case.says(A, "begin " + "ä" * 7_000 + " end")
    case.says(B, "little")
    case.says(C, "begin " + "x" * 9_000 + " end")
    output = updated(case, A, B, C).output
    assert len(output.encode()) <= OUTPUT_LIMIT
    assert output.count("begin ") == 2
    assert output.count(" end") == 2
    assert "\ni-0b:8080:\nlittle\n" in output


def test_one_that_is_not_done_in_its_time_is_ended_and_named(case: Case) -> None:
    case.befalls("hangs", A)
    began = time.monotonic()
    result = updated(case, A, timeout=case.brief)
    assert not result.passed
    assert result.reason.startswith("i-0a:8080: ")
    assert "not done after " in result.reason
    assert time.monotonic() - began < SOON
    assert case.is_at_rest()


def test_a_no_of_the_pulse_ends_everything(case: Case) -> None:
    case.befalls("hangs", A)
    case.befalls("hangs", B)
    case.says(A, "begun\n")
    began = time.monotonic()
    result = updated(case, A, B, pulse=lambda: not case.begun())
    assert time.monotonic() - began < SOON
    assert (result.passed, result.reason) == (False, "stopped")
    assert result.output == "i-0a:8080:\nbegun\n" or not result.output, "SSM shows nothing before the end"
    wait_until(case.is_at_rest)
    assert case.runs(A) == ""


def test_what_the_pulse_raises_passes_once_everything_is_ended(case: Case) -> None:
    class Lost(Exception):
        pass

    def lost() -> bool:
        if case.begun():
            raise Lost
        return True

    case.befalls("hangs", A)
    began = time.monotonic()
    with pytest.raises(Lost):
        updated(case, A, pulse=lost)
    assert time.monotonic() - began < SOON
    assert case.is_at_rest()


def test_the_pulse_is_asked_every_second_and_by_one_thread_alone(case: Case) -> None:
    pulse, threads = Pulsing(), set[int]()

    def asked() -> bool:
        threads.add(threading.get_ident())
        return pulse()

    case.befalls("hangs", A)
    case.befalls("hangs", B)
    assert not updated(case, A, B, timeout=2 * case.brief, pulse=asked).passed
    assert pulse.asked
    assert pulse.longest_silence() < A_SECOND
    assert threads == {threading.get_ident()}
