"""How terraform is run: what it inherits, how its output is read, how our signals reach it."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import FakeTerraform
from toolkit.infra import process

# Answers each interrupt with a line and ends after as many as it is told to wait for.
WAITS = """
seen=0
trap 'seen=$((seen + 1)); echo "interrupt $seen"; [ $seen -ge $WANTED ] && exit 3' INT
echo ready
while :; do sleep 0.02; done
"""


def run(
    directory: Path, environ: dict[str, str], *arguments: str, **options: Any
) -> tuple[process.Finished, list[str]]:
    lines: list[str] = []
    finished = process.run("plan", *arguments, directory=directory, environ=environ, on_line=lines.append, **options)
    return finished, [line.rstrip("\n") for line in lines]


def test_options_stand_before_arguments_in_terraforms_spelling(
    fake_terraform: FakeTerraform, configuration: Path
) -> None:
    environ = fake_terraform('for word in "$@"; do echo "$word"; done')
    _, lines = run(
        configuration,
        environ,
        "saved.plan",
        json=process.FLAG,
        input=False,
        var=["a=1", 'b=["x y"]'],
        var_file=["/f"],
        destroy=None,
        detailed_exitcode=process.FLAG,
    )
    assert lines == [
        "plan",
        "-json",
        "-input=false",
        "-var=a=1",
        '-var=b=["x y"]',
        "-var-file=/f",
        "-detailed-exitcode",
        "saved.plan",
    ]


def test_the_child_gets_the_directory_the_environment_given_and_no_more(
    fake_terraform: FakeTerraform, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    environ = fake_terraform('pwd; echo "${LEAKED-none} $GIVEN"')
    _, lines = run(configuration, {**environ, "GIVEN": "given"})
    assert lines == [str(configuration), "none given"]


def test_the_child_cannot_ask(fake_terraform: FakeTerraform, configuration: Path) -> None:
    _, lines = run(configuration, fake_terraform("read answer || echo nobody"))
    assert lines == ["nobody"]


def test_stderr_is_read_beside_stdout_and_its_end_is_kept(fake_terraform: FakeTerraform, configuration: Path) -> None:
    flood = "i=0; while [ $i -lt 20000 ]; do echo 'a line of stderr' >&2; i=$((i + 1)); done; echo last >&2"
    finished, lines = run(configuration, fake_terraform(f"{flood}; echo done; exit 4"))
    assert lines == ["done"]
    assert finished.code == 4
    assert finished.stderr.endswith("a line of stderr\nlast\n")
    assert len(finished.stderr) < 20_000


def test_bytes_that_are_no_utf8_do_not_break_the_reading(fake_terraform: FakeTerraform, configuration: Path) -> None:
    _, lines = run(configuration, fake_terraform(r"printf '\377ok\n'"))
    assert lines == ["\ufffdok"]


def test_a_broken_state_file_is_none_of_our_business(fake_terraform: FakeTerraform, configuration: Path) -> None:
    (configuration / "terraform.tfstate").write_text("no json")
    assert run(configuration, fake_terraform("exit 0"))[0].code == 0


def test_a_program_that_is_not_there_cannot_be_started(configuration: Path) -> None:
    with pytest.raises(process.CannotStart, match="terraform"):
        run(configuration, {"PATH": "/nowhere"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_us_becomes_one_interrupt_to_terraform(
    fake_terraform: FakeTerraform, configuration: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line.strip())
        if line == "ready\n":
            os.kill(os.getpid(), number)

    environ = {**fake_terraform(WAITS), "WANTED": "1"}
    finished = process.run("plan", directory=configuration, environ=environ, on_line=on_line)
    assert lines == ["ready", "interrupt 1"]
    assert (finished.code, finished.interrupts) == (3, 1)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_is_passed_on_but_a_termination_after_it_is_not(
    fake_terraform: FakeTerraform, configuration: Path
) -> None:
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line.strip())
        if line == "interrupt 1\n":
            os.kill(os.getpid(), signal.SIGTERM)
        if line != "interrupt 2\n":
            os.kill(os.getpid(), signal.SIGINT)

    environ = {**fake_terraform(WAITS), "WANTED": "2"}
    finished = process.run("plan", directory=configuration, environ=environ, on_line=on_line)
    assert lines == ["ready", "interrupt 1", "interrupt 2"]
    assert (finished.code, finished.interrupts) == (3, 2)


def test_terraform_is_out_of_reach_of_the_terminals_own_ctrl_c(
    fake_terraform: FakeTerraform, configuration: Path
) -> None:
    _, lines = run(configuration, fake_terraform("ps -o sid= -p $$ | tr -d ' '; echo $$"))
    assert lines[0] == lines[1]


def test_a_listener_that_fails_does_not_leave_terraform_behind(
    fake_terraform: FakeTerraform, configuration: Path
) -> None:
    ended = configuration / "ended"
    environ = {**fake_terraform(f"trap 'touch {ended}' EXIT\n{WAITS}"), "WANTED": "1"}

    def on_line(line: str) -> None:
        raise BrokenPipeError(line)

    with pytest.raises(BrokenPipeError, match="ready"):
        process.run("plan", directory=configuration, environ=environ, on_line=on_line)
    assert ended.exists()


def test_a_signal_that_comes_while_it_is_started_is_passed_on(
    fake_terraform: FakeTerraform, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = process._Terraform.cmd

    def interrupted(self: process._Terraform, *arguments: str, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return start(self, *arguments, **options)

    monkeypatch.setattr(process._Terraform, "cmd", interrupted)
    environ = {**fake_terraform(WAITS), "WANTED": "1"}
    finished, _ = run(configuration, environ)
    assert finished.interrupts == 1
    assert finished.code in {3, -signal.SIGINT}  # the second where the shell had not set its trap yet


def test_an_ignored_signal_stays_ignored(fake_terraform: FakeTerraform, configuration: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        lines: list[str] = []

        def on_line(line: str) -> None:
            lines.append(line.strip())
            os.kill(os.getpid(), signal.SIGHUP)

        finished = process.run("plan", directory=configuration, environ=fake_terraform("echo done"), on_line=on_line)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (lines, finished.code, finished.interrupts) == (["done"], 0, 0)


def test_off_the_main_thread_it_runs_without_signals(fake_terraform: FakeTerraform, configuration: Path) -> None:
    environ = fake_terraform("echo done")
    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(run(configuration, environ)[1]))
    thread.start()
    thread.join(10)
    assert found == [["done"]]
