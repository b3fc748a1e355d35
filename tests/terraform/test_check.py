"""What `make lint` says of the Terraform."""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.terraform.conftest import EXAMPLES, MODULES, TERRAFORM
from toolkit.errors import TerraformMissing

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terraform_check", TERRAFORM / "check.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # dataclasses look their module up there
    spec.loader.exec_module(loaded)
    return loaded


def a_tree(directory: Path, *, main: str) -> Path:
    """One module and one example around `main`; neither needs a provider."""
    for room in ("modules/one", "examples/two"):
        (directory / room).mkdir(parents=True)
        (directory / room / "main.tf").write_text('output "one" {\n  value = 1\n}\n')
    (directory / "modules" / "one" / "main.tf").write_text(main)
    return directory


def test_every_module_and_every_example_is_looked_at(check: ModuleType) -> None:
    assert list(check.configurations_below(TERRAFORM)) == [*MODULES, *EXAMPLES]


def test_what_is_well_formed_and_valid_has_no_problem(check: ModuleType, tmp_path: Path) -> None:
    tree = a_tree(tmp_path, main='output "one" {\n  value = 1\n}\n')
    assert check.check(tree, os.environ) == ([], 2)


def test_nothing_is_left_beside_the_sources(check: ModuleType, tmp_path: Path) -> None:
    tree = a_tree(tmp_path, main='output "one" {\n  value = 1\n}\n')
    check.check(tree, os.environ)
    assert sorted(path.name for path in tree.rglob("*") if path.is_file()) == ["main.tf", "main.tf"]


def test_bad_form_is_shown_with_the_mend(check: ModuleType, tmp_path: Path) -> None:
    problems, _ = check.check(a_tree(tmp_path, main='output "one" {\nvalue=1\n}\n'), os.environ)
    assert len(problems) == 1
    assert "+  value = 1" in problems[0].output
    assert "make format" in problems[0].output


def test_an_invalid_module_is_named(check: ModuleType, tmp_path: Path) -> None:
    problems, _ = check.check(a_tree(tmp_path, main='output "one" {\n  value = var.two\n}\n'), os.environ)
    assert [problem.where for problem in problems] == ["modules/one"]
    assert "undeclared input variable" in problems[0].output


def test_a_cli_configuration_that_is_missing_breaks_nothing(check: ModuleType, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree", main='output "one" {\n  value = 1\n}\n')
    assert check.check(tree, {**os.environ, "TF_CLI_CONFIG_FILE": str(tmp_path / "gone")}) == ([], 2)


def test_whichever_program_was_chosen_checks(check: ModuleType, tmp_path: Path) -> None:
    tree = a_tree(tmp_path / "tree", main="")
    (tmp_path / "bin").mkdir()
    tofu = tmp_path / "bin" / "tofu"
    tofu.write_text('#!/bin/sh\necho "tofu $*"\n[ "$1" != validate ]\n')
    tofu.chmod(0o755)
    problems, _ = check.check(tree, {"PATH": f"{tmp_path / 'bin'}:/bin", "HOME": str(tmp_path)})
    assert [problem.where for problem in problems] == ["modules/one", "examples/two"]
    assert "tofu validate failed\ntofu validate" in problems[0].output


def test_without_either_program_it_says_where_to_get_one(check: ModuleType, tmp_path: Path) -> None:
    shutil.copytree(a_tree(tmp_path / "tree", main=""), tmp_path / "copy")
    with pytest.raises(TerraformMissing, match="not on the PATH") as raised:
        check.check(tmp_path / "copy", {"PATH": str(tmp_path)})
    assert "https://developer.hashicorp.com/terraform/install" in raised.value.hint


def test_whoever_waives_a_finding_of_the_scan_says_why() -> None:
    waivers = {
        f"{path.relative_to(TERRAFORM)}: {waiver}"
        for path in TERRAFORM.rglob("*.tf")
        for waiver in re.findall(r"checkov:skip.*", path.read_text(encoding="utf-8"))
    }
    reason = re.compile(r".*: checkov:skip=CKV2?_AWS_\d+: \w+( \S+){4,}\.")
    assert sorted(waiver for waiver in waivers if not reason.fullmatch(waiver)) == []


def test_the_scans_lock_pins_checkov_and_names_no_registry() -> None:
    lock = (TERRAFORM / "scan.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+?)==\S+ .*\\$", lock, flags=re.MULTILINE)
    assert "checkov" in pins
    assert len(pins) == len(re.findall(r"^[a-z0-9]", lock, flags=re.MULTILINE))
    assert "://" not in lock
