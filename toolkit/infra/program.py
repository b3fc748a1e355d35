"""Which program provisions, HashiCorp's terraform or OpenTofu's tofu, and what to call it.

They are told apart by name: `version -json` is the same in both.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import TerraformMissing

PROGRAM_VARIABLE = "BLUEGREEN_TERRAFORM"
# Cross-variable validation, which the modules use, and `init -json`. Both programs have them from the same number
# on: Terraform's release notes 1.9; OpenTofu's 1.9 ("References to vars … usable in variable validation").
MINIMUM = (1, 9)
_TERRAFORM_PAGE = "https://developer.hashicorp.com/terraform/install"
_OPENTOFU_PAGE = "https://opentofu.org/docs/intro/install"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that speaks Terraform's language; `command` is what to run: a name, or a path."""

    command: str
    is_opentofu: bool

    @property
    def name(self) -> str:
        """What its users type, for messages."""
        return "tofu" if self.is_opentofu else "terraform"

    @property
    def product(self) -> str:
        return "OpenTofu" if self.is_opentofu else "Terraform"

    @property
    def registry(self) -> str:
        """The host that a provider source without one stands for, `hashicorp/aws` say."""
        return "registry.opentofu.org" if self.is_opentofu else "registry.terraform.io"

    @property
    def other(self) -> "Program":
        return TERRAFORM if self.is_opentofu else OPENTOFU

    @property
    def get_it(self) -> str:
        """How to come by one that will do."""
        page = _OPENTOFU_PAGE if self.is_opentofu else _TERRAFORM_PAGE
        return f"Get version {MINIMUM[0]}.{MINIMUM[1]} or newer from {page}, or name another with {PROGRAM_VARIABLE}."


TERRAFORM = Program("terraform", is_opentofu=False)
OPENTOFU = Program("tofu", is_opentofu=True)


def chosen(environ: Mapping[str, str]) -> Program:
    """The program that BLUEGREEN_TERRAFORM names; else terraform if it is on the PATH, else tofu.

    Raises:
        TerraformMissing: the variable names nothing that can be run, or neither is on the PATH.
    """
    path = environ.get("PATH")
    named = environ.get(PROGRAM_VARIABLE)
    if named:
        found = shutil.which(os.path.expanduser(named), path=path)  # noqa: PTH111 - a bare name is to stay one
        if found is None:
            raise TerraformMissing(
                f"{PROGRAM_VARIABLE}={named} is no program that can be run.",
                hint="Name terraform or tofu, or the path of one; unset it to take what is on the PATH.",
            )
        return Program(os.path.abspath(found), is_opentofu=_is_opentofu(Path(found)))  # noqa: PTH100 - links stay
    for program in (TERRAFORM, OPENTOFU):
        found = shutil.which(program.command, path=path)
        if found is not None:
            return Program(program.command, is_opentofu=_is_opentofu(Path(found)))
    raise TerraformMissing(
        "terraform is not on the PATH, and neither is tofu.",
        hint=f"Get version {MINIMUM[0]}.{MINIMUM[1]} or newer of either from {_TERRAFORM_PAGE} or {_OPENTOFU_PAGE}",
    )


def numbers(version: str) -> tuple[int, int] | None:
    """Major and minor number of a version such as `1.11.4`; None for what is none."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _is_opentofu(path: Path) -> bool:
    """By its name, or that of what it links to: some put tofu in terraform's place."""
    return "tofu" in path.name or "tofu" in Path(os.path.realpath(path)).name
