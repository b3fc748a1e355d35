"""`bluegreen rolling`: begun, shown, refused and taken back, on a service of fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli.conftest import Line
from tests.support.fakes import a_world
from tests.support.targets import InPlace, in_place
from tests.support.workload import FakeWorkload
from toolkit.rollout.steps import Probe
from toolkit.rollout.workload import Capacity
from toolkit.settings import HookPoint, HookSettings, OnFailure, RollingSettings, Update
from toolkit.traffic import Color, Split

LINE = "rolling web --bake 0"


@pytest.fixture
def place() -> InPlace:
    return in_place("a", "b", "c")


def test_every_target_is_updated_by_the_command_after_the_dashes(line: Line, place: InPlace) -> None:
    ended = line(place.world, f"{LINE} --version 1.4.2 -- ./update.sh --quick")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("web: 3 targets of blue updated, in 3 batches\n")
    assert "is completed; journal head" in ended.out
    assert set(place.versions.values()) == {"new"}
    assert {told["BLUEGREEN_VERSION"] for told in place.updates.told} == {"1.4.2"}
    assert place.world.split() == Split(blue=100, green=0)


def test_the_journal_shows_it_as_what_it_was(line: Line, place: InPlace) -> None:
    line(place.world, f"{LINE} --batch 2 -- ./update.sh")
    shown = line(place.world, "show web-1").out
    assert "web-1: rolling, blue in place" in shown
    assert "update batch 2 of 2: c:8080" in shown
    assert "completed" in line(place.world, "history web").out


def test_json_says_how_it_ended(line: Line, place: InPlace) -> None:
    document = line(place.world, f"{LINE} -o json -- ./update.sh").json()
    assert (document["strategy"], document["phase"], document["base"], document["to"], document["written"]) == (
        "rolling",
        "completed",
        "blue",
        "blue",
        False,
    )


def test_what_would_be_done_is_shown_and_not_done(line: Line, place: InPlace) -> None:
    told = line(place.world, f"{LINE} --batch 50% --dry-run -- ./update.sh").out
    assert "would update blue in place by rolling" in told
    assert "3 targets of blue in 3 batches; 2 stay healthy meanwhile" in told
    assert place.updates.calls == []
    assert place.world.events() == []


def test_settings_say_how_and_the_command_line_says_otherwise(line: Line, place: InPlace) -> None:
    rolling = RollingSettings(
        batch=2, bake_seconds=0, on_failure=OnFailure.PAUSE, update=Update(command=("./own.sh",)), gates=(Probe("/up"),)
    )
    place.world.service.settings = replace(place.world.service.settings, rolling=rolling)
    place.updates.fails.add(("a", False))
    ended = line(place.world, "rolling web")
    assert ended.code == 38, ended.err
    assert "a:8080: exit 3" in ended.last_line
    plan = place.world.events()[0].plan
    assert (len(plan.steps), plan.gates, plan.rolling.update.command) == (4, (Probe("/up"),), ("./own.sh",))
    assert line(place.world, "rollback web").code == 0
    assert set(place.versions.values()) == {"old"}
    again = line(place.world, "rolling web --batch 1 --on-failure take-back -- ./other.sh")
    assert again.code == 32
    plan = place.world.events()[-1 - [type(e).__name__ for e in reversed(place.world.events())].index("RolloutStarted")]
    assert (len(plan.plan.steps), plan.plan.rolling.update.command) == (6, ("./other.sh",))


def test_a_failing_batch_and_those_done_are_taken_back(line: Line, place: InPlace) -> None:
    place.updates.fails.add(("b", False))
    ended = line(place.world, f"{LINE} -- ./update.sh")
    assert ended.code == 32
    assert "b:8080: exit 3" in ended.last_line
    assert "what was updated runs again what it ran, all traffic stays on blue" in ended.last_line
    assert set(place.versions.values()) == {"old"}
    assert set(place.health.values()) == {"healthy"}


def test_a_rollback_of_one_that_nobody_runs_is_its_own_way_back(line: Line, place: InPlace) -> None:
    place.updates.fails.add(("b", False))
    assert line(place.world, f"{LINE} --on-failure pause -- ./update.sh").code == 38
    assert "rolling, blue in place" in line(place.world, "status web").out
    assert line(place.world, "rollback --all").code == 36, "no weights take it back"
    assert line(place.world, "rollback web --to green").code == 36
    assert place.versions["a"] == "new"
    assert line(place.world, "rollback web").code == 0
    assert set(place.versions.values()) == {"old"}
    assert place.world.service.record().rollout is None


def test_one_that_is_paused_goes_on_with_the_batch_that_failed(line: Line, place: InPlace) -> None:
    place.updates.fails.add(("b", False))
    line(place.world, f"{LINE} --on-failure pause -- ./update.sh")
    place.updates.fails.clear()
    ended = line(place.world, "resume web")
    assert ended.code == 0, ended.err
    assert set(place.versions.values()) == {"new"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("", 2, "it is not said how a target is updated"),
        ("--batch 0 -- ./update.sh", 2, "--batch: "),
        ("--batch 150% -- ./update.sh", 2, "--batch: "),
        ("--batch x -- ./update.sh", 2, "--batch: "),
        ("--min-healthy 1.5 -- ./update.sh", 2, "--min-healthy: "),
        ("--batch 3 -- ./update.sh", 14, "a batch of 3 is all there is (3 registered), so nobody would serve"),
        ("--min-healthy 3 -- ./update.sh", 14, "3 of 3 targets cannot stay healthy while 1 are out"),
        ("--image web:2", 14, "the contract names no workload"),
        ("--container web", 2, "it is not said what to deploy"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(line: Line, place: InPlace, words: str, code: int, said: str) -> None:
    ended = line(place.world, f"{LINE} {words}")
    assert ended.code == code, ended.err
    assert said in ended.line
    assert place.updates.calls == []
    assert place.world.events() == []


def test_a_document_of_ssm_takes_instances(line: Line, place: InPlace) -> None:
    update = Update(document="AWS-RunShellScript", parameters={"commands": ("./update.sh",)})
    rolling = RollingSettings(bake_seconds=0, update=update)
    place.world.service.settings = replace(place.world.service.settings, rolling=rolling)
    ended = line(place.world, "rolling web")
    assert ended.code == 14
    assert "SSM runs documents on instances, and a:8080, b:8080, c:8080 are none" in ended.line


def test_targets_that_come_and_go_by_themselves_are_not_taken_out(line: Line) -> None:
    world = a_world()
    world.service.workload = FakeWorkload(dict.fromkeys(Color, Capacity(3, 3)))
    ended = line(world, f"{LINE} -- ./update.sh")
    assert ended.code == 14
    assert "what is taken out would be put in again" in ended.line
    ended = line(world, f"{LINE} --batch 1 --image web:2")
    assert ended.code == 2
    assert "--batch would say nothing" in ended.line


def test_an_update_that_cannot_be_begun_takes_nobody_out(line: Line, place: InPlace) -> None:
    place.updates.lacks = "./nope.sh: no program that can be run"
    ended = line(place.world, f"{LINE} -- ./nope.sh")
    assert ended.code == 14
    assert "./nope.sh: no program that can be run. Nothing was changed." in ended.line
    assert place.targets.calls == []


def test_what_cannot_be_taken_back_says_what_to_do_and_why_it_began(line: Line, place: InPlace) -> None:
    place.updates.fails |= {("b", False), ("b", True)}
    halted = line(place.world, f"{LINE} -- ./update.sh")
    assert halted.code == 36
    assert "b:8080 cannot be taken back: update: b:8080: exit 3" in halted.last_line
    assert "Mend what is named, then bluegreen resume web" in halted.last_line
    assert "print-awscli" not in halted.last_line
    place.updates.fails.clear()
    ended = line(place.world, "resume web")
    assert ended.code == 32
    assert "web: update: b:8080: exit 3; what was updated runs again what it ran" in ended.last_line
    assert "the same command with --dry-run" in ended.last_line


def test_there_is_nothing_to_promote(line: Line, place: InPlace) -> None:
    place.updates.fails.add(("b", False))
    line(place.world, f"{LINE} --on-failure pause -- ./update.sh")
    ended = line(place.world, "promote web")
    assert ended.code == 2
    assert "updates blue in place, so there is nothing to promote" in ended.line


def test_hooks_around_a_batch_are_told_which_it_is(line: Line, place: InPlace) -> None:
    hooks = tuple(
        HookSettings(at=at, name=at.value, command=("./see.sh",))
        for at in (HookPoint.BEFORE_SHIFT, HookPoint.AFTER_SHIFT)
    )
    place.world.service.settings = replace(place.world.service.settings, hooks=hooks)
    assert line(place.world, f"{LINE} --batch 2 --version 7 -- ./update.sh").code == 0
    told = [
        (each["BLUEGREEN_POINT"], each["BLUEGREEN_BATCH"], each["BLUEGREEN_TARGETS"])
        for _, each in place.world.hooks.ran
    ]
    assert told == [
        ("before-shift", "1/2", "a:8080 b:8080"),
        ("after-shift", "1/2", "a:8080 b:8080"),
        ("before-shift", "2/2", "c:8080"),
        ("after-shift", "2/2", "c:8080"),
    ]
    assert {each["BLUEGREEN_VERSION"] for _, each in place.world.hooks.ran} == {"7"}
