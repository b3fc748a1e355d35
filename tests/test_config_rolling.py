"""`[service.NAME.rolling]`: what it may hold, and what is said where it does not."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from toolkit.config import json_schema, load
from toolkit.errors import ConfigError
from toolkit.settings import OnFailure, RollingSettings, ServiceSettings, Update

SCRIPT = "update = { document = 'AWS-RunShellScript', parameters = { commands = ['./update.sh'] } }"
WHOLE = """
batch = "25%"
min_healthy = "50%"
bake = "2m"
on_failure = "pause"
update = ["./update.sh", "--quiet"]
take_back = ["./back.sh"]
timeout = "5m"
retries = 2
"""


def written(folder: Path, table: str) -> Path:
    file = folder / "bluegreen.toml"
    file.write_text(f"[service.web.rolling]\n{table}", encoding="utf-8")
    return file


def rolling_of(folder: Path, table: str) -> RollingSettings:
    return load(written(folder, table)).of("web").rolling


def test_everything_is_read(tmp_path: Path) -> None:
    assert rolling_of(tmp_path, WHOLE) == RollingSettings(
        batch=0.25,
        min_healthy=0.5,
        bake_seconds=120,
        on_failure=OnFailure.PAUSE,
        update=Update(command=("./update.sh", "--quiet"), take_back=("./back.sh",), timeout_seconds=300, retries=2),
    )


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    assert rolling_of(tmp_path, "") == RollingSettings() == ServiceSettings().rolling
    assert rolling_of(tmp_path, "update = ['x']").update == Update(command=("x",))


def test_a_document_is_read_with_its_parameters_both_ways(tmp_path: Path) -> None:
    table = """
    take_back = { commands = ["/opt/web/back.sh", "true"], workingDirectory = "/opt/web" }
    [service.web.rolling.update]
    document = "AWS-RunShellScript"
    parameters.commands = ["/opt/web/update.sh"]
    """
    assert rolling_of(tmp_path, table).update == Update(
        document="AWS-RunShellScript",
        parameters={"commands": ("/opt/web/update.sh",)},
        take_back_parameters={"commands": ("/opt/web/back.sh", "true"), "workingDirectory": ("/opt/web",)},
    )
    own = rolling_of(tmp_path, "update = { document = 'Update-web' }").update
    assert own == Update(document="Update-web")


def test_a_number_of_healthy_targets_may_be_none(tmp_path: Path) -> None:
    assert rolling_of(tmp_path, "batch = 1\nmin_healthy = 0").min_healthy == 0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("batch = 0", "rolling.batch: '0' is no number of targets, and no part of them. Write a number from 1 on"),
        ("batch = '100%'", "rolling.batch: '100%' is no number of targets"),
        ("batch = 0.25", "rolling.batch: write a number of targets, as 2, or a part of them, as '25%', not 0.25"),
        ("batch = true", "rolling.batch: write a number of targets"),
        ("min_healthy = '2'", "rolling.min_healthy: write a number of targets, as 2, or a part of them, as '25%'"),
        ("min_healthy = -1", "rolling.min_healthy: '-1' is no number of targets"),
        ("bake = 60", "rolling.bake: write a duration with its units"),
        ("on_failure = 'go on'", "rolling.on_failure: write one of take-back, pause"),
        ("update = './update.sh'", "rolling.update: write a list of words, as ['./update.sh', '--quiet'], or a table"),
        ("update = []", "rolling.update: write a list of words"),
        ("update = ['x', 1]", "rolling.update: write a list of words"),
        ("update = { parameters = {} }", "rolling.update: write a list of words"),
        ("update = { document = 'x', version = '1' }", "rolling.update: version is not a setting of an update"),
        ("update = { document = 'x', parameters = ['y'] }", "rolling.update: write parameters as a table"),
        ("update = { document = 'x', parameters = { a = [1] } }", "rolling.update: write parameters as a table"),
        (
            "update = { document = 'AWS-RunShellScript' }",
            "rolling.update: a script is lines of commands; write, for AWS-",
        ),
        (f"{SCRIPT}\ntake_back = {{ other = 'x' }}", "rolling: a script is lines of commands"),
        (f"{SCRIPT}\ntake_back = ['./back.sh']", "rolling: take_back is a command and update a document"),
        ("update = ['x']\ntake_back = { commands = ['x'] }", "rolling: take_back has parameters and update is a"),
        ("update = ['x']\ntake_back = './back.sh'", "rolling.take_back: write a list of words"),
        ("take_back = ['x']", "rolling: take_back goes with update, and there is none; write a list of words"),
        ("timeout = '5m'", "rolling: timeout goes with update, and there is none"),
        ("update = ['x']\ntimeout = '0'", "rolling.timeout: 0 leaves no time at all"),
        ("update = ['x']\nretries = -1", "rolling.retries: "),
        ("size = 1", "rolling.size is not a setting"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rolling_of(tmp_path, table)
    assert f"service.web.{said}" in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    "table", [WHOLE, "batch = 2\nmin_healthy = 0", SCRIPT, f"{SCRIPT}\ntake_back = {{ commands = 'x' }}"]
)
def test_an_editor_takes_what_is_read(tmp_path: Path, table: str) -> None:
    document = in_the_schema(tmp_path, table)
    jsonschema.validate(document, json.loads(json.dumps(json_schema())))


@pytest.mark.parametrize("table", ["batch = 0", "batch = '100%'", "update = { parameters = {} }", "on_failure = 'go'"])
def test_an_editor_complains_of_what_is_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(in_the_schema(tmp_path, table), json_schema())


def in_the_schema(folder: Path, table: str) -> dict[str, Any]:
    return tomllib.loads(written(folder, table).read_text(encoding="utf-8"))


def test_gates_are_those_of_a_strategy(tmp_path: Path) -> None:
    rolling = rolling_of(tmp_path, 'gate = [{ probe = "/health" }, { hook = ["./smoke.sh"] }]\ngate_every = "30s"')
    probe, hook = rolling.gates
    assert (probe.path, hook.command, rolling.gate_seconds) == ("/health", ("./smoke.sh",), 30.0)
