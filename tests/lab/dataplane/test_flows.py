"""Flows per minute, from lines as Envoy writes them."""

from toolkit.lab.dataplane.flows import FlowLedger, MinuteFlows

BALANCER, BLUE, HOST = "net/web/1", "targetgroup/blue/1", "127.0.0.1:80"
MINUTE = 600


def line(
    second: int, kind: str, flow: int, *, client: str = "Normal", target: str = "Normal", flags: str = "-",
    received: int = 0, sent: int = 0, group: str = BLUE,
) -> str:  # fmt: skip
    fields = (second, kind, flow, client, target, flags, received, sent, HOST, group, BALANCER)
    return " ".join(map(str, fields))


def begun(second: int, flow: int, group: str = BLUE) -> str:
    return line(second, "TcpUpstreamConnected", flow, group=group)


def ended(second: int, flow: int, **how: object) -> str:
    return line(second, "TcpConnectionEnd", flow, **how)  # type: ignore[arg-type]


def counted(*lines: str, now: int = MINUTE + 59) -> list[MinuteFlows]:
    ledger = FlowLedger()
    ledger.add(lines, now=now)
    return ledger.since(0)


def row(minute: int = MINUTE, group: str = BLUE, **counts: int) -> MinuteFlows:
    return MinuteFlows(minute, BALANCER, group, **counts)


def test_a_flow_is_new_in_its_first_minute_and_active_in_each_one_it_sees_the_end_of() -> None:
    lines = [begun(600, 1), begun(610, 2), ended(615, 2), ended(730, 1)]
    assert counted(*lines, now=735) == [row(new=2, active=1), row(660, active=1), row(720, active=0)]


def test_what_is_open_now_is_the_running_minutes_activity() -> None:
    ledger = FlowLedger()
    ledger.add([begun(600, 1), begun(601, 2)], now=602)
    assert ledger.since(0) == [row(new=2, active=2)]
    ledger.add([ended(603, 1)], now=604)
    assert ledger.since(0) == [row(new=2, active=1)]
    ledger.add([], now=661)
    assert ledger.since(0) == [row(new=2, active=1), row(660, active=1)]


def test_bytes_count_in_the_minute_in_which_they_are_reported() -> None:
    lines = [
        begun(600, 1),
        line(605, "TcpPeriodic", 1, received=10, sent=20),
        line(665, "TcpPeriodic", 1, received=15, sent=20),
        ended(670, 1, received=15, sent=27),
    ]
    assert [each.bytes for each in counted(*lines, now=670)] == [30, 12]


def test_a_reset_counts_for_the_side_that_sent_it() -> None:
    flows = range(1, 5)
    lines = [
        *(begun(600, flow) for flow in flows),
        ended(601, 1, client="RemoteReset"),
        ended(601, 2, client="LocalReset", target="RemoteReset", flags="UR"),
        ended(601, 3),
        ended(601, 4, client="RemoteReset"),
    ]
    assert counted(*lines) == [row(new=4, client_resets=2, target_resets=1)]


def test_a_target_that_refuses_has_reset_and_without_a_target_the_load_balancer_has() -> None:
    lines = [
        ended(600, 1, flags="UF,URX"),
        ended(600, 2, flags="UF,URX", group="-"),
        ended(600, 3, flags="UH", group="-"),
    ]
    assert counted(*lines) == [row(group="", balancer_resets=2), row(target_resets=1)]


def test_flows_that_end_while_their_target_is_being_closed_were_ended_by_the_load_balancer() -> None:
    ledger = FlowLedger()
    ledger.closing(BLUE, HOST, now=610.2)
    ledger.closing(BLUE, HOST, now=611.4)
    ledger.add([*(begun(600, flow) for flow in (1, 2, 3)), ended(609, 1), ended(611, 2), ended(614, 3)], now=620)
    assert ledger.since(0) == [row(new=3, balancer_resets=1)]


def test_the_groups_of_a_load_balancer_are_told_apart() -> None:
    green = "targetgroup/green/2"
    assert counted(begun(600, 1), begun(600, 2, green)) == [row(new=1, active=1), row(group=green, new=1, active=1)]


def test_rows_are_copies_of_the_minutes_that_end_after_a_moment() -> None:
    ledger = FlowLedger()
    ledger.add([begun(600, 1), ended(660, 1)], now=660)
    assert [each.minute for each in ledger.since(659)] == [600, 660]
    assert [each.minute for each in ledger.since(660)] == [660]
    ledger.since(0)[0].new = 99
    assert ledger.since(0)[0].new == 1


def test_old_minutes_are_forgotten_and_a_long_silence_costs_no_more_than_what_is_kept() -> None:
    ledger = FlowLedger(keep_minutes=3)
    ledger.add([begun(600, 1)], now=600)
    ledger.add([], now=1_000_000_020)
    assert [each.minute for each in ledger.since(0)] == [1_000_000_020 - 60 * back for back in (3, 2, 1, 0)]


def test_a_line_that_is_none_is_passed_over() -> None:
    assert counted("", "half a line", begun(600, 1)) == [row(new=1, active=1)]


def test_when_envoy_starts_anew_no_flow_of_before_is_open() -> None:
    ledger = FlowLedger()
    ledger.add([begun(600, 1)], now=600)
    ledger.forget_open()
    ledger.add([], now=601)
    assert ledger.since(0) == [row(new=1, active=0)]
