"""Labs of a test's own: their state under its temporary directory, stopped at its end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.options import LabOptions


@pytest.fixture
def lab_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where labs keep their state, for this test and the commands it runs."""
    root = tmp_path / "labs"
    monkeypatch.setenv("BLUEGREEN_LAB_DIR", str(root))
    return root


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for the tests that need no lab of their own; what they make in it has names of its own."""
    with start_lab(LabOptions(name="shared", time_scale=0.05), root=tmp_path_factory.mktemp("labs")) as lab:
        yield lab


@pytest.fixture
def start(lab_root: Path) -> Iterator[Callable[..., Lab]]:
    """Start a lab with these options; it is stopped when the test ends."""
    started: list[Lab] = []

    def start(**options: Any) -> Lab:
        lab = start_lab(LabOptions(**options))
        started.append(lab)
        return lab

    yield start
    for lab in started:
        lab.stop()
