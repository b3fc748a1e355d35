from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import ConfigError
from toolkit.rollout.freeze import frozen, window_of, zone_of
from toolkit.settings import FreezeSettings

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = "Fri 16:00 - Mon 08:00"
NIGHT = "22:00 - 06:00"
YEARS_END = "12-20 - 01-02"
ONCE = "2026-12-20 - 2027-01-02"


def at(text: str, zone: ZoneInfo | None = None) -> datetime:
    """A moment; where a zone is named, of its clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC)


def until(window: str, now: datetime, zone: str = "UTC") -> datetime | None:
    found = frozen(FreezeSettings(windows=(window,), timezone=zone), now)
    return found.until if found else None


@pytest.mark.parametrize(
    ("window", "last_before", "first", "last", "first_after"),
    [
        (WEEKEND, "2026-11-20T15:59:59", "2026-11-20T16:00:00", "2026-11-23T07:59:59", "2026-11-23T08:00:00"),
        ("Tue 09:00 - Tue 17:00", "2026-11-24T08:59:59", "2026-11-24T09:00", "2026-11-24T16:59:59", "2026-11-24T17:00"),
        ("Tue 17:00 - Tue 09:00", "2026-11-24T16:59:59", "2026-11-24T17:00", "2026-12-01T08:59:59", "2026-12-01T09:00"),
        ("Sat 00:00 - Sun 24:00", "2026-11-20T23:59:59", "2026-11-21T00:00", "2026-11-22T23:59:59", "2026-11-23T00:00"),
        (NIGHT, "2026-11-20T21:59:59", "2026-11-20T22:00:00", "2026-11-21T05:59:59", "2026-11-21T06:00:00"),
        ("09:30 - 10:00", "2026-11-20T09:29:59", "2026-11-20T09:30", "2026-11-20T09:59:59", "2026-11-20T10:00"),
        ("18:00 - 24:00", "2026-11-20T17:59:59", "2026-11-20T18:00", "2026-11-20T23:59:59", "2026-11-21T00:00"),
        (YEARS_END, "2026-12-19T23:59:59", "2026-12-20T00:00:00", "2027-01-02T23:59:59", "2027-01-03T00:00:00"),
        ("11-27 - 11-30", "2026-11-26T23:59:59", "2026-11-27T00:00", "2026-11-30T23:59:59", "2026-12-01T00:00"),
        ("12-24 - 12-31", "2026-12-23T23:59:59", "2026-12-24T00:00", "2026-12-31T23:59:59", "2027-01-01T00:00"),
        (ONCE, "2026-12-19T23:59:59", "2026-12-20T00:00:00", "2027-01-02T23:59:59", "2027-01-03T00:00:00"),
        ("2026-12-24 - 2026-12-24", "2026-12-23T23:59:59", "2026-12-24T00:00", "2026-12-24T23:59:59", "2026-12-25"),
    ],
)
def test_a_window_holds_from_its_start_until_just_before_its_end(
    window: str, last_before: str, first: str, last: str, first_after: str
) -> None:
    assert until(window, at(last_before)) is None
    assert until(window, at(first)) == at(first_after)
    assert until(window, at(last)) == at(first_after)
    assert until(window, at(first_after)) is None


def test_the_end_of_the_year_is_seen_from_both_of_its_years() -> None:
    assert until(YEARS_END, at("2027-01-01T12:00:00")) == at("2027-01-03T00:00:00")
    assert until(ONCE, at("2027-12-25T12:00:00")) is None
    assert until(YEARS_END, at("2027-12-25T12:00:00")) == at("2028-01-03T00:00:00")


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("02-29 - 03-02", "2027-03-01T00:00:00", "2027-03-03T00:00:00"),
        ("02-27 - 02-29", "2027-02-28T12:00:00", "2027-03-01T00:00:00"),
        ("02-27 - 02-29", "2028-02-29T12:00:00", "2028-03-01T00:00:00"),
        ("02-29 - 02-29", "2027-03-01T00:00:00", None),
        ("02-29 - 02-29", "2028-02-29T00:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_a_leap_day_is_there_in_leap_years_only(window: str, now: str, end: str | None) -> None:
    assert until(window, at(now)) == (at(end) if end else None)


def test_a_window_is_meant_in_its_time_zone() -> None:
    assert until(WEEKEND, at("2026-11-20T15:00:00"), "Europe/Berlin") == at("2026-11-23T08:00", BERLIN)
    assert until(WEEKEND, at("2026-11-20T14:59:59"), "Europe/Berlin") is None
    assert until(WEEKEND, at("2026-11-20T15:00:00"), "UTC") is None


def test_in_summer_the_same_window_is_an_hour_earlier() -> None:
    assert until(NIGHT, at("2026-07-01T20:00:00"), "Europe/Berlin") == at("2026-07-02T04:00:00")
    assert until(NIGHT, at("2026-01-01T20:59:59"), "Europe/Berlin") is None


def test_a_weekend_over_a_change_of_the_clocks_ends_when_the_clocks_say_so() -> None:
    ends = until(WEEKEND, at("2026-10-24T12:00:00"), "Europe/Berlin")
    assert ends == at("2026-10-26T07:00:00")  # one hour later than the weekend before, since winter time has begun


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-10-24T23:59:59", None),
        ("2026-10-25T00:00:00", "2026-10-25T01:30:00"),  # 02:00 for the first time
        ("2026-10-25T00:45:00", "2026-10-25T01:30:00"),  # 02:45, after the end came once
        ("2026-10-25T01:29:59", "2026-10-25T01:30:00"),  # 02:29:59 for the second time
        ("2026-10-25T01:30:00", None),
    ],
)
def test_an_hour_that_comes_twice_is_frozen_throughout(now: str, end: str | None) -> None:
    assert until("02:00 - 02:30", at(now), "Europe/Berlin") == (at(end) if end else None)


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("02:30 - 04:00", "2026-03-29T00:59:59", None),
        ("02:30 - 04:00", "2026-03-29T01:00:00", "2026-03-29T02:00:00"),  # 02:30 never comes: the jump to 03:00 does
        ("01:00 - 02:30", "2026-03-29T00:59:59", "2026-03-29T01:00:00"),
        ("01:00 - 02:30", "2026-03-29T01:00:00", None),
        ("02:10 - 02:50", "2026-03-29T01:00:00", None),
    ],
)
def test_an_hour_that_is_left_out_is_the_moment_of_the_jump(window: str, now: str, end: str | None) -> None:
    assert until(window, at(now), "Europe/Berlin") == (at(end) if end else None)


def test_windows_that_follow_each_other_are_one_freeze() -> None:
    freeze = FreezeSettings(windows=(NIGHT, WEEKEND, "08:00 - 09:00"), reason="sale")
    found = frozen(freeze, at("2026-11-20T23:00:00"))
    assert found is not None
    assert (found.window, found.until, found.reason) == (WEEKEND, at("2026-11-23T09:00:00"), "sale")


def test_a_freeze_without_an_end_is_said_two_months_ahead() -> None:
    now = at("2026-11-20T23:00:00")
    found = frozen(FreezeSettings(windows=("06:00 - 22:00", NIGHT)), now)
    assert found is not None
    assert timedelta(days=60) <= found.until - now < timedelta(days=62)


def test_a_freeze_says_until_when_in_its_time_zone_and_why() -> None:
    freeze = FreezeSettings(windows=(WEEKEND,), timezone="Europe/Berlin", reason="nobody is here")
    found = frozen(freeze, at("2026-11-21T00:00:00"))
    assert str(found) == (
        "frozen until 2026-11-23 08:00+01:00 (Europe/Berlin) by 'Fri 16:00 - Mon 08:00': nobody is here"
    )


def test_without_windows_nothing_is_ever_frozen() -> None:
    assert frozen(FreezeSettings(timezone="No/Where"), at("2026-11-21T00:00:00")) is None


@pytest.mark.parametrize(
    "text", ["fri 16:00 - mon 08:00", "Friday 16:00 \u2013 Monday 8:00", "FRI  16:00  -  MON 08:00"]
)
def test_a_window_is_read_as_people_write_it(text: str) -> None:
    assert until(text, at("2026-11-23T07:59:59")) == at("2026-11-23T08:00:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no freeze window"),
        ("weekend", "no freeze window"),
        ("Fri 16:00", "no freeze window"),
        ("Fri 16:00 - 08:00", "no freeze window"),
        ("22:00-06:00", "no freeze window"),
        ("Fry 16:00 - Mon 08:00", "there is no day Fry"),
        ("Fri 25:00 - Mon 08:00", "hour must be in 0..23"),
        ("Fri 24:00 - Mon 08:00", "hour must be in 0..23"),
        ("Fri 16:60 - Mon 08:00", "minute must be in 0..59"),
        ("22:00 - 22:00", "it never ends"),
        ("00:00 - 24:00", "it never ends"),
        ("Mon 00:00 - Sun 24:00", "it never ends"),
        ("13-01 - 13-02", "month must be in 1..12"),
        ("04-31 - 05-02", "no freeze window"),
        ("2026-02-29 - 2026-03-02", "no freeze window"),
        ("2027-01-02 - 2026-12-20", "its end is before its start"),
        ("0001-01-01 - 9999-12-31", "its years are not between"),
    ],
)
def test_what_is_no_window_says_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        window_of(text)
    assert words in caught.value.message
    assert "Fri 16:00 - Mon 08:00" in caught.value.hint


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../etc/passwd", "Europe", "/etc/passwd", "\0", "utc+1 "])
def test_a_time_zone_that_is_none_is_an_error_of_ours(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no time zone"):
        zone_of(name)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
DAY = st.sampled_from(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
MONTH_DAY = st.dates().map(lambda day: f"{day:%m-%d}")
WINDOWS = (
    st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1]).map(" - ".join)
    | st.tuples(DAY, CLOCK, DAY, CLOCK)
    .filter(lambda four: four[:2] != four[2:])
    .map(lambda four: f"{four[0]} {four[1]} - {four[2]} {four[3]}")
    | st.tuples(MONTH_DAY, MONTH_DAY).map(" - ".join)
)


@settings(deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=4), ZONES, MOMENTS)
def test_a_freeze_holds_all_the_way_to_its_end_and_not_at_it(windows: list[str], zone: str, now: datetime) -> None:
    freeze = FreezeSettings(windows=tuple(windows), timezone=zone)
    found = frozen(freeze, now)
    if found is None:
        return
    assert found.until > now
    halfway = frozen(freeze, now + (found.until - now) / 2)
    assert halfway is not None
    if found.until < now + timedelta(days=60):
        assert halfway.until == found.until
        assert frozen(freeze, found.until) is None


@given(WINDOWS, ZONES, MOMENTS)
def test_far_from_a_change_of_the_clocks_the_local_time_alone_decides(window: str, zone: str, now: datetime) -> None:
    """Against a second way of telling: the texts compared, on days when no clock is changed."""
    local = now.astimezone(zone_of(zone))
    steady = all(
        (now + timedelta(hours=hours)).astimezone(zone_of(zone)).utcoffset() == local.utcoffset() for hours in (-26, 26)
    )
    start, end = window.split(" - ")
    if not steady or "02-29" in window:
        return
    here = {5: f"{local:%H:%M}" if ":" in start else f"{local:%m-%d}"}.get(len(start)) or _in_week(f"{local:%a %H:%M}")
    first, last = (start, end) if len(start) == 5 else (_in_week(start), _in_week(end))
    inside = (first <= here, here <= last if "-" in start else here < last)
    expected = all(inside) if first <= last else any(inside)
    assert (frozen(FreezeSettings(windows=(window,), timezone=zone), now) is not None) == expected


def _in_week(text: str) -> str:
    """`Fri 16:00` as a text that sorts as the week goes."""
    day, clock = text.split()
    return f"{['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].index(day)} {clock}"


@given(st.text(max_size=60) | st.text(alphabet="0123456789:- FriMon", max_size=40), MOMENTS)
def test_whatever_is_written_is_a_window_or_an_error_of_ours(text: str, now: datetime) -> None:
    try:
        window_of(text)
    except ConfigError:
        return
    frozen(FreezeSettings(windows=(text,)), now)
