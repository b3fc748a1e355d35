"""What a test asks for: a built-in pair, or what the team's own Terraform makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from toolkit.contract import RouteKind
from toolkit.errors import LabError

MAX_TARGETS = 20
HEALTH_PATH = "/healthz"
_OF_THE_BUILT_IN_PAIR = ("name", "kind", "targets", "health_path")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of `@pytest.mark.bluegreen`.

    name, kind, targets (a color), health_path: of the built-in pair.
    terraform: a configuration in place of the built-in pair; it has the deployment contract as output `deployment`.
    variables: its input variables, as values that JSON knows.
    apps: whether the sample app answers for the targets.
    config: a bluegreen.toml whose `[service.*]` settings count.
    """

    name: str = "web"
    kind: str = RouteKind.ALB_RULE.value
    targets: int = 2
    health_path: str = HEALTH_PATH
    terraform: str | Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    apps: bool = True
    config: str | Path | None = None

    def __post_init__(self) -> None:
        if self.kind not in tuple(RouteKind):
            raise LabError(f"{self.kind!r} is no kind of route.", hint=f"Use one of {', '.join(RouteKind)}.")
        if self.targets not in range(1, MAX_TARGETS + 1):
            raise LabError(f"targets is {self.targets!r}.", hint=f"Say how many a color has, 1 to {MAX_TARGETS}.")
        if self.terraform is None and self.variables:
            raise LabError("variables are for a Terraform configuration.", hint="Name it too: terraform=DIRECTORY.")

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Wanted:
        """From the marker's arguments.

        Raises:
            LabError: one that is unknown, of no such value, or that does not go with another.
        """
        known = [each.name for each in fields(cls)]
        unknown = sorted(set(words) - set(known))
        if unknown:
            raise LabError(f"mark.bluegreen has no {', '.join(unknown)}.", hint=f"It takes {', '.join(known)}.")
        idle = [name for name in _OF_THE_BUILT_IN_PAIR if name in words]
        if words.get("terraform") is not None and idle:
            raise LabError(f"the configuration decides on {', '.join(idle)}.", hint="Leave out what Terraform says.")
        return cls(**words)
