"""`bluegreen lab`: the AWS the toolkit needs, on this machine."""

import typer

app = typer.Typer(
    help="The AWS the toolkit needs, on this machine, with real HTTP traffic.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """The lab."""
