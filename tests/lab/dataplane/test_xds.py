import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import LabError
from toolkit.lab.dataplane import xds
from toolkit.lab.dataplane.xds import Files, Programmer, Resources

BLUE, GREEN = "targetgroup/blue/1", "targetgroup/green/2"


class Envoy:
    """Takes what stands in the files at each question; refuses what holds `bad`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._taken: dict[str, str] = {}
        self._tried: dict[str, str] = {}
        self._rejected: dict[str, int] = {}

    def stats(self, names: list[str]) -> dict[str, str | int]:
        found: dict[str, str | int] = {}
        for name in names:
            scope, _, what = name.rpartition(".")
            if what not in ("version_text", "update_rejected"):
                continue  # gauges: nothing ever warms here
            self._take(scope)
            if what == "version_text":
                found[name] = self._taken.get(scope, "")
            else:
                found[name] = self._rejected.get(scope, 0)
        return found

    def _take(self, scope: str) -> None:
        document = json.loads(Path(self.path(scope)).read_text())
        version = document["version_info"]
        if self._tried.get(scope) == version:
            return
        self._tried[scope] = version
        if "bad" in json.dumps(document["resources"]):
            self._rejected[scope] = self._rejected.get(scope, 0) + 1
        else:
            self._taken[scope] = version

    def path(self, scope: str) -> str:
        files = Files(self._directory)
        fixed = {"listener_manager.lds": "lds", "cluster_manager.cds": "cds"}
        if scope in fixed:
            return files.path(fixed[scope])
        if scope.startswith("http."):
            return files.path("rds", scope.rpartition(".")[2])
        return files.path("eds", scope.removeprefix("cluster."))


class Recorded(Files):
    """Files that remember the order in which they were written."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.scopes: list[str] = []

    def write(self, scope: str, path: str, resources: Any) -> Any:
        written = super().write(scope, path, resources)
        self.scopes += [each.scope for each in written]
        return written


@pytest.fixture
def files(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


@pytest.fixture
def programmer(files: Recorded, tmp_path: Path) -> Programmer:
    made = Programmer(files, lambda: "the log's last words")
    made.start_empty(lambda: Envoy(tmp_path))  # type: ignore[arg-type,return-value]
    files.scopes.clear()
    return made


def resources(weight: object = 1, *, clusters: tuple[str, ...] = (BLUE,), endpoint: object = 1) -> Resources:
    return Resources(
        listeners={"l1": {"name": "l1"}},
        routes={"l1": {"name": "l1", "weight": weight}},
        clusters={name: {"name": name} for name in clusters},
        endpoints={name: {"cluster_name": name, "endpoint": endpoint} for name in clusters},
    )


def test_what_is_named_is_written_before_what_names_it(programmer: Programmer, files: Recorded) -> None:
    assert programmer.apply(resources())
    assert files.scopes == [f"cluster.{BLUE}", "cluster_manager.cds", "http.l1.rds.l1", "listener_manager.lds"]


def test_a_weight_writes_the_routes_alone_and_a_target_its_endpoints_alone(
    programmer: Programmer, files: Recorded
) -> None:
    programmer.apply(resources())
    files.scopes.clear()
    assert not programmer.apply(resources())
    assert files.scopes == []
    assert programmer.apply(resources(weight=2))
    assert files.scopes == ["http.l1.rds.l1"]
    files.scopes.clear()
    programmer.apply(resources(weight=2, endpoint=2))
    assert files.scopes == [f"cluster.{BLUE}"]


@pytest.mark.parametrize("first", [True, False])
def test_what_envoy_refuses_is_said_each_time_until_it_is_mended(programmer: Programmer, first: bool) -> None:
    if not first:
        programmer.apply(resources())
    for _ in range(3):
        with pytest.raises(LabError, match=r"http\.l1\.rds\.l1: the log's last words"):
            programmer.apply(resources(weight="bad"))
    assert programmer.apply(resources(weight=3))


def test_a_cluster_outlives_its_last_route_for_a_while(
    programmer: Programmer, files: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clusters() -> list[str]:
        document = json.loads(Path(files.path("cds")).read_text())
        return [cluster["name"] for cluster in document["resources"]]

    programmer.apply(resources(clusters=(BLUE, GREEN)))
    programmer.apply(resources(clusters=(BLUE,)))
    assert sorted(clusters()) == [BLUE, GREEN]
    monkeypatch.setattr(xds, "RETIRE_SECONDS", -1.0)
    programmer.apply(resources(clusters=(BLUE,)))
    assert clusters() == [BLUE]
    assert not Path(files.path("eds", GREEN)).exists()


def test_a_silent_envoy_is_given_up_on(programmer: Programmer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Envoy, "stats", lambda _self, _names: {})
    monkeypatch.setattr(xds, "ACKNOWLEDGE_SECONDS", 0.05)
    with pytest.raises(LabError, match="did not take"):
        programmer.apply(resources())


def test_nothing_is_programmed_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="not running"):
        Programmer(Files(tmp_path), str).apply(resources())
