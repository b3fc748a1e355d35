"""Network Load Balancers with a real Envoy: flows are real connections, and their fate is what counts."""

import contextlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.dataplane.rig import REGION, Rig, forward, until
from tests.lab.dataplane.tcp import Echo, Flow, echoing
from toolkit.lab.dataplane import MinuteFlows
from toolkit.lab.dataplane.certificate import self_signed

pytestmark = pytest.mark.lab
CHECK_PORT = 18_444


@pytest.fixture(scope="module")
def blue() -> Iterator[Echo]:
    with echoing("blue", 1) as echo:
        yield echo


@pytest.fixture(scope="module")
def green() -> Iterator[Echo]:
    with echoing("green", 2) as echo:
        yield echo


@dataclass(slots=True)
class Frail:
    """A target that turns sick without losing a flow: its health checks go to a port of their own."""

    target: Echo
    check: Echo

    def turn_sick(self) -> None:
        self.check.stop()

    def recover(self) -> None:
        self.check.start()


@pytest.fixture
def frail() -> Iterator[Callable[[int], Frail]]:
    with contextlib.ExitStack() as stack:

        def make(number: int) -> Frail:
            check = stack.enter_context(echoing("check", number, port=CHECK_PORT))
            return Frail(stack.enter_context(echoing(f"frail-{number}", number)), check)

        yield make


@pytest.fixture(scope="module")
def pair(rig: Rig, blue: Echo, green: Echo) -> tuple[str, str]:
    return rig.tcp_group(blue), rig.tcp_group(green)


def flow_to(name: str, rig: Rig, listener: str) -> Flow:
    """A new flow to one of several targets."""
    found: list[Flow] = []

    def is_there() -> bool:
        flow = Flow(rig.plane.listeners()[listener])
        if flow.name == name:
            found.append(flow)
        else:
            flow.close()
        return bool(found)

    until(is_there)
    return found[0]


def is_split(names: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """Whether the flows went as `wanted`, but for two: whenever a target's standing changes, the turns begin anew."""
    return names.keys() == wanted.keys() and all(abs(names[name] - wanted[name]) <= 2 for name in wanted)


def test_new_flows_are_split_exactly_and_a_weight_of_0_gets_none_at_once(rig: Rig, pair: tuple[str, str]) -> None:
    first, second = pair
    with rig.balancing((first, 100), (second, 0)) as listener:
        assert rig.plane.listeners()[listener].startswith("tcp://127.0.0.1:")
        assert rig.names(listener, 50) == {"blue": 50}
        rig.shift(listener, forward((first, 3), (second, 1)))
        green = rig.names(listener, 1000)["green"]
        # One degree of freedom: chance exceeds 10.8 once in a thousand runs, and Envoy does not leave it to chance.
        assert (green - 250) ** 2 / 250 + (1000 - green - 750) ** 2 / 750 < 10.8
        for _ in range(10):
            rig.shift(listener, forward((first, 0), (second, 100)))
            assert rig.names(listener, 10) == {"green": 10}
            rig.shift(listener, forward((first, 100), (second, 0)))
            assert rig.names(listener, 10) == {"blue": 10}


def test_flows_survive_every_change_of_weights(rig: Rig, pair: tuple[str, str]) -> None:
    first, second = pair
    with rig.balancing((first, 1), (second, 1)) as listener, contextlib.ExitStack() as stack:
        flows = [stack.enter_context(rig.flow(listener)) for _ in range(10)]
        names = [flow.name for flow in flows]
        assert set(names) == {"blue", "green"}
        for weights in [(100, 0), (0, 100)] * 15 + [(0, 0), (5, 95)]:
            rig.shift(listener, forward((first, weights[0]), (second, weights[1])))
            assert [flow.says("hello") for flow in flows] == ["hello"] * 10
        assert rig.plane.active_flows() == {rig.network.partition(":loadbalancer/")[2]: 10}
        # A group that the listener forwards to no more keeps its flows as well.
        rig.shift(listener, forward((first, 1)))
        assert all(flow.lives for flow in flows)


def test_weights_that_are_all_0_take_no_flow(rig: Rig, pair: tuple[str, str]) -> None:
    with rig.balancing((pair[0], 0), (pair[1], 0)) as listener:
        assert rig.names(listener, 5) == {"": 5}


def test_every_attached_group_is_checked_at_weight_0_too_and_others_are_unused(
    rig: Rig, pair: tuple[str, str], blue: Echo
) -> None:  # fmt: skip
    other = rig.tcp_group(blue)
    with rig.balancing((pair[0], 100), (pair[1], 0)):
        until(lambda: rig.states(pair[1]) == ["healthy"])
        assert rig.states(pair[0]) == ["healthy"]
        assert rig.states(other) == ["unused"]


def test_a_sick_target_gets_no_new_flow_and_its_group_keeps_its_weight(
    rig: Rig, pair: tuple[str, str], frail: Callable[[int], Frail]
) -> None:
    targets = [frail(number) for number in (11, 12, 13, 14)]
    group = rig.tcp_group(*(each.target for each in targets), HealthCheckPort=str(CHECK_PORT))
    with rig.balancing((pair[0], 1), (group, 1)) as listener:
        until(lambda: set(rig.states(group)) == {"healthy"})
        for sick in targets[1:]:
            sick.turn_sick()
        until(lambda: sorted(rig.states(group)) == ["healthy", *["unhealthy"] * 3])
        until(lambda: rig.names(listener, 8) == {"blue": 4, "frail-11": 4})
        assert is_split(rig.names(listener, 60), {"blue": 30, "frail-11": 30})
        targets[1].recover()
        until(lambda: rig.names(listener, 20)["frail-12"] > 0)


def test_a_group_fails_open_when_none_of_its_targets_is_healthy_and_its_weight_stays(
    rig: Rig, pair: tuple[str, str], frail: Callable[[int], Frail]
) -> None:
    one, other = frail(11), frail(12)
    group = rig.tcp_group(one.target, other.target, HealthCheckPort=str(CHECK_PORT))
    with rig.balancing((pair[0], 1), (group, 1)) as listener:
        until(lambda: set(rig.states(group)) == {"healthy"})
        one.turn_sick()
        until(lambda: "unhealthy" in rig.states(group))
        until(lambda: rig.names(listener, 8)["frail-11"] == 0)
        with contextlib.closing(flow_to("frail-12", rig, listener)) as flow:
            other.turn_sick()
            until(lambda: rig.states(group) == ["unhealthy", "unhealthy"])
            until(lambda: rig.names(listener, 8) == {"blue": 4, "frail-11": 2, "frail-12": 2})
            assert is_split(rig.names(listener, 80), {"blue": 40, "frail-11": 20, "frail-12": 20})
            assert flow.lives


def test_a_group_without_targets_refuses_its_share(rig: Rig, pair: tuple[str, str]) -> None:
    with rig.balancing((pair[0], 1), (rig.tcp_group(), 1)) as listener:
        assert rig.names(listener, 40) == {"blue": 20, "": 20}


def test_flows_to_a_target_that_turns_sick_are_closed(rig: Rig, frail: Callable[[int], Frail]) -> None:
    sick, fit = frail(11), frail(12)
    group = rig.tcp_group(sick.target, fit.target, HealthCheckPort=str(CHECK_PORT))
    with rig.balancing((group, 1)) as listener:
        until(lambda: set(rig.states(group)) == {"healthy"})
        with (
            contextlib.closing(flow_to("frail-11", rig, listener)) as to_sick,
            contextlib.closing(flow_to("frail-12", rig, listener)) as to_fit,
        ):
            sick.turn_sick()
            assert to_sick.ended()
            assert to_fit.lives
            sick.recover()
            until(lambda: set(rig.states(group)) == {"healthy"})
            flow_to("frail-11", rig, listener).close()


def test_flows_to_a_target_that_turns_sick_stay_where_the_group_says_so(
    rig: Rig, frail: Callable[[int], Frail]
) -> None:  # fmt: skip
    sick, fit = frail(11), frail(12)
    group = rig.tcp_group(sick.target, fit.target, HealthCheckPort=str(CHECK_PORT))
    rig.set(group, target_health_state__unhealthy__connection_termination__enabled="false")
    with rig.balancing((group, 1)) as listener:
        until(lambda: set(rig.states(group)) == {"healthy"})
        with contextlib.closing(flow_to("frail-11", rig, listener)) as flow:
            sick.turn_sick()
            until(lambda: rig.names(listener, 10) == {"frail-12": 10})
            assert not flow.ended(0.7)
            assert flow.lives


def test_a_deregistered_target_keeps_its_flows_beyond_its_delay(rig: Rig, blue: Echo, green: Echo) -> None:
    group = rig.tcp_group(blue, green)
    rig.set(group, deregistration_delay__timeout_seconds="150")  # three seconds in the rig
    with rig.balancing((group, 1)) as listener, contextlib.closing(flow_to("blue", rig, listener)) as flow:
        rig.deregister(group, blue)
        assert sorted(rig.states(group)) == ["draining", "healthy"]
        assert rig.names(listener, 10) == {"green": 10}
        until(lambda: rig.states(group) == ["healthy"])
        assert not flow.ended(0.7)
        assert flow.lives
        rig.register(group, blue)
        assert flow.lives


def test_a_deregistered_targets_flows_are_closed_at_the_end_of_its_delay_where_the_group_says_so(
    rig: Rig, blue: Echo, green: Echo
) -> None:
    group = rig.tcp_group(blue, green)
    rig.set(
        group,
        deregistration_delay__timeout_seconds="200",  # four seconds in the rig
        deregistration_delay__connection_termination__enabled="true",
    )
    with (
        rig.balancing((group, 1)) as listener,
        contextlib.closing(flow_to("blue", rig, listener)) as flow,
        contextlib.closing(flow_to("green", rig, listener)) as other,
    ):
        written = time.monotonic()
        rig.deregister(group, blue)
        assert flow.lives
        assert flow.ended(15.0)
        assert time.monotonic() - written > 4.0
        assert other.lives
        # Who comes back is served as before.
        rig.register(group, blue)
        flow_to("blue", rig, listener).close()


def test_a_target_that_comes_back_before_the_end_of_its_delay_keeps_its_flows(
    rig: Rig, blue: Echo, green: Echo
) -> None:  # fmt: skip
    group = rig.tcp_group(blue, green)
    rig.set(
        group,
        deregistration_delay__timeout_seconds="150",  # three seconds in the rig
        deregistration_delay__connection_termination__enabled="true",
    )
    with rig.balancing((group, 1)) as listener, contextlib.closing(flow_to("blue", rig, listener)) as flow:
        rig.deregister(group, blue)
        rig.register(group, blue)
        assert not flow.ended(3.5)
        assert flow.lives


def test_a_tls_listener_ends_tls_and_a_tls_group_has_it_anew(rig: Rig, tmp_path: Path, blue: Echo) -> None:
    certificate = self_signed()
    pem = tmp_path / "target.pem"
    pem.write_text(certificate.key + certificate.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with echoing("encrypted", 21, context=context) as encrypted:
        plain, anew = rig.tcp_group(blue), rig.tcp_group(encrypted, Protocol="TLS")
        settings = {"Protocol": "TLS", "Certificates": [{"CertificateArn": rig.certificate()}]}
        with rig.balancing((plain, 1), (anew, 1), **settings) as listener:
            assert rig.plane.listeners()[listener].startswith("tls://127.0.0.1:")
            assert rig.states(anew) == ["healthy"]
            assert rig.names(listener, 20) == {"blue": 10, "encrypted": 10}
            with contextlib.closing(flow_to("encrypted", rig, listener)) as flow:
                rig.shift(listener, forward((plain, 1), (anew, 0)))
                assert flow.lives


def test_health_checks_over_http_ask_the_path_for_a_code_of_the_matcher(rig: Rig) -> None:
    site = rig.sites["blue"]
    group = rig.group(
        site, Protocol="TCP", HealthCheckProtocol="HTTP", HealthCheckPath="/healthz", Matcher={"HttpCode": "200-399"}
    )
    with rig.balancing((group, 1)) as listener:
        assert rig.states(group) == ["healthy"]
        assert rig.ask(listener).color == "blue"
        rig.app.set_faults(site, unhealthy=True)
        try:
            until(lambda: rig.health_of(group, site).reason == "Target.ResponseCodeMismatch")
        finally:
            rig.app.set_faults(site, unhealthy=False)


def test_flows_bytes_and_resets_are_counted(rig: Rig, blue: Echo) -> None:
    group = rig.tcp_group(blue)
    suffix = group.rpartition(":")[2]
    with rig.balancing((group, 1)) as listener:

        def counted() -> MinuteFlows:
            total = MinuteFlows(0, rig.network.partition(":loadbalancer/")[2], suffix)
            for row in rig.plane.flows(since=0):
                if row.target_group == suffix:
                    assert row.load_balancer == total.load_balancer
                    total.new += row.new
                    total.active = row.active
                    total.bytes += row.bytes
                    total.client_resets += row.client_resets
                    total.target_resets += row.target_resets
                    total.balancer_resets += row.balancer_resets
            return total

        with rig.flow(listener), rig.flow(listener) as second, rig.flow(listener) as third:
            until(lambda: (counted().new, counted().active) == (3, 3))
            second.reset()
            with pytest.raises(ConnectionResetError):
                third.says("reset")
            until(lambda: (counted().client_resets, counted().target_resets, counted().active) == (1, 1, 1))
        until(lambda: counted().active == 0)
        # Three greetings of five bytes, and the line that asked for the reset.
        assert (counted().new, counted().balancer_resets, counted().bytes) == (3, 0, 21)


def test_flows_that_the_load_balancer_ends_count_as_its_own_resets(rig: Rig, blue: Echo) -> None:
    group = rig.tcp_group(blue)
    rig.set(
        group,
        deregistration_delay__timeout_seconds="0",
        deregistration_delay__connection_termination__enabled="true",
    )
    with rig.balancing((group, 1)) as listener, rig.flow(listener) as flow:
        rig.deregister(group, blue)
        assert flow.ended()
        suffix = group.rpartition(":")[2]
        until(lambda: [r.balancer_resets for r in rig.plane.flows(0) if r.target_group == suffix][-1:] == [1])


def test_what_is_no_flow_over_tcp_is_left_alone(rig: Rig, pair: tuple[str, str]) -> None:
    datagrams = rig.tcp_group(Protocol="UDP")
    with (
        rig.listening(forward((datagrams, 1)), LoadBalancerArn=rig.network, Protocol="UDP") as listener,
        rig.balancing((pair[0], 1)) as served,
    ):
        assert listener not in rig.plane.listeners()
        assert rig.names(served, 5) == {"blue": 5}


def test_two_listeners_share_a_group_and_close_its_flows_together(rig: Rig, blue: Echo, green: Echo) -> None:
    group = rig.tcp_group(blue, green)
    rig.set(
        group,
        deregistration_delay__timeout_seconds="0",
        deregistration_delay__connection_termination__enabled="true",
    )
    with (
        rig.balancing((group, 1)) as first,
        rig.balancing((group, 1)) as second,
        contextlib.closing(flow_to("blue", rig, first)) as one,
        contextlib.closing(flow_to("blue", rig, second)) as other,
    ):
        rig.deregister(group, blue)
        assert one.ended()
        assert other.ended()


def test_weights_follow_after_the_propagation_delay_and_flows_live_on(rig: Rig, pair: tuple[str, str]) -> None:
    first, second = pair
    with rig.balancing((first, 100), (second, 0)) as listener, rig.flow(listener) as flow:
        rig.plane.propagation_delay = 0.5
        try:
            written = time.monotonic()
            rig.shift(listener, forward((first, 0), (second, 100)))
            until(lambda: rig.names(listener, 1) == {"green": 1})
            assert time.monotonic() - written >= rig.plane.propagation_delay
            assert flow.lives
        finally:
            rig.plane.propagation_delay = 0.0


def test_more_listeners_than_files_can_be_watched_keep_their_flows(
    rig: Rig, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.lab.dataplane.config.MAX_WATCHED", 1)
    with rig.balancing((pair[0], 1)) as one, rig.balancing((pair[1], 1)) as other, rig.flow(one) as flow:
        rig.shift(one, forward((pair[1], 1)))
        assert flow.lives
        assert rig.names(one, 4) == rig.names(other, 4) == {"green": 4}


def test_a_flow_in_which_nothing_is_said_ends_after_the_listeners_idle_timeout(
    rig: Rig, pair: tuple[str, str]
) -> None:  # fmt: skip
    with rig.balancing((pair[0], 1)) as listener:
        # Less than AWS takes; the rig's emulator does not mind.
        idle = [{"Key": "tcp.idle_timeout.seconds", "Value": "1"}]
        rig.elbv2.modify_listener_attributes(ListenerArn=listener, Attributes=idle)
        rig.plane.reconcile(REGION)
        with rig.flow(listener) as flow:
            began = time.monotonic()
            assert flow.ended(5.0)
            assert time.monotonic() - began > 0.9


def test_a_group_for_tcp_and_udp_takes_the_flows_of_a_tcp_listener(rig: Rig, blue: Echo) -> None:
    with rig.balancing((rig.tcp_group(blue, Protocol="TCP_UDP"), 1)) as listener:
        assert rig.names(listener, 3) == {"blue": 3}
