"""The command tree, and the one place where an error becomes a line and an exit code."""

import gc
import os
import signal
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from toolkit.cli.render import style
from toolkit.errors import BluegreenError, Interrupted


class _Commands(TyperGroup):
    """Ctrl-C is an error of ours, with its own exit code; typer would print "Aborted!" and exit 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; nothing was being written at that moment") from None


_COMMANDS = {
    "status": "status:status",
    "deploy": "deploy:deploy",
    "shift": "shift:shift",
    "cutover": "rollout:cutover",
    "rollback": "shift:rollback",
    "retire": "retire:retire",
    "canary": "rollout:canary",
    "linear": "rollout:linear",
    "ab": "ab:ab",
    "rolling": "rolling:rolling",
    "rollout": "rollout:app",
    "pause": "tell:pause",
    "resume": "tell:resume",
    "approve": "tell:approve",
    "promote": "tell:promote",
    "abort": "tell:abort",
    "history": "history:history",
    "show": "history:show",
    "audit": "history:app",
    "notify": "notify:notify",
    "plan": "plan:plan",
    "analyze": "analyze:analyze",
    "doctor": "doctor:doctor",
    "restore-stickiness": "shift:restore_stickiness",
    "adopt": "adopt:adopt",
    "drift": "drift:drift",
    "sync": "drift:sync",
    "preview": "preview:preview",
    "infra": "infra:app",
    "lab": "lab:app",
    "config": "settings:app",
}
"""Every command and group by its word: the module of this room and the name in it, so that one word imports one."""


def application(word: str | None = None) -> typer.Typer:
    """The command tree; with the `word` of a command, that one alone, which starts sooner."""
    app = typer.Typer(
        name="bluegreen",
        cls=_Commands,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: rich would cost a third of the start-up time
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for name in [word] if word in _COMMANDS else _COMMANDS:
        module, _, attribute = _COMMANDS[name].partition(":")
        found = getattr(import_module(f"toolkit.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def __getattr__(name: str) -> typer.Typer:
    """`app`: the whole tree, made when it is asked for."""
    if name != "app":
        raise AttributeError(name)
    return application()


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"bluegreen {version('bluegreen')}")
        raise typer.Exit


def root(
    *,  # both are read elsewhere: `main` takes --debug off the line, --version has its callback
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; anywhere on the line.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Zero-downtime releases on AWS load balancers: shift listener weights between two colors."""


_ALLOCATIONS_BETWEEN_COLLECTIONS = 500_000


def main() -> None:
    """The entry point. Errors of ours are one line on stderr; `--debug` lets the traceback through.

    SIGTERM, with which CI cancels a job, ends a command as Ctrl-C does: with a word on how things stand.

    The garbage collector is kept from looking again and again at what the imports made, and from a last look at the
    end: a quarter of a rollback's time went there. A command that runs long is still collected.
    """
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _run()
    finally:
        gc.freeze()


def _run() -> None:
    debug = "--debug" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--debug"]
    try:
        application(_word(sys.argv))(prog_name="bluegreen")
    except BluegreenError as error:
        if debug:
            raise
        _report(error)
        sys.exit(error.exit_code)


def _word(line: list[str]) -> str | None:
    """The command of a command line, where it is plain to see; completion and help of all need every one."""
    if "_BLUEGREEN_COMPLETE" in os.environ:
        return None
    return line[1] if len(line) > 1 else None


def _report(error: BluegreenError) -> None:
    said = f"{_sentence(error.message)} {' '.join(error.hint.split())}".rstrip()
    prefix = style("bluegreen:", 1, 31, stream=sys.stderr)
    print(f"{prefix} {said}  [exit {error.exit_code}]", file=sys.stderr)


def _sentence(text: str) -> str:
    """On one line, with an end, so that a hint can follow; a hint may end in a command, which a stop would spoil."""
    line = " ".join(text.split())
    return line if line.endswith((".", "!", "?")) else f"{line}."
