"""`bluegreen rollback` of several services: each said as it ends, and an exit code for all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cli.conftest import Ended, Fleet
from tests.support.fakes import FakeWorld, a_world
from toolkit.errors import AccessDenied
from toolkit.rollout.ports import Holder
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

HOME, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)


def worlds(*names: str) -> dict[str, FakeWorld]:
    """Services at 80/20, their base blue on record."""
    made = {}
    for name in names:
        world = a_world()
        world.service.contract = replace(world.service.contract, name=name)
        shift(world.service, CANARY)
        made[name] = world
    return made


def lines(ended: Ended) -> list[str]:
    return sorted(line for line in ended.err.splitlines() if not line.startswith("bluegreen: "))


def test_several_go_back_at_once_and_each_is_said(fleet: Fleet) -> None:
    three = worlds("web", "api", "pay")
    ended = fleet(three, "rollback web api")
    assert ended.code == 0
    assert lines(ended) == ["api: blue 100 / green 0 on 1 route", "web: blue 100 / green 0 on 1 route"]
    assert ended.out == "2 of 2 services are on their base.\n"
    assert [world.split() for world in three.values()] == [HOME, HOME, CANARY]


def test_all_are_those_there_are_and_one_without_a_base_is_left_alone(fleet: Fleet) -> None:
    three = worlds("web", "api") | {"new": a_world()}
    ended = fleet(three, "rollback --all")
    assert ended.code == 0
    assert ended.out == "2 of 3 services are on their base.\n"
    assert "no base is on record" in "".join(lines(ended))
    named = fleet(three, "rollback web new")
    assert named.code == 17
    assert named.out == "1 of 2 services are on their base, 1 failed.\n"


def test_one_that_fails_holds_no_other_up_and_gives_the_exit_code(fleet: Fleet) -> None:
    two = worlds("web", "api")
    two["api"].health(Color.BLUE, "unhealthy")
    ended = fleet(two, "rollback web api")
    assert ended.code == 18
    assert two["web"].split() == HOME
    assert "not taken back: api: " in ended.err
    assert ended.last_line.startswith("bluegreen: api: ")


def test_failures_of_one_kind_share_their_code_and_those_of_several_end_in_31(fleet: Fleet) -> None:
    three = worlds("web", "api", "pay")
    for name in ("web", "api"):
        three[name].health(Color.BLUE, "unhealthy")
    ended = fleet(three, "rollback web api pay")
    assert ended.code == 18
    assert "2 services are not taken back: web, api" in ended.last_line
    assert "bluegreen rollback web api" in ended.last_line

    def denied(_name: str) -> None:
        raise AccessDenied("no")

    three["web"].health(Color.BLUE, "healthy")
    three["web"].router.before_write = denied
    assert fleet(three, "rollback web api pay").code == 31


def test_as_json_every_service_has_its_outcome_or_its_error(fleet: Fleet) -> None:
    two = worlds("web", "api")
    two["api"].health(Color.BLUE, "unhealthy")
    ended = fleet(two, "rollback web api -o json")
    web, api = ended.json()["services"]
    assert (web["service"], web["written"], web["after"]) == ("web", True, {"blue": 100, "green": 0})
    assert (api["service"], api["error"]["exit_code"]) == ("api", 18)
    assert "blue has no healthy target" in api["error"]["message"]


def test_one_that_somebody_else_holds_is_named_and_the_others_go_back(fleet: Fleet) -> None:
    two = worlds("web", "api")
    bob = Holder("bob", "elsewhere", 7, "shift")
    two["api"].store.acquire("api", bob, now=two["api"].clock.now(), seconds=30)
    ended = fleet(two, "rollback web api --force")
    assert ended.code == 37
    assert two["web"].split() == HOME
    assert "bob on elsewhere" in ended.last_line
    assert fleet(two, "rollback web api --break-lease").code == 0
    assert two["api"].split() == HOME


@pytest.mark.parametrize("words", ["rollback", "rollback web --all"])
def test_names_or_all_must_be_said_and_not_both(fleet: Fleet, words: str) -> None:
    ended = fleet(worlds("web"), words)
    assert ended.code == 2
    assert "--all" in ended.line


def test_a_service_that_is_named_twice_goes_back_once(fleet: Fleet) -> None:
    ended = fleet(worlds("web"), "rollback web web")
    assert ended.out == "1 of 1 services are on their base.\n"


def test_print_awscli_prints_the_commands_of_each(fleet: Fleet) -> None:
    two = worlds("web", "api")
    before = [len(world.router.writes) for world in two.values()]
    assert len(fleet(two, "rollback web api --print-awscli").out.splitlines()) == 2
    told = fleet(two, "rollback web api --print-awscli -o json").json()
    assert [(each["service"], len(each["commands"])) for each in told["services"]] == [("web", 1), ("api", 1)]
    assert [len(world.router.writes) for world in two.values()] == before
