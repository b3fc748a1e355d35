"""The options that several commands share, spelled once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How a command prints its result: for people, or one JSON document on stdout."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="text for people, json for programs.", show_default=True)
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        help="Talk to this endpoint for every AWS service (the lab, LocalStack): a URL, or the NAME of an "
        "[endpoint.NAME] in the settings file.",
        metavar="URL|NAME",
    ),
]
RegionOption = Annotated[str | None, typer.Option("--region", help="AWS region; default: the SDK's own rules.")]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="AWS profile; default: the SDK's own rules.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; default: bluegreen.toml here, if there is one."),
]
