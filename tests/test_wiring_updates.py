"""What a wired service updates its targets by: a command from where its settings stand, or SSM in its place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hooks import Pulsing
from tests.support.provision import Provisioned
from toolkit.rollout.ports import Updates
from toolkit.rollout.rolling import Member
from toolkit.settings import Update
from toolkit.wiring import Options, wire

A = Member("i-0a", 8080)


@pytest.fixture
def updates(
    environ: dict[str, str], pair: Callable[..., Provisioned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Updates:
    """Of a service whose settings stand in the directory `ops`."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "bluegreen.toml").write_text("[service.web.rolling]\nupdate = ['./update.sh']\n")
    pair()
    made = wire("web", Options(config=Path("ops/bluegreen.toml")), lambda _line: None).updates
    assert made is not None
    return made


@pytest.mark.lab
def test_a_command_starts_where_the_settings_file_is(updates: Updates) -> None:
    program = Path("ops/update.sh")
    program.write_text("#!/bin/sh\necho $BLUEGREEN_TARGET_ID with $BLUEGREEN_VERSION\n")
    program.chmod(0o755)
    told = {"BLUEGREEN_VERSION": "1.4.2"}
    result = updates.update(Update(command=("./update.sh",)), [A], told, back=False, pulse=Pulsing())
    assert result.passed
    assert result.output == "i-0a:8080:\ni-0a with 1.4.2\n"


@pytest.mark.lab
def test_a_document_goes_to_ssm_in_the_services_place(updates: Updates) -> None:
    update = Update(document="AWS-RunShellScript", parameters={"commands": ("true",)})
    result = updates.update(update, [A], {}, back=False, pulse=Pulsing())
    assert (result.passed, result.reason) == (True, "i-0a:8080 updated")


def test_a_rollback_loads_none_of_it() -> None:
    script = (
        "import sys, toolkit.wiring.ports, toolkit.runner.rollback, toolkit.runner.service\n"
        "print([name for name in sys.modules if name in"
        " ('toolkit.gates.updates', 'toolkit.aws.ssm_commands', 'toolkit.rollout.updating')])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
