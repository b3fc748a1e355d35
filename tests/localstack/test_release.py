"""The whole way on LocalStack, for real: Terraform provisions, the toolkit releases, traffic runs; tests in order.

The load balancer's traffic is served by the data plane attached to it, which looks for changes twice a second: a write
is followed a moment after it was accepted, not before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.command import assert_one_clear_line
from tests.e2e.release import TERRAFORM, VERSIONS, Release, copied, free_port, infra, requests_until, until
from tests.localstack.conftest import TARGET_PORT, Running
from tests.localstack.family import Family
from tests.support.provision import Provisioned
from tests.support.world import free_addresses, wait_for
from toolkit.contract import from_document
from toolkit.lab.app.processes import start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.load import LoadProcess

pytestmark = [pytest.mark.localstack, pytest.mark.terraform]

RATE = 400.0  # requests a second
PLATEAU = 4000  # requests that a split is judged by
CHI_SQUARED_BOUND = 23.93  # 1 degree of freedom, p = 1e-6: one false alarm in a million runs
FOLLOWED_SECONDS = 5.0  # by which the data plane follows a write, on a busy machine


@pytest.fixture(scope="module")
def release(localstack: Running) -> Iterator[Release]:
    """The example `lab` applied, every target healthy in the eyes of the data plane."""
    addresses = free_addresses(3)
    variables: dict[str, Any] = {"targets": addresses, "target_port": TARGET_PORT, "listener_port": free_port()}
    directory = copied(TERRAFORM, localstack.scratch) / "examples" / "lab"
    bluegreen = localstack.bluegreen
    with ExitStack() as stack:
        apps = {}
        for color, version in VERSIONS.items():
            sites = [Site(to_loopback(address), TARGET_PORT, color, version) for address in addresses[color]]
            apps[color] = stack.enter_context(start_app(sites))
        begun = bluegreen("infra", "init", "--dir", str(directory))
        assert begun.code == 0, begun.err
        applied = infra(bluegreen, directory, "apply", variables, "--yes", "-o", "json")
        assert applied.code == 0, applied.err
        contract = applied.json()["deployment"]
        pair = Provisioned(localstack.endpoint_url, contract, contract["routes"][0]["listener_arn"])
        until(lambda: pair.listener_arn in localstack.data_plane.listeners(), seconds=FOLLOWED_SECONDS)
        for color in VERSIONS:
            wait_for(pair, color, "healthy")
        yield Release(bluegreen, localstack.data_plane, apps, directory, variables, pair, applied)


def follows(load: LoadProcess, color: str) -> float:
    """Wait until `color` alone answers 200 requests in a row; when (monotonic) they began."""
    began, before = time.monotonic(), load.count()
    deadline = began + FOLLOWED_SECONDS
    while True:
        requests_until(load, 200)
        now = load.count()
        answered = {each for each, count in now["colors"].items() if count > before["colors"].get(each, 0)}
        if answered == {color}:
            return began
        assert time.monotonic() < deadline, f"{answered} answer {FOLLOWED_SECONDS} s after all traffic went to {color}"
        began, before = time.monotonic(), now


def test_an_apply_leaves_the_contract_and_a_service_that_is_live_on_blue(release: Release) -> None:
    parameter = release.pair.client("ssm").get_parameter(Name="/bluegreen/web/deployment")["Parameter"]
    printed = release.bluegreen("infra", "output", "--dir", str(release.directory)).json()
    assert json.loads(parameter["Value"]) == printed == release.pair.contract
    assert from_document(printed, source="the output").name == "web"
    status = release.status()
    assert status["live"] == "blue"
    assert status["routes"]["web"]["split"] == {"blue": 100, "green": 0}
    assert {color: told["healthy"] for color, told in status["colors"].items()} == {"blue": 3, "green": 3}


def test_target_health_is_what_the_data_plane_sees(release: Release) -> None:
    release.set_health("green", unhealthy=True)
    refused = release.bluegreen("shift", "web", "green=20")
    assert refused.code != 0
    assert release.pair.weights() == {"blue": 100, "green": 0}
    release.set_health("green", unhealthy=False)


def test_a_shift_of_20_percent_moves_20_percent_and_loses_no_request(release: Release) -> None:
    with release.load(rate=2 * RATE) as load:
        assert release.bluegreen("shift", "web", "green=20").code == 0
        until(lambda: load.count()["colors"].get("green", 0) > 0, seconds=FOLLOWED_SECONDS)
        followed = time.monotonic()
        requests_until(load, PLATEAU)
        result = load.stop()
    assert result.failed == 0, result.failures[:5]
    seen = {color: result.started(color, followed) for color in VERSIONS}
    total = sum(seen.values())
    assert total >= 0.9 * PLATEAU
    expected = {"blue": 0.8 * total, "green": 0.2 * total}
    assert sum((seen[color] - expected[color]) ** 2 / expected[color] for color in seen) < CHI_SQUARED_BOUND


def test_the_plan_after_a_shift_is_empty(release: Release) -> None:
    assert release.pair.weights() == {"blue": 80, "green": 20}
    assert release.plan_exit_code() == 0


def test_a_cutover_and_the_rollback_after_it_lose_no_request(release: Release, figures: list[str]) -> None:
    assert release.bluegreen("shift", "web", "green=0").code == 0
    with release.load(rate=RATE) as load:
        follows(load, "blue")
        for to, words in (("green", ("cutover", "web", "--bake", "1")), ("blue", ("rollback", "web"))):
            ended = release.bluegreen(*words)
            assert ended.code == 0, ended.err
            assert release.status()["live"] == to
            follows(load, to)
        result = load.stop()
    figures.append(f"cutover and rollback: {result.requests:,} requests, {result.failed} failed")
    assert result.failed == 0, result.failures[:5]
    assert result.requests == sum(result.colors.values())


def test_record_weights_and_an_empty_plan_say_that_all_is_back_on_blue(release: Release) -> None:
    status = release.status()
    assert status["live"] == "blue"
    assert release.pair.weights() == {"blue": 100, "green": 0}
    record = status["record"]
    assert (record["kind"], record["base"], record["in_doubt"]) == ("rollback", "blue", False)
    assert release.plan_exit_code() == 0


def test_gateway_data_plane_and_targets_were_all_seen_to_listen(
    release: Release, localstack: Running, family: Family
) -> None:
    """Else nothing could be concluded, in the end, from none having been seen off loopback."""
    seen = {each.port for each in family.openings()}
    for url in (localstack.endpoint_url, localstack.data_plane.door_url, release.url.rstrip("/")):
        assert int(url.rpartition(":")[2]) in seen, url
    addresses = {each.address for each in family.openings() if each.port == TARGET_PORT}
    assert {site.address for app in release.apps.values() for site in app.sites} <= addresses


def test_destroy_leaves_nothing(release: Release) -> None:
    destroyed = release.infra("destroy", "--yes", "-o", "json").json()
    assert destroyed["applied"]["removed"] > 0
    until(lambda: release.lab.listeners() == {}, seconds=FOLLOWED_SECONDS)
    assert_one_clear_line(release.bluegreen("status", "web"), 12, "no service 'web'")
