"""The command line itself, in-process: what is printed, what is returned, with the service on fakes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.main import get_command

from tests.cli.conftest import Line
from tests.support.fakes import ALICE, FakeWorld, a_world
from toolkit.cli import app as cli_app
from toolkit.contract import Stickiness
from toolkit.errors import PreflightRefused
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

Run = Callable[[FakeWorld, str], tuple[int, str, str]]


@pytest.fixture
def run(line: Line) -> Run:
    """Run a command line on a fake world; exit code, stdout, stderr."""

    def run(world: FakeWorld, words: str) -> tuple[int, str, str]:
        ended = line(world, words)
        return ended.code, ended.out, ended.err

    return run


def document(out: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(out)
    return parsed


def test_status_shows_who_is_live_every_target_and_what_was_recorded(run: Run) -> None:
    world = a_world()
    world.health(Color.GREEN, "healthy", "unhealthy")
    shift(world.service, Split(blue=80, green=20))
    code, out, _ = run(world, "status")
    assert code == 0
    assert "blue is live" in out
    assert "route route-0: blue 80 / green 20" in out
    assert "1 healthy of 2" in out
    assert "unhealthy (Some.Reason)" in out
    assert ALICE.arn in out
    assert "\x1b[" not in out, "no colors in a pipe"


def test_status_as_json(run: Run) -> None:
    world = a_world()
    shift(world.service, Split(blue=80, green=20))
    status = document(run(world, "status web --output json")[1])
    assert status["live"] == "blue"
    assert status["routes"]["route-0"]["split"] == {"blue": 80, "green": 20}
    assert status["routes"]["route-0"]["state"] == "ok"
    assert status["colors"]["green"]["healthy"] == 3
    assert status["record"]["base"] == "blue"
    assert status["record"]["actor"] == ALICE.arn
    world.put(Split(blue=1, green=1))
    assert document(run(world, "status web -o json")[1])["routes"]["route-0"]["state"] == "drifted"
    world.router.live.clear()
    gone = document(run(world, "status web -o json")[1])
    assert gone["routes"]["route-0"]["state"] == "gone"
    assert gone["routes"]["route-0"]["split"] is None


def test_status_with_nothing_recorded_and_both_colors_on(run: Run) -> None:
    _, out, _ = run(a_world(split=Split(blue=50, green=50)), "status")
    assert "both colors carry traffic, no base on record" in out
    assert "nothing is recorded yet" in out


def test_shift_writes_and_says_what_it_wrote(run: Run) -> None:
    world = a_world()
    code, out, _ = run(world, "shift web green=20")
    assert code == 0
    assert "blue 80 / green 20 on 1 route, read back and recorded" in out
    assert "route-0: blue 100 / green 0 -> blue 80 / green 20" in out
    assert world.split() == Split(blue=80, green=20)
    assert "nothing was written" in run(world, "shift web green=20")[1]


def test_shift_as_json(run: Run) -> None:
    done = document(run(a_world(), "shift web green=20 -o json")[1])
    assert done["written"] is True
    assert done["before"] == {"route-0": {"blue": 100, "green": 0}}
    assert done["after"] == {"blue": 80, "green": 20}
    assert done["base"] == "blue"
    assert {finding["check"] for finding in done["findings"]} >= {"account", "drift", "green capacity"}


@pytest.mark.parametrize("command", ["shift web green=20 --dry-run", "cutover web --dry-run"])
def test_a_dry_run_shows_the_checks_and_writes_nothing(run: Run, command: str) -> None:
    world = a_world(green=0)
    code, out, _ = run(world, command)
    assert code == 0
    assert "refused" in out
    assert "Nothing was written" in out
    assert document(run(world, f"{command} -o json")[1])["findings"]
    assert world.router.writes == []


def test_commands_that_would_be_refused_say_so(run: Run) -> None:
    code, out, err = run(a_world(green=0), "shift web green=20 --print-awscli")
    assert code == 0
    assert out.startswith("write route-0")
    assert "would refuse this: green has 0 healthy targets" in err


@pytest.mark.parametrize("command", ["shift web green=20", "cutover web", "rollback web --to green"])
def test_print_awscli_prints_a_command_per_route_and_writes_nothing(run: Run, command: str) -> None:
    world = a_world(routes=2)
    _, out, _ = run(world, f"{command} --print-awscli")
    assert len(out.splitlines()) == 2
    assert len(document(run(world, f"{command} --print-awscli -o json")[1])["commands"]) == 2
    assert world.router.writes == []


def test_cutover_bakes_as_long_as_asked_and_narrates_on_stderr(run: Run) -> None:
    world = a_world()
    code, out, err = run(world, "cutover web --bake 5")
    assert code == 0
    assert "blue 0 / green 100" in out
    assert "step 2 of 2 (bake 5s) until 12:00:05Z" in err


def test_rollback_says_until_when_stickiness_is_off(run: Run) -> None:
    world = a_world(split=Split(blue=80, green=20), stickiness=Stickiness(enabled=True, duration_seconds=300))
    _, out, _ = run(world, "rollback web --to blue")
    assert "stickiness is off" in out
    assert "2026-01-02T12:06:00+00:00" in out
    assert "until" in run(world, "status")[1]
    assert "switched off" in run(world, "doctor")[1]
    assert "stickiness is on again" in run(world, "restore-stickiness web --wait")[1]


def test_doctor_prints_every_check_and_exits_as_the_first_refusal_would(run: Run) -> None:
    world = a_world()
    code, out, _ = run(world, "doctor")
    assert code == 0
    assert "checked for blue 0 / green 100" in out
    world.health(Color.GREEN, "initial")
    code, out, err = run(world, "doctor web --to green=20")
    assert code == 14
    assert "refused" in out
    assert err == ""
    assert document(run(world, "doctor web -o json")[1])["findings"]


def test_without_a_name_every_service_is_shown(run: Run) -> None:
    assert "web: blue is live" in run(a_world(), "status")[1]
    for command in ("status", "doctor"):
        (only,) = document(run(a_world(), f"{command} -o json")[1])["services"]
        assert only["service"] == "web"


def test_doctor_names_a_route_that_is_gone(run: Run) -> None:
    world = a_world()
    world.router.live.clear()
    code, out, _ = run(world, "doctor web")
    assert code == 16
    assert "route route-0 is gone" in out


def test_doctor_without_a_base_checks_for_half_and_half(run: Run) -> None:
    assert "checked for blue 50 / green 50" in run(a_world(split=Split(blue=30, green=70)), "doctor")[1]


def test_a_refusal_is_one_line_with_reason_hint_and_exit_code(run: Run) -> None:
    code, out, err = run(a_world(green=0), "shift web green=20")
    assert code == 14
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("bluegreen: web: green has 0 healthy targets of 0")
    assert "Nothing was changed." in err
    assert err.rstrip().endswith("See `bluegreen doctor web`.  [exit 14]")


def test_debug_lets_the_traceback_through(line: Line) -> None:
    with pytest.raises(PreflightRefused):
        line(a_world(green=0), "shift web green=20 --debug")


def test_ctrl_c_outside_a_write_is_one_line_and_130(run: Run) -> None:
    world = a_world()

    def interrupt() -> None:
        raise KeyboardInterrupt

    world.router.before_read = interrupt
    code, _, err = run(world, "status")
    assert code == 130
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("shift web green=1000", 13),
        ("shift web", 2),
        ("cutover web --bake -1", 2),
        ("nonsense", 2),
        ("rollback web --to red", 2),
    ],
)
def test_words_typed_wrong_have_their_exit_code(run: Run, words: str, code: int) -> None:
    world = a_world()
    assert run(world, words)[0] == code
    assert world.router.writes == []


def test_config_schema_is_a_json_schema(run: Run) -> None:
    schema = document(run(a_world(), "config schema")[1])
    assert set(schema["properties"]) == {"aws", "endpoint", "service", "strategy"}


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['bluegreen', '--help']\n"
        "from toolkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} &"
        " {'boto3', 'botocore', 'rich', 'pydantic', 'moto', 'aiohttp', 'flask', 'python_terraform'}), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stderr.strip() == "[]"
    assert "cutover" in run.stdout


def test_version() -> None:
    run = subprocess.run([sys.executable, "-m", "toolkit", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("bluegreen ")


def test_a_command_imports_no_other_ones() -> None:
    """A rollback starts with what it needs, however many commands there come to be."""
    script = (
        "import sys; sys.argv = ['bluegreen', 'rollback', '--help']\n"
        "from toolkit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('toolkit.cli.')), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "'toolkit.cli.shift'" in run.stderr
    for other in ("adopt", "drift", "infra", "lab", "rollout", "rollout_progress", "status", "tell"):
        assert f"'toolkit.cli.{other}'" not in run.stderr
    assert "--break-lease" in run.stdout


def test_every_word_of_the_command_line_is_a_command_by_itself() -> None:
    everything = get_command(cli_app.application())
    for word, command in everything.commands.items():  # type: ignore[attr-defined]
        (alone,) = get_command(cli_app.application(word)).commands.values()  # type: ignore[attr-defined]
        assert alone.help == command.help
    assert {"canary", "linear", "cutover", "rollout", "pause", "resume", "approve", "promote", "abort"} <= set(
        everything.commands  # type: ignore[attr-defined]
    )


def test_a_word_that_is_no_command_is_answered_with_the_usage(run: Run) -> None:
    code, out, err = run(a_world(), "nonsense")
    assert (code, out) == (2, "")
    assert "No such command 'nonsense'" in err
