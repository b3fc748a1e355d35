"""Hypothesis strategies for what a journal may hold."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from toolkit.contract import Stickiness
from toolkit.rollout.events import (
    DriftAccepted,
    Event,
    Kind,
    Promoted,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    SuspendedStickiness,
)
from toolkit.traffic import Color, Split

weights = st.integers(0, 999)
splits = st.builds(Split, blue=weights, green=st.integers(1, 999))
names = st.text(min_size=1, max_size=8)
by_route = st.dictionaries(names, splits, max_size=3)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
actors = st.none() | st.text(max_size=20)
suspended = st.builds(
    SuspendedStickiness,
    stickiness=st.builds(Stickiness, enabled=st.just(True), duration_seconds=st.integers(1, 604_800)),
    until=times,
)
intents = st.builds(
    ShiftIntended,
    kind=st.sampled_from(Kind),
    base=st.none() | st.sampled_from(Color),
    before=by_route,
    to=splits,
    actor=actors,
    suspended=st.dictionaries(names, suspended, max_size=2),
    restores=st.lists(names, max_size=2).map(tuple),
)
events: st.SearchStrategy[Event] = st.one_of(
    intents,
    st.builds(ShiftVerified, actors),
    st.builds(ShiftFailed, st.text(max_size=20), by_route),
    st.builds(Promoted, st.sampled_from(Color)),
    st.builds(DriftAccepted, by_route, actors),
)
