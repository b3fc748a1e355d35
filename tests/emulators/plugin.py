"""pytest plugin of the matrix: the deviations of one column as strict xfails, and how every check ended, in a file.

`python -m pytest -p tests.emulators.plugin --column moto --checks FILE …`
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.emulators.expectations import Deviation, deviation_of

PASS, XFAIL, FAIL, SKIP = "pass", "xfail", "fail", "skip"
_DEVIATION = pytest.StashKey[Deviation]()


def check_of(nodeid: str) -> str:
    """The name of a check: file and test, with its parameters."""
    return nodeid.rpartition("/")[2]


def is_a_race(check: str) -> bool:
    """Whether a check fails by chance only, for moto checks a condition and writes in two steps."""
    return check.startswith("test_store.py::") and "at_once" in check


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("matrix")
    group.addoption("--column", required=True, help="the column of the matrix that this run fills")
    group.addoption("--checks", required=True, type=Path, help="where to write how every check ended")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Recorder(config.getoption("--checks")), "matrix-recorder")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    races = [item for item in items if is_a_race(check_of(item.nodeid))]
    config.hook.pytest_deselected(items=races)
    items[:] = [item for item in items if item not in races]
    for item in items:
        deviation = deviation_of(config.getoption("--column"), check_of(item.nodeid))
        if deviation is not None:
            item.stash[_DEVIATION] = deviation
            item.add_marker(pytest.mark.xfail(strict=True, reason=deviation.reason))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """An expected failure that says something else than expected is news, so it fails."""
    report = yield
    deviation = item.stash.get(_DEVIATION, None)
    if deviation is not None and call.excinfo is not None and hasattr(report, "wasxfail"):
        failure = f"{call.excinfo.type.__name__}: {call.excinfo.value}"
        if not deviation.explains(failure):
            report.outcome = "failed"
            report.longrepr = f"expected to fail with {deviation.said!r}, but it says: {failure}"
            del report.wasxfail
    return report


class Recorder:
    """Collects how every check ended: its worst phase."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        check = check_of(report.nodeid)
        outcome = _outcome(report)
        ended = self._ended.setdefault(check, {"outcome": PASS})
        if outcome != PASS and ended["outcome"] != FAIL:
            ended["outcome"] = outcome
            if said := _said(report, outcome):
                ended["said"] = said

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps(self._ended, indent=2))


def _outcome(report: pytest.TestReport) -> str:
    if report.failed:
        return FAIL
    if report.skipped:
        return XFAIL if hasattr(report, "wasxfail") else SKIP
    return PASS


def _said(report: pytest.TestReport, outcome: str) -> str:
    """The reason of an expected failure, or the line that names an unexpected one."""
    if outcome == XFAIL:
        return str(report.wasxfail)
    if isinstance(report.longrepr, tuple):  # a skip: path, line, reason
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    words = crash.message if crash is not None else str(report.longrepr)
    return next((line for line in words.splitlines() if line.strip()), "")
