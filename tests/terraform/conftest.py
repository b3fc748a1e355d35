"""The Terraform of the project in a throwaway copy, so that a run leaves nothing beside the sources."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.attached import attached
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


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A provider of this worker, which the mocked tests ask for nothing but its schema; what leads Terraform to it."""
    directory = tmp_path_factory.mktemp("provider")
    (directory / "main.tf").write_text("terraform {\n  required_providers {\n    aws = {}\n  }\n}\n")
    environ = bare_environ()
    init = ran(environ, directory, "init", "-input=false")
    assert init.returncode == 0, init.stdout
    with attached(directory, environ) as leading:
        yield leading


@pytest.fixture
def terraform(provider: dict[str, str]) -> Run:
    """Run terraform, or tofu, in a directory, without the credentials and endpoints of whoever runs the tests."""
    environ = bare_environ() | provider

    def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        if chosen(environ).is_opentofu and arguments[0] == "test":
            pytest.skip("the mocks need Terraform 1.11 (override_during), which OpenTofu does not have")
        return ran(environ, directory, *arguments)

    return run


def bare_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def ran(environ: dict[str, str], directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = chosen(environ)
    mirror = find_mirror(environ, program=program)
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
