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

from tests.emulators.endpoint import given_endpoint, remove, world_at
from tests.support.provision import Provisioned, provision
from tests.support.world import World, running_world


def pytest_configure() -> None:
    """Ctrl-C works in what the tests start, also where they run in the background of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that wait for Terraform go first, so that no worker is left with one of them at the end."""
    waiting = {item.path for item in items if item.get_closest_marker("terraform")}
    items.sort(key=lambda item: item.path not in waiting)


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
