"""The matrix itself: an emulator that improves or worsens fails the run, and the page says what the run saw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulators import columns, expectations, report
from tests.emulators.columns import COLUMNS, Column, run
from tests.emulators.emulators import LICENSED, ROOT, Emulator, NotRun
from tests.emulators.expectations import EXPECTED, Deviation, deviation_of, stale
from tests.emulators.page import page, rows, rows_of
from tests.emulators.plugin import check_of, is_a_race
from tests.emulators.report import PAGE, merged, stored

ONE = "test_a.py::test_one[rules]"
WEIGHTS = Deviation("It drops the weights.", "no weights|KeyError", (ONE, "test_a.py::test_t*"))

Ended = Callable[..., tuple[int, dict[str, dict[str, str]]]]

SAMPLE = """
import pytest

@pytest.fixture(autouse=True)
def world(request):
    {setup}

@pytest.mark.parametrize("kind", ["rules", "listeners"])
def test_one(kind):
    {one}

def test_two():
    {two}
"""


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Run the sample as the column `sample`, where WEIGHTS is expected; its exit code, and how each check ended."""
    monkeypatch.setitem(expectations.EXPECTED, "sample", (WEIGHTS,))

    def ended(*, one: str, two: str, setup: str = "pass") -> tuple[int, dict[str, dict[str, str]]]:
        monkeypatch.delitem(sys.modules, "test_a", raising=False)  # of the test before
        (tmp_path / "test_a.py").write_text(SAMPLE.format(one=one, two=two, setup=setup))
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        checks = tmp_path / "checks.json"
        own = (
            "-p",
            "tests.emulators.plugin",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:cov",
            "-q",
            "--import-mode=importlib",
        )
        code = pytest.main(
            [*own, "--column", "sample", "--checks", str(checks), "--rootdir", str(tmp_path), str(tmp_path)]
        )
        told: dict[str, dict[str, str]] = json.loads(checks.read_text())
        return int(code), told

    return ended


def outcomes(checks: dict[str, dict[str, str]]) -> list[str]:
    return [each["outcome"] for each in checks.values()]


def test_what_fails_as_expected_is_no_failure_and_has_its_reason(ended: Ended) -> None:
    code, checks = ended(one="assert kind != 'rules', 'no weights'", two="{}['weights']")
    assert code == 0
    assert outcomes(checks) == ["xfail", "pass", "xfail"]
    assert checks[ONE]["said"] == WEIGHTS.reason


def test_what_cannot_be_set_up_as_expected_is_no_failure_and_in_other_words_it_is_one(ended: Ended) -> None:
    for words, code, outcome in (("no weights", 0, "xfail"), ("gone", 1, "fail")):
        setup = f"assert request.node.name != 'test_one[rules]', {words!r}"
        ended_with, checks = ended(setup=setup, one="pass", two="{}['weights']")
        assert ended_with == code
        assert outcomes(checks) == [outcome, "pass", "xfail"]


def test_an_emulator_that_improves_fails_the_run(ended: Ended) -> None:
    code, checks = ended(one="pass", two="{}['weights']")
    assert code == 1
    assert outcomes(checks) == ["fail", "pass", "xfail"]
    assert "XPASS(strict)" in checks[ONE]["said"]


def test_an_expected_failure_in_other_words_fails_the_run(ended: Ended) -> None:
    code, checks = ended(one="assert kind != 'rules', 'no weights'", two="raise ConnectionError('gone')")
    assert code == 1
    assert outcomes(checks) == ["xfail", "pass", "fail"]
    assert "ConnectionError: gone" in checks["test_a.py::test_two"]["said"]


def test_what_was_to_pass_and_fails_is_told_with_its_first_line(ended: Ended) -> None:
    code, checks = ended(one="assert kind == 'rules' and 0, 'no weights'", two="{}['weights']")
    assert code == 1
    assert outcomes(checks) == ["xfail", "fail", "xfail"]
    assert "no weights" in checks["test_a.py::test_one[listeners]"]["said"]


def test_a_pattern_that_no_check_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(expectations.EXPECTED, "sample", (WEIGHTS,))
    assert stale("sample", [ONE, "test_b.py::test_two"]) == ["test_a.py::test_t*"]
    assert deviation_of("sample", "test_a.py::test_one[listeners]") is None
    assert deviation_of("sample", "test_a.py::test_two") is WEIGHTS


def test_every_check_has_its_rows_and_every_expectation_its_checks() -> None:
    paths = [path for batch in columns.BATCHES.values() for path in batch]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-m",
        "lab or emulators",
        "-p",
        "no:cacheprovider",
    ]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # which may be verbose
    ran = subprocess.run([*command, *paths], cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    collected = ran.stdout
    checks = [check_of(line) for line in collected.splitlines() if "::" in line]
    checks = [check for check in checks if not is_a_race(check)]
    assert {title for check in checks for title in rows_of(check)} == {title for _, title in rows()}
    assert [pattern for column in EXPECTED for pattern in stale(column, checks)] == []
    assert set(EXPECTED) == {emulator.name for emulator in COLUMNS}


def test_a_column_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    @contextmanager
    def start(_scratch: Path) -> Iterator[str]:
        raise NotRun("no Python 3.13")
        yield ""

    column = run(Emulator("sample", "A sample", start, lambda _url: ""), tmp_path)
    assert column == Column("A sample", not_run="no Python 3.13")
    assert column.is_as_expected


def test_an_emulator_that_does_not_start_is_a_fault_of_its_column_alone(tmp_path: Path) -> None:
    @contextmanager
    def start(_scratch: Path) -> Iterator[str]:
        raise RuntimeError("no answer")
        yield ""

    column = run(Emulator("sample", "A sample", start, lambda _url: ""), tmp_path)
    assert column.faults == ["RuntimeError: no answer"]
    assert not column.is_as_expected


def test_a_column_that_could_not_be_run_keeps_what_it_did_when_it_could() -> None:
    ran, fresh, not_run = (
        Column("x", "1", "2026-01-02"),
        Column("x", "2", "2026-01-03"),
        Column("x", not_run="no token"),
    )
    assert merged({"x": ran}, {"x": not_run}) == {"x": ran}
    assert merged({"x": ran}, {"x": fresh}) == {"x": fresh}
    assert merged({}, {"x": not_run}) == {"x": not_run}


@pytest.mark.parametrize("licensed", [False, True])
def test_only_a_licensed_localstack_fills_the_column_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, licensed: bool
) -> None:
    for name in ("RESULTS", "PAGE"):
        monkeypatch.setattr(report, name, tmp_path / name)
    ran = Column(LICENSED.title, "1.0", "2026-01-02", checks={"test_store.py::test_one": {"outcome": "pass"}})
    monkeypatch.setattr(report, "run", lambda *_, **__: ran)
    monkeypatch.setattr(report, "is_licensed", lambda _endpoint_url: licensed)
    assert report.main(["--endpoint", "http://127.0.0.1:4566/"]) == 0
    if licensed:
        assert stored() == {"licensed": ran}
        assert "| journal, lease, inbox: DynamoDB | pass (1) |" in (tmp_path / "PAGE").read_text()
    else:
        assert not (tmp_path / "PAGE").exists()
        assert "|  | http://127.0.0.1:4566 |" in capsys.readouterr().out


def test_the_page_counts_and_gives_every_reason_once() -> None:
    checks = {
        "test_store.py::test_one[dynamodb]": {"outcome": "pass"},
        "test_router.py::test_one[rules]": {"outcome": "pass"},
        "test_router.py::test_two[rules]": {"outcome": "xfail", "said": "It drops the weights."},
        "test_router.py::test_two[network]": {"outcome": "xfail", "said": "It drops the weights."},
        "test_commands.py::test_restore_stickiness_brings_it_back": {"outcome": "fail", "said": "exit 16"},
        "test_examples.py::test_infra_apply_makes_it[alb]": {"outcome": "pass"},
    }
    lines = page(
        [Column("one", "1.0", "2026-01-02", 60, checks=checks), Column("two", not_run="needs a token")]
    ).splitlines()
    assert "| version | 1.0 | — |" in lines
    assert "| run on | 2026-01-02 | not run |" in lines
    assert "| journal, lease, inbox: DynamoDB | pass (1) | not run |" in lines
    assert "| router: listener rules (ALB) | 1 of 2 [1] | not run |" in lines
    assert "| router: listeners (NLB) | xfail [1] | not run |" in lines
    assert "| `restore-stickiness` | 0 of 1 **1 failed** | not run |" in lines
    assert "| `infra apply` | pass (1) | not run |" in lines
    assert "| `alb` | pass (1) | not run |" in lines
    assert "1. **one.** It drops the weights. Expected to fail there:" in lines
    assert lines[-2:] == ["   - two (rules)", "   - two (network)"]


def test_the_page_is_what_the_last_run_saw() -> None:
    known = stored()
    assert PAGE.read_text() == page([known[emulator.name] for emulator in COLUMNS])
    assert {name: column.failures for name, column in known.items() if not column.is_as_expected} == {}
