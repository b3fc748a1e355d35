"""Targets in memory that are told to run another version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.support.fakes import FakeClock
from toolkit.rollout.ports import Clock, Pulse, Result
from toolkit.rollout.rolling import Member
from toolkit.rollout.updating import told
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

    def update(
        self, update: Update, members: Sequence[Member], environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Result:
        said = ""
        for number, member in enumerate(members):
            self.before(member.id, back)
            if not pulse():
                return Result(False, "stopped", said)
            self.calls.append((member.id, back))
            self.told.append(told(member, environment))
            said += "".join(f"{member}: {line}\n" for line in self.says.get(member.id, "").splitlines())
            reason = self._one(update, member, back, pulse)
            if reason:
                left = len(members) - number - 1
                return Result(False, reason + (f"; {left} not begun" if left and reason != "stopped" else ""), said)
        names = ", ".join(map(str, members))
        return Result(True, f"{names} {'taken back' if back else 'updated'}", said)

    def _one(self, update: Update, member: Member, back: bool, pulse: Pulse) -> str:
        """Why it failed; empty where it did not."""
        what = (member.id, back)
        if what in self.hangs:
            end = self.clock.now() + timedelta(seconds=update.timeout_seconds)
            while self.clock.now() < end:
                self.clock.sleep(LOOK_SECONDS)
                if not pulse():
                    return "stopped"
            return f"{member}: not done after {update.timeout_seconds:g} s"
        if what in self.fails:
            return f"{member}: exit 3"
        self.runs[member.id] = "old" if back else "new"
        self.dead.discard(member.id)
        if what in self.kills:
            self.dead.add(member.id)
        return ""
