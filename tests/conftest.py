"""One lab for all tests that only need some AWS: started once, emptied for each test, which makes its own pair."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.provision import Provisioned, provision
from tests.support.world import World, running_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab with sample apps of both colors running."""
    with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def pair(world: World) -> Callable[..., Provisioned]:
    """Provision a pair in the shared lab, which is emptied first; the sample apps behind it keep running."""
    request = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(request, timeout=30).close()

    def make(**words: Any) -> Provisioned:
        return provision(world.lab.endpoint_url, **{"port": 20_080, "targets": world.addresses, **words})

    return make


@pytest.fixture
def environ(world: World, tmp_path: Path) -> dict[str, str]:
    """What a command needs to reach the shared lab, with caches and state of its own."""
    return {
        **world.lab.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "120",
    }
