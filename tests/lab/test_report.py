"""What the demo makes of the load it sent."""

from dataclasses import replace
from typing import Any

import pytest

from toolkit.lab.load import LoadResult
from toolkit.lab.report import BadRelease, Release, Report

BEGAN = 1000.0
TO_GREEN = Release("green", "bluegreen cutover web", BEGAN + 1.0, BEGAN + 1.8)
TO_BLUE = Release("blue", "bluegreen rollback web", BEGAN + 3.0, BEGAN + 3.4)


def load(**changes: Any) -> LoadResult:
    """Four seconds in tenths: blue until 1.5 s, green until 3.2 s, blue again."""
    blue = [1] * 15 + [0] * 17 + [1] * 8
    green = [0] * 14 + [1] * 18 + [0] * 8
    values: dict[str, Any] = {
        "requests": sum(blue) + sum(green),
        "failed": 0,
        "kinds": {"status": 0, "reset": 0},
        "colors": {"blue": sum(blue), "green": sum(green)},
        "began": BEGAN,
        "seconds": 4.0,
        "rate": 10.0,
        "latency_ms": {"p50": 1.0},
        "bucket_seconds": 0.1,
        "starts": {"blue": blue, "green": green},
        "answers": {"blue": blue, "green": green},
    }
    return LoadResult(**values | changes)


def report(result: LoadResult, *, plan_empty: bool = True) -> Report:
    return Report.of(result, [TO_GREEN, TO_BLUE], plan_empty=plan_empty, seconds=90.04)


def test_a_release_lasts_until_the_last_answer_of_the_old_color() -> None:
    forth, back = report(load()).releases
    assert (forth.to, forth.command_seconds) == ("green", 0.8)
    assert forth.traffic_seconds == pytest.approx(0.5)
    assert (back.to, back.command_seconds) == ("blue", 0.4)
    assert back.traffic_seconds == pytest.approx(0.2)


def test_all_is_well_without_failures_and_with_an_empty_plan() -> None:
    good = report(load())
    assert good.faults == []
    assert good.to_json()["ok"] is True


@pytest.mark.parametrize(
    ("result", "plan_empty", "fault"),
    [
        (load(failed=2, kinds={"status": 1, "reset": 1}), True, "2 of 41 requests failed (1 status, 1 reset)"),
        (load(), False, "terraform plan is not empty"),
        (load(colors={"blue": 41}), True, "green never answered"),
        (load(requests=0), True, "not one request was sent"),
    ],
)
def test_what_is_not_well_is_said(result: LoadResult, plan_empty: bool, fault: str) -> None:
    bad = report(result, plan_empty=plan_empty)
    assert bad.faults == [fault]
    assert bad.to_json()["ok"] is False


def test_an_old_color_that_never_answered_has_no_time() -> None:
    silent = load(answers={"blue": [1] * 40})
    assert report(silent).releases[1].traffic_seconds is None


TAKEN_BACK = BadRelease("green", "bluegreen canary web", 32, rolled_back=True, detected_after_s=150.2, reason="5xx")
MET = load(
    failed=6,
    kinds={"status": 6, "reset": 0},
    colors={"blue": 90, "green": 10},
    requests=100,
    bad_answers={"green": 6},
    latency_ms={"p50": 9.0},
)


def with_second_act(bad_release: BadRelease = TAKEN_BACK, met: LoadResult = MET) -> Report:
    return Report.of(load(), [TO_GREEN, TO_BLUE], plan_empty=True, seconds=9, bad_release=bad_release, met=met)


def test_what_the_bad_release_answered_is_counted_apart_and_is_no_fault() -> None:
    both = with_second_act()
    assert both.faults == []
    assert (both.requests, both.failed, both.bad_requests, both.kinds) == (141, 0, 6, {})
    assert both.colors == {"blue": 113, "green": 28}
    assert both.latency_ms == {"p50": 1.0}
    told = both.to_json()
    assert (told["detected_after_s"], told["bad_requests"], told["rolled_back"], told["ok"]) == (150.2, 6, True, True)


def test_without_a_second_act_nothing_is_said_of_it() -> None:
    told = report(load()).to_json()
    assert (told["detected_after_s"], told["bad_requests"], told["rolled_back"]) == (None, None, None)


def test_what_else_fails_beside_a_bad_release_is_a_fault() -> None:
    kinds, bad_answers = {"status": 7, "reset": 1}, {"green": 6, "blue": 1}
    worse = with_second_act(met=replace(MET, failed=8, kinds=kinds, bad_answers=bad_answers))
    assert worse.faults == ["2 of 141 requests failed (1 status, 1 reset)"]


def test_a_bad_release_that_is_not_taken_back_is_a_fault() -> None:
    left = with_second_act(replace(TAKEN_BACK, exit_code=38, rolled_back=False, detected_after_s=None))
    assert left.faults == [
        "the release with errors was not rolled back: `bluegreen canary web` ended with exit code 38"
    ]
    assert left.to_json()["ok"] is False
