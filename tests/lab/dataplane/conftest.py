from collections.abc import Iterator

import pytest

from tests.lab.dataplane.rig import Rig, running
from toolkit.lab.app import Site


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    sites = [Site("127.77.0.1", 18080, "blue", "v1"), Site("127.77.0.2", 18080, "green", "v2")]
    with running(tmp_path_factory.mktemp("dataplane"), sites) as rig:
        yield rig
