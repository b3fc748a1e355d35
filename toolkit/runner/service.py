"""A service with its ports filled: what every operation is given, and how it looks at the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from toolkit.contract import Contract
from toolkit.rollout.events import Entry, ShiftIntended
from toolkit.rollout.ports import (
    Clock,
    Flows,
    Holder,
    Hooks,
    Identities,
    LiveRoute,
    Probes,
    Router,
    Store,
    Targets,
    Updates,
)
from toolkit.rollout.preflight import Observation
from toolkit.rollout.record import Record, fold
from toolkit.rollout.workload import Workload
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color

if TYPE_CHECKING:  # a rollback needs none of them, and starts sooner without
    from toolkit.rollout.audit import HeadLog
    from toolkit.rollout.bypass import Rules
    from toolkit.rollout.diverting import Diversions
    from toolkit.rollout.metrics import Metrics
    from toolkit.rollout.notification import Sinks
    from toolkit.rollout.ports import Cursors
    from toolkit.rollout.state import RolloutState

TAIL = 16
"""Journal entries read to know where a service stands: more than mostly follow its last intent."""


class Wish(StrEnum):
    """What whoever pressed Ctrl-C wants of the rollout."""

    CONTINUE = "continue"
    PAUSE = "pause"
    ROLL_BACK = "roll back"


def _silent(_line: str) -> None:
    """Nobody listens."""


def _unwatched(_entry: Entry, _state: RolloutState) -> None:
    """Nobody looks."""


@dataclass(slots=True)
class Service:
    """One service, ready to be read and shifted.

    holder: this process, as a lease names it. heads: where this machine remembers the journal's ends.
    sinks, cursors: where notifications go, and how far each notifier has come; None: nobody is told.
    note: takes one line for whoever watches. watch: is told each entry of a rollout and the state after it.
    ask: what a person at a terminal wants after Ctrl-C; None without a terminal.
    """

    contract: Contract
    settings: ServiceSettings
    router: Router
    targets: Targets
    flows: Flows
    store: Store
    identities: Identities
    clock: Clock
    hooks: Hooks
    probes: Probes
    holder: Holder
    heads: HeadLog
    metrics: Metrics
    rules: Rules
    workload: Workload | None = None
    sinks: Sinks | None = None
    cursors: Cursors | None = None
    diversions: Diversions | None = None
    updates: Updates | None = None
    note: Callable[[str], None] = field(default=_silent)
    watch: Callable[[Entry, RolloutState], None] = field(default=_unwatched)
    ask: Callable[[RolloutState], Wish] | None = None

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def may_divert(self) -> bool:
        """Whether rollouts may make rules beside the routes."""
        return any(route.reserved_priorities for route in self.contract.routes)

    @property
    def settle_seconds(self) -> float:
        """How long after a write nothing is judged."""
        return self.settings.settle_of(network=self.contract.is_network)

    @property
    def retire_settle_seconds(self) -> float:
        """How long at least after a verified shift the side without traffic is left as it is."""
        from toolkit.rollout.deploy import settle_of  # a rollback of a service without workload needs none of it

        return settle_of(self.contract, self.settings)

    def urgently(self) -> Service:
        """The same for a rollback: its reads and writes go before those of others."""
        return replace(self, router=self.router.urgent, targets=self.targets.urgent)

    def record(self) -> Record:
        """What the journal's tail says, read back as far as its last intent. Raises JournalError."""
        entries = self.store.tail(self.name, TAIL)
        while entries and entries[0].sequence > 1 and not any(isinstance(e.event, ShiftIntended) for e in entries):
            entries = self.store.tail(self.name, 8 * len(entries))
        return fold(entries)

    def read(self) -> Mapping[str, LiveRoute]:
        """Every route in one call. Raises AwsError and its children."""
        return self.router.read(self.contract.routes)

    def healthy(self, color: Color) -> int:
        """Healthy targets of `color` now. Raises AwsError and its children."""
        return sum(target.is_healthy for target in self.targets.health(self.contract.target_groups[color]))

    def look(self, record: Record) -> Observation:
        """Routes and health of both colors, read side by side, and what is recorded. Raises AwsError."""
        groups = self.contract.target_groups
        with ThreadPoolExecutor(max_workers=2) as pool:
            health = {color: pool.submit(self.targets.health, groups[color]) for color in Color}
            routes = self.read()
            return Observation(
                contract=self.contract,
                routes=routes,
                health={color: tuple(future.result()) for color, future in health.items()},
                record=record,
                identity=self.identities.now(),
            )

    def observe(self, *, ask_identity: bool = True) -> Observation:
        """Routes, health of both colors, record and caller, read side by side.

        Raises:
            AwsError, JournalError: whatever could not be read.
        """
        groups = self.contract.target_groups
        with ThreadPoolExecutor(max_workers=4) as pool:
            routes = pool.submit(self.read)
            health = {color: pool.submit(self.targets.health, groups[color]) for color in Color}
            record = pool.submit(self.record)
            identity = self.identities.resolve() if ask_identity else self.identities.now()
            return Observation(
                contract=self.contract,
                routes=routes.result(),
                health={color: tuple(future.result()) for color, future in health.items()},
                record=record.result(),
                identity=identity,
            )
