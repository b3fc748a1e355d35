"""`pytest --bluegreen-lab`, as other teams run it: in repositories and processes of their own."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from toolkit.errors import LabError
from toolkit.lab import installed
from toolkit.lab.rehearsal.commands import Commands
from toolkit.lab.rehearsal.wanted import Wanted

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "tests" / "examples"
MARK = "BLUEGREEN_TEST_SESSION"
ASKS = "def test_release(bluegreen_service): assert bluegreen_service.weights()"


@dataclass(frozen=True)
class Session:
    """How a session of pytest ended: its output, and what it has left running."""

    code: int
    out: str
    left: list[str]

    def outcomes(self, path: str) -> dict[str, str]:
        """Test -> PASSED, FAILED …, of one file."""
        lines = re.findall(rf"^([A-Z]+) {re.escape(path)}::(\S+)", self.out, re.MULTILINE)
        return {name: word for word, name in lines}


def pytest_in(directory: Path, *words: str) -> Session:
    mark = uuid.uuid4().hex
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *words],
        cwd=directory,
        env={**os.environ, MARK: mark, "AWS_PROFILE": "of-the-team", "BLUEGREEN_LAB_DIR": str(directory / "labs")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Session(ended.returncode, ended.stdout, still_running(mark))


def still_running(mark: str) -> list[str]:
    """The command lines of processes that a session has started, by the variable that they inherit."""
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                left.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return left


# With the lab: one session for the worked example and for all that docs/testing.md promises


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    repository = tmp_path_factory.mktemp("repository")
    for name in ("shop", "variants"):
        shutil.copytree(EXAMPLES / name, repository, dirs_exist_ok=True)
    shutil.copytree(
        ROOT / "terraform" / "modules", repository / "modules", ignore=shutil.ignore_patterns(".terraform*")
    )
    return pytest_in(repository, "--bluegreen-lab", "--strict-markers")


def defined_in(path: Path) -> set[str]:
    return set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))


@pytest.mark.lab
@pytest.mark.e2e
@pytest.mark.terraform
@pytest.mark.parametrize("path", ["shop/test_release.py", "variants/test_variants.py"])
def test_every_test_of_the_example_passes(session: Session, path: str) -> None:
    found = session.outcomes(Path(path).name)
    assert {name.rpartition("::")[2] for name in found} == defined_in(EXAMPLES / path)
    assert set(found.values()) == {"PASSED"}, session.out
    assert session.code == 0


@pytest.mark.lab
@pytest.mark.e2e
@pytest.mark.terraform
def test_nothing_of_it_is_left_running(session: Session) -> None:
    assert session.left == []


def test_what_is_left_running_would_be_noticed() -> None:
    mark = uuid.uuid4().hex
    pipe, environ = subprocess.PIPE, {**os.environ, MARK: mark}
    with subprocess.Popen(["cat"], env=environ, stdin=pipe, stdout=pipe, bufsize=0) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            running.stdin.write(b"x")
            assert running.stdout.read(1) == b"x"  # only then does the kernel surely tell its environment
            assert still_running(mark) == ["cat"]
        finally:
            running.kill()


def test_the_worked_example_needs_ten_lines_and_no_conftest() -> None:
    code = [
        line
        for line in (EXAMPLES / "shop" / "test_release.py").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("import ", "from ", '"""'))
    ]
    first = code[: next(number for number, line in enumerate(code[1:], start=1) if line.startswith("def "))]
    assert len(first) <= 10
    assert {path.name for path in (EXAMPLES / "shop").iterdir() if path.name != "__pycache__"} == {
        "README.md",
        "test_release.py",
    }


# Without the lab


def test_without_the_option_a_test_that_needs_the_lab_is_skipped_and_says_how_to_run_it(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(ASKS)
    ran = pytester.runpytest_inprocess("-rs")
    ran.assert_outcomes(skipped=1)
    ran.stdout.fnmatch_lines(["*needs bluegreen's lab; run: pytest --bluegreen-lab"])


def test_without_the_extra_the_option_ends_in_one_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == "moto" else object())
    pytester.makepyfile(ASKS)
    ran = pytester.runpytest_inprocess("--bluegreen-lab")
    assert ran.ret is pytest.ExitCode.USAGE_ERROR
    said = [line for line in ran.stderr.lines if line]
    assert said == [
        "ERROR: --bluegreen-lab: the lab is not installed: moto missing. Run: pip install 'bluegreen[lab]'",
    ]


def test_without_the_extra_the_worked_example_is_skipped(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(f"import sys; sys.modules.update(dict.fromkeys({installed.NEEDED}))")
    shutil.copy(EXAMPLES / "shop" / "test_release.py", pytester.path)
    pytester.runpytest_subprocess().assert_outcomes(skipped=2)


def test_a_project_that_merely_has_bluegreen_installed_pays_for_one_module(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_nothing():
            ours = {name for name in sys.modules if name.partition(".")[0] == "toolkit"}
            assert ours == {"toolkit", "toolkit.pytest_plugin"}
            heavy = {"boto3", "botocore", "moto", "aiohttp", "psutil", "typer", "rich", "pydantic", "flask"}
            assert not heavy & set(sys.modules)
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_every_fixture_of_the_page_tells_what_it_is(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    promised = re.findall(r"^\| `(bluegreen_\w+)` \| (\w+) \|", page, flags=re.MULTILINE)
    assert len(promised) == 4
    told = pytester.runpytest_inprocess("--fixtures").stdout.str()
    for name, scope in promised:
        scoped = "" if scope == "function" else rf" \[{scope} scope\]"
        assert re.search(rf"^{name}{scoped} -- ", told, flags=re.MULTILINE), name


def test_every_argument_of_the_marker_stands_in_the_page() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    table = page.partition("| argument |")[2].partition("\n\n")[0]
    told = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if row else "")}
    assert told == {field.name for field in dataclasses.fields(Wanted)}


# What a test may ask for, and what a command's end is


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"kinds": "alb-rule"}, "no kinds"),
        ({"kind": "alb"}, "'alb' is no kind"),
        ({"targets": 0}, "targets is 0"),
        ({"targets": "2"}, "targets is '2'"),
        ({"variables": {"a": 1}}, "variables are for"),
        ({"terraform": "infra", "targets": 3}, "decides on targets"),
    ],
)
def test_a_marker_that_cannot_be_meant_is_refused(words: dict[str, object], said: str) -> None:
    with pytest.raises(LabError, match=said) as refused:
        Wanted.of(words)
    assert refused.value.hint


def test_another_exit_code_than_expected_is_a_failure_that_holds_what_was_said(tmp_path: Path) -> None:
    commands = Commands(os.environ, tmp_path)
    with pytest.raises(AssertionError, match=r"ended with exit code 2, not 0; it said:\n[\s\S]*promote"):
        commands.run("promote")
    assert commands.run("promote", exit_code=2).code == 2


def test_a_command_that_is_still_under_way_ends_with_its_block(tmp_path: Path) -> None:
    environ = {**os.environ, "BLUEGREEN_LAB_DIR": str(tmp_path)}
    with (
        Commands(environ, tmp_path).started("lab", "up", "--foreground") as running,
        pytest.raises(AssertionError, match="runs on after"),
    ):
        running.wait(seconds=0.01)
    assert running.process.poll() is not None
