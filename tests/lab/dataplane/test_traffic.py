from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.dataplane.traffic import AccessLog, Ledger

LB = "app/web/1"
BLUE = "targetgroup/blue/1"


def line(
    second: int = 60,
    *,
    code: int = 200,
    flags: str = "-",
    details: str = "via_upstream",
    cluster: str = BLUE,
    duration: str = "1500",
) -> str:
    return f"{second} {code} {flags} {details} {cluster} {duration} {LB}"


def test_what_targets_answered_is_kept_by_class_minute_and_group() -> None:
    ledger = Ledger()
    ledger.add([line(), line(119), line(120), line(code=404), line(code=302), line(code=503)])
    first, second = ledger.since(0)
    assert (first.minute, first.load_balancer, first.target_group) == (60, LB, BLUE)
    assert (first.request_count, first.target_2xx, first.target_3xx) == (5, 2, 1)
    assert (first.target_4xx, first.target_5xx, first.elb_5xx) == (1, 1, 0)
    assert first.response_times == {0.0015: 5}
    assert (second.minute, second.request_count) == (120, 1)


def test_a_target_that_failed_is_the_load_balancers_5xx_and_the_groups_request() -> None:
    ledger = Ledger()
    ledger.add(
        [
            line(code=502, flags="UF", details="upstream_reset_before_response_started{connection_failure}"),
            line(code=502, flags="UC", details="upstream_reset_before_response_started{connection_termination}"),
            line(code=504, flags="SI", details="stream_idle_timeout", duration="-"),
        ]
    )
    (row,) = ledger.since(0)
    assert (row.target_group, row.request_count, row.elb_5xx, row.target_5xx) == (BLUE, 3, 3, 0)
    assert row.connection_errors == 1
    assert row.response_times == {}


def test_a_request_without_a_target_belongs_to_no_group() -> None:
    ledger = Ledger()
    ledger.add(
        [
            line(code=503, flags="UH", details="no_healthy_upstream", duration="-"),
            line(code=404, details="direct_response", cluster="-", duration="-"),
            line(code=301, details="direct_response", cluster="-", duration="-"),
        ]
    )
    (row,) = ledger.since(0)
    assert (row.target_group, row.request_count) == (None, 3)
    assert (row.elb_3xx, row.elb_4xx, row.elb_5xx) == (1, 1, 1)


def test_since_gives_the_minutes_that_end_later() -> None:
    ledger = Ledger()
    ledger.add([line(60), line(120)])
    assert [row.minute for row in ledger.since(119)] == [60, 120]
    assert [row.minute for row in ledger.since(120)] == [120]


def test_what_was_given_away_does_not_change_any_more() -> None:
    ledger = Ledger()
    ledger.add([line()])
    (row,) = ledger.since(0)
    ledger.add([line(), line(duration="9")])
    assert (row.request_count, len(row.response_times)) == (1, 1)


def test_old_minutes_are_forgotten() -> None:
    ledger = Ledger(keep_minutes=2)
    ledger.add([line(60), line(120), line(240)])
    assert [row.minute for row in ledger.since(0)] == [120, 240]


@given(st.integers(0, 10**8))
def test_response_times_keep_three_digits(microseconds: int) -> None:
    ledger = Ledger()
    ledger.add([line(duration=str(microseconds))])
    (row,) = ledger.since(0)
    ((seconds, count),) = row.response_times.items()
    assert count == 1
    assert microseconds * 0.99 <= seconds * 1e6 + 1e-6
    assert seconds * 1e6 <= microseconds + 1e-6


def test_the_log_is_read_once_and_survives_rotation(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(path)
    assert log.read() == []
    path.write_text("a\nb\nhal")
    assert log.read() == ["a", "b"]
    opened: list[str] = []
    log.rotate(lambda: opened.append("reopened"), above=3)
    assert opened == ["reopened"]
    with path.with_name("access.log.old").open("a") as old:  # Envoy writes on until its next flush
        old.write("f\nc\n")
    assert log.read() == ["half", "c"]
    with path.with_name("access.log.old").open("a") as old:
        old.write("d\n")
    path.write_text("e\n")
    assert log.read() == ["d", "e"]
    assert not path.with_name("access.log.old").exists()
    log.rotate(lambda: opened.append("again"), above=1000)
    assert opened == ["reopened"]
