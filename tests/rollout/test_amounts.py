"""How an operator says how many targets are meant."""

from __future__ import annotations

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.rolling import count_of, parse_amount


@pytest.mark.parametrize(
    ("text", "amount", "of_eight"),
    [("1", 1, 1), ("0", 0, 0), (" 12 ", 12, 12), ("25%", 0.25, 2), ("50 %", 0.5, 4), ("0.5%", 0.005, 1)],
)
def test_a_number_is_a_number_and_percent_are_a_part(text: str, amount: float, of_eight: int) -> None:
    assert parse_amount(text) == amount
    assert count_of(parse_amount(text), 8) == of_eight


@pytest.mark.parametrize(
    "text", ["", "some", "-1", "1.5", "0%", "0.0%", "100%", "120%", "25%%", "½", "٣", "1e3", "9" * 50]
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match="no number of targets") as refused:
        parse_amount(text)
    assert "25%" in refused.value.hint
    assert len(refused.value.message) < 100


def test_less_than_the_least_is_refused() -> None:
    assert parse_amount("1", least=1) == 1
    assert parse_amount("25%", least=1) == 0.25
    with pytest.raises(UsageError) as refused:
        parse_amount("0", least=1)
    assert refused.value.hint.startswith("Write a number from 1 on")
