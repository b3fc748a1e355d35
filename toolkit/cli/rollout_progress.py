"""Watching a rollout: a picture that is kept up to date on a terminal, one plain line an event elsewhere.

Both hear of every entry of the journal (`Service.watch`) and of every remark (`Service.note`), and write to stderr. On
a terminal Ctrl-C is answered with a question (`Service.ask`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

from toolkit.cli.render import is_styled, note
from toolkit.cli.rollout_picture import picture
from toolkit.cli.rollout_question import Question
from toolkit.cli.rollout_words import how_it_stands, line_of, sentence
from toolkit.errors import AwsError
from toolkit.rollout.events import (
    CommandTaken,
    Entry,
    GateFailed,
    Head,
    RestSkipped,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    Stuck,
    WorldDiffers,
)
from toolkit.rollout.plain import plain
from toolkit.rollout.state import Course
from toolkit.traffic import Color, Split

if TYPE_CHECKING:
    from toolkit.contract import TargetGroup
    from toolkit.rollout.ports import TargetHealth, Targets
    from toolkit.rollout.state import RolloutState
    from toolkit.runner.service import Service, Wish

_NOTEWORTHY = (
    *(CommandTaken, GateFailed, RestSkipped, RunnerPaused, RunnerTookOver),
    *(ShiftFailed, Stuck, WorldDiffers),
)
"""What stays readable above the picture."""
QUIET_SECONDS = 240.0
"""After so long without an event a log gets a line: CI systems end a job that is silent for ten minutes."""
_STALE_SECONDS = 10.0
"""A side that no gate has looked at for so long is asked for the picture."""


class View(Protocol):
    """Hears of rollouts and shows them.

    last: the newest state of each, by its service. heads: where its journal ends. before: what its routes held before
    the first write that was seen.
    """

    last: dict[str, RolloutState]
    heads: dict[str, Head]
    before: dict[str, Mapping[str, Split]]

    def watch(self, entry: Entry, state: RolloutState) -> None: ...

    def note(self, line: str) -> None: ...

    def ask(self, state: RolloutState) -> Wish: ...

    def close(self) -> None: ...


@contextmanager
def watched(services: Sequence[Service]) -> Iterator[View]:
    """Show what becomes of `services` for the length of the body, as fits stderr; ask where there is a terminal."""
    view: View = Live(services) if is_styled(sys.stderr) else Lines()
    for service in services:
        service.watch = view.watch
        service.note = view.note
        service.ask = view.ask if sys.stdin.isatty() and sys.stderr.isatty() else None
    try:
        yield view
    finally:
        view.close()


class _Memory:
    """What every view remembers."""

    def __init__(self) -> None:
        self.question = Question()
        self.last: dict[str, RolloutState] = {}
        self.heads: dict[str, Head] = {}
        self.before: dict[str, Mapping[str, Split]] = {}

    def remember(self, entry: Entry, state: RolloutState) -> None:
        name = state.plan.service
        if isinstance(entry.event, ShiftIntended):
            self.before.setdefault(name, entry.event.before)
        self.last[name], self.heads[name] = state, entry.head
        if state.back or state.course is not Course.ON:
            self.question.withdraw()


class Lines(_Memory):
    """One plain line an event; and now and then one in between, for those who end a job that says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._end = threading.Event()
        self._starting = threading.Lock()  # the services of a release have a thread each
        self._beating = threading.Thread(target=self._beat, daemon=True)

    def watch(self, entry: Entry, state: RolloutState) -> None:
        self.remember(entry, state)
        note(line_of(entry, state))
        with self._starting:
            if self._beating.ident is None:
                self._beating.start()

    def note(self, line: str) -> None:
        note(plain(line))

    def ask(self, state: RolloutState) -> Wish:
        return self.question.ask(state)

    def close(self) -> None:
        self.question.withdraw()
        self._end.set()

    def _beat(self) -> None:
        before = dict(self.heads)
        while not self._end.wait(QUIET_SECONDS):
            if before == self.heads:
                for name, state in list(self.last.items()):
                    note(plain(f"{datetime.now(UTC):%H:%M:%S}Z {name}: still the same: {how_it_stands(state)}"))
            before = dict(self.heads)


class Live(_Memory):
    """The picture, drawn anew four times a second below the lines that are worth keeping."""

    def __init__(self, services: Sequence[Service]) -> None:
        from rich.console import Console
        from rich.live import Live as Screen

        super().__init__()
        self._services = {service.name: service for service in services}
        self._health = {service.name: SeenHealth(service) for service in services}
        self._console = Console(stderr=True, highlight=False)
        self._screen = Screen(console=self._console, get_renderable=self._drawn, refresh_per_second=4)
        self._end = threading.Event()
        self._drawing = threading.Lock()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def watch(self, entry: Entry, state: RolloutState) -> None:
        self._open()
        if isinstance(entry.event, _NOTEWORTHY):
            self.note(f"{entry.at:%H:%M:%S}Z {state.plan.service}: {sentence(entry, state)}")
        self.remember(entry, state)

    def _open(self) -> None:
        """With the first event and not before, so that a command that is refused leaves no empty picture."""
        with self._drawing:
            if self._looking.ident is None:
                self._screen.start()
                self._looking.start()

    def note(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(plain(line)))

    def ask(self, state: RolloutState) -> Wish:
        self._screen.stop()
        try:
            return self.question.ask(state)
        finally:
            with self._drawing:
                if not self._end.is_set():
                    self._screen.start()

    def close(self) -> None:
        self.question.withdraw()
        with self._drawing:
            self._end.set()
            self._screen.stop()  # no error where it was never started

    def _look(self) -> None:
        while not self._end.wait(_STALE_SECONDS / 4):
            for health in self._health.values():
                health.refresh()

    def _drawn(self) -> Any:
        from rich.text import Text

        room = self._console.height // max(1, len(self._services))
        drawn = Text()
        for name, state in list(self.last.items()):
            service = self._services[name]
            lines = picture(state, self._health[name].seen, service.holder, service.clock.now(), room)
            for line in lines:
                drawn.append(line.text + "\n", style=line.style)
        drawn.rstrip()
        return drawn


class SeenHealth:
    """What the gates saw last of each side, kept beside them; what nobody looks at is asked now and then.

    seen: healthy and registered targets by color.
    """

    def __init__(self, service: Service) -> None:
        self.seen: dict[Color, tuple[int, int]] = {}
        self._at: dict[Color, datetime] = {}
        self._contract = service.contract
        self._targets = service.targets
        service.targets = cast("Targets", self)

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        """As the targets have it."""
        targets = self._targets.health(group)
        color = self._contract.color_of(group.arn)
        if color is not None:
            self.seen[color] = (sum(target.is_healthy for target in targets), len(targets))
            self._at[color] = datetime.now(UTC)
        return targets

    def refresh(self) -> None:
        """Ask for each side that was not looked at lately. What AWS refuses stays as it was seen last."""
        now = datetime.now(UTC)
        for color in Color:
            at = self._at.get(color)
            if at is None or (now - at).total_seconds() > _STALE_SECONDS:
                try:
                    self.health(self._contract.target_groups[color])
                except AwsError:
                    continue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._targets, name)
