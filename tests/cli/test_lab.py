"""`bluegreen lab`: up, status and down as a user types them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from toolkit.cli.lab import status
from toolkit.cli.options import Output
from toolkit.errors import LabError
from toolkit.lab.processes import birth_of


class Command:
    """`bluegreen lab ...` in a process of its own, with labs of its own."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.environ = environ | {"BLUEGREEN_LAB_DIR": str(root)}

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "toolkit", "lab", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    command = Command(tmp_path, dict(os.environ))
    yield command
    command("down")


@pytest.mark.lab
def test_up_status_down(lab: Command) -> None:
    up = lab("up")
    assert up.returncode == 0, up.stderr
    lines = up.stdout.splitlines()
    assert lines[0] == "unset AWS_PROFILE"
    endpoint = lines[1].removeprefix("export AWS_ENDPOINT_URL=")
    assert endpoint.startswith("http://127.0.0.1:")
    assert "export AWS_ACCESS_KEY_ID=test" in lines

    again = lab("up", "--output", "json")
    assert again.returncode == 0
    assert "running already" in again.stderr
    document = json.loads(again.stdout)
    assert document["endpoint_url"] == endpoint
    assert document["environment"]["AWS_ENDPOINT_URL"] == endpoint

    status = lab("status", "--output", "json")
    assert status.returncode == 0
    shown = json.loads(status.stdout)
    assert [child["what"] for child in shown["children"]] == ["envoy"]
    assert shown["failures"] == []
    assert endpoint in lab("status").stdout

    down = lab("down")
    assert down.returncode == 0
    assert f"stopped lab (pid {document['pid']}) of lab 'default'" in down.stdout
    assert "stopped envoy (pid" in down.stdout
    assert birth_of(document["pid"]) is None
    assert birth_of(shown["children"][0]["pid"]) is None


def test_status_tells_what_the_compute_could_not_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "name": "default",
        "endpoint_url": "http://127.0.0.1:1",
        "uptime_seconds": 1.0,
        "options": {},
        "children": [],
        "listeners": {},
        "failures": [],
        "compute_failures": ["EcsController: ValueError: no subnet"],
    }
    monkeypatch.setattr("toolkit.lab.handle.running_lab", lambda _name: SimpleNamespace(status=lambda: document))
    status("default", Output.TEXT)
    assert "the compute could not do its work: EcsController: ValueError: no subnet" in capsys.readouterr().out
    document["compute_failures"] = []
    status("default", Output.TEXT)
    assert "the compute" not in capsys.readouterr().out


def test_nothing_to_stop_is_no_error(lab: Command) -> None:
    down = lab("down")
    assert down.returncode == 0
    assert down.stdout == "lab 'default' is not running; nothing to stop\n"
    assert json.loads(lab("down", "--output", "json").stdout) == {"default": []}
    assert lab("down", "--all").stdout == "no lab is running; nothing to stop\n"


def test_no_lab_and_a_bad_name_are_one_line_each(lab: Command) -> None:
    status = lab("status")
    assert status.returncode == LabError.exit_code
    assert status.stderr == ("bluegreen: lab 'default' is not running. Start it: bluegreen lab up  [exit 50]\n")
    assert lab("up", "--name", "a/b").returncode == LabError.exit_code


def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(lab: Command, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'moto' else find(name, package)\n"
    )
    lab.environ["PYTHONPATH"] = str(tmp_path)
    up = lab("up")
    assert up.returncode == 51
    assert up.stderr.count("\n") == 1
    assert "pip install 'bluegreen[lab]'" in up.stderr


@pytest.mark.lab
def test_in_the_foreground_it_ends_with_ctrl_c(lab: Command) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit", "lab", "up", "--foreground", "--output", "json"],
        env=lab.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if line == "}\n":
                break
        assert json.loads(said)["pid"] == process.pid
        assert json.loads(lab("status", "--output", "json").stdout)["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, log
    assert lab("down").stdout == "lab 'default' is not running; nothing to stop\n"
