"""The command line: parse, call, render. Nothing heavier than typer is imported before a command runs."""

from toolkit.cli.app import main

__all__ = ["main"]
