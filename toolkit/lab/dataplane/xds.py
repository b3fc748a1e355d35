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
_LISTENERS = "listener_manager.lds"
_CLUSTERS = "cluster_manager.cds"


@dataclass(frozen=True, slots=True)
class Resources:
    """All of Envoy's dynamic configuration by resource name. `endpoints` holds only watched endpoint sets."""

    listeners: Mapping[str, Json] = field(default_factory=dict)
    routes: Mapping[str, Json] = field(default_factory=dict)
    clusters: Mapping[str, Json] = field(default_factory=dict)
    endpoints: Mapping[str, Json] = field(default_factory=dict)


class Files:
    """The files that Envoy watches, each one discovery response; a version counts the changes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written: dict[str, tuple[str, str]] = {}
        self._version = 0

    def path(self, kind: str, name: str = "all") -> str:
        return str(self._directory / f"{kind}-{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.json")

    def write(self, path: str, resources: Iterable[Json]) -> str | None:
        """The new version, or None where the file holds just that already."""
        content = json.dumps(list(resources), sort_keys=True)
        known = self._written.get(path)
        if known is not None and known[0] == content:
            return None
        self._version += 1
        version = str(self._version)
        fresh = Path(f"{path}.new")
        fresh.write_text(f'{{"version_info": "{version}", "resources": {content}}}')
        os.replace(fresh, path)  # noqa: PTH105  Envoy sees renames only, never a write in place
        self._written[path] = (content, version)
        return version

    def remove(self, path: str) -> None:
        if self._written.pop(path, None) is not None:
            Path(path).unlink(missing_ok=True)


class Programmer:
    """Brings a running Envoy to the `Resources` it is given, without dropping a connection."""

    def __init__(self, files: Files, complaint: Callable[[], str]) -> None:
        self._files = files
        self._complaint = complaint
        self._admin: Admin | None = None
        self._now = Resources()
        self._retired: dict[str, float] = {}

    def start_empty(self) -> None:
        """Write the files that Envoy looks for when it starts."""
        self._files.write(self._files.path("lds"), ())
        self._files.write(self._files.path("cds"), ())

    def attach(self, admin: Admin) -> None:
        self._admin = admin

    def apply(self, wanted: Resources) -> bool:
        """Program `wanted` and return once Envoy has acknowledged it; False where nothing had to change.

        Raises:
            LabError: Envoy refused a resource (it keeps the old ones), or did not answer in time.
        """
        now, files = self._now, self._files
        clusters = self._with_retired(wanted)
        endpoints = {**{n: e for n, e in now.endpoints.items() if n in clusters}, **wanted.endpoints}
        changed = self._write_each("eds", endpoints, lambda name: f"cluster.{name}", known=now.clusters)
        self._await(changed)
        renewed = self._write(_CLUSTERS, files.path("cds"), clusters.values())
        if renewed:
            self._await(renewed)
            self._await_warm("cluster_manager.warming_clusters")
        routed = self._write_each("rds", wanted.routes, lambda n: f"http.{n}.rds.{n}", known=now.listeners)
        self._await(routed)
        listening = self._write(_LISTENERS, files.path("lds"), wanted.listeners.values())
        if listening:
            self._await(listening)
            self._await_warm("listener_manager.total_listeners_warming")
        for name in now.routes.keys() - wanted.routes.keys():
            files.remove(files.path("rds", name))
        for name in now.endpoints.keys() - endpoints.keys():
            files.remove(files.path("eds", name))
        self._now = Resources(wanted.listeners, wanted.routes, clusters, endpoints)
        return bool(changed or renewed or routed or listening)

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
        self, kind: str, resources: Mapping[str, Json], scope: Callable[[str], str], known: Mapping[str, Json]
    ) -> dict[str, str]:
        """Write one file per resource; what to wait for, of those that Envoy watches already."""
        awaited: dict[str, str] = {}
        for name, resource in resources.items():
            version = self._files.write(self._files.path(kind, name), [resource])
            if version is not None and name in known:
                awaited[scope(name)] = version
        return awaited

    def _write(self, scope: str, path: str, resources: Iterable[Json]) -> dict[str, str]:
        version = self._files.write(path, resources)
        return {} if version is None else {scope: version}

    def _await(self, versions: Mapping[str, str]) -> None:
        """Wait until each scope (an Envoy statistics prefix) runs its version."""
        if not versions:
            return
        texts = [f"{scope}.version_text" for scope in versions]
        refusals = [f"{scope}.update_rejected" for scope in versions]
        deadline = time.monotonic() + ACKNOWLEDGE_SECONDS
        refused: dict[str, str | int] = {}
        while time.monotonic() < deadline:
            stats = self._stats([*texts, *refusals])
            if all(stats.get(text) == version for text, version in zip(texts, versions.values(), strict=True)):
                return
            latest = {name: stats[name] for name in refusals if name in stats}
            if any(latest[name] != value for name, value in refused.items() if name in latest):
                break
            refused = refused or latest
            time.sleep(_POLL_SECONDS)
        raise LabError(f"Envoy did not take {', '.join(versions)}: {self._complaint()}")

    def _await_warm(self, gauge: str) -> None:
        """Wait until nothing warms; a target that never answers its first check must not hold this forever."""
        deadline = time.monotonic() + WARMING_SECONDS
        while time.monotonic() < deadline and self._stats([gauge]).get(gauge, 0) != 0:
            time.sleep(_POLL_SECONDS)

    def _stats(self, names: list[str]) -> dict[str, str | int]:
        if self._admin is None:
            raise LabError("Envoy is not running")
        return self._admin.stats(names)
