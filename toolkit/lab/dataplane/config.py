"""Snapshots of ELBv2 as the whole of Envoy's dynamic configuration. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from toolkit.lab.dataplane import clusters, listeners, routes
from toolkit.lab.dataplane.listeners import Certificate
from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import Snapshot, groups_by_arn, used_groups
from toolkit.lab.dataplane.xds import Resources

MAX_WATCHED = 60
"""Endpoint sets that get a file of their own. Each watched file takes one of 128 inotify instances per user."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are on this machine.

    `file` gives the path for (kind, resource name); `ports` the lab's port per listener ARN.
    """

    file: Callable[[str, str], str]
    access_log: str
    health_events: str
    ports: Mapping[str, int]
    certificate: Certificate | None = None
    time_scale: float = 1.0


def resources(snapshots: Mapping[str, Snapshot], layout: Layout) -> Resources:
    """Everything Envoy should hold. Target groups that no rule uses have no cluster: AWS does not check them."""
    balancers = tuple(balancer for snapshot in snapshots.values() for balancer in snapshot.load_balancers)
    used = used_groups(balancers)
    groups = sorted((g for arn, g in groups_by_arn(snapshots).items() if arn in used), key=lambda g: g.suffix)
    found_clusters: dict[str, Json] = {}
    found_endpoints: dict[str, Json] = {}
    for number, group in enumerate(groups):
        watched = number < MAX_WATCHED
        if watched:
            found_endpoints[group.suffix] = clusters.endpoints(group)
        found_clusters[group.suffix] = clusters.cluster(
            group,
            endpoints_path=layout.file("eds", group.suffix) if watched else None,
            events_path=layout.health_events,
            time_scale=layout.time_scale,
        )
    found_routes: dict[str, Json] = {}
    found_listeners: dict[str, Json] = {}
    for balancer in balancers:
        served = [listener for listener in balancer.listeners if listener.arn in layout.ports]
        around = routes.Surroundings(
            idle_timeout=balancer.idle_timeout,
            lab_ports={listener.port: layout.ports[listener.arn] for listener in served},
            target_cookies={group.arn: group.target_cookie for group in groups if group.target_cookie is not None},
        )
        for listener in served:
            name = routes.resource_name(listener.arn)
            found_routes[name] = routes.route_configuration(listener, around)
            found_listeners[name] = listeners.listener(
                listener,
                balancer,
                port=layout.ports[listener.arn],
                routes_path=layout.file("rds", name),
                log_path=layout.access_log,
                certificate=layout.certificate if listener.protocol == "HTTPS" else None,
            )
    return Resources(found_listeners, found_routes, found_clusters, found_endpoints)
