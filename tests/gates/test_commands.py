"""A hook's command runs in a group of its own, and is certainly over afterwards."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.hooks import A_SECOND, Pulsing, is_alive, python
from tests.support.http_server import wait_until
from toolkit.gates.commands import run_command
from toolkit.gates.waiting import Beat, Try
from toolkit.rollout.ports import Pulse
from toolkit.rollout.steps import OUTPUT_LIMIT, Hook


def run(
    *command: str,
    directory: Path,
    timeout: float = 30,
    pulse: Pulse | None = None,
    environ: dict[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> Try:
    hook = Hook("smoke", command=command, timeout_seconds=timeout)
    given = {"PATH": os.environ["PATH"], **(environ or {})}
    beat = Beat(Pulsing() if pulse is None else pulse)
    return run_command(hook, directory=directory, environ=given, beat=beat, secrets=secrets)


def pid_in(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def assert_gone(pid: int) -> None:
    """Its end was asked for; the kernel takes a moment."""
    wait_until(lambda: not is_alive(pid))


def test_exit_code_0_passes_with_what_was_said_on_both_streams(tmp_path: Path) -> None:
    made = run("sh", "-c", "echo out; echo err >&2", directory=tmp_path)
    assert made.passed
    assert made.output == "out\nerr\n"
    assert made.reason.startswith("sh ended with exit code 0 after ")


def test_another_exit_code_and_a_signal_are_told(tmp_path: Path) -> None:
    made = run("sh", "-c", "exit 3", directory=tmp_path)
    assert not made.passed
    assert made.again
    assert "sh ended with exit code 3 after " in made.reason
    assert "was ended by SIGSEGV" in run("sh", "-c", "kill -SEGV $$", directory=tmp_path).reason


def test_words_are_arguments_and_no_shell_reads_them(tmp_path: Path) -> None:
    assert run("printf", "%s|", "a b", "$HOME;*", directory=tmp_path).output == "a b|$HOME;*|"


def test_it_starts_in_its_directory_with_its_environment_alone(tmp_path: Path) -> None:
    made = run("sh", "-c", "pwd; env", directory=tmp_path, environ={"BLUEGREEN_SERVICE": "web"})
    lines = made.output.splitlines()
    assert lines[0] == str(tmp_path)
    assert "BLUEGREEN_SERVICE=web" in lines
    assert {line.partition("=")[0] for line in lines[1:]} <= {
        "PATH",
        "BLUEGREEN_SERVICE",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }


def test_nobody_answers_what_it_asks(tmp_path: Path) -> None:
    assert run("cat", directory=tmp_path).passed


def test_a_program_of_the_directory_is_found_by_its_relative_path(tmp_path: Path) -> None:
    (tmp_path / "smoke.sh").write_text("#!/bin/sh\necho here\n")
    made = run("./smoke.sh", directory=tmp_path)
    assert made.reason == "./smoke.sh may not be run: it is not executable for this user"
    assert not made.again
    (tmp_path / "smoke.sh").chmod(0o755)
    assert run("./smoke.sh", directory=tmp_path).output == "here\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "there is no program ./it"), ("#!/no/such/interpreter\n", "first line"), ("\x7fELF", "cannot be started")],
)
def test_what_cannot_be_started_says_why_and_is_not_tried_again(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "it").write_text(text)
        (tmp_path / "it").chmod(0o755)
    made = run("./it", directory=tmp_path)
    assert not made.passed
    assert not made.again
    assert words in made.reason


def test_a_directory_that_is_gone_and_a_word_that_is_none_are_told(tmp_path: Path) -> None:
    assert "its directory" in run("true", directory=tmp_path / "gone").reason
    assert "null byte" in run("true", "a\0b", directory=tmp_path).reason


def test_at_its_timeout_the_whole_group_is_ended(tmp_path: Path) -> None:
    child = tmp_path / "child"
    began = time.monotonic()
    made = run("sh", "-c", f"sleep 60 & echo $! > {child}; echo said; wait", directory=tmp_path, timeout=3)
    assert not made.passed
    assert made.again
    assert made.reason == "sh was not done after 3s and was ended"
    assert made.output == "said\n"
    assert_gone(pid_in(child))
    assert time.monotonic() - began < 15


def test_what_does_not_heed_the_request_to_end_is_killed_after_two_seconds(tmp_path: Path) -> None:
    pulse = Pulsing()
    stubborn = python(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n"
        "open('pid', 'w').write(f'{os.getpid()}\\n')\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)\n"
    )
    began = time.monotonic()
    made = run(*stubborn, directory=tmp_path, timeout=3, pulse=pulse)
    assert made.output == "ready\nno\n"
    assert_gone(pid_in(tmp_path / "pid"))
    assert 5 <= time.monotonic() - began < 15
    assert pulse.longest_silence() < 2, "it is asked in the two seconds of grace, too"


def test_one_that_cleans_up_when_asked_to_end_may(tmp_path: Path) -> None:
    made = run("sh", "-c", "trap 'echo cleaned; exit 1' TERM; sleep 60 & wait", directory=tmp_path, timeout=3)
    assert made.output == "cleaned\n"


def test_the_pulse_is_asked_every_second_and_its_no_ends_the_command(tmp_path: Path) -> None:
    pulse = Pulsing(stop_after=3)
    made = run("sh", "-c", "echo said; exec sleep 60", directory=tmp_path, pulse=pulse)
    assert (made.passed, made.reason, made.output, made.again) == (False, "stopped", "said\n", False)
    assert len(pulse.asked) == 4
    assert pulse.longest_silence(until_now=False) < A_SECOND


def test_a_pulse_that_fails_leaves_no_process_behind(tmp_path: Path) -> None:
    class Lost(Exception):
        pass

    def lost() -> bool:
        raise Lost

    with pytest.raises(Lost):
        run("sh", "-c", "echo $$ > pid; exec sleep 60", directory=tmp_path, pulse=lost)
    assert_gone(pid_in(tmp_path / "pid"))


def test_a_descendant_that_keeps_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    began = time.monotonic()
    made = run("sh", "-c", f"sleep 60 & echo $! > {child}; echo done", directory=tmp_path)
    try:
        assert (made.passed, made.output) == (True, "done\n")
        assert time.monotonic() - began < 15
        assert is_alive(pid_in(child)), "it is the hook's own, and lives on"
    finally:
        os.kill(pid_in(child), signal.SIGKILL)


def test_a_descendant_that_writes_for_ever_is_not_waited_for(tmp_path: Path) -> None:
    child = tmp_path / "child"
    made = run("sh", "-c", f"yes & echo $! > {child}; sleep 0.2", directory=tmp_path)
    assert made.passed
    wait_until(lambda: not is_alive(pid_in(child)))  # nobody reads, so its next write ends it


def test_one_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    made = run("sh", "-c", "echo first; exec >&- 2>&-; sleep 0.5; exit 4", directory=tmp_path)
    assert "exit code 4" in made.reason
    assert made.output == "first\n"


def test_a_flood_neither_fills_memory_nor_holds_up_the_pulse(tmp_path: Path) -> None:
    pulse = Pulsing()
    flood = f"echo begin; head -c {256 * 1024 * 1024} /dev/zero | tr '\\0' z; echo; echo end"
    made = run("sh", "-c", flood, directory=tmp_path, pulse=pulse, timeout=60)
    assert made.passed
    assert made.output.startswith("begin\nzzz")
    assert made.output.endswith("zzz\nend\n")
    assert len(made.output.encode()) <= OUTPUT_LIMIT
    assert pulse.longest_silence() < A_SECOND


def test_secrets_that_are_known_do_not_get_into_the_output(tmp_path: Path) -> None:
    made = run("printenv", "KEY", directory=tmp_path, environ={"KEY": "s3cret-s3cret"}, secrets=("s3cret-s3cret",))
    assert made.output == "(hidden)\n"


def test_an_end_that_nobody_can_see_is_no_success(tmp_path: Path) -> None:
    """Whoever started us may ignore SIGCHLD; the system then forgets exit codes, and Popen says 0."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        made = run("sh", "-c", "echo said; exit 3", directory=tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert not made.passed
    assert "SIGCHLD ignored" in made.reason
    assert made.output == "said\n"
