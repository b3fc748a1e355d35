"""Numbers as people read them, and never smaller than they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.analysis.words import probability


@pytest.mark.parametrize(
    ("p", "said"),
    [(3, "1"), (1, "1"), (0.91, "1.0"), (0.07, "0.07"), (0.00031, "0.0004"), (0.0004, "0.0004"), (1e-30, "0.000001")],
)
def test_a_probability_has_one_digit(p: float, said: str) -> None:
    assert probability(p) == said


@settings(deadline=None)
@given(st.floats(1e-12, 1))
def test_what_is_printed_is_no_less_than_what_is_meant(p: float) -> None:
    assert float(probability(p)) >= p * (1 - 1e-6)
