"""Which targets are registered or draining, and how they are."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.lab.dataplane.admin import Admin
from toolkit.lab.dataplane.health import DRAINING, Events, HostKey, HostState, TargetHealth, health_of, hosts_of
from toolkit.lab.dataplane.model import Snapshot, Target, TargetGroup, used_groups

_FRESH_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _View:
    """What was last read; replaced as a whole, so readers need no lock."""

    groups: Mapping[str, TargetGroup]
    used: frozenset[str]
    draining: Mapping[str, Mapping[Target, float]]
    """By group ARN: the targets that left, and until when (clock) they drain."""


class Roster:
    """Remembers what was registered, so it can tell who drains, and asks Envoy who is healthy."""

    def __init__(self, events_path: Path, clock: Callable[[], float], time_scale: float) -> None:
        self._clock = clock
        self._time_scale = time_scale
        self._events = Events(events_path)
        self._admin: Admin | None = None
        self._lock = threading.Lock()
        self._snapshots: dict[str, Snapshot] = {}
        self._view = _View({}, frozenset(), {})
        self._hosts: Mapping[HostKey, HostState] = {}
        self._failures: Mapping[HostKey, str] = {}
        self._hosts_at = float("-inf")

    def attach(self, admin: Admin) -> None:
        self._admin = admin

    def registered(self, snapshot: Snapshot) -> None:
        """Take note of what is registered in one region now; who was and is no longer begins to drain."""
        with self._lock:
            before = self._view
            self._snapshots[snapshot.region] = snapshot
            every = self._snapshots.values()
            groups = {group.arn: group for each in every for group in each.target_groups}
            used = frozenset().union(*(used_groups(each.load_balancers) for each in every))
            draining = {arn: self._draining(group, before, used) for arn, group in groups.items()}
            self._view = _View(groups, used, draining)

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], TargetHealth]:
        view, now = self._view, self._clock()
        group = view.groups.get(target_group_arn)
        if group is None:
            return {}
        hosts, failures = self._ask()
        used = target_group_arn in view.used
        draining = view.draining.get(target_group_arn, {})
        return {
            (target.id, target.port): DRAINING for target, until in draining.items() if until > now
        } | {
            (target.id, target.port): health_of(group, target, used=used, hosts=hosts, failures=failures)
            for target in group.targets
        }  # fmt: skip

    def draining(self, target_group_arn: str) -> Mapping[Target, float]:
        """Who has left the group, and until when (by this roster's clock) they drain or did a moment ago."""
        return self._view.draining.get(target_group_arn, {})

    def hosts(self) -> Mapping[HostKey, HostState]:
        """Every target as Envoy sees it, at most a moment ago."""
        return self._ask()[0]

    def _draining(self, group: TargetGroup, before: _View, used: frozenset[str]) -> Mapping[Target, float]:
        now = self._clock()
        known = before.groups.get(group.arn)
        kept = {t: until for t, until in before.draining.get(group.arn, {}).items() if until > now}
        left = set(known.targets) - set(group.targets) if known is not None else set()
        if left:
            self._events.read()  # what was written before they left must not come up later
        for target in left:
            if target.address is not None:
                self._events.forget((group.suffix, target.address, target.port))
        if group.arn in used:
            until = now + group.deregistration_delay * self._time_scale
            kept |= dict.fromkeys(left, until)
        return {target: until for target, until in kept.items() if target not in group.targets}

    def _ask(self) -> tuple[Mapping[HostKey, HostState], Mapping[HostKey, str]]:
        """Envoy's view of the hosts, at most a moment old: one answer serves the targets of one describe call."""
        with self._lock:
            if self._admin is not None and time.monotonic() - self._hosts_at > _FRESH_SECONDS:
                self._hosts = hosts_of(self._admin.clusters())
                self._failures = dict(self._events.read())
                self._hosts_at = time.monotonic()
            return self._hosts, self._failures
