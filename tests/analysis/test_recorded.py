"""Recorded series: the verdicts they lead to, and one clear line for what is no series."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.make import HERE, SERIES, lines
from toolkit.analysis import recorded
from toolkit.analysis.policy import Metric, Policy
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.errors import UsageError
from toolkit.traffic import Color

HEADER = "minute,color,requests,errors"


def replayed(name: str) -> list[Verdict]:
    samples = recorded.read((HERE / f"{name}.csv").read_text(encoding="utf-8"))
    policy = Policy(metrics=recorded.metrics(samples))
    return [verdict for _, verdict in recorded.replay(samples, Color.BLUE, policy)]


@pytest.mark.parametrize("name", SERIES)
def test_the_files_are_what_their_maker_makes(name: str) -> None:
    assert (HERE / f"{name}.csv").read_text(encoding="utf-8").splitlines() == list(lines(name))


@pytest.mark.parametrize(
    ("name", "earliest", "latest", "said"),
    [
        ("errors", 1, 2, "green fails requests"),
        ("slow", 1, 8, "green is slow"),
        ("later", 41, 55, "green fails requests"),
    ],
)
def test_a_bad_release_is_failed_in_time(name: str, earliest: int, latest: int, said: str) -> None:
    verdicts = replayed(name)
    failed = [minute for minute, verdict in enumerate(verdicts) if verdict.outcome is Outcome.FAIL]
    assert earliest <= failed[0] <= latest
    assert verdicts[-1].reason.startswith(said)


@pytest.mark.parametrize(
    ("name", "last", "said"),
    [
        ("good", Outcome.PASS, "below 2\u00d7 blue's rate"),
        ("harmless", Outcome.PASS, "below 2\u00d7 blue's rate"),
        ("bursts", Outcome.INCONCLUSIVE, "every minute counts as one block"),
        ("shared", Outcome.INCONCLUSIVE, "every minute counts as one block"),
        ("simpson", Outcome.PASS, "0.9\u00d7 as often as blue (850 of 45,584 against 1,036 of 134,313"),
        ("sick", Outcome.INCONCLUSIVE, "is sick itself"),
        ("silent", Outcome.INCONCLUSIVE, "have not both had requests"),
        ("ending", Outcome.INCONCLUSIVE, "for 10 minutes, green and blue have not both had requests"),
    ],
)
def test_a_release_that_is_no_worse_is_never_failed(name: str, last: Outcome, said: str) -> None:
    verdicts = replayed(name)
    assert all(verdict.outcome is not Outcome.FAIL for verdict in verdicts)
    assert verdicts[-1].outcome is last
    assert said in verdicts[-1].reason


def test_minutes_without_rows_have_a_verdict_too() -> None:
    samples = recorded.read(f"{HEADER}\n3,green,100,0\n3,blue,100,0\n7,blue,100,0\n")
    assert [minute for minute, _ in recorded.replay(samples, Color.BLUE, Policy())] == [3, 4, 5, 6, 7]


def test_rows_come_in_any_order_and_columns_too() -> None:
    text = "Errors,requests,color,minute,slow\r\n1,100.0,GREEN,5,\r\n\r\n2, 200 ,blue,4,3\r\n"
    green, blue = recorded.read(f"\ufeff{text}")
    assert (green.minute, green.color, green.requests, green.errors, green.slow) == (5, Color.GREEN, 100, 1, None)
    assert (blue.minute, blue.color, blue.requests, blue.errors, blue.slow) == (4, Color.BLUE, 200, 2, 3)
    assert recorded.metrics([green]) == (Metric.ERRORS,)
    assert recorded.metrics([green, blue]) == (Metric.ERRORS, Metric.SLOW)


def test_splits_may_be_said() -> None:
    samples = recorded.read("minute,color,requests,errors,split\n0,green,9,0,95/5\n0,blue,9,0,95/5\n")
    assert {sample.split for sample in samples} == {"95/5"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the series is empty"),
        ("\n", "the series is empty"),
        (f"{HEADER}\n", "has a header and no rows"),
        ("minute,color,requests\n", "the first line of the series is 'minute,color,requests'"),
        (f"{HEADER},weather\n", "the first line of the series is"),
        (f"{HEADER},errors\n", "the first line of the series is"),
        ("0,green,100,0\n", "the first line of the series is '0,green,100,0'"),
        (f"{HEADER}\n0,green,100\n", "line 2 of the series has 3 fields, its header 4"),
        (f"{HEADER}\n0,red,100,0\n", "line 2 of the series: color is 'red'; write blue or green"),
        (f"{HEADER}\nnoon,blue,100,0\n", "line 2 of the series: minute is 'noon'"),
        (f"{HEADER}\n0,blue,many,0\n", "line 2 of the series: requests is 'many'; write a count"),
        (f"{HEADER}\n0,blue,-1,0\n", "requests is '-1'"),
        (f"{HEADER}\n0,blue,1.5,0\n", "requests is '1.5'"),
        (f"{HEADER}\n0,blue,1e3,0\n", "requests is '1e3'"),
        (f"{HEADER}\n0,blue,nan,0\n", "requests is 'nan'"),
        (f"{HEADER}\n0,blue,,0\n", "requests is ''"),
        (f"{HEADER}\n0,blue,5,6\n", "has 6 errors in 5 requests, which cannot be"),
        (f"{HEADER}\n0,blue,{'9' * 13},0\n", "which cannot be"),
        (f"{HEADER}\n0,blue,{'9' * 400},0\n", "write a count"),
        (f"{HEADER}\n0,blue,5,0\n0,blue,5,0\n", "two rows for minute 0 of blue"),
        (f"{HEADER}\n0,blue,5,0\n999999999,blue,5,0\n", "100,000 minutes are the most"),
        (f'{HEADER}\n0,"blue,5,0\n', "is no CSV"),
        (f"{HEADER}\n0,blue\x00,5,0\n", "line 2"),
    ],
)
def test_what_is_no_series_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        recorded.read(text)
    assert said in refused.value.message
    assert len(refused.value.message) < 200


cell = st.one_of(st.text(max_size=6), st.sampled_from(["0", "1", "5", "blue", "green", '"', "1.0", "-1"]))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.lists(cell, max_size=6), max_size=6).map(
            lambda rows: "\n".join([HEADER, *(",".join(row) for row in rows)])
        ),
    )
)
def test_any_text_is_a_series_or_a_clear_refusal(text: str) -> None:
    try:
        samples = recorded.read(text)
    except UsageError as refused:
        found = refused.message
    else:
        found = ""
        assert [verdict for _, verdict in recorded.replay(samples, Color.BLUE, Policy())]
    assert "\n" not in found
