"""Network Load Balancers as Envoy configuration. Pure.

One cluster per listener, with a locality per target group whose weight changes through the endpoint set: so the
split of new flows is exact and no standing flow notices. This cluster does not check its targets; the clusters of
the target groups do (`clusters.checking_cluster`), and `standing` says what follows for the flows.

Envoy closes the flows to one target only when the target fails an active check. So each listener's cluster asks a
listener of the lab's own, the **doorman**, about its targets: it answers 200, and 503 for those whose flows
are to be closed.
"""

from collections.abc import Iterable, Mapping, Sequence

from toolkit.lab.dataplane.clusters import (
    CLUSTER_TYPE,
    ENDPOINTS_TYPE,
    no_breakers,
    unverified_tls,
    watched,
)
from toolkit.lab.dataplane.flows import GROUP_KEY, GROUP_NAMESPACE, LOG_FIELDS
from toolkit.lab.dataplane.listeners import (
    EXTENSIONS,
    LISTENER_TYPE,
    LOOPBACK,
    MANAGER_TYPE,
    ROUTER_TYPE,
    Certificate,
    file_log,
    server_tls,
)
from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import Forward, Listener, LoadBalancer, Target, TargetGroup
from toolkit.lab.dataplane.routes import ROUTE_TYPE, resource_name
from toolkit.lab.dataplane.standing import Standing

DOORMAN = "doorman"
STATS_PREFIX = "net"
DOORMAN_SECONDS = 0.2
"""How often each listener's cluster asks the doorman about each target."""
_TCP_PROXY_TYPE = f"{EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy"
_TLS_MATCH = "envoy.transport_socket_match"
_ONE_OF_A_THOUSAND = 100_000
"""Percent. By default Envoy takes weight from a locality with less than 72 % healthy targets; AWS does not."""
_NOBODY = "127.255.255.254"
"""Where a group without targets leads: nobody listens there, and the flow is refused."""
_NEVER = 1_000_000


def cluster(listener: Listener, *, endpoints_path: str) -> Json:
    """The cluster of one listener. It depends on nothing that changes in the listener's life."""
    interval = f"{DOORMAN_SECONDS}s"
    return {
        "@type": CLUSTER_TYPE,
        "name": resource_name(listener.arn),
        **watched(endpoints_path),
        "connect_timeout": "10s",
        "ignore_health_on_host_removal": True,
        "close_connections_on_host_health_failure": True,
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": {
            "locality_weighted_lb_config": {},
            # In a panic Envoy forgets the weights. Groups fail open before it comes to that: see `standing`.
            "healthy_panic_threshold": {"value": 0},
            "update_merge_window": "0s",
        },
        "circuit_breakers": no_breakers(),
        "transport_socket_matches": [{"name": "tls", "match": {"tls": True}, "transport_socket": unverified_tls()}],
        "health_checks": [
            {
                "timeout": "60s",
                "interval": interval,
                "no_traffic_interval": interval,
                "no_traffic_healthy_interval": interval,
                "healthy_threshold": 1,
                # A 503 counts at once; whatever else may happen between Envoy and itself never does.
                "unhealthy_threshold": _NEVER,
                "http_health_check": {"path": "/", "host": "unknown"},
                "transport_socket_match_criteria": {"tls": False},
            }
        ],
    }


def endpoints(
    listener: Listener,
    groups: Mapping[str, TargetGroup],
    standings: Mapping[str, Mapping[Target, Standing]],
    *,
    doorman: str,
) -> Json:
    """The targets of a listener's groups and the groups' weights; `standings` by target group ARN."""
    forwarded = _forwarded(listener)
    # Where every weight is 0 Envoy would take all groups for equal, so no target takes a flow then.
    takes = any(weight for _, weight in forwarded)
    return {
        "@type": ENDPOINTS_TYPE,
        "cluster_name": resource_name(listener.arn),
        "policy": {"overprovisioning_factor": _ONE_OF_A_THOUSAND},
        "endpoints": [
            _locality(number, groups[arn], weight, found if takes else _barred(found), doorman)
            for number, (arn, weight) in enumerate(forwarded)
            if arn in groups
            for found in (standings.get(arn, {}),)
        ],
    }


def host_name(group: TargetGroup, target: Target) -> str:
    """What the doorman knows a target by."""
    return f"{target.address}-{target.port}.{group.suffix.rpartition('/')[2]}".lower()


def listener(
    source: Listener, balancer: LoadBalancer, *, port: int, log_path: str, certificate: Certificate | None = None
) -> Json:
    """The listener resource; with a `certificate` it terminates TLS."""
    name = resource_name(source.arn)
    proxy = {
        "@type": _TCP_PROXY_TYPE,
        "stat_prefix": name,
        "cluster": name,
        "idle_timeout": f"{source.idle_timeout:g}s",
        "access_log": [file_log(log_path, f"{' '.join(LOG_FIELDS)} {balancer.suffix}")],
        # A flow is counted when it begins, and its bytes while it lasts.
        "access_log_options": {"flush_access_log_on_connected": True, "access_log_flush_interval": "5s"},
    }
    chain: Json = {"filters": [{"name": "tcp", "typed_config": proxy}]}
    if certificate is not None:
        chain["transport_socket"] = server_tls(certificate, protocols=())
    return {
        "@type": LISTENER_TYPE,
        "name": name,
        "stat_prefix": stats_name(source),
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "filter_chains": [chain],
        "enable_reuse_port": False,  # as with the listeners for HTTP
    }


def stats_name(source: Listener) -> str:
    """What Envoy's statistics of a listener begin with, after `listener.`."""
    return f"{STATS_PREFIX}_{resource_name(source.arn)}"


def doorman_listener(address: str, *, routes_path: str) -> Json:
    """The listener that says whose flows are to be closed, on the Unix socket `address`."""
    manager = {
        "@type": MANAGER_TYPE,
        "stat_prefix": DOORMAN,
        "rds": {
            "route_config_name": DOORMAN,
            "config_source": {"path_config_source": {"path": routes_path}, "resource_api_version": "V3"},
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER_TYPE}}],
    }
    return {
        "@type": LISTENER_TYPE,
        "name": DOORMAN,
        "address": {"pipe": {"path": address}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        "enable_reuse_port": False,
    }


def doorman_routes(closing: Iterable[str]) -> Json:
    """What the doorman answers: 503 for the host names in `closing`, 200 for all others."""
    names = sorted(set(closing))
    hosts = [_virtual_host("closing", names, 503)] if names else []
    return {
        "@type": ROUTE_TYPE,
        "name": DOORMAN,
        "virtual_hosts": [*hosts, _virtual_host("others", ["*"], 200)],
    }


def _virtual_host(name: str, domains: Sequence[str], status: int) -> Json:
    route = {"match": {"prefix": "/"}, "direct_response": {"status": status}}
    return {"name": name, "domains": list(domains), "routes": [route]}


def _forwarded(listener: Listener) -> tuple[tuple[str, int], ...]:
    action = listener.rules[-1].action
    return action.groups if isinstance(action, Forward) else ()


def _barred(standings: Mapping[Target, Standing]) -> Mapping[Target, Standing]:
    """The same with nobody taking new flows."""
    return {target: Standing.KEEPS if each is Standing.TAKES else each for target, each in standings.items()}


def _locality(
    number: int, group: TargetGroup, weight: int, standings: Mapping[Target, Standing], doorman: str
) -> Json:  # fmt: skip
    metadata: Json = {GROUP_NAMESPACE: {GROUP_KEY: group.suffix}}
    if group.protocol == "TLS":
        metadata[_TLS_MATCH] = {"tls": True}
    found = [
        {
            "endpoint": {
                "address": {"socket_address": {"address": target.address, "port_value": target.port}},
                "health_check_config": {"hostname": host_name(group, target), "address": {"pipe": {"path": doorman}}},
            },
            "health_status": "HEALTHY" if standing is Standing.TAKES else "UNHEALTHY",
            "metadata": {"filter_metadata": metadata},
        }
        for target, standing in standings.items()
        if target.address is not None
    ]
    if weight and Standing.TAKES not in standings.values():
        # Else the locality's weight would go to the other groups.
        address = {"socket_address": {"address": _NOBODY, "port_value": 1 + number}}
        nobody = {"address": address, "health_check_config": {"address": {"pipe": {"path": doorman}}}}
        found.append({"endpoint": nobody})
    return {
        "locality": {"sub_zone": group.suffix},
        "lb_endpoints": found,
        # Envoy's word for a weight of 0 is none at all.
        **({"load_balancing_weight": weight} if weight else {}),
    }
