"""The targets of Network Load Balancers in a running Envoy: how they stand, and when it has let them in."""

import time
from collections.abc import Callable, Iterator, Mapping

from toolkit.lab.dataplane.admin import Admin
from toolkit.lab.dataplane.health import HostKey, hosts_of
from toolkit.lab.dataplane.model import (
    Listener,
    LoadBalancer,
    Snapshot,
    Target,
    TargetGroup,
    forwarded,
    groups_by_arn,
)
from toolkit.lab.dataplane.network import stats_name
from toolkit.lab.dataplane.roster import Roster
from toolkit.lab.dataplane.routes import resource_name
from toolkit.lab.dataplane.standing import Group, Standing, Standings

ADMISSION_SECONDS = 2.0
_POLL_SECONDS = 0.01
Snapshots = Mapping[str, Snapshot]


class FlowTargets:
    """Asks the roster, decides with `Standings`, and asks Envoy what has become of it."""

    def __init__(self, roster: Roster, clock: Callable[[], float]) -> None:
        self._roster = roster
        self._clock = clock
        self._standings = Standings()

    @property
    def is_due(self) -> bool:
        """Whether there is something to do that no health check announces."""
        return self._standings.is_due(self._clock())

    def look(self, snapshots: Snapshots) -> Mapping[str, Mapping[Target, Standing]]:
        """How every target of a TCP listener's groups stands now, by target group ARN."""
        clusters: dict[str, list[str]] = {}
        for _, listener in tcp_listeners(snapshots):
            for arn in forwarded(listener):
                clusters.setdefault(arn, []).append(resource_name(listener.arn))
        hosts = self._roster.hosts() if clusters else {}

        def is_closed(group: TargetGroup, target: Target) -> bool:
            keys = ((name, target.address or "", target.port) for name in clusters[group.arn])
            return all(hosts[key].failed for key in keys if key in hosts)

        groups = (
            Group(group, self._roster.health(arn), self._roster.draining(arn))
            for arn, group in groups_by_arn(snapshots).items()
            if arn in clusters and group.is_tcp
        )
        return self._standings.look(groups, now=self._clock(), is_closed=is_closed)


def await_admission(admin: Admin, snapshots: Snapshots, standings: Mapping[str, Mapping[Target, Standing]]) -> None:
    """Wait until the doorman has let in every target that takes flows: Envoy holds a new one back until then."""
    wanted = set(_taking(snapshots, standings))
    deadline = time.monotonic() + ADMISSION_SECONDS
    while wanted and time.monotonic() < deadline:
        hosts = hosts_of(admin.clusters())
        if not any(hosts[key].failed for key in wanted if key in hosts):
            return
        time.sleep(_POLL_SECONDS)


def active_flows(admin: Admin, snapshots: Snapshots) -> Mapping[str, int]:
    """Flows open now, by the suffix of the load balancer."""
    gauges = {
        f"listener.{stats_name(listener)}.downstream_cx_active": balancer.suffix
        for balancer, listener in tcp_listeners(snapshots)
    }
    values = admin.stats(gauges) if gauges else {}
    active = dict.fromkeys(gauges.values(), 0)
    for gauge, balancer in gauges.items():
        active[balancer] += int(values.get(gauge, 0))
    return active


def tcp_listeners(snapshots: Snapshots) -> Iterator[tuple[LoadBalancer, Listener]]:
    """The listeners of every region that balance flows."""
    for snapshot in snapshots.values():
        for balancer in snapshot.load_balancers:
            yield from ((balancer, listener) for listener in balancer.listeners if listener.is_tcp)


def _taking(snapshots: Snapshots, standings: Mapping[str, Mapping[Target, Standing]]) -> Iterator[HostKey]:
    for _, listener in tcp_listeners(snapshots):
        for arn in forwarded(listener):
            for target, standing in standings.get(arn, {}).items():
                if standing is Standing.TAKES and target.address is not None:
                    yield resource_name(listener.arn), target.address, target.port
