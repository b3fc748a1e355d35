"""`bluegreen config`: what the settings file may hold."""

import typer

from toolkit.cli.render import print_json

app = typer.Typer(help="The settings file, bluegreen.toml.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def root() -> None:
    """The settings file, bluegreen.toml."""


@app.command()
def schema() -> None:
    """Print the JSON Schema of bluegreen.toml, for editors.

    Example: bluegreen config schema > bluegreen.schema.json
    """
    from toolkit.config import json_schema

    print_json(json_schema())
