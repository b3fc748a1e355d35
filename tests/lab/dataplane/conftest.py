from collections.abc import Iterator

import pytest

from tests.lab.dataplane.rig import Rig, running, site


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    sites = [site(1, "blue", "v1"), site(2, "green", "v2")]
    with running(tmp_path_factory.mktemp("dataplane"), sites) as rig:
        yield rig
