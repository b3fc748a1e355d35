"""Flows through a Network Load Balancer: how to provision one, and standing and new flows to send through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from toolkit.lab.load import LoadPlan, LoadProcess

NLB: Final[Mapping[str, Any]] = {"kind": "nlb-listener"}
"""For `provision` and `running_world`: Network Load Balancer, TCP listener, TCP pair, contract, state table."""
CONNECTIONS = 16
_OPEN_SECONDS = 30.0
_POLL_SECONDS = 0.02


def flow_plan(
    url: str,
    *,
    standing: int,
    expected: Mapping[str, str],
    rate: float | None = None,
    standing_rate: float = 1.0,
    bucket_seconds: float = 0.01,
) -> LoadPlan:
    """`standing` flows, and new ones at `rate` a second (None: as fast as they end), until the load is stopped."""
    return LoadPlan(
        url,
        keep_alive=False,
        connections=CONNECTIONS,
        rate=rate,
        standing=standing,
        standing_rate=standing_rate,
        expected=expected,
        bucket_seconds=bucket_seconds,
    )


def wait_until_all_stand(load: LoadProcess, standing: int) -> Mapping[str, int]:
    """Until every standing flow has had its first answer; how many each color gave."""

    def all_stand(counted: Mapping[str, Any]) -> bool:
        return bool(sum(counted["open"].values()) == standing)

    return dict(_wait(load, all_stand)["open"])


def wait_until_heard(load: LoadProcess, *, since: float) -> None:
    """Until every standing flow that is open had an answer after `since` (monotonic). At once where none is open."""
    _wait(load, lambda counted: counted["heard"] is None or counted["heard"] > since)


def _wait(load: LoadProcess, holds: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    deadline = time.monotonic() + _OPEN_SECONDS
    while not holds(counted := load.count()["standing"]):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the standing flows are not as they should be after {_OPEN_SECONDS:g} s: {counted}")
        time.sleep(_POLL_SECONDS)
    return dict(counted)
