"""The example `nlb` by real Terraform, under flows that stand and flows that begin; one world, its tests in order.

One load runs through most of them: half of its standing flows are on blue, half on green, from before the first shift.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands
from tests.e2e.release import (
    TERRAFORM,
    VERSIONS,
    Release,
    copied,
    free_port,
    infra,
    requests_until,
    until,
    with_provider,
)
from tests.support.nlb import CONNECTIONS, flow_plan, wait_until_all_stand, wait_until_heard
from tests.support.provision import Provisioned
from tests.support.world import free_addresses, states, wait_for
from toolkit.contract import from_document
from toolkit.lab.app.processes import start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import start_lab
from toolkit.lab.load import LoadProcess
from toolkit.lab.options import LabOptions

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform]

STANDING = 40
PLATEAU = 4000  # new flows that a split is judged by
RATE = 500.0  # new flows a second, all through the minute that CloudWatch takes
CHI_SQUARED_BOUND = 23.93  # 1 degree of freedom, p = 1e-6: one false alarm in a million runs
SETTLED = 0.05  # seconds, by which flows that began before a write have ended
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The example applied as it stands, with sample apps as its targets."""
    scratch = tmp_path_factory.mktemp("nlb")
    addresses = free_addresses(2)
    variables: dict[str, Any] = {"targets": addresses, "listener_port": free_port(), "deletion_protection": False}
    directory = copied(TERRAFORM, scratch) / "examples" / "nlb"
    with ExitStack() as stack:
        # A flow count is shown as soon as its minute is over.
        options = LabOptions(name="nlb", time_scale=0.05, metrics_delay=0.0, metrics_revision=0.0)
        lab = stack.enter_context(start_lab(options, root=scratch / "labs"))
        apps = {}
        for color, version in VERSIONS.items():
            sites = [Site(to_loopback(address), 8080, color, version) for address in addresses[color]]
            apps[color] = stack.enter_context(start_app(sites))
        bluegreen = Commands({**lab.environ, **_homes(scratch)}, scratch)
        begun = bluegreen("infra", "init", "--dir", str(directory))
        assert begun.code == 0, begun.err
        applied = infra(bluegreen, directory, "apply", variables, "--yes", "-o", "json")
        bluegreen = stack.enter_context(with_provider(bluegreen, directory))
        contract = applied.json()["deployment"]
        pair = Provisioned(lab.endpoint_url, contract, contract["routes"][0]["listener_arn"])
        for color in VERSIONS:
            wait_for(pair, color, "healthy")
        yield Release(bluegreen, lab, apps, directory, variables, pair, applied)


def _homes(scratch: Path) -> dict[str, str]:
    return {
        "BLUEGREEN_LAB_DIR": str(scratch / "labs"),
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "XDG_STATE_HOME": str(scratch / "state"),
    }


@pytest.fixture(scope="module")
def load(world: Release) -> Iterator[LoadProcess]:
    """Standing flows on both colors, opened at 50/50, and new ones beside."""
    assert world.bluegreen("shift", "web", "green=50").code == 0
    plan = flow_plan(world.url, standing=STANDING, expected=VERSIONS, rate=RATE, standing_rate=2.0)
    with LoadProcess(plan) as process:
        assert wait_until_all_stand(process, STANDING) == {"blue": STANDING // 2, "green": STANDING // 2}
        yield process


def answered_from_now(load: LoadProcess, flows: int) -> dict[str, int]:
    """Who answers the new flows from now on, `flows` of them or some more."""
    time.sleep(SETTLED)
    before = load.count()["colors"]
    requests_until(load, flows)
    after = load.count()["colors"]
    return {color: after.get(color, 0) - before.get(color, 0) for color in VERSIONS}


def assert_nothing_was_lost(load: LoadProcess) -> None:
    """Every standing flow was answered by its own target just now, and no new one has failed."""
    wait_until_heard(load, since=time.monotonic())
    counted = load.count()
    assert counted["failed"] == 0
    assert counted["standing"]["lost"] == 0
    assert counted["standing"]["open"] == {"blue": STANDING // 2, "green": STANDING // 2}


def active_flows(world: Release, **dimensions: str) -> int:
    """CloudWatch's last count, 0 where it has none."""
    now = datetime.now(UTC)
    points = world.pair.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/NetworkELB",
        MetricName="ActiveFlowCount",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - 5 * MINUTE,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return int(max(points, key=lambda point: point["Timestamp"])["Maximum"]) if points else 0


def attributes(world: Release, color: str) -> dict[str, str]:
    """Those of a color's target group. The emulator does not list this one before somebody has set it."""
    group = world.pair.group(color)
    found = world.pair.client("elbv2").describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    unset = {"deregistration_delay.connection_termination.enabled": "false"}
    return unset | {each["Key"]: each["Value"] for each in found}


def test_an_apply_leaves_the_contract_of_a_network_load_balancer_live_on_blue(world: Release) -> None:
    contract = from_document(world.pair.contract, source="the output")
    assert contract.is_network
    assert [(route.kind, route.arn) for route in contract.routes] == [("nlb-listener", world.pair.listener_arn)]
    assert world.url.startswith("tcp://127.0.0.1:")
    status = world.status()
    assert (status["live"], status["routes"]["web"]["split"]) == ("blue", {"blue": 100, "green": 0})


def test_a_shift_splits_new_flows_exactly_and_moves_no_standing_one(world: Release, load: LoadProcess) -> None:
    assert world.bluegreen("shift", "web", "green=20").code == 0
    seen = answered_from_now(load, PLATEAU)
    total = seen["blue"] + seen["green"]
    assert total >= PLATEAU
    expected = {"blue": 0.8 * total, "green": 0.2 * total}
    assert sum((seen[color] - expected[color]) ** 2 / expected[color] for color in seen) < CHI_SQUARED_BOUND
    assert_nothing_was_lost(load)


def test_the_plan_after_an_apply_and_a_shift_is_empty(world: Release) -> None:
    assert world.pair.weights() == {"blue": 80, "green": 20}
    assert world.plan_exit_code() == 0


def test_a_cutover_moves_every_new_flow_and_no_standing_one(world: Release, load: LoadProcess) -> None:
    cutover = world.bluegreen("cutover", "web", "--to", "green", "--bake", "0", "--settle", "1")
    assert cutover.code == 0, cutover.err
    assert answered_from_now(load, 400)["blue"] == 0
    assert_nothing_was_lost(load)
    assert world.status()["record"]["promoted"] == "green"


def test_a_rollback_says_how_many_flows_may_remain_and_ends_none(world: Release, load: LoadProcess) -> None:
    balancer, groups = world.pair.contract["load_balancer"], world.pair.contract["target_groups"]
    # Counted at the end of a minute in which all of them stood; the few new ones of that moment come on top.
    until(lambda: active_flows(world, LoadBalancer=balancer["arn_suffix"]) >= STANDING, seconds=75)
    by_color = {color: active_flows(world, TargetGroup=group["arn_suffix"]) for color, group in groups.items()}
    assert all(STANDING // 2 <= count <= STANDING // 2 + CONNECTIONS for count in by_color.values()), by_color

    rolled_back = world.bluegreen("rollback", "web", "--to", "blue")
    assert rolled_back.code == 0, rolled_back.err
    told = re.search(r"standing ones stay on green until they end \((\d+) on it in the minute of ", rolled_back.out)
    assert told, rolled_back.out
    assert STANDING // 2 <= int(told[1]) <= STANDING // 2 + CONNECTIONS
    assert "--terminate-flows" in rolled_back.out

    again = world.bluegreen("rollback", "web", "--to", "blue", "-o", "json").json()
    assert again["written"] is False
    assert (again["standing_flows"]["color"], again["standing_flows"]["of"]) == ("green", "target group")
    assert STANDING // 2 <= again["standing_flows"]["flows"] <= STANDING // 2 + CONNECTIONS
    assert again["standing_flows"]["targets_terminated"] == 0

    assert answered_from_now(load, 400)["green"] == 0
    assert_nothing_was_lost(load)


def test_terminate_flows_ends_those_of_the_abandoned_color_alone(world: Release, load: LoadProcess) -> None:
    before = {color: attributes(world, color) for color in VERSIONS}
    ended = world.bluegreen("rollback", "web", "--to", "blue", "--terminate-flows", "-o", "json").json()
    assert ended["standing_flows"]["color"] == "green"
    assert ended["standing_flows"]["targets_terminated"] == 2
    until(lambda: load.count()["standing"]["open"] == {"blue": STANDING // 2})
    wait_until_heard(load, since=time.monotonic())
    requests_until(load, 400)

    result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert [flow.color for flow in result.standing.lost] == ["green"] * (STANDING // 2)
    assert {flow.kind for flow in result.standing.lost} <= {"reset", "closed"}
    assert result.standing.kept("blue") == STANDING // 2
    for color in VERSIONS:
        wait_for(world.pair, color, "healthy")
        assert len(states(world.pair, color)) == 2
    assert {color: attributes(world, color) for color in VERSIONS} == before


def test_the_plan_after_all_of_this_is_empty(world: Release) -> None:
    assert world.pair.weights() == {"blue": 100, "green": 0}
    assert world.plan_exit_code() == 0


def test_destroy_leaves_nothing(world: Release) -> None:
    destroyed = world.infra("destroy", "--yes", "-o", "json").json()
    assert destroyed["applied"]["removed"] > 0
    assert world.lab.listeners() == {}
