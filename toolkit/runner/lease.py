"""Holding the lease of a service: taken before anything is written, renewed while it lasts, given back at the end."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from toolkit.errors import JournalError, Locked
from toolkit.rollout.ports import Clock, Holder, Lease, Store
from toolkit.runner.service import Service

LEASE_SECONDS = 30.0
"""How long a lease lasts without being renewed: several failed renewals, and not too long a wait after a crash."""
_RENEW_BELOW_SECONDS = 20.0


def this_process(name: str, doing: str) -> Holder:
    """The holder that this process is. Where Linux says so, the host names the process namespace too.

    Containers may share a host's name and not its processes.
    """
    try:
        space = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        space = ""
    host = socket.gethostname()
    return Holder(name, f"{host}/{space}" if space else host, os.getpid(), doing)


class Keeper:
    """A lease that is held. `broke` is the one that was taken away from another; by_force: from a living one."""

    def __init__(
        self, store: Store, clock: Clock, lease: Lease, *, broke: Lease | None = None, by_force: bool = False
    ) -> None:
        self._store = store
        self._clock = clock
        self.lease = lease
        self.broke = broke
        self.by_force = by_force

    @property
    def seconds_left(self) -> float:
        return (self.lease.expires - self._clock.now()).total_seconds()

    def renew_if_due(self) -> None:
        """Renew it in good time; a store that fails is tried again at the next call. Raises LeaseLost."""
        if self.seconds_left < _RENEW_BELOW_SECONDS:
            with suppress(JournalError):
                self._renew()

    def require(self, seconds: float) -> None:
        """Return when the lease lasts `seconds` more.

        Raises:
            LeaseLost: somebody took it over.
            JournalError: it cannot be renewed now.
        """
        if self.seconds_left < seconds:
            self._renew()

    def _renew(self) -> None:
        self.lease = self._store.renew(self.lease, now=self._clock.now(), seconds=LEASE_SECONDS)

    def release(self) -> None:
        """Raises JournalError."""
        self._store.release(self.lease)


def take(service: Service, doing: str, *, force: bool = False) -> Keeper:
    """The lease of the service, in this process's name. One whose process has ended on this machine is free.

    Raises:
        Locked: somebody else holds it; the message says who.
        JournalError: the store cannot be reached.
    """
    holder = replace(service.holder, doing=doing)
    now = service.clock.now()
    before = service.store.holder(service.name) if force else None
    try:
        lease = service.store.acquire(service.name, holder, now=now, seconds=LEASE_SECONDS, force=force)
    except Locked:
        before = service.store.holder(service.name)
        if before is None or not _is_gone(before.holder, holder):
            raise
        lease = service.store.acquire(service.name, holder, now=now, seconds=LEASE_SECONDS, over=before)
    return Keeper(service.store, service.clock, lease, broke=before, by_force=force and before is not None)


def _is_gone(held_by: Holder, us: Holder) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    if held_by.host != us.host or "/" not in us.host or held_by.pid == us.pid:
        return False
    try:
        os.kill(held_by.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def leased(service: Service, doing: str, *, force: bool = False) -> Iterator[Keeper]:
    """The lease for the body; given back at its end. Raises as `take`."""
    keeper = take(service, doing, force=force)
    try:
        yield keeper
    finally:
        give_back(service, keeper)


def give_back(service: Service, keeper: Keeper) -> None:
    """Release it; a store that fails is no reason to fail, since a lease runs out by itself."""
    try:
        keeper.release()
    except JournalError as error:
        service.note(f"warning: the lease runs out in {keeper.seconds_left:.0f} s by itself: {error.message}")
