"""`bluegreen canary`, `linear`, `cutover`, `rollout start`: what is done, said and returned, on a service of fakes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Fleet, Line
from tests.support.fakes import NOON, FakeWorld, a_world
from toolkit.rollout.events import RolloutStarted, ShiftIntended, Word
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Command, Holder
from toolkit.rollout.steps import Bake, Shift
from toolkit.settings import FreezeSettings
from toolkit.traffic import Color, Split

BOB = Holder("bob", "elsewhere", 7, "rollout canary")


def plan_of(world: FakeWorld) -> Plan:
    """The plan of the world's last rollout."""
    return [event.plan for event in world.events() if isinstance(event, RolloutStarted)][-1]


def splits(world: FakeWorld) -> list[Split]:
    return [event.to for event in world.events() if isinstance(event, ShiftIntended)]


def at(world: FakeWorld, seconds: float, do: Callable[[], None]) -> None:
    """Once so much time has passed."""
    done: list[bool] = []

    def look() -> None:
        if not done and world.clock.now() >= NOON + timedelta(seconds=seconds):
            done.append(True)
            do()

    world.clock.on_sleep = look


def say(world: FakeWorld, word: Word, reason: str = "") -> Callable[[], None]:
    """What somebody else puts into the inbox."""
    return lambda: world.store.put("web", Command("1", word, "web-1", "bob", world.clock.now(), reason))


def sicken(world: FakeWorld) -> None:
    world.health(Color.GREEN, "unhealthy", "unhealthy", "unhealthy")


def test_a_canary_gives_each_share_in_turn_and_bakes_after_each(line: Line) -> None:
    world = a_world()
    ended = line(world, "canary web --steps 0.1,50,100 --bake 90s")
    assert ended.code == 0
    assert splits(world) == [Split(blue=999, green=1), Split(blue=50, green=50), Split(blue=0, green=100)]
    assert [step.seconds for step in plan_of(world).steps if isinstance(step, Bake)] == [90, 90, 90]
    assert world.clock.now() >= NOON + timedelta(seconds=270)


def test_a_linear_rollout_goes_in_equal_steps(line: Line) -> None:
    world = a_world()
    assert line(world, "linear web --step 25 --every 2m").code == 0
    shares = [float(step.share) for step in plan_of(world).steps if isinstance(step, Shift)]
    assert shares == [0.25, 0.5, 0.75, 1]
    assert world.split() == Split(blue=0, green=100)


@pytest.mark.parametrize(("said", "seconds"), [("5", 5), ("2.5", 2.5), ("5m", 300), ("0", 0)])
def test_a_cutover_bakes_for_bare_seconds_or_a_duration(line: Line, said: str, seconds: float) -> None:
    world = a_world()
    assert line(world, f"cutover web --bake {said}").code == 0
    assert [type(step) for step in plan_of(world).steps] == [Shift, Bake]
    assert plan_of(world).steps[1] == Bake(seconds)


def test_a_cutover_bakes_as_long_as_the_settings_say_and_settles_as_long_as_it_is_told(line: Line) -> None:
    world = a_world()
    world.service.settings = replace(world.service.settings, bake_seconds=7)
    assert line(world, "cutover web").code == 0
    assert plan_of(world).steps[1] == Bake(7)
    settled = a_world(network=True)
    assert line(settled, "cutover web --bake 1 --settle 3").code == 0
    assert plan_of(settled).steps[1] == Bake(3)
    assert plan_of(settled).settle_seconds == 3


def test_a_strategy_is_found_by_its_name_in_the_file_or_among_the_presets(line: Line, tmp_path: Path) -> None:
    world = a_world()
    assert line(world, "rollout start web --strategy Canary10Percent5Minutes").code == 0
    assert splits(world) == [Split(blue=90, green=10), Split(blue=0, green=100)]

    file = tmp_path / "bluegreen.toml"
    file.write_text('[strategy.quick]\nlinear = 50\nevery = "1s"\n[service.web]\nstrategy = "quick"\n')
    world = a_world()
    assert line(world, f"rollout start web --config {file}").code == 0
    assert plan_of(world).strategy == "quick"


def test_the_end_is_said_with_what_is_live_the_journals_head_and_the_way_back(line: Line) -> None:
    world = a_world(routes=2)
    ended = line(world, "canary web --steps 100 --bake 0")
    head = world.service.record().head
    assert ended.out.splitlines() == [
        "web: green is live, blue 0 / green 100 on 2 routes.",
        f"  rollout web-1 (canary) is promoted; journal head {head.sequence} {head.hash}",
        "  all traffic back to blue   bluegreen rollback web",
    ]


def test_the_end_as_json_is_one_document(line: Line) -> None:
    world = a_world()
    done = line(world, "canary web --steps 50,100 --bake 0 -o json").json()
    head = world.service.record().head
    assert done["rollout"] == "web-1"
    assert (done["strategy"], done["base"], done["to"], done["ending"]) == ("canary", "blue", "green", "promoted")
    assert done["before"] == {"route-0": {"blue": 100, "green": 0}}
    assert done["after"] == {"blue": 0, "green": 100}
    assert done["written"] is True
    assert done["head"] == {"sequence": head.sequence, "hash": head.hash}


def test_where_the_color_is_live_already_nothing_is_begun(line: Line) -> None:
    world = a_world()
    ended = line(world, "canary web --to blue")
    assert ended.code == 0
    assert "nothing was written" in ended.out
    assert line(world, "canary web --to blue -o json").json() == {"service": "web", "rollout": None, "written": False}
    assert world.events() == []


def test_a_new_side_that_falls_ends_in_32_with_everything_back(line: Line) -> None:
    world = a_world()
    at(world, 30, lambda: sicken(world))
    ended = line(world, "canary web --steps 20,100 --bake 1m")
    assert ended.code == 32
    assert ended.out == ""
    assert "all traffic is back on blue" in ended.last_line
    assert world.split() == Split(blue=100, green=0)


def test_a_rollout_that_did_not_end_well_is_one_json_document_too(line: Line) -> None:
    world = a_world()
    at(world, 30, lambda: sicken(world))
    ended = line(world, "canary web --steps 20,100 --bake 1m -o json")
    assert ended.code == 32
    told = ended.json()
    assert (told["ending"], told["after"]) == ("rolled-back", {"blue": 100, "green": 0})
    assert told["error"]["exit_code"] == 32
    assert told["error"]["message"] in ended.last_line


def test_drift_in_mid_bake_ends_in_36_and_nothing_is_touched(line: Line) -> None:
    world = a_world()
    at(world, 30, lambda: world.put(Split(blue=1, green=1)))
    ended = line(world, "canary web --steps 20,100 --bake 1m")
    assert ended.code == 36
    assert "bluegreen rollback web" in ended.last_line
    assert world.split() == Split(blue=1, green=1)


def test_a_rival_is_refused_with_37_and_told_who_is_there(line: Line) -> None:
    world = a_world()
    world.store.acquire("web", BOB, now=NOON, seconds=30)
    ended = line(world, "canary web")
    assert ended.code == 37
    assert "bob on elsewhere" in ended.line
    assert world.events() == []


def test_a_refusal_ends_in_14_and_force_goes_past_what_is_about_capacity(line: Line) -> None:
    ended = line(a_world(green=0), "canary web")
    assert ended.code == 14
    assert "Nothing was changed." in ended.line
    world = a_world(green=0)
    at(world, 30, say(world, Word.ABORT))
    assert line(world, "canary web --force").code == 32
    assert plan_of(world).force


def test_drift_refuses_a_start_until_it_is_accepted(line: Line) -> None:
    world = a_world()
    assert line(world, "shift web green=20").code == 0
    world.put(Split(blue=70, green=30))
    assert line(world, "canary web --steps 100 --bake 0").code == 14
    assert line(world, "canary web --steps 100 --bake 0 --accept-drift").code == 0


def test_a_freeze_refuses_a_start_and_never_a_rollback(line: Line) -> None:
    world = a_world()
    windows = FreezeSettings(windows=("2000-01-01 - 2999-12-31",), reason="the sale")
    world.service.settings = replace(world.service.settings, freeze=windows)
    ended = line(world, "canary web")
    assert ended.code == 14
    assert "the sale" in ended.line
    assert world.events() == []
    assert line(world, "canary web --steps 100 --bake 0 --ignore-freeze").code == 0
    assert line(world, "rollback web").code == 0


def test_print_awscli_of_a_cutover_prints_a_command_per_route_and_writes_nothing(line: Line) -> None:
    world = a_world(routes=2)
    assert len(line(world, "cutover web --print-awscli").out.splitlines()) == 2
    assert world.router.writes == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("canary web --steps 5,50", "all traffic on the new color"),
        ("canary web --steps 50,5,100", "must grow"),
        ("canary web --steps five", "'five' is not a share"),
        ("canary web --bake 5", "'5' is not a duration"),
        ("linear web --step 0", "'0' is not a share"),
        ("linear web --every soon", "'soon' is not a duration"),
        ("cutover web --bake -1", "'-1' is not a duration"),
        ("cutover web --settle x", "'x' is not a duration"),
        ("rollout start web --strategy Canary10Percent5Minits", "Canary10Percent5Minutes"),
        ("rollout start web", "no strategy is said"),
        ("rollout start web web --together --strategy AllAtOnce", "named twice"),
        ("rollout start web api --strategy AllAtOnce", "--together, or --in-order"),
        ("rollout start web api --strategy AllAtOnce --together --in-order", "exclude each other"),
    ],
)
def test_words_typed_wrong_are_one_clear_line_and_2(line: Line, words: str, said: str) -> None:
    world = a_world()
    ended = line(world, words)
    assert ended.code == 2
    assert said in ended.line
    assert world.events() == []


@pytest.mark.parametrize(
    "words",
    ["canary", "linear web --nonsense", "rollout", "rollout start", "cutover web --to red", "abort", "rollout x"],
)
def test_words_that_no_command_knows_show_the_usage_and_2(line: Line, words: str) -> None:
    world = a_world()
    assert line(world, words).code == 2
    assert world.events() == []


def test_no_rollout_loads_rich_where_nobody_watches_a_terminal(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    assert line(a_world(), "canary web --steps 100 --bake 0").code == 0
    assert "rich" not in sys.modules


def pair() -> dict[str, FakeWorld]:
    """Two services at blue."""
    worlds = {"web": a_world(), "api": a_world()}
    for name, world in worlds.items():
        world.service.contract = replace(world.service.contract, name=name)
    return worlds


@pytest.mark.parametrize("how", ["--together", "--in-order"])
def test_several_services_are_one_release(fleet: Fleet, how: str) -> None:
    two = pair()
    ended = fleet(two, f"rollout start web api {how} --strategy AllAtOnce -o json")
    assert ended.code == 0, ended.err
    told = ended.json()["services"]
    assert {each["service"]: each["ending"] for each in told} == {"web": "promoted", "api": "promoted"}
    assert all(each["release"] == ["web", "api"] for each in told)
    assert [world.split() for world in two.values()] == [Split(blue=0, green=100)] * 2


def test_one_service_that_fails_takes_the_whole_release_back(fleet: Fleet) -> None:
    two = pair()
    at(two["api"], 20, lambda: sicken(two["api"]))
    ended = fleet(two, "rollout start web api --in-order --strategy AllAtOnce -o json")
    assert ended.code == 59
    assert [world.split() for world in two.values()] == [Split(blue=100, green=0)] * 2
    for told in ended.json()["services"]:
        assert told["error"]["exit_code"] == 59
        assert told["after"] == {"blue": 100, "green": 0}


def test_a_dry_run_of_a_release_shows_the_plan_of_each_and_writes_nothing(fleet: Fleet) -> None:
    two = pair()
    ended = fleet(two, "rollout start web api --together --strategy AllAtOnce --dry-run")
    assert ended.code == 0
    for name in two:
        assert f"{name}: would go from blue to green" in ended.out
    assert [world.router.writes for world in two.values()] == [[], []]
