"""Programming Envoy: files it watches, written by rename, and waiting until it has taken them.

Order keeps every reference whole: endpoints before clusters, clusters before the routes that name them, routes
before the listeners that ask for them. A cluster that no route names any more stays for a while, so a request
still under way on it ends well.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import LabError
from toolkit.lab.dataplane.admin import Admin
from toolkit.lab.dataplane.matching import Json

ACKNOWLEDGE_SECONDS = 10.0
WARMING_SECONDS = 15.0
RETIRE_SECONDS = 10.0
_POLL_SECONDS = 0.001
_VERSION = "version_text"
_REFUSED = "update_rejected"


@dataclass(frozen=True, slots=True)
class Resources:
    """All of Envoy's dynamic configuration by resource name. `endpoints` holds only watched endpoint sets."""

    listeners: Mapping[str, Json] = field(default_factory=dict)
    routes: Mapping[str, Json] = field(default_factory=dict)
    clusters: Mapping[str, Json] = field(default_factory=dict)
    endpoints: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that Envoy has yet to take. `scope` is the prefix of the statistics that say so."""

    scope: str
    path: str
    version: str


class Files:
    """The files that Envoy watches, each one discovery response; a version counts the changes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._contents: dict[str, str] = {}
        self._version = 0

    def path(self, kind: str, name: str = "all") -> str:
        return str(self._directory / f"{kind}-{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.json")

    def write(self, scope: str, path: str, resources: Iterable[Json]) -> tuple[Written, ...]:
        """What is to be waited for: nothing where the file holds just that already."""
        content = json.dumps(list(resources), sort_keys=True)
        if self._contents.get(path) == content:
            return ()
        self._version += 1
        version = str(self._version)
        fresh = Path(f"{path}.new")
        fresh.write_text(f'{{"version_info": "{version}", "resources": {content}}}')
        os.replace(fresh, path)  # noqa: PTH105  Envoy sees renames only, never a write in place
        self._contents[path] = content
        return (Written(scope, path, version),)

    def forget(self, path: str) -> None:
        """Write it again next time, whatever it holds: Envoy did not take it."""
        self._contents.pop(path, None)

    def remove(self, path: str) -> None:
        if self._contents.pop(path, None) is not None:
            Path(path).unlink(missing_ok=True)


class Programmer:
    """Brings a running Envoy to the `Resources` it is given, without dropping a connection."""

    def __init__(self, files: Files, complaint: Callable[[], str]) -> None:
        self._files = files
        self._complaint = complaint
        self._admin: Admin | None = None
        self._now = Resources()
        self._retired: dict[str, float] = {}
        self._refusals: dict[str, int] = {}

    def start_empty(self, start: Callable[[], Admin]) -> Admin:
        """Write the files that Envoy looks for when it starts, and `start` it."""
        self._files.forget(self._files.path("lds"))
        self._files.forget(self._files.path("cds"))
        written = (*self._write_listeners({}), *self._write_clusters({}))
        self._now, self._retired, self._refusals = Resources(), {}, {}
        self._admin = start()
        self._await(written)
        return self._admin

    def apply(self, wanted: Resources) -> bool:
        """Program `wanted` and return once Envoy has acknowledged it; False where nothing had to change.

        Raises:
            LabError: Envoy refused a resource (it keeps the old ones), or did not answer in time.
        """
        now, files = self._now, self._files
        clusters = self._with_retired(wanted)
        endpoints = {**{n: e for n, e in now.endpoints.items() if n in clusters}, **wanted.endpoints}
        targets = self._write_each("eds", endpoints, lambda name: f"cluster.{name}")
        # What Envoy does not watch yet it reads when it hears of it, and can be waited for only then.
        self._await(each for name, each in targets if name in now.endpoints)
        if grouped := self._write_clusters(clusters):
            self._await(grouped)
            self._await_warm("cluster_manager.warming_clusters")
        self._await(each for name, each in targets if name not in now.endpoints)
        routed = self._write_each("rds", wanted.routes, lambda name: f"http.{name}.rds.{name}")
        self._await(each for name, each in routed if name in now.routes)
        if listening := self._write_listeners(wanted.listeners):
            self._await(listening)
            self._await_warm("listener_manager.total_listeners_warming")
        self._await(each for name, each in routed if name not in now.routes)
        for name in now.routes.keys() - wanted.routes.keys():
            files.remove(files.path("rds", name))
        for name in now.endpoints.keys() - endpoints.keys():
            files.remove(files.path("eds", name))
        self._now = Resources(wanted.listeners, wanted.routes, clusters, endpoints)
        return bool(targets or grouped or routed or listening)

    def _with_retired(self, wanted: Resources) -> dict[str, Json]:
        """The wanted clusters and those that went a moment ago."""
        moment = time.monotonic()
        for name in self._now.clusters.keys() - wanted.clusters.keys():
            self._retired.setdefault(name, moment)
        for name in list(self._retired):
            if name in wanted.clusters or moment - self._retired[name] > RETIRE_SECONDS:
                del self._retired[name]
        kept = {name: self._now.clusters[name] for name in self._retired if name in self._now.clusters}
        return {**kept, **wanted.clusters}

    def _write_each(
        self, kind: str, resources: Mapping[str, Json], scope: Callable[[str], str]
    ) -> list[tuple[str, Written]]:
        """Write one file per resource; those that changed, by resource name."""
        return [
            (name, written)
            for name, resource in resources.items()
            for written in self._files.write(scope(name), self._files.path(kind, name), [resource])
        ]

    def _write_listeners(self, listeners: Mapping[str, Json]) -> tuple[Written, ...]:
        return self._files.write("listener_manager.lds", self._files.path("lds"), listeners.values())

    def _write_clusters(self, clusters: Mapping[str, Json]) -> tuple[Written, ...]:
        return self._files.write("cluster_manager.cds", self._files.path("cds"), clusters.values())

    def _await(self, files: Iterable[Written]) -> None:
        """Wait until Envoy runs on all of `files`.

        Raises:
            LabError: it refused one, or does not say so in time. The next `apply` tries again.
        """
        pending = list(files)
        deadline = time.monotonic() + ACKNOWLEDGE_SECONDS
        try:
            while pending and time.monotonic() < deadline:
                stats = self._stats([f"{each.scope}.{name}" for each in pending for name in (_VERSION, _REFUSED)])
                pending = [each for each in pending if stats.get(f"{each.scope}.{_VERSION}") != each.version]
                if any(self._is_refused(each, stats) for each in pending):
                    break
                if pending:
                    time.sleep(_POLL_SECONDS)
        finally:
            for each in pending:
                self._files.forget(each.path)
        if pending:
            raise LabError(f"Envoy did not take {', '.join(each.scope for each in pending)}: {self._complaint()}")

    def _is_refused(self, file: Written, stats: Mapping[str, str | int]) -> bool:
        count = int(stats.get(f"{file.scope}.{_REFUSED}", 0))
        known, self._refusals[file.scope] = self._refusals.get(file.scope, 0), count
        return count > known

    def _await_warm(self, gauge: str) -> None:
        """Wait until nothing warms; a target that never answers its first check must not hold this forever."""
        deadline = time.monotonic() + WARMING_SECONDS
        while time.monotonic() < deadline and self._stats([gauge]).get(gauge, 0) != 0:
            time.sleep(_POLL_SECONDS)

    def _stats(self, names: list[str]) -> dict[str, str | int]:
        if self._admin is None:
            raise LabError("Envoy is not running")
        return self._admin.stats(names)
