"""Snapshots of ELBv2 as the whole of Envoy's dynamic configuration. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.lab.dataplane import clusters, listeners, network, routes
from toolkit.lab.dataplane.listeners import Certificate
from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import (
    Listener,
    LoadBalancer,
    Snapshot,
    Target,
    TargetGroup,
    groups_by_arn,
    used_groups,
)
from toolkit.lab.dataplane.standing import Standing
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
    flow_log: str = ""
    doorman: str = ""
    """The address of the doorman's socket; see `network`."""
    standings: Mapping[str, Mapping[Target, Standing]] = field(default_factory=dict)
    """By target group ARN: how the targets of Network Load Balancers stand."""


def resources(snapshots: Mapping[str, Snapshot], layout: Layout) -> Resources:
    """Everything Envoy should hold. Target groups that no rule uses have no cluster: AWS does not check them."""
    balancers = tuple(balancer for snapshot in snapshots.values() for balancer in snapshot.load_balancers)
    used = used_groups(balancers)
    groups = sorted((g for arn, g in groups_by_arn(snapshots).items() if arn in used), key=lambda g: g.suffix)
    served = [(each, listener) for each in balancers for listener in each.listeners if listener.arn in layout.ports]
    flows = _for_flows([pair for pair in served if pair[1].is_tcp], groups, layout)
    requests = _for_requests([pair for pair in served if not pair[1].is_tcp], groups, layout)
    found_clusters, found_endpoints = _for_groups(groups, layout, MAX_WATCHED - len(flows.endpoints))
    return Resources(
        listeners={**flows.listeners, **requests.listeners},
        routes={**flows.routes, **requests.routes},
        clusters={**found_clusters, **flows.clusters},
        endpoints={**found_endpoints, **flows.endpoints},
    )


def _for_groups(
    groups: Sequence[TargetGroup], layout: Layout, max_watched: int
) -> tuple[dict[str, Json], dict[str, Json]]:
    """The clusters of the target groups, which check their targets, and the watched endpoint sets."""
    found: dict[str, Json] = {}
    endpoints: dict[str, Json] = {}
    for number, group in enumerate(groups):
        watched = number < max_watched
        if watched:
            endpoints[group.suffix] = clusters.endpoints(group)
        make = clusters.checking_cluster if group.is_tcp else clusters.cluster
        found[group.suffix] = make(
            group,
            endpoints_path=layout.file("eds", group.suffix) if watched else None,
            events_path=layout.health_events,
            time_scale=layout.time_scale,
        )
    return found, endpoints


def _for_requests(
    served: Sequence[tuple[LoadBalancer, Listener]], groups: Sequence[TargetGroup], layout: Layout
) -> Resources:
    """The listeners of Application Load Balancers and their routes."""
    found_routes: dict[str, Json] = {}
    found_listeners: dict[str, Json] = {}
    for balancer, listener in served:
        around = routes.Surroundings(
            idle_timeout=balancer.idle_timeout,
            lab_ports={each.port: layout.ports[each.arn] for other, each in served if other is balancer},
            target_cookies={group.arn: group.target_cookie for group in groups if group.target_cookie is not None},
        )
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
    return Resources(found_listeners, found_routes)


def _for_flows(
    served: Sequence[tuple[LoadBalancer, Listener]], groups: Sequence[TargetGroup], layout: Layout
) -> Resources:
    """The listeners of Network Load Balancers with a cluster each, and the doorman where there are any."""
    if not served:
        return Resources()
    by_arn = {group.arn: group for group in groups if group.is_tcp}
    found_listeners = {
        network.DOORMAN: network.doorman_listener(layout.doorman, routes_path=layout.file("rds", network.DOORMAN))
    }
    found_clusters: dict[str, Json] = {}
    found_endpoints: dict[str, Json] = {}
    for balancer, listener in served:
        name = routes.resource_name(listener.arn)
        found_endpoints[name] = network.endpoints(listener, by_arn, layout.standings, doorman=layout.doorman)
        found_clusters[name] = network.cluster(listener, endpoints_path=layout.file("eds", name))
        found_listeners[name] = network.listener(
            listener,
            balancer,
            port=layout.ports[listener.arn],
            log_path=layout.flow_log,
            certificate=layout.certificate if listener.protocol == "TLS" else None,
        )
    closing = (
        network.host_name(by_arn[arn], target)
        for arn, standings in layout.standings.items()
        for target, standing in standings.items()
        if arn in by_arn and standing is Standing.CLOSES
    )
    return Resources(
        found_listeners, {network.DOORMAN: network.doorman_routes(closing)}, found_clusters, found_endpoints
    )
