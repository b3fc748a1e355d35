"""Target groups as Envoy clusters and endpoint sets. Pure.

A cluster holds what is configured (health checks, balancing), the endpoint set which targets there are; so that
registering a target leaves the cluster and its connections alone.
"""

from collections.abc import Iterable, Iterator

from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import HealthCheck, TargetGroup

CLUSTER_TYPE = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ENDPOINTS_TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
_UPSTREAM_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_UPSTREAM_OPTIONS_TYPE = f"type.googleapis.com/{_UPSTREAM_OPTIONS}"
_EVENT_SINK_TYPE = "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink"
_TLS_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"

FIRST_STATUS, LAST_STATUS = 100, 599
LEAST_TIMEOUT = 1.0
"""Seconds. However fast the lab's clock runs, a busy machine is not taken for a sick target."""
_NO_LIMIT = 1_000_000


def cluster(group: TargetGroup, *, endpoints_path: str | None, events_path: str, time_scale: float) -> Json:
    """The cluster of one target group.

    `endpoints_path` is the file Envoy watches for its targets; None puts them into the cluster itself, which
    needs no watch but starts health checking anew at every change of a target.
    """
    return {
        **_checked(group, endpoints_path, events_path, time_scale),
        # ALB fails open only when no target at all is healthy; Envoy's default is below half.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
        "circuit_breakers": no_breakers(),
        "typed_extension_protocol_options": {_UPSTREAM_OPTIONS: _protocol_options(group)},
        **_balancing(group),
        **({"transport_socket": unverified_tls()} if group.protocol == "HTTPS" else {}),
    }


def checking_cluster(
    group: TargetGroup, *, endpoints_path: str | None, events_path: str, time_scale: float
) -> Json:  # fmt: skip
    """A cluster that checks the targets of a group behind a Network Load Balancer; flows do not go through it."""
    return {
        **_checked(group, endpoints_path, events_path, time_scale),
        **({"transport_socket": unverified_tls()} if group.health_check.protocol == "HTTPS" else {}),
    }


def _checked(group: TargetGroup, endpoints_path: str | None, events_path: str, time_scale: float) -> Json:
    """What every cluster of a target group has: its name, its targets and its health check."""
    if endpoints_path is None:
        discovery: Json = {"type": "STATIC", "load_assignment": _without_type(endpoints(group))}
    else:
        discovery = watched(endpoints_path)
    return {
        "@type": CLUSTER_TYPE,
        "name": group.suffix,
        **discovery,
        "connect_timeout": "10s",
        "ignore_health_on_host_removal": True,
        "health_checks": [_health_check(group.health_check, events_path, time_scale)],
    }


def watched(endpoints_path: str) -> Json:
    """The part of a cluster that has its endpoints read from a file."""
    source = {"path_config_source": {"path": endpoints_path}, "resource_api_version": "V3"}
    return {"type": "EDS", "eds_cluster_config": {"eds_config": source}}


def endpoints(group: TargetGroup) -> Json:
    """The targets of one group; those without an address in the lab are left out (they report unhealthy)."""
    return {
        "@type": ENDPOINTS_TYPE,
        "cluster_name": group.suffix,
        "endpoints": [
            {
                "lb_endpoints": [
                    {"endpoint": _endpoint(target.address, target.port, group.health_check.port)}
                    for target in group.targets
                    if target.address is not None
                ]
            }
        ],
    }


def matcher_ranges(matcher: str) -> tuple[tuple[int, int], ...]:
    """The HTTP codes of an ELBv2 matcher as inclusive (first, last), in order, e.g. "200,300-399"."""
    found: list[tuple[int, int]] = []
    for part in matcher.split(","):
        first, _, last = part.strip().partition("-")
        found.append((int(first), int(last or first)))
    return tuple(sorted(found))


def outside(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The inclusive ranges of HTTP codes that `ranges` (sorted) leave out."""
    following = FIRST_STATUS
    for first, last in ranges:
        if first > following:
            yield following, first - 1
        following = max(following, last + 1)
    if following <= LAST_STATUS:
        yield following, LAST_STATUS


def _health_check(check: HealthCheck, events_path: str, time_scale: float) -> Json:
    interval = _seconds(check.interval * time_scale)
    return {
        "timeout": _seconds(max(check.timeout * time_scale, LEAST_TIMEOUT)),
        "interval": interval,
        # Without these Envoy checks a cluster that has seen no traffic once a minute only.
        "no_traffic_interval": interval,
        "no_traffic_healthy_interval": interval,
        "healthy_threshold": check.healthy_threshold,
        "unhealthy_threshold": check.unhealthy_threshold,
        **_probe(check),
        "event_logger": [
            {
                "name": "envoy.health_check.event_sink.file",
                "typed_config": {"@type": _EVENT_SINK_TYPE, "event_log_path": events_path},
            }
        ],
    }


def _probe(check: HealthCheck) -> Json:
    """What a check asks, and which answers pass."""
    if check.protocol == "TCP":
        return {"tcp_health_check": {}}  # that the target accepts a connection is all
    ranges = matcher_ranges(check.matcher)
    return {
        "http_health_check": {
            "host": "target",
            "path": check.path,
            "expected_statuses": [_half_open(*span) for span in ranges],
            # A code outside the matcher counts towards the threshold; without this list it ejects at once.
            "retriable_statuses": [_half_open(*span) for span in outside(ranges)],
            "request_headers_to_add": [
                {
                    "header": {"key": "user-agent", "value": "ELB-HealthChecker/2.0"},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        },
    }


def _balancing(group: TargetGroup) -> Json:
    if group.algorithm == "least_outstanding_requests":
        return {"lb_policy": "LEAST_REQUEST"}
    if group.slow_start > 0:
        window = {"slow_start_window": _seconds(group.slow_start)}
        return {"lb_policy": "ROUND_ROBIN", "round_robin_lb_config": {"slow_start_config": window}}
    return {"lb_policy": "ROUND_ROBIN"}


def _protocol_options(group: TargetGroup) -> Json:
    versions = {"HTTP2": "http2_protocol_options", "GRPC": "http2_protocol_options"}
    return {
        "@type": _UPSTREAM_OPTIONS_TYPE,
        # Source: ALB keeps idle connections to targets for its idle timeout, 60 s unless set.
        "common_http_protocol_options": {"idle_timeout": "60s"},
        "explicit_http_config": {versions.get(group.protocol_version, "http_protocol_options"): {}},
    }


def _endpoint(address: str, port: int, check_port: int | None) -> Json:
    found: Json = {"address": {"socket_address": {"address": address, "port_value": port}}}
    if check_port is not None:
        found["health_check_config"] = {"port_value": check_port}
    return found


def unverified_tls() -> Json:
    """TLS to a target, whose certificate no load balancer verifies."""
    return {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": _TLS_TYPE}}


def no_breakers() -> Json:
    """Envoy's limits on connections and requests out of the way: a load balancer has none."""
    return {"thresholds": [_no_breaker("DEFAULT"), _no_breaker("HIGH")]}


def _no_breaker(priority: str) -> Json:
    limits = ("max_connections", "max_pending_requests", "max_requests")
    return {"priority": priority} | dict.fromkeys(limits, _NO_LIMIT)


def _without_type(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if key != "@type"}


def _half_open(first: int, last: int) -> Json:
    return {"start": first, "end": last + 1}


def _seconds(seconds: float) -> str:
    return f"{max(seconds, 0.05):.3f}s"
