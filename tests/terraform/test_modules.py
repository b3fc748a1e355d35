"""Modules and examples pass their own tests, test each refusal, and say in a README what they take and give."""

import json
import re
from pathlib import Path

import pytest

from tests.terraform.conftest import EXAMPLES, MODULES, TERRAFORM, Run

ROOMS = ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md")
module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
module_or_example = pytest.mark.parametrize("path", [*MODULES, *EXAMPLES], ids=lambda path: path.name)


def names_of(kind: str, path: Path) -> list[str]:
    """The names of the blocks of one kind (`variable`, `output`) in a file of a module."""
    return re.findall(rf'^{kind} "(\w+)"', (path / f"{kind}s.tf").read_text(encoding="utf-8"), flags=re.MULTILINE)


def blocks_of(kind: str, text: str) -> list[str]:
    """The bodies of the top-level blocks of one kind, by the formatter's promise that they end at column 0."""
    return re.findall(rf'^{kind} "[^"]+"[^{{]*\{{\n(.*?)^\}}', text, flags=re.MULTILINE | re.DOTALL)


@module_or_example
@pytest.mark.terraform
def test_its_own_tests_pass(path: Path, copy: Path, terraform: Run) -> None:
    version = json.loads(terraform(copy, "version", "-json").stdout)["terraform_version"]
    if tuple(int(part) for part in version.split(".")[:2]) < (1, 11):
        pytest.skip(f"the mocks need Terraform 1.11 (override_during), and this is {version}; the modules need 1.9")
    directory = copy / path.relative_to(TERRAFORM)
    init = terraform(directory, "init", "-backend=false", "-input=false")
    assert init.returncode == 0, init.stdout
    result = terraform(directory, "test")
    assert result.returncode == 0, result.stdout
    summary = re.search(r"Success! (\d+) passed, 0 failed\.", result.stdout)
    assert summary, f"{path.name} has no tests:\n{result.stdout}"
    assert int(summary[1]) == sum(len(blocks_of("run", file.read_text())) for file in path.glob("tests/*.tftest.hcl"))


@module_or_example
def test_it_has_every_room(path: Path) -> None:
    assert [room for room in ROOMS if not (path / room).is_file()] == []


@module
def test_a_module_tests_as_many_refusals_of_a_variable_as_it_has_validations(path: Path) -> None:
    """At least one run per validation: a refusal that no test has seen may refuse nothing, or everything."""
    variables = (path / "variables.tf").read_text(encoding="utf-8")
    runs = [run for file in path.glob("tests/*.tftest.hcl") for run in blocks_of("run", file.read_text())]
    lacking = {
        name: (validations, refusals)
        for name, body in zip(names_of("variable", path), blocks_of("variable", variables), strict=True)
        if (validations := len(re.findall(r"^  validation \{", body, flags=re.MULTILINE)))
        > (refusals := sum(f"expect_failures = [var.{name}]" in run for run in runs))
    }
    assert lacking == {}


@module
def test_a_module_tests_its_preconditions(path: Path) -> None:
    main = (path / "main.tf").read_text(encoding="utf-8")
    preconditions = len(re.findall(r"^ +precondition \{", main, flags=re.MULTILINE))
    runs = [run for file in path.glob("tests/*.tftest.hcl") for run in blocks_of("run", file.read_text())]
    assert sum(bool(re.search(r"expect_failures = \[aws_", run)) for run in runs) >= preconditions


@module_or_example
def test_null_is_refused_unless_the_description_says_what_it_means(path: Path) -> None:
    variables = (path / "variables.tf").read_text(encoding="utf-8")
    silent = [
        name
        for name, body in zip(names_of("variable", path), blocks_of("variable", variables), strict=True)
        if not re.search(r"^  nullable += false$", body, flags=re.MULTILINE) and " null: " not in body
    ]
    assert silent == []


def test_the_sample_of_several_routes_in_the_readme_is_the_one_that_is_tested() -> None:
    """`terraform test` plans the fixture; the README may differ from it only in where the module and the pair are."""
    readme = (TERRAFORM / "modules" / "alb-route" / "README.md").read_text(encoding="utf-8")
    fixture = (TERRAFORM / "modules" / "alb-route" / "tests" / "several" / "main.tf").read_text(encoding="utf-8")
    sample = fixture.partition("# The sample begins.\n")[2].partition("# The sample ends.")[0]
    assert sample.count("module ") == 3
    shown = sample.replace('"../.."', '"../../modules/alb-route"').replace(
        "local.target_groups", "module.pair.target_groups"
    )
    assert f"```hcl\n{shown}```" in readme


@module_or_example
def test_the_readme_lists_every_variable_and_output_with_its_description(path: Path) -> None:
    told: list[tuple[str, str]] = []
    for kind in ("variable", "output"):
        bodies = blocks_of(kind, (path / f"{kind}s.tf").read_text(encoding="utf-8"))
        for name, body in zip(names_of(kind, path), bodies, strict=True):
            description = re.search(r'^  description = "(.*)"$', body, flags=re.MULTILINE)
            assert description, f"{kind} {name} has no description"
            told.append((name, description[1].replace('\\"', '"')))
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (path / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(told)
