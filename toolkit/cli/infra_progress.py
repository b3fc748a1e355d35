"""Showing terraform's work: plain lines where nobody watches a terminal, a live display where somebody does."""

import sys
from typing import TYPE_CHECKING, Protocol

from toolkit.cli.render import is_styled, note
from toolkit.infra.events import Diagnostic, Event, Log, Planned, Progress, Stage, Summary

if TYPE_CHECKING:
    from rich.progress import TaskID

_VERBS = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("deleting", "deleted"),
    "read": ("reading", "read"),
}


class Display(Protocol):
    """Hears events and shows them on stderr."""

    def __call__(self, event: Event) -> None: ...

    def pause(self) -> None:
        """Leave the terminal to others, until the next event."""


def display() -> Display:
    """The display that fits stderr."""
    return Live() if is_styled(sys.stderr) else Lines()


class Lines:
    """One plain line for each event worth one."""

    def __call__(self, event: Event) -> None:
        line = line_of(event)
        if line:
            note(line)

    def pause(self) -> None:
        pass


class Live:
    """What is under way with its clock, below the lines of what is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True, highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._bars = Bars(*columns, console=self._console, transient=True)
        self._running: dict[str, TaskID] = {}
        self._waiting = self._bars.add_task("terraform is at work", total=None)
        self._bars.start()

    def __call__(self, event: Event) -> None:
        self._bars.start()
        match event:
            case Progress(address, _, Stage.STARTED):
                self._running[address] = self._bars.add_task(line_of(event), total=None)
            case Progress(address, _, Stage.DONE | Stage.FAILED as stage):
                if address in self._running:
                    self._bars.remove_task(self._running.pop(address))
                self._print(event, "red" if stage is Stage.FAILED else "green")
            case Progress():
                pass  # the clock beside each line shows it
            case _:
                self._print(event, "yellow" if isinstance(event, Diagnostic) else "dim")
        self._bars.update(self._waiting, visible=not self._running)

    def pause(self) -> None:
        for task in self._running.values():
            self._bars.remove_task(task)
        self._running.clear()
        self._bars.stop()

    def _print(self, event: Event, color: str) -> None:
        from rich.text import Text

        line = line_of(event)
        if line:
            self._console.print(Text(line, style=color))


def line_of(event: Event) -> str:
    """An event in words; empty for one that the plan's print or the error repeats."""
    match event:
        case Progress(action="read", stage=Stage.STARTED | Stage.DONE):
            return ""  # a data source
        case Progress(address, action, stage, seconds):
            doing, done = _VERBS.get(action, (action, action))
            return {
                Stage.STARTED: f"{address}: {doing}",
                Stage.GOING: f"{address}: still {doing} after {seconds} s",
                Stage.DONE: f"{address}: {done} in {seconds} s",
                Stage.FAILED: f"{address}: {doing} failed after {seconds} s",
                Stage.REFRESHED: "",
            }[stage]
        case Diagnostic(severity="warning", summary=summary, address=address):
            return f"warning: {f'{address}: ' if address else ''}{summary}"
        case Log(text):
            return text
        case Planned() | Summary() | Diagnostic():
            return ""
