"""Who wrote a Terraform state, and whether the program at hand may take it over.

Terraform 1.x reads the state of a newer 1.y without a word, and its next apply writes it back in the older form.
A program that is older than the one that wrote last is therefore refused here. That needs the file: of a state in a
backend, no command of either program tells the version that wrote it (`show` and `state pull` put their own in its
place), so there `required_version` is what keeps old programs away.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import TerraformFailed, TerraformMissing
from toolkit.infra.program import PROGRAM_VARIABLE, Program, numbers

_FORMAT = 4  # of every Terraform 1.x and OpenTofu 1.x


@dataclass(frozen=True, slots=True)
class Written:
    """What a state tells of its last writer: the version, and the registries that its providers come from."""

    version: str
    registries: frozenset[str]

    def is_by(self, program: Program) -> bool:
        """Whether the providers are those of `program`'s registry, and none of the other's."""
        return program.registry in self.registries and program.other.registry not in self.registries


def require_fit(written: Written, program: Program, version: str) -> None:
    """Refuse a state that `program` in `version` would misread, or write back in an older form.

    Versions compare within one product. A state without resources does not say which wrote it, and counts as
    the program's own. OpenTofu takes over a state of Terraform's; the way back goes by replace-provider only.

    Raises:
        TerraformMissing: a newer version wrote the state.
        TerraformFailed: OpenTofu wrote it, and this is Terraform.
    """
    other = program.other
    if written.is_by(other):
        if program.is_opentofu:
            return
        raise TerraformFailed(
            f"{other.product} {written.version} wrote this state, and {program.product} would look for its providers "
            f"in {other.registry}. Nothing was changed.",
            hint=f"Set {PROGRAM_VARIABLE}={other.name}; to move to {program.product} for good: {program.name} state "
            f"replace-provider {other.registry}/hashicorp/aws {program.registry}/hashicorp/aws",
        )
    wrote, runs = numbers(written.version), numbers(version)
    if wrote is None or runs is None or wrote <= runs:
        return
    by = f"{program.product} {written.version}"
    if not written.is_by(program):
        by += f", or {other.product} of that version,"
    raise TerraformMissing(
        f"{by} wrote this state, and {program.name} {version} is older: it would write the state back in an older "
        "form. Nothing was changed.",
        hint=f"Put {program.name} {wrote[0]}.{wrote[1]} or newer on the PATH, or name it with {PROGRAM_VARIABLE}.",
    )


def of_file(path: Path) -> Written | None:
    """What a local state tells; None where there is none, or one that Terraform itself will complain about."""
    document = _mapping(_decoded(path))
    version, resources = document.get("terraform_version"), document.get("resources")
    if document.get("version") != _FORMAT or not isinstance(version, str) or not isinstance(resources, list):
        return None
    providers = [str(_mapping(resource).get("provider")) for resource in resources]
    found = [re.search(r'provider\["([^/"]+)/', provider) for provider in providers]
    return Written(version, frozenset(match[1] for match in found if match))


def local_path(directory: Path, environ: Mapping[str, str]) -> Path | None:
    """The file that holds the state of a configuration; None where a backend keeps it elsewhere.

    Source: Terraform, "Backend: local" and "Workspaces"; `init` records a configured backend in the data directory.
    """
    data = directory / (environ.get("TF_DATA_DIR") or ".terraform")
    backend = _mapping(_mapping(_decoded(data / "terraform.tfstate")).get("backend"))
    if backend.get("type", "local") != "local":
        return None
    settings = _mapping(backend.get("config"))
    try:
        selected = (data / "environment").read_text("utf-8").strip()
    except (OSError, ValueError):
        selected = ""
    workspace = environ.get("TF_WORKSPACE") or selected or "default"
    if workspace == "default":
        return directory / str(settings.get("path") or "terraform.tfstate")
    return directory / str(settings.get("workspace_dir") or "terraform.tfstate.d") / workspace / "terraform.tfstate"


def _decoded(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
