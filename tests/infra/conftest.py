"""Directories and programs that the tests of this room run."""

from collections.abc import Callable
from pathlib import Path

import pytest

FakeTerraform = Callable[[str], dict[str, str]]


@pytest.fixture
def fake_terraform(tmp_path: Path) -> FakeTerraform:
    """Put a shell script in terraform's place; returns the environment that finds it."""

    def place(script: str) -> dict[str, str]:
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        program = directory / "terraform"
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
