"""A move: one change of weights, complete before anything is written. Every command that writes makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.contract import Stickiness
from toolkit.rollout.events import Kind, Record, SuspendedStickiness
from toolkit.rollout.ports import LiveRoute
from toolkit.runner.service import Service
from toolkit.traffic import Color, Split


@dataclass(frozen=True, slots=True)
class Move:
    """What is about to be done, complete: `before` as read, `to` on all routes, `stickiness` by route name.

    urgent: a rollback. It goes as far as it can: no journal and no failing route holds the others up, and what
    was written is never put back.
    """

    kind: Kind
    routes: Mapping[str, LiveRoute]
    to: Split
    base: Color | None
    record: Record
    stickiness: Mapping[str, Stickiness]
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restores: tuple[str, ...] = ()
    urgent: bool = False

    def is_done(self, service: Service) -> bool:
        """Whether AWS holds all of it already."""
        return all(self.is_held_by(live, service) for live in self.routes.values())

    def is_held_by(self, live: LiveRoute, service: Service) -> bool:
        """Whether a route, as read now, holds the split and the stickiness of this move."""
        return (
            dict(live.weights) == weights_for(service, self.to) and live.stickiness == self.stickiness[live.route.name]
        )


def weights_for(service: Service, split: Split) -> dict[str, int]:
    """`split` by target group ARN."""
    return {service.contract.target_groups[color].arn: weight for color, weight in split}
