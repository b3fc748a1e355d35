"""The command tree, and the one place where an error becomes a line and an exit code."""

import sys
from typing import Annotated

import typer

from toolkit.cli import infra, lab
from toolkit.cli.render import style
from toolkit.errors import BluegreenError, Interrupted

app = typer.Typer(
    name="bluegreen",
    help="Zero-downtime releases on AWS load balancers: shift listener weights between two colors.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich would cost a third of the start-up time
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(infra.app, name="infra")
app.add_typer(lab.app, name="lab")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"bluegreen {version('bluegreen')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    ctx.ensure_object(dict)["debug"] = debug


def main() -> None:
    """The entry point. Errors of ours are one line on stderr; `--debug` lets the traceback through."""
    debug = "--debug" in sys.argv[1:]
    try:
        app(prog_name="bluegreen")
    except BluegreenError as error:
        if debug:
            raise
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        if debug:
            raise
        _report(Interrupted("interrupted"))
        sys.exit(Interrupted.exit_code)


def _report(error: BluegreenError) -> None:
    line = " ".join(error.message.split())
    hint = " ".join(error.hint.split())
    prefix = style("bluegreen:", 1, 31, stream=sys.stderr)
    print(f"{prefix} {line}{' ' + hint if hint else ''}  [exit {error.exit_code}]", file=sys.stderr)
