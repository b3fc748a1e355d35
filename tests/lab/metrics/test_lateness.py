"""When a minute shows in CloudWatch, and how much of it."""

from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.dataplane import MinuteTraffic
from toolkit.lab.metrics.lateness import FIRST_SHARE, Lateness, shown

MINUTE = 1_700_000_040 // 60 * 60
END = MINUTE + 60
counts = st.integers(0, 100_000)


def test_a_minute_appears_incomplete_after_the_delay_and_is_whole_after_the_revision() -> None:
    lateness = Lateness(delay=60, revision=30)
    assert lateness.share(MINUTE, END + 59.9) == 0
    assert lateness.share(MINUTE, END + 60) == FIRST_SHARE
    assert FIRST_SHARE < lateness.share(MINUTE, END + 75) < 1
    assert lateness.share(MINUTE, END + 90) == 1


def test_without_revision_it_is_whole_at_once_and_never_before_the_minute_is_over() -> None:
    lateness = Lateness(delay=0, revision=0)
    assert lateness.share(MINUTE, END - 0.1) == 0
    assert lateness.share(MINUTE, END) == 1


@given(st.floats(0, 600), st.floats(0, 600), st.floats(0, 2000), st.floats(0, 2000))
def test_what_is_visible_only_grows(delay: float, revision: float, one: float, other: float) -> None:
    lateness = Lateness(delay, revision)
    earlier, later = sorted((one, other))
    assert lateness.share(MINUTE, MINUTE + earlier) <= lateness.share(MINUTE, MINUTE + later)


@given(st.tuples(counts, counts, counts, counts, counts), st.floats(0, 1))
def test_what_is_shown_adds_up_and_never_exceeds_what_was(
    counted: tuple[int, int, int, int, int], share: float
) -> None:
    good, moved, bad, unanswered, _other = counted
    row = MinuteTraffic(
        "app/web/1",
        "targetgroup/blue/1",
        MINUTE,
        request_count=sum(counted),
        target_2xx=good,
        target_3xx=moved,
        target_5xx=bad,
        elb_5xx=unanswered,
        response_times={0.001: good, 0.2: bad},
    )
    part = shown(row, share)
    assert part.request_count <= row.request_count
    assert part.target_2xx + part.target_3xx + part.target_5xx + part.elb_5xx <= part.request_count
    assert part.target_5xx <= row.target_5xx
    assert sum(part.response_times.values()) <= good + bad
    assert all(count <= row.response_times[time] for time, count in part.response_times.items())


def test_a_whole_minute_is_shown_as_it_was() -> None:
    row = MinuteTraffic("app/web/1", None, MINUTE, request_count=7, response_times={0.1: 7})
    assert shown(row, 1.0) == row
