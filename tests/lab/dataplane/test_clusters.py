from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.dataplane.clusters import LEAST_TIMEOUT, cluster, endpoints, matcher_ranges, outside
from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import HealthCheck, Target, TargetGroup

GROUP = TargetGroup(
    arn="arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/blue/1",
    protocol="HTTP",
    protocol_version="HTTP1",
    health_check=HealthCheck(path="/healthz", interval=10, timeout=3, matcher="200-299,302"),
    targets=(Target("10.0.0.1", 80, "127.0.0.1"), Target("i-1", 80, None)),
)
codes = st.integers(100, 599)


def made(group: TargetGroup, path: str | None = "eds.json", time_scale: float = 1.0) -> Json:
    return cluster(group, endpoints_path=path, events_path="events", time_scale=time_scale)


@given(st.lists(st.tuples(codes, codes).map(sorted), min_size=1, max_size=4))
def test_a_code_is_expected_or_outside_and_never_both(spans: list[list[int]]) -> None:
    matcher = ",".join(f"{first}-{last}" if first != last else str(first) for first, last in spans)
    ranges = matcher_ranges(matcher)
    rest = list(outside(ranges))
    for code in range(100, 600):
        inside = any(first <= code <= last for first, last in ranges)
        assert inside == any(first <= code <= last for first, last in spans)
        assert inside != any(first <= code <= last for first, last in rest)


def test_the_groups_health_check_is_envoys() -> None:
    (check,) = made(GROUP)["health_checks"]
    assert check["interval"] == check["no_traffic_interval"] == check["no_traffic_healthy_interval"] == "10.000s"
    assert check["timeout"] == "3.000s"
    assert (check["healthy_threshold"], check["unhealthy_threshold"]) == (5, 2)
    assert check["http_health_check"]["path"] == "/healthz"
    assert check["http_health_check"]["expected_statuses"] == [{"start": 200, "end": 300}, {"start": 302, "end": 303}]


def test_time_is_scaled_but_no_timeout_falls_below_what_a_busy_machine_needs() -> None:
    (check,) = made(GROUP, time_scale=0.1)["health_checks"]
    assert (check["interval"], check["timeout"]) == ("1.000s", f"{LEAST_TIMEOUT:.3f}s")


def test_it_fails_open_only_when_nobody_is_healthy() -> None:
    assert made(GROUP)["common_lb_config"]["healthy_panic_threshold"] == {"value": 1}


def test_a_target_without_an_address_is_left_out() -> None:
    (locality,) = endpoints(GROUP)["endpoints"]
    (only,) = locality["lb_endpoints"]
    assert only["endpoint"] == {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 80}}}


def test_the_checks_own_port_is_kept_apart_from_the_traffic() -> None:
    group = replace(GROUP, health_check=replace(GROUP.health_check, port=9000))
    (locality,) = endpoints(group)["endpoints"]
    assert locality["lb_endpoints"][0]["endpoint"]["health_check_config"] == {"port_value": 9000}


def test_targets_come_and_go_without_touching_a_watched_cluster() -> None:
    assert made(GROUP) == made(replace(GROUP, targets=()))
    assert made(GROUP, path=None) != made(replace(GROUP, targets=()), path=None)


@pytest.mark.parametrize(
    ("change", "key", "expected"),
    [
        ({"algorithm": "least_outstanding_requests"}, "lb_policy", "LEAST_REQUEST"),
        (
            {"slow_start": 30.0},
            "round_robin_lb_config",
            {"slow_start_config": {"slow_start_window": "30.000s"}},
        ),
    ],
)
def test_balancing(change: dict[str, object], key: str, expected: object) -> None:
    assert made(replace(GROUP, **change))[key] == expected  # type: ignore[arg-type]


def test_https_targets_are_spoken_to_in_tls() -> None:
    assert "transport_socket" in made(replace(GROUP, protocol="HTTPS"))
    assert "transport_socket" not in made(GROUP)
