import json
from pathlib import Path
from typing import Any

from toolkit.lab.dataplane.health import Events, HostState, health_of, hosts_of
from toolkit.lab.dataplane.model import HealthCheck, Target, TargetGroup

TARGET = Target("10.0.0.1", 80, "127.0.0.1")
GROUP = TargetGroup("arn:x:targetgroup/blue/1", "HTTP", "HTTP1", HealthCheck(matcher="200-204"), (TARGET,))
KEY = ("targetgroup/blue/1", "127.0.0.1", 80)


def state_of(
    *, used: bool = True, host: HostState | None = None, failure: str | None = None, target: Target = TARGET
) -> tuple[str, str | None]:
    hosts = {} if host is None else {KEY: host}
    failures = {} if failure is None else {KEY: failure}
    health = health_of(GROUP, target, used=used, hosts=hosts, failures=failures)
    return health.state, health.reason


SICK = HostState(failed=True, timed_out=False)
WELL = HostState(failed=False, timed_out=False)


def test_a_group_that_no_rule_uses_is_not_checked() -> None:
    assert state_of(used=False, host=WELL) == ("unused", "Target.NotInUse")


def test_initial_until_the_first_check_has_spoken() -> None:
    assert state_of() == ("initial", "Elb.RegistrationInProgress")
    assert state_of(host=SICK) == ("initial", "Elb.InitialHealthChecking")


def test_healthy_whatever_failed_before() -> None:
    assert state_of(host=WELL, failure="NETWORK") == ("healthy", None)


def test_unhealthy_for_its_reason() -> None:
    assert state_of(host=SICK, failure="ACTIVE") == ("unhealthy", "Target.ResponseCodeMismatch")
    assert state_of(host=SICK, failure="NETWORK_TIMEOUT") == ("unhealthy", "Target.Timeout")
    assert state_of(host=HostState(failed=True, timed_out=True), failure="NETWORK")[1] == "Target.Timeout"
    assert state_of(host=SICK, failure="NETWORK") == ("unhealthy", "Target.FailedHealthChecks")


def test_a_target_without_an_address_is_unhealthy() -> None:
    assert state_of(target=Target("i-1", 80, None))[0] == "unhealthy"


def test_hosts_are_read_from_envoys_answer() -> None:
    def host(port: int, **flags: bool) -> dict[str, Any]:
        return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}, "health_status": flags}

    statuses: list[dict[str, Any]] = [
        {"name": "c", "host_statuses": [host(1), host(2, failed_active_health_check=True)]},
        {"name": "empty"},
    ]
    assert hosts_of(statuses) == {("c", "127.0.0.1", 1): WELL, ("c", "127.0.0.1", 2): SICK}


def event(kind: str, **details: Any) -> str:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 80}}
    return json.dumps({"host": address, "cluster_name": "targetgroup/blue/1", kind: details}) + "\n"


def test_the_event_log_is_followed_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "health.log"
    events = Events(log)
    assert events.read() == {}
    first = event("health_check_failure_event", failure_type="NETWORK")
    log.write_text(first + event("eject_unhealthy_event", failure_type="NETWORK_TIMEOUT")[:20])
    assert events.read() == {KEY: "NETWORK"}
    log.write_text(first + event("eject_unhealthy_event", failure_type="NETWORK_TIMEOUT") + event("add_healthy_event"))
    assert events.read() == {KEY: "NETWORK_TIMEOUT"}
    events.forget(KEY)
    assert events.read() == {}
