"""A move: one change of weights, complete before anything is written. Every command that writes makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from toolkit.rollout.events import Kind, SuspendedStickiness
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.record import Record
from toolkit.traffic import Color, Split


@dataclass(frozen=True, slots=True)
class Move:
    """What is about to be done, complete: `routes` as read, `to` on all of them, and by name the action to write.

    urgent: a rollback. It goes as far as it can: no journal and no failing route holds the others up, and what
    was written is never put back.
    """

    kind: Kind
    routes: Mapping[str, LiveRoute]
    to: Split
    base: Color | None
    record: Record
    actions: Mapping[str, Action]
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restores: tuple[str, ...] = ()
    urgent: bool = False

    @property
    def is_done(self) -> bool:
        """Whether AWS holds all of it already."""
        return all(self.is_held_by(live) for live in self.routes.values())

    def urgently(self) -> Move:
        """The same as a rollback does it."""
        return replace(self, urgent=True)

    def is_held_by(self, live: LiveRoute) -> bool:
        """Whether a route, as read now, holds what this move puts on it."""
        return self.actions[live.route.name].is_held_by(live)
