"""Targets in memory that are told to run another version."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.fakes import NOON, FakeClock
from toolkit.gates.output import labelled
from toolkit.rollout.ports import Clock, Pulse, Result
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import duration
from toolkit.rollout.updating import STOPPED, reason_of, told
from toolkit.settings import Update

LOOK_SECONDS = 0.5


@dataclass
class FakeUpdates:
    """Which version every target runs, by id: "old" or "new"; one that was never told anything is not in `runs`.

    What befalls a target is told by (id, back). fails: the update says no, and the target runs what it ran. kills: it
    says yes, and the target is among the `dead`: whoever fakes its health asks. hangs: it takes until the pulse says
    stop or the update's time is up, on `clock`. says: what a target has to say, by id. `before` may raise; it is told
    each call. calls: the updates that were begun. told: what each was told.
    """

    clock: Clock = field(default_factory=FakeClock)
    runs: dict[str, str] = field(default_factory=dict)
    fails: set[tuple[str, bool]] = field(default_factory=set)
    kills: set[tuple[str, bool]] = field(default_factory=set)
    hangs: set[tuple[str, bool]] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    says: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, bool]] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[str, bool], None] = lambda _id, _back: None
    lacks: str = ""

    def unable(self, _update: Update) -> str:
        return self.lacks

    def update(
        self, update: Update, members: Sequence[Member], environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Result:
        said: list[tuple[str, str]] = []
        for number, member in enumerate(members):
            self.before(member.id, back)
            if not pulse():
                return Result(False, STOPPED, labelled(said))
            self.calls.append((member.id, back))
            self.told.append(told(member, environment))
            said.append((str(member), self.says.get(member.id, "")))
            reason = self._one(update, member, back, pulse)
            if reason == STOPPED:
                return Result(False, STOPPED, labelled(said))
            if reason:
                failed, unbegun = [(member, reason)], members[number + 1 :]
                words = reason_of(done=members[:number], failed=failed, unbegun=unbegun, back=back)
                return Result(False, words, labelled(said))
        return Result(True, reason_of(done=members, failed=(), unbegun=(), back=back), labelled(said))

    def _one(self, update: Update, member: Member, back: bool, pulse: Pulse) -> str:
        """Why it failed; empty where it did not."""
        what = (member.id, back)
        if what in self.hangs:
            end = self.clock.now() + timedelta(seconds=update.timeout_seconds)
            while self.clock.now() < end:
                self.clock.sleep(LOOK_SECONDS)
                if not pulse():
                    return STOPPED
            return f"not done after {duration(update.timeout_seconds)}"
        if what in self.fails:
            return "exit 3"
        self.runs[member.id] = "old" if back else "new"
        self.dead.discard(member.id)
        if what in self.kills:
            self.dead.add(member.id)
        return ""


class FastClock:
    """Time that passes so many times as fast as everybody's."""

    def __init__(self, times: float) -> None:
        self._times = times
        self._began = time.monotonic()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=(time.monotonic() - self._began) * self._times)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._times)
