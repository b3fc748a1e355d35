"""`bluegreen deploy`: what is done, said and returned, on a service of fakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Line
from tests.cli.test_rollout_words import BOB
from tests.support.fakes import NOON, FakeWorld, a_world
from tests.support.workload import FakeWorkload, autoscaled, follow
from toolkit.cli.rollout_picture import picture
from toolkit.cli.rollout_words import what_next
from toolkit.cli.tell import is_obeyed
from toolkit.errors import AwsUnreachable
from toolkit.rollout.deploy import deployed
from toolkit.rollout.events import RolloutStarted, Word
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Command, Result
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Bake, Retire, Scale, Shift
from toolkit.rollout.strategy import all_at_once
from toolkit.rollout.workload import Change, Progress, Release
from toolkit.runner.states import state_of
from toolkit.settings import HookPoint, HookSettings, RetireSettings
from toolkit.traffic import Color, Split

OLD, NEW = "registry.example/web:1.4.1", "registry.example/web:1.4.2"
LINE = f"deploy web --image {NEW}"
CANARY = f"{LINE} --strategy Canary10Percent5Minutes"


def deployable(*, blue: int = 4, green: int = 0) -> FakeWorld:
    """A world whose colors run the old release; what is asked for is healthy at the next look."""
    world = a_world(blue=blue, green=green)
    follow(world, autoscaled(blue=blue, green=green)).images = {"web:1": OLD}
    return world


def workload(world: FakeWorld) -> FakeWorkload:
    assert isinstance(world.service.workload, FakeWorkload)
    return world.service.workload


def plan_of(world: FakeWorld) -> Plan:
    return [event.plan for event in world.events() if isinstance(event, RolloutStarted)][-1]


def failing(world: FakeWorld) -> None:
    """The new release never comes up."""
    lines = ("(service web-green) was unable to place a task.", "CannotPullContainerError: no such image")
    workload(world).ended = Progress(0, failures=3, lines=lines)


def test_a_release_is_put_scaled_up_share_by_share_and_promoted(line: Line) -> None:
    world = deployable()
    ended = line(world, CANARY)
    assert ended.code == 0
    assert ended.out.splitlines()[0] == f"web: green is live with {NEW} (web:2), blue 0 / green 100 on 1 route."
    assert workload(world).scaled == [(Color.GREEN, 1), (Color.GREEN, 4)]
    assert world.split() == Split(blue=0, green=100)


def test_a_hook_that_lets_the_old_side_not_be_retired_is_told_and_the_release_is_live(line: Line) -> None:
    world = deployable()
    hook = HookSettings(at=HookPoint.BEFORE_RETIRE, name="board", url="https://example.com")
    retire = RetireSettings(after_seconds=0.0)
    world.service.settings = replace(world.service.settings, hooks=(hook,), retire=retire)
    world.hooks.results = [Result(passed=False, reason="says no: not on a Friday")]
    ended = line(world, CANARY)
    assert ended.code == 0
    first, _, left, *_ = ended.out.splitlines()
    assert first == f"web: green is live with {NEW} (web:2), blue 0 / green 100 on 1 route."
    assert left == "  blue is left as it is: hook board: says no: not on a Friday"
    assert "what follows is left undone: hook board: says no: not on a Friday" in ended.err


def test_every_step_of_it_is_a_line_while_it_runs(line: Line) -> None:
    ended = line(deployable(), CANARY)
    told = "\n".join(ended.err.splitlines())
    assert (
        f"step 1 of 7 (deploy image {NEW}) is done: green is to run {NEW} (web:2); step 2 of 7 (scale for 10 %)" in told
    )
    assert "nothing scales a color in until the rollout is over; step 1 of 7" in told
    assert "every check has passed; step 1" not in told, "first it is looked at what runs, and that is held"


def test_without_a_strategy_anywhere_all_traffic_goes_at_once_and_is_watched(line: Line) -> None:
    world = deployable()
    world.service.settings = replace(world.service.settings, bake_seconds=7)
    assert line(world, LINE).code == 0
    assert plan_of(world).strategy == "cutover"
    assert [type(step) for step in plan_of(world).steps[1:]] == [Scale, Shift, Bake]
    assert plan_of(world).steps[-1] == Bake(7)


def test_the_services_own_strategy_is_followed_and_one_that_is_said_goes_first(line: Line) -> None:
    world = deployable()
    world.service.settings = replace(world.service.settings, strategy="Linear10PercentEvery1Minute")
    assert line(world, f"{LINE} --dry-run").out.count("bake 1m") == 11, "ten steps, and the one that decides"
    assert line(world, CANARY).code == 0
    assert plan_of(world).strategy == "Canary10Percent5Minutes"


@pytest.mark.parametrize(
    ("words", "settings", "wanted"),
    [
        ("--retire 10m", RetireSettings(), (600.0, 1)),
        ("--retire 10m --keep 0", RetireSettings(), (600.0, 0)),
        ("--retire 'at once' --keep 2", RetireSettings(), (120.0, 2)),
        ("", RetireSettings(after_seconds=900, keep=2), (900.0, 2)),
        ("--keep 3", RetireSettings(after_seconds=900, keep=2), (900.0, 3)),
        ("--retire 1h", RetireSettings(after_seconds=900, keep=2), (3600.0, 2)),
        ("--retire never", RetireSettings(after_seconds=900, keep=2), None),
        ("", RetireSettings(), None),
    ],
)
def test_the_old_side_is_retired_as_the_line_says_else_as_the_settings_do(
    line: Line, words: str, settings: RetireSettings, wanted: tuple[float, int] | None
) -> None:
    world = deployable()
    world.service.settings = replace(world.service.settings, retire=settings)
    ended = line(world, f"{LINE} {words}")
    assert ended.code == 0
    last = plan_of(world).steps[-1]
    if wanted is None:
        assert not isinstance(last, Retire)
        return
    assert plan_of(world).steps[-2:] == (Bake(wanted[0]), Retire(wanted[1])), "never before the last shift has settled"
    assert workload(world).held[Color.BLUE].desired == wanted[1]
    assert "; blue is retired." in ended.out
    assert "all traffic back to blue, once enough of it runs   bluegreen rollback web" in ended.out


def test_full_capacity_is_brought_up_before_the_first_request(line: Line) -> None:
    world = deployable()
    assert line(world, f"{CANARY} --full-capacity").code == 0
    assert workload(world).scaled == [(Color.GREEN, 4)]


def test_a_dry_run_prints_the_plan_and_what_would_be_made_and_writes_nothing(line: Line) -> None:
    world = deployable()
    ended = line(world, f"{CANARY} --retire 10m --dry-run")
    assert ended.code == 0
    assert f"ok       deploy: green is to run {NEW}" in ended.out
    for step in ("deploy image registry", "scale for 10 %", "shift 10 %", "scale for 100 %", "retire to 1"):
        assert step in ended.out
    assert ended.out.index("green is live") < ended.out.index("bake 10m") < ended.out.index("retire to 1")
    assert (world.events(), workload(world).scaled, workload(world).images) == ([], [], {"web:1": OLD})


def test_a_long_name_of_an_image_keeps_its_version_in_the_plan(line: Line) -> None:
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web:1.4.2"
    ended = line(deployable(), f"deploy web --image {image} --dry-run")
    (step,) = [row for row in ended.out.splitlines() if row.startswith("   1  ")]
    assert step.endswith("….amazonaws.com/team/web:1.4.2")


def test_what_is_live_already_is_not_deployed_again(line: Line) -> None:
    world = deployable()
    same = f"deploy web --image {OLD}"
    words = f"web: blue runs {OLD} (web:1) already and carries all traffic; nothing was done.\n"
    assert (line(world, same).code, line(world, same).out) == (0, words)
    assert line(world, f"{same} --dry-run").out == words
    done = line(world, f"{same} -o json").json()
    assert (done["rollout"], done["written"]) == (None, False)
    assert done["already"] == {"color": "blue", "revision": "web:1", "image": OLD, "digest": None}
    assert line(world, f"{same} --dry-run -o json").json()["already"]["color"] == "blue"
    assert (world.events(), workload(world).scaled) == ([], [])


def test_as_json_it_is_one_document_and_what_aws_says_goes_to_stderr(line: Line) -> None:
    world = deployable()
    done = line(world, f"{LINE} -o json").json()
    assert done["release"] == [], "the services of one release, of which this is none"
    assert done["workload"]["release"] == {"revision": "web:2", "image": NEW, "digest": None}
    before = done["workload"]["before"]["green"]
    assert before["release"]["revision"] == "web:1"
    maximum = workload(world).held[Color.GREEN].maximum
    assert before["capacity"] == {"desired": 0, "running": 0, "minimum": 0, "maximum": maximum, "suspended": []}
    assert (done["workload"]["held"], done["workload"]["let_go"]) == (True, True)

    failed = deployable()
    failing(failed)
    ended = line(failed, f"{LINE} -o json")
    assert ended.json()["error"]["exit_code"] == 32
    assert "web: green: CannotPullContainerError: no such image" in ended.err.splitlines()


def test_a_rollout_without_a_workload_says_that_it_does_nothing_behind_the_colors(line: Line) -> None:
    assert line(a_world(), "cutover web --bake 0 -o json").json()["workload"] is None


def test_an_image_that_does_not_run_gets_no_request_and_nothing_is_said_to_have_gone_back(line: Line) -> None:
    world = deployable()
    failing(world)
    ended = line(world, CANARY)
    assert ended.code == 32
    assert world.router.writes == []
    assert "web: green: (service web-green) was unable to place a task." in ended.err.splitlines()
    assert "CannotPullContainerError: no such image; nothing was shifted, all traffic stays on blue" in ended.last_line
    assert "ended before its first shift, blue has carried all traffic throughout" in ended.err
    for word in ("back to blue", "back on blue"):
        assert word not in ended.err
    shown = line(world, "show web-1").out
    assert "later: ended before its first shift, blue has carried all traffic throughout" in shown
    assert f"deploy image {NEW}  done" in shown
    assert f"green is to run {NEW} (web:2)" in shown


def test_before_the_release_is_put_nobody_is_offered_to_promote_it(line: Line) -> None:
    world = deployable()
    asked: list[str] = []

    def unreachable(call: str) -> None:
        if call == "put" and not asked:
            asked.append(str(what_next(state_of(world.service, "web-1"), held=True)))
            raise AwsUnreachable("ECS did not answer")

    workload(world).before = unreachable
    assert line(world, LINE).code == 0
    assert "pause" in asked[0]
    assert "promote" not in asked[0]
    assert "end it; all traffic stays on blue" in asked[0]


def test_promote_brings_up_what_all_of_the_traffic_takes_and_counts_as_obeyed(line: Line) -> None:
    world = deployable()
    put: list[bool] = []
    obeyed: list[bool] = []

    def look() -> None:
        if not put and world.clock.now() >= NOON + timedelta(seconds=10):
            put.append(True)
            world.store.put("web", Command("1", Word.PROMOTE, "web-1", "bob", world.clock.now(), ""))

    def seen(call: str) -> None:
        if put and call == "scale" and not obeyed:
            obeyed.append(is_obeyed(Word.PROMOTE, state_of(world.service, "web-1")))

    world.clock.on_sleep = look
    workload(world).before = seen
    assert line(world, CANARY).code == 0
    assert world.clock.now() < NOON + timedelta(seconds=400), "the rest of the bake of five minutes is skipped"
    assert obeyed == [True]
    assert workload(world).scaled[-1] == (Color.GREEN, 4)


def test_a_task_definition_and_a_container_are_said_as_they_are_meant(line: Line) -> None:
    world = deployable()
    workload(world).images["web:7"] = NEW
    assert line(world, "deploy web --task-definition web:7").code == 0
    assert plan_of(world).steps[0].change == Change(task_definition="web:7")  # type: ignore[union-attr]
    assert workload(world).release(Color.GREEN) == Release("web:7", NEW)
    world = deployable()
    assert line(world, f"{LINE} --container app").code == 0
    assert plan_of(world).steps[0].change == Change(image=NEW, container="app")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "it is not said what to deploy"),
        (f"--image {NEW} --ami ami-0123", "an image and an AMI are for different kinds of workload"),
        ("--container app", "not said what to deploy"),
        ("--task-definition web:7 --container app", "--container names the container whose --image is meant"),
        ("--image 'web 1.4.2'", "--image has no spaces in it and is not empty, and this one is 'web 1.4.2'"),
        ("--image ''", "--image has no spaces in it and is not empty"),
        ("--task-definition web", "--task-definition is a family and a revision, as web:42, not 'web'"),
        ("--task-definition web:0", "as web:42, not 'web:0'"),
        ("--ami web-1.4.2", "--ami is an AMI's id, as ami-0123456789abcdef0, not 'web-1.4.2'"),
        (f"--image {NEW} --strategy Canry", "Canry"),
        (f"--image {NEW} --keep 1", "--keep says how much stays of a side that is retired, and this one is not"),
        (f"--image {NEW} --retire never --keep 1", "--keep says how much stays"),
        (f"--image {NEW} --retire soon", "--retire: 'soon' is not a duration. Write 10m, 1h30m, 'at once' or never."),
        (f"--image {NEW} --retire -5m", "--retire"),
        ("--ami ami-0123", "an AMI is asked for"),
    ],
)
def test_words_typed_wrong_are_one_line_and_2_and_nothing_is_written(line: Line, words: str, said: str) -> None:
    world = deployable()
    ended = line(world, f"deploy web {words}")
    assert ended.code == 2
    assert said in ended.line
    assert (world.events(), workload(world).scaled) == ([], [])


@pytest.mark.parametrize("option", ["--full-capacity", "--retire 5m", "--retire 5m --keep 1"])
def test_an_option_that_a_strategys_own_steps_would_silence_is_refused(line: Line, option: str, tmp_path: Path) -> None:
    file = tmp_path / "bluegreen.toml"
    file.write_text('[strategy.own]\nstep = [{scale = "100%"}, {shift = 100, bake = "1m"}, {retire = 0}]\n')
    ended = line(deployable(), f"{LINE} {option} --strategy own --config {file}")
    assert ended.code == 2
    assert "strategy own" in ended.line
    assert "by steps of its own" in ended.line


def test_a_service_without_a_workload_has_nothing_to_deploy_to(line: Line) -> None:
    ended = line(a_world(), LINE)
    assert ended.code == 14
    assert "the contract names no workload" in ended.line


def test_nothing_is_deployed_to_a_side_that_has_traffic(line: Line) -> None:
    world = deployable(green=4)
    world.put(Split(blue=90, green=10))
    ended = line(world, f"{LINE} --to green")
    assert ended.code == 14
    assert "green has traffic" in ended.line
    assert workload(world).images == {"web:1": OLD}


def test_the_picture_of_a_terminal_shows_the_release_and_keeps_a_long_image_short() -> None:
    image = f"registry.example/{'team/' * 20}web:1.4.2"
    strategy = deployed(all_at_once(60), Change(image=image), retire=RetireSettings(), settle_seconds=0)
    plan = Plan("web", "cutover", Color.BLUE, strategy.steps, ("one",))
    shown = RolloutState("web-1", plan, NOON, NOON, prepared=True, step=1, release=Release("web:2", image))
    drawn = [each.text for each in picture(shown, {}, BOB, NOON, 40)]
    assert drawn[1].startswith("  ok   1  deploy image regist")
    assert drawn[1].endswith("web:1.4.2")
    assert len(drawn[1]) < 80
    assert f"  puts    {image} (web:2) on green" in drawn


def test_help_of_deploy_names_every_option(line: Line) -> None:
    said = line(a_world(), "deploy --help").out
    for option in ("--image", "--ami", "--retire", "--keep", "--full-capacity", "--dry-run", "--ignore-freeze", "--to"):
        assert option in said
