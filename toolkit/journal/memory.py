"""A store that lasts as long as its process: the plainest there is, for tests of what is built on one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from toolkit.rollout.codec import decode, encode
from toolkit.rollout.contention import conflict, lease_lost, locked
from toolkit.rollout.events import Entry
from toolkit.rollout.ports import Command, Cursor, Holder, Lease

_SOURCE = "the journal in memory"


class MemoryStore:
    """Store for one process; several threads may use it. It keeps texts, as the others do."""

    def __init__(self) -> None:
        self._texts: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self._leases: dict[str, Lease] = {}
        self._released: set[str] = set()
        self._commands: defaultdict[str, dict[str, Command]] = defaultdict(dict)
        self._cursors: dict[tuple[str, str], Cursor] = {}
        self._lock = Lock()

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        texts = self.texts(service)
        return [decode(text, source=_SOURCE) for _, text in (texts[-limit:] if limit > 0 else ())]

    def since(self, service: str, sequence: int) -> Sequence[Entry]:
        return [decode(text, source=_SOURCE) for number, text in self.texts(service) if number >= sequence]

    def texts(self, service: str) -> Sequence[tuple[int, str]]:
        with self._lock:
            return sorted(self._texts[service].items())

    def append(self, service: str, entry: Entry, *, lease: Lease | None = None) -> None:
        with self._lock:
            if lease is not None:
                self._require(lease)
            if entry.sequence in self._texts[service]:
                raise conflict(service, entry.sequence)
            self._texts[service][entry.sequence] = encode(entry)

    def holder(self, service: str) -> Lease | None:
        with self._lock:
            return self._held(service)

    def acquire(
        self,
        service: str,
        holder: Holder,
        *,
        now: datetime,
        seconds: float,
        over: Lease | None = None,
        force: bool = False,
    ) -> Lease:
        with self._lock:
            held = self._held(service)
            is_over = over is not None and held is not None and held.token == over.token
            if held is not None and held.is_held(now) and not (force or is_over):
                raise locked(held)
            last = self._leases.get(service)
            token = last.token + 1 if last else 1
            self._released.discard(service)
            self._leases[service] = Lease(service, token, holder, now, now + timedelta(seconds=seconds))
            return self._leases[service]

    def renew(self, lease: Lease, *, now: datetime, seconds: float) -> Lease:
        with self._lock:
            self._require(lease)
            renewed = replace(self._leases[lease.service], expires=now + timedelta(seconds=seconds))
            self._leases[lease.service] = renewed
            return renewed

    def release(self, lease: Lease) -> None:
        with self._lock:
            held = self._held(lease.service)
            if held is not None and held.token == lease.token:
                self._released.add(lease.service)

    def put(self, service: str, command: Command) -> None:
        with self._lock:
            self._commands[service][command.id] = command

    def pending(self, service: str) -> Sequence[Command]:
        with self._lock:
            return sorted(self._commands[service].values(), key=lambda command: (command.at, command.id))

    def remove(self, service: str, ids: Sequence[str]) -> None:
        with self._lock:
            for each in ids:
                self._commands[service].pop(each, None)

    def cursor(self, service: str, name: str) -> Cursor | None:
        with self._lock:
            return self._cursors.get((service, name))

    def keep_cursor(self, service: str, name: str, cursor: Cursor) -> None:
        with self._lock:
            self._cursors[service, name] = cursor

    def _held(self, service: str) -> Lease | None:
        return None if service in self._released else self._leases.get(service)

    def _require(self, lease: Lease) -> None:
        held = self._held(lease.service)
        if held is None or held.token != lease.token:
            raise lease_lost(lease, held)
