"""Directories and programs that the tests of this room run."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

FakeTerraform = Callable[..., dict[str, str]]


@pytest.fixture
def fake_terraform(tmp_path: Path) -> FakeTerraform:
    """Put a shell script in the place of terraform, or of tofu; returns the environment that finds it."""

    def place(script: str, name: str = "terraform") -> dict[str, str]:
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        program = directory / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{directory}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}

    return place


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A directory with an empty Terraform configuration."""
    directory = tmp_path / "configuration"
    directory.mkdir()
    (directory / "main.tf").write_text("")
    return directory


@pytest.fixture
def stand_in_tofu(fake_terraform: FakeTerraform) -> dict[str, str]:
    """An environment with tofu and no terraform on the PATH.

    It is the real terraform by another name, for want of the real OpenTofu: it shows that everything here runs
    whichever program was chosen, and nothing of OpenTofu's own ways.
    """
    real = shutil.which("terraform")
    if real is None:
        pytest.skip("there is no terraform to stand in for tofu")
    return {**os.environ, **fake_terraform(f'exec {real} "$@"', name="tofu")}
