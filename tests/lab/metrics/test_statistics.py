"""Percentiles and trimmed counts, as CloudWatch defines them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.metrics.statistics import percentile, statistic

TIMES = {0.1: 90, 0.6: 9, 2.0: 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p50", 0.1),
        ("p90", 0.1),
        ("p99", 0.6),
        ("p99.5", 2.0),
        ("p100", 2.0),
        ("TC(0.5:)", 10.0),
        ("TC(:0.5)", 90.0),
        ("TC(0.1:0.6)", 9.0),
    ],
)
def test_statistics_of_a_table(name: str, value: float) -> None:
    assert statistic(name, [TIMES]) == value


def test_several_tables_are_one_population() -> None:
    assert statistic("TC(0.5:)", [TIMES, TIMES]) == 20


@pytest.mark.parametrize("name", ["Sum", "p101", "TM(10%:90%)", ""])
def test_other_names_are_left_to_moto(name: str) -> None:
    assert statistic(name, [TIMES]) is None


def test_no_samples_have_no_statistic() -> None:
    assert statistic("p99", []) is None


@given(st.dictionaries(st.floats(0, 100), st.integers(1, 50), min_size=1), st.floats(0, 100))
def test_a_percentile_is_a_sample_with_enough_below_it(values: dict[float, int], percent: float) -> None:
    found = percentile(values, percent)
    total = sum(values.values())
    below = sum(count for value, count in values.items() if value <= found)
    assert found in values
    assert below >= total * percent / 100 * (1 - 1e-9)
