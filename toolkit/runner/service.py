"""A service with its ports filled: what every operation is given, and how it looks at the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from toolkit.contract import Contract
from toolkit.rollout.events import Event, Record, fold
from toolkit.rollout.ports import Clock, Flows, Identities, Journal, LiveRoute, Router, Targets
from toolkit.rollout.preflight import Observation
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color

TAIL = 8
"""Journal entries read to know where a service stands: more than ever follow its last intent."""


def _silent(_line: str) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Service:
    """One service, ready to be read and shifted. `note` takes one line for whoever watches."""

    contract: Contract
    settings: ServiceSettings
    router: Router
    targets: Targets
    flows: Flows
    journal: Journal
    identities: Identities
    clock: Clock
    note: Callable[[str], None] = field(default=_silent)

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def settle_seconds(self) -> float:
        """How long after a write nothing is judged."""
        return self.settings.settle_of(network=self.contract.is_network)

    def record(self) -> Record:
        """Raises JournalError."""
        return fold(self.journal.tail(self.name, TAIL))

    def read(self) -> Mapping[str, LiveRoute]:
        """Every route in one call. Raises AwsError and its children."""
        return self.router.read(self.contract.routes)

    def healthy(self, color: Color) -> int:
        """Healthy targets of `color` now. Raises AwsError and its children."""
        return sum(target.is_healthy for target in self.targets.health(self.contract.target_groups[color]))

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

    def append(self, event: Event, *, after: int) -> int:
        """Record `event`; the new last sequence. Raises JournalError."""
        return self.journal.append(self.name, event, at=self.clock.now(), after=after).sequence
