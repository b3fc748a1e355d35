"""How long the second color is kept, and what that costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.record import Record
from toolkit.rollout.upkeep import Upkeep, parse_after, upkeep
from toolkit.settings import PriceSettings
from toolkit.traffic import Color, Split

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def test_a_month_has_730_hours_of_every_target_that_is_asked_for() -> None:
    kept = Upkeep(Color.BLUE, 2, NOON)
    assert kept.month(PriceSettings(target_hour=0.05)) == pytest.approx(73)
    assert Upkeep(Color.BLUE, 0, NOON).month(PriceSettings(target_hour=0.05)) == 0


def test_the_hours_count_from_the_promotion_that_took_the_traffic_away() -> None:
    record = Record(promoted=Color.GREEN, at=NOON)
    kept = upkeep(record, Color.GREEN, 2)
    assert (kept.color, kept.hours(NOON + timedelta(minutes=90))) == (Color.BLUE, 1.5)


def test_a_rollback_or_a_shift_of_everything_counts_from_when_it_was_read_back() -> None:
    record = Record(meant=Split(blue=100, green=0), at=NOON)
    assert upkeep(record, Color.BLUE, 2).hours(NOON + timedelta(hours=2)) == 2


@pytest.mark.parametrize(
    ("record", "live"),
    [
        (Record(), Color.GREEN),
        (Record(promoted=Color.GREEN, at=NOON), Color.BLUE),
        (Record(promoted=Color.GREEN, at=NOON, in_doubt=True), Color.GREEN),
        (Record(meant=Split(blue=0, green=100), at=NOON, in_doubt=True), Color.GREEN),
        (Record(meant=Split(blue=1, green=99), at=NOON), Color.GREEN),
    ],
)
def test_where_nothing_on_record_explains_who_is_live_the_hours_are_unknown(record: Record, live: Color) -> None:
    assert upkeep(record, live, 2).hours(NOON) is None


def test_a_clock_that_is_behind_the_records_counts_no_negative_hours() -> None:
    assert Upkeep(Color.BLUE, 1, NOON).hours(NOON - timedelta(seconds=5)) == 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("at once", 0), (" At  Once ", 0), ("0", 0), ("never", None), ("NEVER", None)],
)
def test_when_the_old_side_is_retired_is_a_duration_at_once_or_never(said: str, seconds: float | None) -> None:
    assert parse_after(said) == seconds


@pytest.mark.parametrize("said", ["", "soon", "10", "-5m", "atonce", "40d"])
def test_anything_else_is_answered_with_what_to_write(said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_after(said)
    assert refused.value.hint == "Write 10m, 1h30m, 'at once' or never."
