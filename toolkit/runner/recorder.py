"""Appending to the journal in a row: each entry sealed with the hash of the one before, under the lease."""

from __future__ import annotations

from toolkit.rollout.codec import seal
from toolkit.rollout.events import Entry, Event, Head, RolloutEnded, RolloutStarted
from toolkit.runner.lease import Keeper
from toolkit.runner.service import Service


class Recorder:
    """Where the journal of a service ends, and what it goes on with.

    rollout: the id of the rollout that the entries belong to; None outside one. keeper None: without a lease, which
    only a rollback does whose store would not give it one.
    """

    def __init__(self, service: Service, head: Head, keeper: Keeper | None, *, rollout: str | None = None) -> None:
        self._service = service
        self.head = head
        self.keeper = keeper
        self.rollout = rollout

    def renew_if_due(self) -> None:
        """Keep the lease, where there is one. Raises LeaseLost, JournalError."""
        if self.keeper is not None:
            self.keeper.renew_if_due()

    def append(self, event: Event, *, actor: str | None = None) -> Entry:
        """Add one entry. actor: whose credentials they are, where that is not known by itself yet.

        Raises:
            JournalConflict: the journal has grown meanwhile.
            LeaseLost: somebody took the lease over.
            JournalError: the store failed.
        """
        service = self._service
        identity = service.identities.now()
        entry = seal(
            service.name,
            self.head,
            event,
            at=service.clock.now(),
            actor=actor or (identity.arn if identity else None),
            rollout=self.rollout,
        )
        service.store.append(service.name, entry, lease=self.keeper.lease if self.keeper else None)
        self.follow(entry)
        return entry

    def follow(self, entry: Entry) -> None:
        """Go on after `entry`, which stands in the journal."""
        self.head = entry.head
        self._service.heads.note(self._service.name, entry.head, at=entry.at)
        if isinstance(entry.event, RolloutStarted):
            self.rollout = entry.rollout
        elif isinstance(entry.event, RolloutEnded):
            self.rollout = None
