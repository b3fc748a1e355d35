"""Batches: several targets at the same time, none left half done, and each told who it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.hooks import Pulsing, QuickClock
from tests.support.rolling import FastClock
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable
from toolkit.gates.output import labelled
from toolkit.gates.updates import AT_ONCE, TargetUpdates
from toolkit.rollout.ports import Pulse, Result
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import OUTPUT_LIMIT, Hook
from toolkit.rollout.updating import Attempt
from toolkit.settings import Update

PATIENCE = 20
BY_COMMAND = Update(command=("./update.sh",), timeout_seconds=120, retries=2)
BY_DOCUMENT = Update(document="Update-web", retries=2)
A, B = Member("i-0a", 8080, "a"), Member("i-0b", 8080)


@dataclass
class Told:
    """Hooks that do as they are told, and remember what they were asked. Threads ask."""

    does: Callable[[str, Pulse], Result] = lambda _id, _pulse: Result(True, "done")
    hooks: list[Hook] = field(default_factory=list)
    words: list[Mapping[str, str]] = field(default_factory=list)

    def run(self, hook: Hook, environment: Mapping[str, str], *, pulse: Pulse) -> Result:
        self.hooks.append(hook)
        self.words.append(environment)
        return self.does(environment["BLUEGREEN_TARGET_ID"], pulse)


@dataclass
class Documents:
    """Documents that end like this, one try after the other; an error is raised."""

    ends: list[Attempt | AwsError]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def run(
        self, update: Update, member: Member, environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Attempt:
        self.asked.append({**environment, "back": back})
        end = self.ends.pop(0)
        if isinstance(end, AwsError):
            raise end
        return end


def updates(hooks: Told | None = None, documents: Documents | None = None) -> TargetUpdates:
    return TargetUpdates(
        hooks=hooks or Told(), documents=documents or Documents([]), clock=QuickClock(), directory=Path()
    )


def members(count: int) -> list[Member]:
    return [Member(f"i-{number:02}", 80) for number in range(count)]


def test_eight_are_updated_at_the_same_time_and_never_more() -> None:
    gathered, turn = threading.Barrier(AT_ONCE), threading.Lock()
    running, most = 0, 0

    def does(_id: str, _pulse: Pulse) -> Result:
        nonlocal running, most
        with turn:
            running += 1
            most = max(most, running)
        gathered.wait(PATIENCE)
        with turn:
            running -= 1
        return Result(True, "done")

    assert updates(Told(does)).update(BY_COMMAND, members(2 * AT_ONCE), {}, back=False, pulse=Pulsing()).passed
    assert most == AT_ONCE


def test_those_under_way_are_let_finish_when_one_fails_and_none_is_begun_after_it() -> None:
    gathered, has_failed = threading.Barrier(AT_ONCE), threading.Event()
    hooks = Told()

    def does(name: str, alive: Pulse) -> Result:
        gathered.wait(PATIENCE)
        if name == "i-00":
            return Result(False, "exit 3")
        assert has_failed.wait(PATIENCE)
        return Result(alive(), "done")

    def pulse() -> bool:  # asked half a second after all have begun, when the first has long failed
        has_failed.set()
        return True

    hooks.does = does
    result = updates(hooks).update(BY_COMMAND, members(AT_ONCE + 3), {}, back=False, pulse=pulse)
    assert result == Result(False, "i-00:80: exit 3; i-01:80, i-02:80, i-03:80 and 4 more updated; 3 not begun", "")
    assert len(hooks.hooks) == AT_ONCE


def test_many_failures_are_counted() -> None:
    gathered = threading.Barrier(AT_ONCE)

    def does(_id: str, _pulse: Pulse) -> Result:
        gathered.wait(PATIENCE)
        return Result(False, "exit 3")

    result = updates(Told(does)).update(BY_COMMAND, members(AT_ONCE), {}, back=False, pulse=Pulsing())
    assert result.reason == "i-00:80: exit 3; i-01:80: exit 3; i-02:80: exit 3; 5 more failed"


def test_an_error_of_ours_ends_the_others_and_passes() -> None:
    def does(name: str, _pulse: Pulse) -> Result:
        if name == "i-00":
            raise ZeroDivisionError
        return Result(True, "done")

    with pytest.raises(ZeroDivisionError):
        updates(Told(does)).update(BY_COMMAND, members(3), {}, back=False, pulse=Pulsing())


@pytest.mark.parametrize(
    ("update", "back", "command", "name"),
    [
        (BY_COMMAND, False, ("./update.sh",), "update"),
        (BY_COMMAND, True, ("./update.sh",), "take-back"),
        (Update(command=("./update.sh",), take_back=("./back.sh",)), True, ("./back.sh",), "take-back"),
        (Update(command=("./update.sh",), take_back=("./back.sh",)), False, ("./update.sh",), "update"),
    ],
)
def test_a_command_is_run_with_the_time_and_tries_of_its_update(
    update: Update, back: bool, command: tuple[str, ...], name: str
) -> None:
    hooks = Told()
    assert updates(hooks).update(update, [A], {"BLUEGREEN_SERVICE": "web"}, back=back, pulse=Pulsing()).passed
    assert hooks.hooks == [Hook(name, command, timeout_seconds=update.timeout_seconds, retries=update.retries)]
    assert hooks.words == [
        {
            "BLUEGREEN_SERVICE": "web",
            "BLUEGREEN_TARGET_ID": "i-0a",
            "BLUEGREEN_TARGET_PORT": "8080",
            "BLUEGREEN_TARGET_ZONE": "a",
        }
    ]


def test_a_document_is_tried_again_and_told_its_number() -> None:
    documents = Documents([Attempt(False, "exit 3"), AwsUnreachable("no answer"), Attempt(True, "done", "said")])
    result = updates(documents=documents).update(BY_DOCUMENT, [A], {}, back=True, pulse=Pulsing())
    assert result == Result(True, "i-0a:8080 taken back", "i-0a:8080:\nsaid\n")
    assert [each["BLUEGREEN_TRY"] for each in documents.asked] == ["1", "2", "3"]
    assert {(each["back"], each["BLUEGREEN_HOOK"], each["BLUEGREEN_TARGET_ID"]) for each in documents.asked} == {
        (True, "take-back", "i-0a")
    }


@pytest.mark.parametrize("end", [Attempt(False, "not for it", again=False), AccessDenied("not for it")])
def test_what_cannot_end_otherwise_is_not_tried_again(end: Attempt | AwsError) -> None:
    documents = Documents([end])
    result = updates(documents=documents).update(BY_DOCUMENT, [A, B][:1], {}, back=False, pulse=Pulsing())
    assert result == Result(False, "i-0a:8080: not for it", "")


def test_what_a_document_says_is_safe_to_print_and_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "hush-hush-hush")
    documents = Documents([Attempt(True, "done", "\x1b[31mred\x07 hush-hush-hush\r\n")])
    result = updates(documents=documents).update(BY_DOCUMENT, [A], {}, back=False, pulse=Pulsing())
    assert result.output == "i-0a:8080:\nred (hidden)\n"


def test_a_no_of_the_pulse_between_two_tries_of_a_document_is_the_last_word() -> None:
    documents = Documents([Attempt(False, "exit 3")] * 1001)
    made = TargetUpdates(hooks=Told(), documents=documents, clock=FastClock(100), directory=Path())
    update = Update(document="Update-web", retries=1000)
    assert made.update(update, [A], {}, back=False, pulse=lambda: False).reason == "stopped"
    assert documents.ends


@pytest.mark.parametrize("count", [1, 2, 7, 300, 5000])
@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_what_many_say_fits_and_nobody_is_left_out_while_there_is_room(count: int, size: int) -> None:
    said = [(f"i-{number:04}", "ö" * (size + number % 3)) for number in range(count)]
    text = labelled(said)
    assert len(text.encode()) <= OUTPUT_LIMIT
    if count * 40 < OUTPUT_LIMIT:
        assert all(f"{label}:" in text for label, _ in said)
    if sum(len(f"{label}:\n{each}\n".encode()) for label, each in said) <= OUTPUT_LIMIT:
        assert text == "".join(f"{label}:\n{each}\n" for label, each in said)


def test_who_says_little_leaves_the_room_to_the_others() -> None:
    text = labelled([("a", "x" * 300), ("b", "y"), ("c", " \n")], 200)
    assert text.endswith("b:\ny\n")
    assert "c:" not in text
    assert len(text.encode()) > 190


def test_a_command_that_nobody_can_start_is_seen_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "update.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    made = TargetUpdates(hooks=Told(), documents=Documents([]), clock=QuickClock(), directory=tmp_path)
    assert made.unable(Update(command=("./update.sh",))).startswith("./update.sh: no program that can be run below")
    (tmp_path / "update.sh").chmod(0o755)
    assert made.unable(Update(command=("./update.sh",))) == ""
    monkeypatch.chdir(tmp_path)
    here = TargetUpdates(hooks=Told(), documents=Documents([]), clock=QuickClock(), directory=Path())
    assert here.unable(Update(command=("./update.sh",))) == ""
    assert made.unable(Update(command=(str(tmp_path / "update.sh"),), take_back=("sh", "-c", "true"))) == ""
    assert "no-such-program: no program" in made.unable(Update(command=("sh",), take_back=("no-such-program",)))
    assert made.unable(Update(document="AWS-RunShellScript", parameters={"commands": ("true",)})) == ""
