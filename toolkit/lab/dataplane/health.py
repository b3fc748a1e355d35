"""Target health in AWS's words, from what Envoy's health checks found. The decisions are pure; `Events` reads a file.

Source for states and reason codes: Elastic Load Balancing API reference, TargetHealth.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.lab.dataplane.model import Target, TargetGroup


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """`state` is initial, healthy, unhealthy, unused or draining; `reason` an `Elb.…` or `Target.…` code."""

    state: str
    reason: str | None
    description: str | None


HEALTHY = TargetHealth("healthy", None, None)
UNUSED = TargetHealth("unused", "Target.NotInUse", "Target group is not configured to receive traffic")
REGISTERING = TargetHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = TargetHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = TargetHealth("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
TIMED_OUT = TargetHealth("unhealthy", "Target.Timeout", "Request timed out")
FAILED = TargetHealth("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
NO_ADDRESS = TargetHealth(
    "unhealthy", "Target.FailedHealthChecks", "Health checks failed: the lab has no loopback address for this target"
)

HostKey = tuple[str, str, int]
"""Cluster name, loopback address, port."""


@dataclass(frozen=True, slots=True)
class HostState:
    """What Envoy's /clusters says of one host."""

    failed: bool
    timed_out: bool


def hosts_of(cluster_statuses: Sequence[Mapping[str, Any]]) -> dict[HostKey, HostState]:
    """Every host of Envoy's /clusters?format=json."""
    found: dict[HostKey, HostState] = {}
    for status in cluster_statuses:
        for host in status.get("host_statuses", ()):
            address = host["address"]["socket_address"]
            flags = host.get("health_status", {})
            found[(status["name"], address["address"], address["port_value"])] = HostState(
                failed=bool(flags.get("failed_active_health_check")),
                timed_out=bool(flags.get("active_hc_timeout")),
            )
    return found


def health_of(
    group: TargetGroup,
    target: Target,
    *,
    used: bool,
    hosts: Mapping[HostKey, HostState],
    failures: Mapping[HostKey, str],
) -> TargetHealth:
    """One registered target's health. `failures` holds the last failure type per host, if there was one."""
    if not used:
        return UNUSED
    if target.address is None:
        return NO_ADDRESS
    key = (group.suffix, target.address, target.port)
    host = hosts.get(key)
    if host is None:
        return REGISTERING
    return _sick(group, host, failures.get(key)) if host.failed else HEALTHY


def _sick(group: TargetGroup, host: HostState, failure: str | None) -> TargetHealth:
    if failure is None:
        # Envoy holds a new host for failed until its first check has passed, and reports no event before.
        return CHECKING
    if host.timed_out or failure == "NETWORK_TIMEOUT":
        return TIMED_OUT
    if failure == "ACTIVE":
        said = f"Health checks failed: no code of {group.health_check.matcher}"
        return TargetHealth("unhealthy", "Target.ResponseCodeMismatch", said)
    return FAILED


class Events:
    """Follows Envoy's health event log and keeps the last failure type of each host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._failures: dict[HostKey, str] = {}

    def read(self) -> Mapping[HostKey, str]:
        """The last failure type (ACTIVE, NETWORK, NETWORK_TIMEOUT) of every host that ever failed a check."""
        if self._path.exists():
            with self._path.open("rb") as log:
                log.seek(self._offset)
                complete = log.read().rpartition(b"\n")[0]
            if complete:
                self._offset += len(complete) + 1
                for line in complete.splitlines():
                    self._note(json.loads(line))
        return self._failures

    def forget(self, key: HostKey) -> None:
        """A target that comes back later starts anew."""
        self._failures.pop(key, None)

    def _note(self, event: Mapping[str, Any]) -> None:
        failure = event.get("eject_unhealthy_event") or event.get("health_check_failure_event")
        address = event.get("host", {}).get("socket_address")
        if failure is not None and address is not None:
            key = (event["cluster_name"], address["address"], address["port_value"])
            self._failures[key] = failure.get("failure_type", "ACTIVE")
