"""A team's own Terraform configuration, applied to the lab from a copy, and made fresh for each test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import LabError
from toolkit.lab.rehearsal.commands import Commands
from toolkit.lab.rehearsal.provision import Provisioned

_SECONDS = 600.0
_LOCK = ".terraform.lock.hcl"
# Wherever the state is kept, the lab's is a file that goes with the lab.
# Source: Terraform documentation, Override Files: a backend there replaces backend and cloud alike.
_OVERRIDE = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True, slots=True)
class Applied:
    """What one apply has made: the pair, and the actions of each route as they were then."""

    pair: Provisioned
    seeds: tuple[list[dict[str, Any]], ...]

    def make_fresh(self) -> None:
        """As after the apply: every route's action, and a journal without entries."""
        for number, seed in enumerate(self.seeds):
            if self.pair.actions(number) != seed:
                self.pair.write(number, seed)
        table = self.pair.contract["state_table"]
        if table is not None:
            dynamodb = self.pair.client("dynamodb")
            for item in dynamodb.scan(TableName=table["name"])["Items"]:
                key = {name: item[name] for name in ("pk", "sk")}
                dynamodb.delete_item(TableName=table["name"], Key=key)


def applied(commands: Commands, directory: Path, root: Path, variables: Mapping[str, Any], scratch: Path) -> Applied:
    """`bluegreen infra init` and `apply` in a copy of `directory`, which refers to nothing outside `root`.

    Raises:
        LabError: no such directory, one of the two failed, or the deployment contract is no output.
    """
    if not directory.is_dir():
        raise LabError(f"there is no Terraform configuration {directory}.", hint="Paths start at pytest's rootdir.")
    where = str(_copied(directory, root, scratch))
    given = [word for name, value in variables.items() for word in ("--var", f"{name}={_spelled(value)}")]
    try:
        commands.run("infra", "init", "--dir", where, seconds=_SECONDS)
        ended = commands.run("infra", "apply", "--dir", where, *given, "--yes", "-o", "json", seconds=_SECONDS)
    except AssertionError as error:
        raise LabError(f"{directory} could not be applied to the lab: {error}") from None
    contract = ended.json().get("deployment")
    if contract is None:
        raise LabError(
            f"{directory} has no output `deployment`.",
            hint="Output the deployment contract: module deployment-contract makes it.",
        )
    pair = Provisioned(commands.environ["AWS_ENDPOINT_URL"], contract, contract["routes"][0]["listener_arn"])
    return Applied(pair, tuple(pair.actions(number) for number in range(len(contract["routes"]))))


def _copied(directory: Path, root: Path, scratch: Path) -> Path:
    """The configuration in a copy of `root`, so that checkout and state stay as they are; its files are links."""
    base = root if directory.is_relative_to(root) else directory

    def unwanted(place: str, names: list[str]) -> list[str]:
        return [name for name in names if name != _LOCK and _is_unwanted(Path(place, name), scratch)]

    copy = scratch / "terraform"
    shutil.copytree(base, copy, ignore=unwanted, copy_function=_linked, symlinks=True)
    inside = copy / directory.relative_to(base)
    (inside / "bluegreen_override.tf").write_text(_OVERRIDE)
    return inside


def _is_unwanted(path: Path, scratch: Path) -> bool:
    """Hidden things (.git, .terraform), state, environments of Python and Node, and where the copy goes."""
    return (
        path.name.startswith(".")
        or ".tfstate" in path.name
        or path.name == "node_modules"
        or (path / "pyvenv.cfg").exists()
        or scratch.is_relative_to(path)
    )


def _linked(source: str, target: str) -> None:
    """A link where Terraform only reads; the lock file may be written."""
    if Path(source).name == _LOCK:
        shutil.copy2(source, target)
    else:
        Path(target).symlink_to(source)


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
