"""What the commands on a service share: their options, and how the service is wired."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import ConfigOption, EndpointOption, ProfileOption, RegionOption
from toolkit.cli.render import note
from toolkit.wiring import Options, wire, wire_all

if TYPE_CHECKING:
    from toolkit.runner.service import Service

ServiceArgument = Annotated[str, typer.Argument(help="Name of the service.", metavar="SERVICE")]
OptionalService = Annotated[
    str | None, typer.Argument(help="Name of the service; default: every one there is.", metavar="[SERVICE]")
]
ContractOption = Annotated[
    str | None,
    typer.Option("--contract", help="Where the contract is: ssm:NAME or a file's PATH; default: its SSM parameter."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check and print what would be done; write nothing.")]
AwscliOption = Annotated[
    bool, typer.Option("--print-awscli", help="Print the AWS CLI commands that do it by hand; write nothing.")
]
DriftOption = Annotated[
    bool, typer.Option("--accept-drift", help="Where the record differs from AWS, take AWS as the truth.")
]

_CONNECTION: dict[str, Any] = {
    "contract": ContractOption,
    "config": ConfigOption,
    "region": RegionOption,
    "profile": ProfileOption,
    "endpoint_url": EndpointOption,
}


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `where: Options` the options that say where AWS and the contract are.

    They are the same five on every command, so they are spelled once; typer reads them from the signature.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "where"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _CONNECTION.items()
    ]

    @functools.wraps(command)
    def with_connection(*args: Any, **words: Any) -> None:
        where = Options(**{name: words.pop(name) for name in _CONNECTION})
        command(*args, where=where, **words)

    with_connection.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return with_connection


def wired(name: str | None, where: Options) -> Service:
    """The service, its remarks going to stderr. Raises as `wiring.wire`."""
    return wire(name, where, note)


def wired_all(name: str | None, where: Options) -> list[Service]:
    """The service of that name, or every one there is. Raises as `wiring.wire_all`."""
    return wire_all(where, note) if name is None else [wire(name, where, note)]
