"""What the demo makes of the load it sent."""

from typing import Any

import pytest

from toolkit.lab.load import LoadResult
from toolkit.lab.report import Release, Report

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
