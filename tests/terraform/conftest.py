"""The Terraform of the project in a throwaway copy, so that a run leaves nothing beside the sources."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.infra.mirror import child_environment, find_mirror
from toolkit.infra.program import chosen

REPOSITORY = Path(__file__).resolve().parents[2]
TERRAFORM = REPOSITORY / "terraform"
MODULES = sorted(path for path in (TERRAFORM / "modules").iterdir() if path.is_dir())
EXAMPLES = sorted(path for path in (TERRAFORM / "examples").iterdir() if path.is_dir())

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """`terraform/`, and beside it the golden contract that the tests of the modules read."""
    ignore = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(TERRAFORM, tmp_path / "terraform", symlinks=True, ignore=ignore)
    shutil.copytree(REPOSITORY / "tests" / "golden", tmp_path / "tests" / "golden")
    return tmp_path / "terraform"


@pytest.fixture
def terraform() -> Run:
    """Run terraform, or tofu, in a directory, without the credentials and endpoints of whoever runs the tests."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    program = chosen(environ)
    mirror = find_mirror(environ, program=program)

    def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        if program.is_opentofu and arguments[0] == "test":
            pytest.skip("the mocks need Terraform 1.11 (override_during), which OpenTofu does not have")
        plugins = [f"-plugin-dir={mirror}"] if mirror is not None and arguments[0] == "init" else []
        return subprocess.run(
            [program.command, *arguments, *plugins, "-no-color"],
            cwd=directory,
            env=child_environment(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    return run
