import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.support.fakes import a_world
from toolkit.cli.options import Output
from toolkit.cli.plan import plan, show_forecast
from toolkit.errors import ConfigError, UsageError
from toolkit.rollout.plan_codec import plan_in
from toolkit.rollout.presets import PRESETS
from toolkit.rollout.steps import Approve, Bake, Probe, Retire, Shift
from toolkit.rollout.strategy import Strategy, all_at_once, canary
from toolkit.runner.rollout import Wanted
from toolkit.settings import HookPoint, HookSettings, ServiceSettings
from toolkit.traffic import Split

Line = Callable[..., str]

SETTINGS = """
[strategy.careful]
gate_every = "30s"

[[strategy.careful.step]]
probe = "/healthz"
via = "test-route"

[[strategy.careful.step]]
shift = 0.1
bake = "10m"

[[strategy.careful.step]]
approve = "2h"
note = "look at the errors"

[[strategy.careful.step]]
shift = 100
bake = "10m"

[[strategy.careful.step]]
retire = 0

[[strategy.careful.gate]]
probe = "/"
"""


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """What `bluegreen plan WORDS` prints, in an empty directory, with no way to AWS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("toolkit.wiring.session_for", lambda *_: pytest.fail("AWS was asked"))
    app = Typer()
    app.command()(plan)

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_one_strategy_is_shown_step_by_step(line: Line, tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text(SETTINGS)
    assert line("careful", "--routes", "3").splitlines() == [
        "careful: 20m, plus up to 2h for approvals, plus up to 5s for hooks and probes, plus what scaling takes",
        "      at        step                                          routes",
        "   1  0s        probe /healthz via test-route",
        "   2  0s        shift 0.1 %                                   blue 999 / green 1 on each of 3",
        "   3  0s        bake 10m",
        "   4  10m       approve within 2h (look at the errors)",
        "   5  10m       shift 100 %                                   blue 0 / green 100 on each of 3",
        "   6  10m       bake 10m",
        "                green is live",
        "   7  20m       retire to 0",
        "  gate: probe / via route every 30s",
        "  at risk: 0.1 % of requests for 10m, as much as all of them for 0.6s, until the first decision (bake 10m)",
        "  calls: 6 Modify, 1215 Describe (608 of them target health), on 3 routes",
        "         and more while it waits for a person",
    ]


def test_two_strategies_stand_side_by_side(line: Line) -> None:
    shown = line("Canary10Percent5Minutes", "ECSLinear10PercentEvery1Minutes")
    rows = {row[:16].strip(): row[16:].split("  ") for row in shown.splitlines()}
    columns = {title: [cell.strip() for cell in cells if cell.strip()] for title, cells in rows.items()}
    assert shown.splitlines()[0].split() == ["Canary10Percent5Minutes", "Linear10PercentEvery1Minute"]
    assert columns["shifts"] == ["2", "10"]
    assert columns["takes"] == ["10m", "10m"]
    assert columns["share at 1m"] == ["10 %", "20 %"]
    assert columns["share at 10m"] == ["100 %", "100 %"]


def test_side_by_side_for_programs(line: Line) -> None:
    found = json.loads(line("AllAtOnce", "Canary10Percent15Minutes", "-o", "json", "--routes", "2"))["strategies"]
    assert [each["strategy"] for each in found] == ["AllAtOnce", "Canary10Percent15Minutes"]
    assert [each["calls"]["modify"] for each in found] == [2, 4]
    assert [each["exposure"]["share_seconds"] for each in found] == [60, 90]
    assert found[0]["steps"][0]["splits"] == {name: {"blue": 0, "green": 100} for name in ("route-1", "route-2")}
    assert plan_in(found[1]["plan"]).strategy == "Canary10Percent15Minutes"


def test_behind_a_network_load_balancer_every_shift_settles(line: Line) -> None:
    assert json.loads(line("Canary10Percent5Minutes", "-o", "json", "--network"))["seconds"] == 1200


def test_without_a_name_all_of_them_are_named(line: Line, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(SETTINGS)
    found = json.loads(line("-c", "own.toml", "-o", "json"))
    assert found == {"strategies": ["careful"], "presets": [each.name for each in PRESETS]}
    shown = line("-c", "own.toml")
    for name in ("careful", *found["presets"]):
        assert f"  {name} " in shown


def test_an_operators_own_strategy_hides_the_preset_of_its_name(line: Line, tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text("[strategy.AllAtOnce]\nall-at-once = true\nbake = '5m'")
    found = json.loads(line("-o", "json"))
    assert found["strategies"] == ["AllAtOnce"]
    assert "AllAtOnce" not in found["presets"]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["a", "b", "c"], UsageError, "plan compares two strategies"),
        (["Canary"], None, None),
        (["careful"], UsageError, "there is no strategy 'careful'"),
        (["OneAtATime"], UsageError, "shifts no traffic"),
        (["AllAtOnce", "-c", "missing.toml"], ConfigError, "there is no settings file missing.toml"),
    ],
)
def test_what_cannot_be_planned_is_said(line: Line, words: list[str], error: Any, said: str | None) -> None:
    if error is None:
        assert line(*words)
        return
    with pytest.raises(error, match=said):
        line(*words)


CAREFUL = Strategy(
    "careful",
    (Shift(Fraction(1, 20)), Bake(60), Approve(60), Shift(Fraction(1)), Bake(60), Retire()),
    gates=(Probe(),),
)


def test_a_dry_run_shows_the_split_of_every_route_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    world = a_world(routes=2)
    show_forecast([world.service], Wanted(strategy=canary([Fraction(1, 20), Fraction(1)], 60)), Output.TEXT)
    shown = capsys.readouterr().out
    assert "web: would go from blue to green by canary: 2m. Nothing was written." in shown
    assert "route-0: blue 95 / green 5, route-1: blue 95 / green 5" in shown
    assert "at risk: 5 % of requests for 1m, as much as all of them for 3s" in shown
    assert "ok" in shown
    assert world.split() == Split(blue=100, green=0)
    assert world.events() == []


def test_a_dry_run_lists_the_hooks_of_the_service_each_at_its_point(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = tuple(HookSettings(at=point, name=f"h{number}", command=("x",)) for number, point in enumerate(HookPoint))
    world = a_world(settings=ServiceSettings(hooks=hooks))
    show_forecast([world.service], Wanted(strategy=canary([Fraction(1, 20), Fraction(1)], 60)), Output.TEXT)
    shown = capsys.readouterr().out
    assert "by canary: 2m, plus up to 6m for hooks and probes. Nothing was written." in shown
    steps = [" ".join(row.split()[2:5]) for row in shown.splitlines() if re.match(r" +\d+  ", row)]
    assert steps == [
        *("hook h0 (before-prepare)", "hook h1 (after-prepare)"),
        *("hook h2 (before-shift)", "shift 5 %", "hook h3 (after-shift)", "bake 1m"),
        *("hook h2 (before-shift)", "shift 100 %", "hook h3 (after-shift)", "bake 1m"),
    ]
    assert "  on a rollback: hook h5, up to 1m; it holds nothing up\n" in shown
    assert "  at the end: hook h6, up to 1m; it holds nothing up\n" in shown
    assert world.hooks.ran == []


def test_a_dry_run_that_would_be_refused_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_forecast([a_world(green=0).service], Wanted(strategy=all_at_once(60)), Output.TEXT)
    shown = capsys.readouterr().out
    assert "web: refused; would have gone from blue to green" in shown
    assert "0 healthy targets" in shown


def test_a_dry_run_for_programs_has_the_plan_and_the_findings(capsys: pytest.CaptureFixture[str]) -> None:
    world = a_world(settings=ServiceSettings(poll_seconds=10))
    show_forecast([world.service], Wanted(strategy=CAREFUL), Output.JSON)
    found = json.loads(capsys.readouterr().out)
    assert (found["service"], found["to"], found["approval_seconds_at_most"]) == ("web", "green", 60)
    assert plan_in(found["plan"]).steps == CAREFUL.steps
    assert [each["starts_at_seconds"] for each in found["steps"]] == [0, 0, 60, 60, 60, 120]
    assert found["steps"][1]["calls"] == {"describe_routes": 7, "describe_target_health": 7, "modify": 0}
    assert "workload" in [each["check"] for each in found["findings"] if each["level"] == "refused"]


def test_a_dry_run_of_a_release_shows_every_service(capsys: pytest.CaptureFixture[str]) -> None:
    services = [a_world().service, a_world(routes=3).service]
    show_forecast(services, Wanted(strategy=all_at_once(60)), Output.JSON)
    found = json.loads(capsys.readouterr().out)["services"]
    assert [each["calls"]["modify"] for each in found] == [1, 3]
