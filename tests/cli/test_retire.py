"""`bluegreen retire`: what is said and returned, on a service of fakes."""

from __future__ import annotations

from datetime import timedelta

from tests.cli.conftest import Line
from tests.cli.test_deploy import LINE, deployable, workload
from tests.support.fakes import FakeWorld, a_world
from toolkit.traffic import Color


def deployed(line: Line) -> FakeWorld:
    """Green is live, blue still runs, and the last shift has settled."""
    world = deployable()
    assert line(world, LINE).code == 0
    world.clock.time += timedelta(minutes=10)
    return world


def test_the_side_without_traffic_goes_down_to_the_warm_minimum_of_the_settings(line: Line) -> None:
    world = deployed(line)
    ended = line(world, "retire web")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("web: blue goes from 4 to 1; green carries all traffic. ")
    assert workload(world).held[Color.BLUE].desired == 1
    assert line(world, "retire web").out == "web: blue is asked for 1 already; nothing was written.\n"


def test_a_dry_run_says_what_would_go_and_writes_nothing(line: Line) -> None:
    world = deployed(line)
    said = line(world, "retire web --keep 2 --dry-run").out
    assert said == "web: blue would go from 4 to 2; green carries all traffic. Nothing was written.\n"
    assert workload(world).held[Color.BLUE].desired == 4


def test_as_json_it_says_from_how_many_to_how_many(line: Line) -> None:
    world = deployed(line)
    done = line(world, "retire web --keep 0 -o json").json()
    assert done == {"service": "web", "color": "blue", "before": 4, "after": 0, "written": True, "problem": ""}


def test_too_early_is_refused_with_the_time_to_wait_or_waited_for(line: Line) -> None:
    world = deployable()
    assert line(world, LINE).code == 0
    refused = line(world, "retire web")
    assert refused.code == 14
    assert "the last shift is not 2m old, so requests may still come; wait 1m. Nothing was changed." in refused.line
    assert workload(world).held[Color.BLUE].desired == 4
    waited = line(world, "retire web --wait")
    assert waited.code == 0
    assert "web: waiting 1m for the last shift to settle" in waited.err
    assert workload(world).held[Color.BLUE].desired == 1


def test_without_a_workload_there_is_nothing_to_retire(line: Line) -> None:
    assert "the contract names no workload" in line(a_world(), "retire web").line
