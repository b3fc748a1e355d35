"""Envoy's admin interface on loopback: statistics, hosts, log rotation."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from toolkit.errors import LabError

_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Admin:
    host: str
    port: int

    def get(self, path: str) -> bytes:
        return self._ask("GET", path)

    def is_ready(self) -> bool:
        try:
            return self._ask("GET", "/ready").startswith(b"LIVE")
        except LabError:
            return False

    def stats(self, names: Iterable[str]) -> dict[str, str | int]:
        """The values of exactly the statistics in `names`; those that do not exist yet are missing."""
        pattern = f"^({'|'.join(map(re.escape, names))})$"
        answer = json.loads(self.get(f"/stats?format=json&filter={quote(pattern)}"))
        return {entry["name"]: entry["value"] for entry in answer["stats"] if "name" in entry}

    def clusters(self) -> list[dict[str, Any]]:
        """`cluster_statuses` of /clusters: every active cluster with its hosts and their health flags."""
        answer = json.loads(self.get("/clusters?format=json"))
        statuses: list[dict[str, Any]] = answer.get("cluster_statuses", [])
        return statuses

    def reopen_logs(self) -> None:
        self._ask("POST", "/reopen_logs")

    def _ask(self, method: str, path: str) -> bytes:
        connection = HTTPConnection(self.host, self.port, timeout=_TIMEOUT)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise LabError(f"Envoy's admin interface at {self.host}:{self.port} does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != 200:  # noqa: PLR2004
            raise LabError(f"Envoy answered {response.status} to {method} {path}: {body[:200]!r}")
        return body
