"""One lab for all tests that only need some AWS: started once, emptied for each test, which makes its own pair.

Where BLUEGREEN_TEST_ENDPOINT names another endpoint, the same tests run there (tests/emulators).
"""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.emulators.endpoint import given_endpoint, remove, world_at
from tests.support.provision import Provisioned, provision
from tests.support.world import World, running_world

# Those that wait a minute for Terraform's load balancer stand between those that compute.
_LONGEST = (
    "e2e/test_release.py",
    "terraform/test_modules.py",
    "e2e/test_rollout.py",
    "benchmarks/test_zero_downtime.py",
    "e2e/test_nlb.py",
    "test_pytest_plugin.py",
    "e2e/test_bad_input.py",
    "lab/dataplane/test_flows_through_envoy.py",
    "aws/test_metrics_of_traffic.py",
    "e2e/test_adopt.py",
    "contracts/test_workload.py",
    "lab/dataplane/test_plane.py",
    "contracts/test_metrics.py",
    "contracts/test_router.py",
    "runner/test_crash_everywhere.py",
    "runner/test_faults_everywhere.py",
    "aws/test_inventory.py",
    "emulators/test_report.py",
    "lab/test_handle.py",
    "test_docs.py",
)
# Coverage of the pure rooms is counted here alone: it doubles the time of the tests that try every crash and fault.
_PURE = (
    "adoption",
    "analysis",
    "drift",
    "rollout",
    "test_config.py",
    "test_config_notify.py",
    "test_contract.py",
    "test_traffic.py",
)


def pytest_configure() -> None:
    """Ctrl-C works in what the tests start, also in the background of a shell, which ignores it; no example is late."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says how busy the machine is.
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files go first, so that no worker is left with one of them at the end."""
    tests = config.rootpath / "tests"
    rank = {tests / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
    pure = {tests / name for name in _PURE}
    for item in items:
        if pure.isdisjoint({item.path, *item.path.parents}):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab with sample apps of both colors running."""
    given = given_endpoint()
    with world_at(given) if given else running_world(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def pair(world: World) -> Iterator[Callable[..., Provisioned]]:
    """Provision a pair in the shared lab, which is emptied first; the sample apps behind it keep running.

    At another endpoint only what has the name of the pair is removed, before and after.
    """
    endpoint_url, given, names = world.lab.endpoint_url, given_endpoint(), set()
    if not given:
        request = urllib.request.Request(f"{endpoint_url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=30).close()

    def make(*, name: str = "web", **words: Any) -> Provisioned:
        if given:
            remove(endpoint_url, name)
            names.add(name)
        return provision(endpoint_url, **{"name": name, "port": 20_080, "targets": world.addresses, **words})

    yield make
    for name in names:
        remove(endpoint_url, name)


@pytest.fixture
def environ(world: World, tmp_path: Path) -> dict[str, str]:
    """What a command needs to reach the shared lab, with caches and state of its own."""
    return {
        **world.lab.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "120",
    }
