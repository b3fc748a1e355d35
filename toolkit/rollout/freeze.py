"""Freeze windows: when no rollout may start. Written in local time, decided on instants.

    Fri 16:00 - Mon 08:00         every week; may pass the week's end
    22:00 - 06:00                 every day; may pass midnight
    12-20 - 01-02                 every year, whole days, the last one included; may pass the year's end
    2026-12-20 - 2027-01-02       once, whole days, the last one included

Where the clocks are put back, a window lasts from the first time its start comes to the last time its end does. Where
they are put forward over a start or an end, it is the moment of the jump.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from toolkit.errors import ConfigError
from toolkit.settings import FreezeSettings

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)
_HORIZON = timedelta(days=60)
"""Windows that follow each other are looked at no further ahead: they may have no end."""
_YEARS = range(2000, 3000)
_BETWEEN = re.compile(r"\s+[-\u2013]\s+")
_WEEKLY = re.compile(r"([a-z]{3,9})\s+(\d{1,2}):(\d\d)", re.ASCII)
_DAILY = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
_YEARLY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_DATED = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_HOW = "Write 'Fri 16:00 - Mon 08:00', '22:00 - 06:00', '12-20 - 01-02' or '2026-12-20 - 2027-01-02'."

_Span = tuple[datetime, datetime]
"""Start and end in local time, without a time zone; the end is outside."""
_Spans = Callable[[date], Iterator[_Span]]
"""The spans of a window that may hold an instant of the given local day."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window, as it was written, and the spans of it around a day."""

    text: str
    spans: _Spans


@dataclass(frozen=True, slots=True)
class Freeze:
    """No rollout may start now.

    window: the text of the one that holds. until: when none holds any more (UTC), or the end of one two months ahead or
    more, where they follow each other that long. timezone: the one they are meant in. reason: the operator's.
    """

    window: str
    until: datetime
    timezone: str = "UTC"
    reason: str = ""

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        until = self.until.astimezone(zone_of(self.timezone)).isoformat(sep=" ", timespec="minutes")
        return f"frozen until {until} ({self.timezone}) by '{self.window}'{why}"


def frozen(settings: FreezeSettings, now: datetime) -> Freeze | None:
    """Whether a window of `settings` holds at `now` (with a time zone), and until when.

    Raises:
        ConfigError: a window or the time zone is malformed.
    """
    if not settings.windows:
        return None
    zone = zone_of(settings.timezone)
    windows = [window_of(text) for text in settings.windows]
    first = _held(windows, now, zone)
    if first is None:
        return None
    window, until = first
    while (following := _held(windows, until, zone)) is not None and until < now + _HORIZON:
        until = following[1]
    return Freeze(window.text, until, settings.timezone, settings.reason)


def _held(windows: list[Window], now: datetime, zone: tzinfo) -> tuple[Window, datetime] | None:
    """The window that holds at `now` and lasts longest, and its end (UTC)."""
    today = now.astimezone(zone).date()
    holding = [
        (end, window)
        for window in windows
        for start, end in (_instants(span, zone) for span in window.spans(today))
        if start <= now < end
    ]
    if not holding:
        return None
    end, window = max(holding, key=lambda pair: pair[0])
    return window, end


def _instants(span: _Span, zone: tzinfo) -> tuple[datetime, datetime]:
    return _instant(span[0], zone, fold=0), _instant(span[1], zone, fold=1)


def _instant(wall: datetime, zone: tzinfo, *, fold: int) -> datetime:
    """When the clocks of `zone` show `wall`, in UTC. fold: 0 the first time, 1 the last, where they show it twice."""
    first, last = (wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    found = last if fold else first
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    before, after = min(first, last), max(first, last)  # the clocks jump over it, somewhere between these two
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The time zone of that name.

    Raises:
        ConfigError: this machine knows none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"there is no time zone {name!r} here",
            hint="Write one as Europe/Berlin; where the system knows none at all, install tzdata.",
        ) from None


@lru_cache(maxsize=256)
def window_of(text: str) -> Window:
    """The window of that text.

    Raises:
        ConfigError: it is none; the message says what to write.
    """
    parts = _BETWEEN.split(text.strip().lower())
    try:
        if len(parts) == 2:  # noqa: PLR2004 - start and end
            for pattern, spans in ((_WEEKLY, _weekly), (_DAILY, _daily), (_YEARLY, _yearly), (_DATED, _dated)):
                start, end = (pattern.fullmatch(part) for part in parts)
                if start and end:
                    return Window(text, spans(start.groups(), end.groups()))
    except ValueError as error:
        raise ConfigError(f"'{text}' is no freeze window: {error}", hint=_HOW) from None
    shown = text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits in a line of a message
    raise ConfigError(f"'{shown}' is no freeze window", hint=_HOW)


def _weekly(start: tuple[str, ...], end: tuple[str, ...]) -> _Spans:
    first, from_ = _weekday(start[0]), _clock(*start[1:])
    last, to = _weekday(end[0]), _clock(*end[1:], ends=True)
    length = (timedelta(days=last) + to - timedelta(days=first) - from_) % timedelta(days=7)
    if not length:
        raise ValueError("it never ends")

    def spans(today: date) -> Iterator[_Span]:
        monday = _midnight(today - timedelta(days=today.weekday()))
        for week in (-7, 0, 7):
            begin = monday + timedelta(days=week + first) + from_
            yield begin, begin + length

    return spans


def _daily(start: tuple[str, ...], end: tuple[str, ...]) -> _Spans:
    from_, to = _clock(*start), _clock(*end, ends=True)
    length = (to - from_) % _DAY
    if not length:
        raise ValueError("it never ends")

    def spans(today: date) -> Iterator[_Span]:
        for day in (-1, 0, 1):
            begin = _midnight(today) + day * _DAY + from_
            yield begin, begin + length

    return spans


def _yearly(start: tuple[str, ...], end: tuple[str, ...]) -> _Spans:
    first, last = _month_and_day(*start), _month_and_day(*end)

    def spans(today: date) -> Iterator[_Span]:
        for year in (today.year - 1, today.year, today.year + 1):
            ends = year + 1 if last < first else year
            yield _first_moment(year, *first), _first_moment(ends, last[0], last[1] + 1)

    return spans


def _dated(start: tuple[str, ...], end: tuple[str, ...]) -> _Spans:
    first, last = (date(int(year), int(month), int(day)) for year, month, day in (start, end))
    if last < first:
        raise ValueError("its end is before its start")
    if first.year not in _YEARS or last.year not in _YEARS:
        raise ValueError(f"its years are not between {_YEARS.start} and {_YEARS.stop - 1}")
    span = _midnight(first), _midnight(last) + _DAY
    return lambda _: iter((span,))


def _weekday(name: str) -> int:
    for number, day in enumerate(_DAYS):
        if day.startswith(name):
            return number
    raise ValueError(f"there is no day {name.capitalize()}")


def _clock(hours: str, minutes: str, *, ends: bool = False) -> timedelta:
    if ends and (int(hours), int(minutes)) == (24, 0):
        return _DAY
    at = time(int(hours), int(minutes))  # its ValueError says which of the two is out of range
    return timedelta(hours=at.hour, minutes=at.minute)


def _month_and_day(month: str, day: str) -> tuple[int, int]:
    at = date(2000, int(month), int(day))  # a leap year, so that the 29th of February may be written
    return at.month, at.day


def _first_moment(year: int, month: int, day: int) -> datetime:
    """The beginning of a day; of the next month, where that month has no such day in that year."""
    beginning = datetime(year, month, 1)  # noqa: DTZ001 - local time, without a zone
    moment = beginning + (day - 1) * _DAY
    following = (beginning + 31 * _DAY).replace(day=1)
    return min(moment, following)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local time, without a zone
