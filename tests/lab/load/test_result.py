import json

import pytest

from toolkit.lab.load.result import LoadResult, LostFlow, Standing, Tally


def tally(**expected: str) -> Tally:
    return Tally(began=100.0, bucket_seconds=0.01, expected=expected)


def test_a_good_answer_is_counted_by_color_and_time() -> None:
    counting = tally(blue="v1")
    counting.answer(100.005, 100.021, 200, "blue", "v1")
    result = counting.result(now=102.0)
    assert (result.requests, result.failed, result.colors, result.rate) == (1, 0, {"blue": 1}, 0.5)
    assert result.starts == {"blue": [1]}
    assert result.answers == {"blue": [0, 0, 1]}
    assert result.latency_ms["max"] == pytest.approx(16)
    assert result.latency_ms["p50"] == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize(
    ("status", "color", "version", "kind"),
    [(503, "blue", "v1", "status"), (302, "blue", "v1", "status"), (200, "blue", "v2", "unexpected"),
     (200, "green", "v1", "unexpected"), (200, "", "", "unexpected")],
)  # fmt: skip
def test_a_wrong_answer_is_a_failure(status: int, color: str, version: str, kind: str) -> None:
    counting = tally(blue="v1")
    counting.answer(100.0, 100.1, status, color, version)
    result = counting.result(now=101.0)
    assert (result.requests, result.failed, result.kinds[kind]) == (1, 1, 1)
    assert result.failures[0].kind == kind


def test_answers_that_are_no_2xx_are_counted_by_who_gave_them() -> None:
    counting = tally(blue="v1", green="v2")
    for status, color, version in ((500, "green", "v2"), (502, "", ""), (200, "green", "v1"), (503, "green", "v1")):
        counting.answer(100.0, 100.1, status, color, version)
    counting.failure("reset", "", 100.0, 100.1)
    result = LoadResult.from_json(json.loads(json.dumps(counting.result(now=101.0).as_json())))
    assert (result.failed, result.bad_answers) == (5, {"green": 2, "none": 1})


def test_any_color_will_do_where_none_is_expected() -> None:
    counting = tally()
    counting.answer(100.0, 100.1, 200, "", "")
    assert counting.result(now=101.0).failed == 0


def test_failures_are_all_counted_and_the_first_are_kept() -> None:
    counting = tally()
    for number in range(1000):
        counting.failure("reset", str(number), 100.0, 100.1)
    result = counting.result(now=101.0)
    assert (result.requests, result.failed, len(result.failures)) == (1000, 1000, 200)
    assert result.failures[0].detail == "0"


def test_starts_are_counted_between_two_times() -> None:
    counting = tally()
    for started in (100.001, 100.015, 100.016, 100.039):
        counting.answer(started, started + 0.5, 200, "blue", "")
    result = counting.result(now=101.0)
    assert result.started("blue", after=100.0) == 4
    assert result.started("blue", after=100.011) == 3  # the whole bucket counts
    assert result.started("blue", after=100.025, before=100.035) == 0
    assert result.started("blue", after=100.025) == 1
    assert result.started("green", after=0) == 0
    assert result.answered("blue", after=100.495) == 4
    assert result.answered("blue", after=100.511, before=100.535) == 2
    assert result.last_start("blue", 100.0, 100.035) == pytest.approx(100.02)
    assert result.last_start("blue", 100.025, 100.035) is None


def test_a_result_survives_json() -> None:
    counting = tally()
    counting.answer(100.0, 100.1, 200, "blue", "")
    counting.failure("timeout", "no answer", 100.0, 101.0)
    lost = LostFlow("blue", "127.0.0.1:1", "reset", "gone", 100.0, 100.5, 3)
    result = counting.result(now=101.0, standing=Standing(2, {"blue": 2}, {"127.0.0.1:1": 2}, 9, (lost,)))
    assert result.standing.kept("blue") == 1
    assert LoadResult.from_json(json.loads(json.dumps(result.as_json()))) == result


def test_nothing_answered_has_no_latency() -> None:
    assert tally().result(now=100.0).latency_ms == {"p50": 0.0, "p99": 0.0, "max": 0.0}
