"""The tables in the READMEs are those of the .tf files, and every module has the shape that a registry wants."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.terraform.conftest import EXAMPLES, MODULES, TERRAFORM

PROGRAM = TERRAFORM / "readme.py"

VARIABLES = """
variable "plain" {
  description = "Says \\"what\\" it is, a | b."
  type        = string
  nullable    = false

  validation {
    condition     = var.plain != "}"
    error_message = "Write something else."
  }
}

variable "rich" {
  description = <<-EOT
    Told in
      two lines of "text".
  EOT
  type = object({
    # which one
    name = optional(string, "a|b")
    tags = optional(map(list(string)), {})
  })
  default = null
}

variable "loose" {
  description = "Anything."
  default = [
    "*",
    <<EOT
}
EOT
  ]
}
"""
OUTPUTS = 'output "plain" {\n  description = "What came in."\n  value       = var.plain\n}\n'
VERSIONS = """
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
"""
TABLES = """## Requirements

| name | version |
|---|---|
| terraform | `>= 1.9` |
| hashicorp/aws | `>= 5.100, < 7.0` |

## Inputs

| name | description | type | default | required |
|---|---|---|---|---|
| `plain` | Says "what" it is, a \\| b. | `string` | n/a | yes |
| `rich` | Told in two lines of "text". | <pre>object({<br>  # which one<br>  name = optional(string, "a&#124;b")<br>  \
tags = optional(map(list(string)), {})<br>})</pre> | `null` | no |
| `loose` | Anything. | `any` | <pre>[<br>  "&#42;",<br>  &lt;&lt;EOT<br>}<br>EOT<br>]</pre> | no |

## Outputs

| name | description |
|---|---|
| `plain` | What came in. |"""


@pytest.fixture(scope="module")
def readme() -> ModuleType:
    spec = importlib.util.spec_from_file_location("terraform_readme", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # dataclasses look their module up there
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def module(tmp_path: Path, readme: ModuleType) -> Path:
    """A module whose README has the marks and nothing between them."""
    for name, text in (("variables.tf", VARIABLES), ("outputs.tf", OUTPUTS), ("versions.tf", VERSIONS)):
        (tmp_path / name).write_text(text)
    (tmp_path / "README.md").write_text(f"# Module\n\n{readme.BEGIN}\n{readme.END}\n\nMore.\n")
    return tmp_path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)


def test_the_tables_show_what_the_files_say_as_they_say_it(readme: ModuleType, module: Path) -> None:
    assert readme.tables(module) == TABLES


def test_the_words_around_the_marks_stay(readme: ModuleType, module: Path) -> None:
    text = readme.filled(module, (module / "README.md").read_text())
    assert text == f"# Module\n\n{readme.BEGIN}\n{TABLES}\n{readme.END}\n\nMore.\n"
    assert readme.filled(module, text) == text


def test_a_stale_readme_is_named_by_the_check_and_mended_by_the_run(module: Path) -> None:
    before = (module / "README.md").read_text()
    stale = run("--check", module)
    assert stale.returncode == 1
    assert f"{module / 'README.md'}: its tables differ from the .tf files: make format" in stale.stdout
    assert (module / "README.md").read_text() == before
    assert run(module).returncode == 0
    assert run("--check", module).returncode == 0


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("README.md", "# Module\n", "BEGIN inputs and outputs"),
        ("README.md", None, "BEGIN inputs and outputs"),
        ("variables.tf", 'variable "mute" {\n  type = string\n}\n', "variable mute has no description"),
        ("outputs.tf", 'output "mute" {\n  value = 1\n}\n', "output mute has no description"),
        ("variables.tf", 'variable "broken" {\n', "variables.tf is no HCL that can be read"),
        ("versions.tf", "terraform = {\n", "versions.tf is no HCL that can be read"),
    ],
)
def test_what_cannot_be_filled_is_said_in_a_line(module: Path, file: str, text: str | None, words: str) -> None:
    (module / file).unlink()
    if text is not None:
        (module / file).write_text(text)
    told = run(module)
    assert told.returncode == 1
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def test_the_readmes_of_all_modules_and_examples_are_up_to_date() -> None:
    told = run("--check")
    assert told.returncode == 0, told.stdout + told.stderr


# "Standard Module Structure" and "Publishing Modules", Terraform documentation: these files, and examples that
# show how the module is called. The rest of it (a repository of its own, a tag) is for whoever publishes one.
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_has_the_shape_that_a_registry_wants(module: Path) -> None:
    lacking = {"README.md", "main.tf", "variables.tf", "outputs.tf", "versions.tf"} - {
        path.name for path in module.iterdir()
    }
    assert lacking == set()
    assert re.match(r"# \S+\n\n[^#`\n]", (module / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_is_called_by_an_example(module: Path) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for example in EXAMPLES for path in example.glob("*.tf"))
    assert re.search(rf'source\s*=\s*"\.\./\.\./modules/{re.escape(module.name)}"', sources)
