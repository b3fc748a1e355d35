"""`bluegreen infra`: exit codes, the two outputs, the question it asks, and Ctrl-C."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
import typer

from toolkit.cli import main

real = pytest.mark.terraform

GOLDEN = Path(__file__).parents[1] / "golden" / "deployment.json"
SECRET = "hunter2-correct-horse"
CONFIGURATION = f"""
variable "name" {{ default = "web" }}
resource "terraform_data" "web" {{ triggers_replace = var.name }}
output "deployment" {{ value = jsondecode(file("deployment.json")) }}
output "hidden" {{
  value     = "{SECRET}"
  sensitive = true
}}
"""
WAITING = """
resource "terraform_data" "first" {}
resource "terraform_data" "waits" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "echo waiting; exec sleep 60" }
}
resource "terraform_data" "never" { depends_on = [terraform_data.waits] }
"""


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Infra(Protocol):
    def __call__(self, command: str, *arguments: str) -> Answer: ...


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(CONFIGURATION)
    (tmp_path / "deployment.json").write_text(GOLDEN.read_text("utf-8"))
    return tmp_path


@pytest.fixture
def infra(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Infra:
    """`bluegreen infra COMMAND --dir DIRECTORY ...` in this process, where nobody is at the terminal."""

    def call(command: str, *arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["bluegreen", "infra", command, "--dir", str(directory), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


@real
def test_tofu_does_where_there_is_no_terraform(infra: Infra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in, the real terraform under tofu's name: OpenTofu itself is not at hand."""
    real_one = shutil.which("terraform")
    (tmp_path / "bin").mkdir()
    tofu = tmp_path / "bin" / "tofu"
    tofu.write_text(f'#!/bin/sh\nexec {real_one} "$@"\n')
    tofu.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("BLUEGREEN_TERRAFORM", raising=False)
    assert infra("init").code == 0
    assert infra("apply", "--yes").code == 0
    assert infra("output").json() == json.loads(GOLDEN.read_text("utf-8"))
    monkeypatch.setenv("BLUEGREEN_TERRAFORM", "terraform")
    refused = infra("plan")
    assert refused.code == 40
    assert refused.err.startswith("bluegreen: BLUEGREEN_TERRAFORM=terraform is no program that can be run.")


@real
def test_a_state_of_a_newer_terraform_is_refused_in_a_line(infra: Infra, directory: Path) -> None:
    assert infra("apply", "--yes").code == 0
    file = directory / "terraform.tfstate"
    state = json.loads(file.read_text())
    file.write_text(json.dumps({**state, "terraform_version": "99.0.0"}))
    for command in ("plan", "apply", "destroy"):
        refused = infra(command, *(() if command == "plan" else ("--yes",)))
        assert refused.code == 40
        assert refused.out == ""
        assert re.match(r"bluegreen: Terraform 99\.0\.0, or OpenTofu .* Nothing was changed\.", refused.err)
    assert json.loads(file.read_text())["terraform_version"] == "99.0.0"


@real
def test_from_init_to_destroy_for_people(infra: Infra) -> None:
    assert infra("init").code == 0

    planned = infra("plan")
    assert planned.code == 0
    assert "  + terraform_data.web\n" in planned.out
    assert "Plan: 1 to create." in planned.out

    applied = infra("apply", "--yes")
    assert applied.code == 0
    assert re.search(r"Done in \d+ s: 1 added, 0 changed, 0 deleted\.", applied.out)
    assert "terraform_data.web: created in 0 s" in applied.err

    assert infra("apply", "-y").out == "No changes.\n"

    destroyed = infra("destroy", "-y")
    assert destroyed.code == 0
    assert "  - terraform_data.web\n" in destroyed.out
    assert "1 deleted" in destroyed.out


@real
def test_for_programs_there_is_one_document_on_stdout(infra: Infra, directory: Path) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert infra("init", "-o", "json").json()["directory"] == str(directory)

    planned = infra("plan", "-o", "json").json()
    assert planned["has_changes"]
    assert planned["changes"] == [
        {"address": "terraform_data.web", "type": "terraform_data", "action": "create", "reason": ""}
    ]

    applied = infra("apply", "-y", "-o", "json")
    document = applied.json()
    assert document["applied"] == {"added": 1, "changed": 0, "removed": 0}
    assert document["deployment"] == golden
    assert document["plan"]["outputs"] == ["deployment", "hidden"]
    assert "terraform_data.web: created" in applied.err

    again = infra("apply", "-y", "-o", "json").json()
    assert again["applied"] == {"added": 0, "changed": 0, "removed": 0}
    assert again["deployment"] == golden

    destroyed = infra("destroy", "-y", "-o", "json").json()
    assert (destroyed["applied"]["removed"], destroyed["deployment"]) == (1, None)


@real
def test_a_sensitive_output_is_never_printed(infra: Infra) -> None:
    answers = [
        infra("plan"),
        infra("apply", "-y"),
        infra("output"),
        infra("output", "--all"),
        infra("plan", "-o", "json"),
    ]
    assert all(SECRET not in answer.out + answer.err for answer in answers)
    assert answers[3].json()["hidden"] == "(sensitive)"


@real
def test_the_contract_is_printed_as_the_toolkit_reads_it(infra: Infra, directory: Path) -> None:
    missing = infra("output")
    assert (missing.code, missing.out) == (11, "")
    assert "Apply it first" in missing.err

    infra("apply", "-y")
    assert infra("output").json() == json.loads(GOLDEN.read_text("utf-8"))

    (directory / "deployment.json").write_text('{"schema_version": 99}')
    infra("apply", "-y")
    malformed = infra("output")
    assert (malformed.code, malformed.out) == (11, "")
    assert "schema_version" in malformed.err


@real
def test_a_contract_that_is_sensitive_or_not_there_is_an_error(infra: Infra, directory: Path) -> None:
    (directory / "main.tf").write_text(f'output "deployment" {{\n value = "{SECRET}"\n sensitive = true\n}}')
    infra("apply", "-y")
    sensitive = infra("output")
    assert sensitive.code == 11
    assert SECRET not in sensitive.out + sensitive.err

    (directory / "main.tf").write_text('output "other" { value = 1 }')
    infra("apply", "-y")
    assert "alb-route" in infra("output").err


@real
def test_detailed_exit_codes_tell_nothing_from_changes(infra: Infra) -> None:
    assert infra("plan", "--detailed-exitcode").code == 2
    infra("apply", "-y")
    assert infra("plan", "--detailed-exitcode").code == 0
    assert infra("plan").code == 0


@real
def test_variables_reach_terraform(infra: Infra, directory: Path) -> None:
    infra("apply", "-y")
    (directory / "other.tfvars").write_text('name = "other"')
    assert "AWS cannot change it in place" in infra("plan", "--var", "name=other").out
    assert "1 to replace" in infra("plan", "--var-file", str(directory / "other.tfvars")).out
    assert "asked for by --replace" in infra("plan", "--replace", "terraform_data.web").out


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_where_nobody_can_answer_it_does_not_begin(infra: Infra, directory: Path, command: str) -> None:
    refused = infra(command)
    assert refused.code == 2
    assert "--yes" in refused.err
    assert not (directory / "terraform.tfstate").exists()


@pytest.mark.parametrize("arguments", [("--var", "novalue"), ("--var", "=x"), ("--var-file", "gone.tfvars")])
def test_malformed_options_are_usage_errors(infra: Infra, arguments: tuple[str, ...]) -> None:
    assert infra("plan", *arguments).code == 2


def test_a_missing_terraform_is_one_line_with_its_own_code(infra: Infra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    missing = infra("plan")
    assert missing.code == 40
    assert missing.err.count("\n") == 1
    assert "developer.hashicorp.com" in missing.err


@real
def test_a_failing_configuration_is_one_line_without_a_traceback(infra: Infra, directory: Path) -> None:
    (directory / "main.tf").write_text('resource "terraform_data" "x" {\n input = var.nothing\n}')
    failed = infra("plan")
    assert failed.code == 41
    assert failed.err.count("\n") == 1
    assert "Reference to undeclared input variable" in failed.err


@pytest.mark.parametrize("arguments", [(), ("-o", "json")])
def test_a_named_mirror_that_is_none_has_its_own_code(
    infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BLUEGREEN_TF_MIRROR", str(directory))
    assert infra("init", *arguments).code == 43


def fake(directory: Path, monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Any]) -> None:
    """Put a terraform first on the PATH whose plan is `changes`; it notes its arguments in `asked`."""
    entries = [{"mode": "managed", **change} for change in changes]
    (directory / "plan.json").write_text(json.dumps({"format_version": "1.2", "resource_changes": entries}))
    program = directory / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
        cd {directory}
        echo "$AWS_ENDPOINT_URL $*" >> asked
        case "$1" in
          version) echo '{{"terraform_version": "1.11.4"}}';;
          plan) exit 2;;
          show) cat plan.json;;
          output) echo '{{}}';;
        esac
        """
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


RULE = {
    "address": "module.route.aws_lb_listener_rule.this",
    "type": "aws_lb_listener_rule",
    "change": {"actions": ["delete", "create"]},
    "action_reason": "replace_by_request",
}


def test_a_plan_that_replaces_a_route_is_refused_before_anything_is_changed(
    infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(directory, monkeypatch, RULE)
    refused = infra("apply", "-y")
    assert refused.code == 42
    assert "replace route module.route.aws_lb_listener_rule.this (asked for by --replace)" in refused.err
    assert " apply " not in (directory / "asked").read_text()

    assert infra("apply", "-y", "--allow-replace").code == 0
    assert " apply " in (directory / "asked").read_text()


def test_ctrl_c_at_the_question_changes_nothing(infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise typer.Abort

    fake(directory, monkeypatch, {**RULE, "change": {"actions": ["create"]}})
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", interrupted)
    asked = infra("apply")
    assert asked.code == 130
    assert "nothing was changed" in asked.err
    assert " apply " not in (directory / "asked").read_text()


def test_a_preview_warns_of_what_apply_refuses(infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(directory, monkeypatch, RULE)
    preview = infra("plan")
    assert preview.code == 0
    assert "apply refuses this plan without --allow-replace" in preview.err
    assert infra("plan", "--detailed-exitcode").code == 42
    assert infra("plan", "--detailed-exitcode", "--allow-replace").code == 2
    assert infra("plan", "-o", "json").json()["carries_traffic"] == [RULE["address"]]


def test_destroying_what_carries_traffic_is_said_and_done(
    infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(directory, monkeypatch, {**RULE, "change": {"actions": ["delete"]}})
    destroyed = infra("destroy", "-y")
    assert destroyed.code == 0
    assert "takes away what carries the traffic: delete route" in destroyed.err
    assert "-destroy" in (directory / "asked").read_text()


def test_a_plan_that_writes_live_weights_is_warned_of(
    infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = {"actions": ["update"], "before": {"action": [1]}, "after": {"action": [2]}}
    fake(directory, monkeypatch, {**RULE, "change": update})
    assert "ignore_changes = [action]" in infra("plan").err
    assert infra("plan", "-o", "json").json()["writes_weights"] == [RULE["address"]]


def test_an_endpoint_reaches_terraform(infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(directory, monkeypatch)
    infra("plan", "--endpoint-url", "http://aws.example:4566")
    assert "http://aws.example:4566 plan " in (directory / "asked").read_text()


def bluegreen(directory: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "toolkit", "infra", *arguments, "--dir", str(directory)]
    environ = {**os.environ, "TMPDIR": str(directory / "tmp"), "TERM": "xterm"}
    (directory / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(command, text=True, env=environ, **options)


@real
@pytest.mark.parametrize(("answer", "code", "done"), [("n", 1, False), ("y", 0, True)])
def test_at_a_terminal_it_asks_and_takes_no_for_an_answer(directory: Path, answer: str, code: int, done: bool) -> None:
    ours, theirs = pty.openpty()
    pipes: Any = {"stdin": theirs, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with bluegreen(directory, "apply", **pipes) as process:
        os.write(ours, f"{answer}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert "Plan: 1 to create." in out
    assert "Apply this plan?" in err
    assert process.returncode == code
    assert (directory / "terraform.tfstate").exists() is done
    assert ("Nothing was changed" in err) is not done


@real
def test_on_a_terminal_the_work_is_shown_live_and_the_end_is_plain(directory: Path) -> None:
    ours, theirs = pty.openpty()
    pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": theirs}
    with bluegreen(directory, "apply", "-y", **pipes) as process:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # EIO: the other side is closed
                break
        out = process.stdout.read() if process.stdout else ""
    os.close(ours)
    assert process.returncode == 0
    assert "terraform is at work" in shown.decode()
    assert "terraform_data.web: created in 0 s" in shown.decode()
    assert "\x1b" not in out


@real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_terraform_save_its_state(directory: Path, number: signal.Signals) -> None:
    (directory / "main.tf").write_text(WAITING)
    pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with bluegreen(directory, "apply", "-y", **pipes) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.endswith("(local-exec): waiting\n"):
                process.send_signal(number)
        process.wait(timeout=30)
    assert process.returncode == 130
    assert "ended properly. Steps done and in the state: 1 of 3." in said[-1]
    assert "Traceback" not in "".join(said)
    kept = json.loads((directory / "terraform.tfstate").read_text())["resources"]
    assert sorted(resource["name"] for resource in kept) == ["first", "waits"]
    assert list((directory / "tmp").iterdir()) == []
    assert not (directory / ".terraform.tfstate.lock.info").exists()


@real
def test_no_plan_file_is_left_behind(infra: Infra, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = directory / "tmp"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    infra("plan")
    infra("apply", "-y")
    infra("destroy", "-y")
    assert list(private.iterdir()) == []


def test_help_loads_neither_terraform_nor_rich(directory: Path) -> None:
    probe = (
        "import sys, toolkit.cli; sys.argv = ['bluegreen', 'infra', '--help']\n"
        "try: toolkit.cli.main()\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m in {'rich', 'python_terraform', 'boto3', 'pydantic'}))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
