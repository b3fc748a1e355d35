"""`bluegreen status` and `doctor` of a service with a workload: what runs, what it costs, what is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.cli.conftest import Line
from tests.cli.test_deploy import LINE, NEW, OLD, deployable, workload
from tests.support.fakes import FakeWorld, a_world
from toolkit.cli.workload import release_words, switched_on
from toolkit.contract import AsgPair, EcsPair
from toolkit.errors import AccessDenied, AwsError
from toolkit.rollout.strategy import all_at_once
from toolkit.rollout.workload import Capacity, Change, Release
from toolkit.runner.rollout import Wanted, start
from toolkit.settings import PriceSettings
from toolkit.traffic import Color

ECS = EcsPair("arn:aws:ecs:eu-central-1:123456789012:cluster/shop", {color: f"web-{color}" for color in Color})


def deployed(line: Line, *, price: PriceSettings | None = None) -> FakeWorld:
    """Green was promoted 26 hours ago, and blue still runs."""
    world = deployable()
    assert line(world, LINE).code == 0
    world.clock.time += timedelta(hours=26)
    world.service.settings = replace(world.service.settings, price=price)
    return world


def suspended(world: FakeWorld, color: Color) -> None:
    held = workload(world).held[color]
    workload(world).held[color] = replace(held, suspended=("dynamic-scaling-in", "scheduled-scaling"))


def test_each_color_says_what_it_runs_and_how_much_of_it(line: Line) -> None:
    world = deployed(line)
    out = line(world, "status web").out
    assert f"        runs {NEW} (web:2)\n        4 running of 4, autoscaled between 4 and " in out
    assert f"        runs {OLD} (web:1)\n" in out


def test_a_digest_is_short_in_text_and_whole_in_json() -> None:
    release = Release("web:7", "web:1.4", f"sha256:{'ab' * 32}")
    assert release_words(release) == "web:1.4 (web:7), sha256:abababababab"
    assert release_words(Release("lt-1:7", "ami-0123")) == "ami-0123 (lt-1:7)"


def test_as_json_every_figure_stands_by_itself(line: Line) -> None:
    world = deployed(line, price=PriceSettings(target_hour=0.05, currency="EUR"))
    told = line(world, "status web -o json").json()
    blue = told["colors"]["blue"]
    assert blue["release"] == {"revision": "web:1", "image": OLD, "digest": None}
    assert (blue["capacity"]["desired"], blue["capacity"]["running"], blue["capacity"]["suspended"]) == (4, 4, [])
    assert blue["problems"] == []
    assert told["upkeep"] == {
        "color": "blue",
        "targets": 4,
        "since": "2026-01-02T12:01:00+00:00",
        "hours": 26.0,
        "month": 146.0,
        "currency": "EUR",
    }
    assert told["left_suspended"] == {}


def test_the_second_color_is_counted_in_hours_and_where_a_price_is_set_in_money(line: Line) -> None:
    kept = "  blue is kept for 26h with 4 targets"
    assert f"{kept}\n" in line(deployed(line), "status").out
    price = PriceSettings(target_hour=0.05, currency="EUR")
    assert f"{kept}: 146.00 EUR a month, at 0.05 an hour each\n" in line(deployed(line, price=price), "status").out


def test_without_a_promotion_on_record_nobody_knows_for_how_long(line: Line) -> None:
    world = deployable(green=1)
    assert "  green is kept for nobody knows how long with 1 target\n" in line(world, "status").out
    workload(world).held[Color.GREEN] = Capacity(0, 0)
    assert "  green is kept without targets, and costs nothing\n" in line(world, "status").out


def test_what_aws_does_not_tell_is_said_in_its_place_and_the_rest_is_shown(line: Line) -> None:
    world = deployed(line)

    def denied(call: str) -> None:
        if call == "release":
            raise AccessDenied("ecs:DescribeTaskDefinition is not allowed")

    workload(world).before = denied
    ended = line(world, "status")
    assert ended.code == 0
    assert ended.out.count("        not known: ecs:DescribeTaskDefinition is not allowed\n") == 2
    assert "4 running of 4" in ended.out
    told = line(world, "status web -o json").json()["colors"]["blue"]
    assert (told["release"], told["problems"]) == (None, ["ecs:DescribeTaskDefinition is not allowed"])
    del workload(world).held[Color.BLUE]
    assert "        not known: what runs behind blue is gone\n" in line(world, "status").out
    assert line(world, "status web -o json").json()["upkeep"] is None, "nobody knows how much is kept"


def test_without_a_workload_it_says_nothing_of_one(line: Line) -> None:
    out = line(a_world(), "status").out
    assert "runs" not in out
    assert "kept" not in out
    told = line(a_world(), "status web -o json").json()
    assert (told["upkeep"], told["left_suspended"]) == (None, {})
    assert "release" not in told["colors"]["blue"]


def test_autoscaling_that_nobody_will_switch_on_again_is_said_loudly_with_the_command(line: Line) -> None:
    world = deployed(line)
    suspended(world, Color.BLUE)
    off = "blue's autoscaling is switched off (dynamic-scaling-in, scheduled-scaling)"
    out = line(world, "status").out
    assert f"  WARNING: {off} and no rollout is under way to restore it.\n" in out
    assert line(world, "status web -o json").json()["left_suspended"] == {
        "blue": ["dynamic-scaling-in", "scheduled-scaling"]
    }
    world.service.contract = replace(world.service.contract, workload=ECS)
    assert " Switch it on: aws application-autoscaling register-scalable-target " in line(world, "status").out
    checked = line(world, "doctor web --to green=100").out
    assert f"  warning  autoscaling: {off}, and no rollout is under way\n" in checked
    assert "Switch it on: aws application-autoscaling" in checked


def test_the_command_that_switches_it_on_is_of_the_contracts_own_kind() -> None:
    contract = a_world().service.contract
    assert switched_on(contract, Color.BLUE, ("AZRebalance",)) == ""
    ecs = switched_on(replace(contract, workload=ECS), Color.GREEN, ("scheduled-scaling",))
    assert "--resource-id service/shop/web-green " in ecs
    assert "DynamicScalingInSuspended=false" in ecs
    groups = AsgPair({color: f"web-{color}" for color in Color})
    asg = switched_on(replace(contract, workload=groups), Color.BLUE, ("AZRebalance", "ScheduledActions"))
    assert asg.endswith("--auto-scaling-group-name web-blue --scaling-processes AZRebalance ScheduledActions")


class Died(BaseException):
    """The runner's process is gone."""


def left_by_a_crash() -> FakeWorld:
    """A deployment whose runner died in the bake after the shift."""
    world = deployable()

    def die() -> None:
        raise Died

    world.clock.on_sleep = die
    with pytest.raises(Died):
        start(world.service, Wanted(strategy=all_at_once(60), change=Change(image=NEW)))
    world.clock.on_sleep = lambda: None
    return world


def test_a_rollout_under_way_says_what_it_puts_and_holds_and_that_is_no_warning(line: Line) -> None:
    world = left_by_a_crash()
    out = line(world, "status").out
    assert f"    puts: {NEW} (web:2) on green\n" in out
    assert "    holds: nothing scales either color in; before: blue at least 4, green at least 0; " in out
    assert "its end restores that\n" in out
    told = line(world, "status web -o json").json()
    assert (told["rollout"]["workload"]["held"], told["rollout"]["workload"]["let_go"]) == (True, False)
    assert told["colors"]["green"]["capacity"]["suspended"] == ["scale-in"]
    for command in ("status", "doctor"):
        assert "switched off" not in line(world, command).out, "the rollout will restore it"


def test_what_a_crash_left_held_is_restored_by_whoever_resumes_or_rolls_back(line: Line) -> None:
    for command in ("resume web", "rollback web"):
        world = left_by_a_crash()
        assert line(world, command).code == 0
        assert line(world, "status web -o json").json()["left_suspended"] == {}
        assert [held.suspended for held in workload(world).held.values()] == [(), ()]


def test_the_doctor_repeats_the_workloads_remarks_and_stays_at_its_exit_code(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = deployable(green=4)
    assert "  ok       workload: nothing about it stands in the way of a deployment\n" in line(world, "doctor").out
    monkeypatch.setattr(workload(world), "remarks", lambda: ["The tag of web:latest can be moved."])
    ended = line(world, "doctor web")
    assert ended.code == 0
    assert "  warning  workload: The tag of web:latest can be moved\n" in ended.out


def test_the_doctor_says_what_it_could_not_read_of_the_workload(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    world = deployable(green=4)

    def refused() -> list[str]:
        raise AwsError("ECS said no.")

    monkeypatch.setattr(workload(world), "remarks", refused)
    ended = line(world, "doctor web")
    assert ended.code == 0
    assert "  warning  workload: ECS said no\n" in ended.out


def test_a_side_too_small_for_a_shift_is_no_hindrance_for_a_deployment_and_the_doctor_says_so(line: Line) -> None:
    ended = line(deployable(), "doctor web")
    assert ended.code == 14
    assert "`bluegreen deploy` brings it up by itself." in ended.out
    assert "bluegreen deploy" not in line(a_world(green=0), "doctor web").out
