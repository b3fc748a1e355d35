"""The columns of the matrix in their order, and the run of one: its emulator started, its checks in two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from tests.emulators.emulators import LAB, LICENSED, LOCALSTACK, MINISTACK_COLUMN, MOTO, ROOT, Emulator, NotRun
from tests.emulators.endpoint import ENDPOINT_VARIABLE
from tests.emulators.expectations import stale
from tests.emulators.plugin import FAIL
from toolkit.errors import BluegreenError

COLUMNS: Final = (MOTO, LAB, LOCALSTACK, MINISTACK_COLUMN, LICENSED)
_PORTS: Final = ("identities", "router", "store", "targets", "workload")
"""Those whose AWS is the endpoint's own. Metrics are fed by the lab's data plane, hooks and probes ask no AWS."""
BATCHES: Final = {
    "quick": (*(f"tests/contracts/test_{port}.py" for port in _PORTS), "tests/emulators/test_commands.py"),
    "terraform": ("tests/emulators/test_examples.py",),
}
"""They run side by side: the second one mostly waits."""
RUN_SECONDS = 1500.0


@dataclass(frozen=True, slots=True)
class Column:
    """How one emulator did, at `date` (ISO 8601, UTC) and in `seconds`; `not_run` says why it was not asked."""

    title: str
    version: str = ""
    date: str = ""
    seconds: int = 0
    not_run: str = ""
    checks: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What makes the run a failed one, besides checks: patterns of expectations that nothing matched, a crash."""

    @property
    def failures(self) -> dict[str, str]:
        """What each check that was not to fail says, or that was to fail and did not."""
        return {check: ended.get("said", "") for check, ended in self.checks.items() if ended["outcome"] == FAIL}

    @property
    def is_as_expected(self) -> bool:
        return not self.failures and not self.faults

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        return cls(**document)


def run(emulator: Emulator, scratch: Path, *, endpoint_url: str | None = None) -> Column:
    """Start the emulator, unless an endpoint is given, run every check on it, and end it."""
    begun = time.monotonic()
    try:
        with _given(endpoint_url) if endpoint_url else emulator.start(scratch) as endpoint:
            version = emulator.version(endpoint)
            checks, faults = _checks(emulator.name, endpoint, scratch)
    except NotRun as why:
        return Column(emulator.title, not_run=str(why))
    except (BluegreenError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        return Column(emulator.title, faults=[f"{type(error).__name__}: {error}"])
    faults += [f"expected to fail, but no such check was run: {pattern}" for pattern in stale(emulator.name, checks)]
    today = datetime.now(UTC).date().isoformat()
    return Column(emulator.title, version, today, round(time.monotonic() - begun), checks=checks, faults=faults)


@contextmanager
def _given(endpoint_url: str) -> Iterator[str]:
    yield endpoint_url


def _checks(column: str, endpoint_url: str, scratch: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "BLUEGREEN_"))}
    if terraform := os.environ.get("BLUEGREEN_TERRAFORM"):
        environ["BLUEGREEN_TERRAFORM"] = terraform
    running = {}
    for batch, paths in BATCHES.items():
        command = [
            *(sys.executable, "-m", "pytest", "-p", "tests.emulators.plugin", "-p", "no:cacheprovider", "-q"),
            *("--column", column, "--checks", str(scratch / f"{batch}.json"), "-m", "lab or emulators"),
            *("--basetemp", str(scratch / batch), *paths),
        ]
        with (scratch / f"{batch}.log").open("wb") as log:
            running[batch] = subprocess.Popen(
                command, cwd=ROOT, env=environ | {ENDPOINT_VARIABLE: endpoint_url}, stdout=log, stderr=log
            )
    checks: dict[str, dict[str, str]] = {}
    faults = []
    for batch, process in running.items():
        try:
            code = process.wait(RUN_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()
            code = process.wait()
        written = scratch / f"{batch}.json"
        if code not in {0, 1} or not written.exists():
            faults.append(f"the checks '{batch}' ended with exit code {code}: see {batch}.log")
        if written.exists():
            checks |= json.loads(written.read_text())
    return checks, faults
