"""Taking back a whole fleet at once, against an endpoint that throttles as AWS does.

    python -m tests.benchmarks.fleet [--services 500] [--balancers 10] [--only]

Control plane only: moto holds the load balancers, rules, target groups and targets, and nothing carries traffic. Every
service is at green 100 with blue on record as its base. `bluegreen rollback --all` takes them back, timed from fork to
exit, contracts from SSM included. Between it and moto stands a server with two token buckets for all callers, which
answers `Throttling` where one is empty. AWS documents 40 and 10 a second for Describe…; 20 and 3 a second for Modify…
are an assumption. It is run at a quarter, at half, and at the whole number of services, so that the growth of the calls
is seen; `--only` leaves the first two out.

The limit: the largest over the buckets of (fewest possible calls - burst) / refill. Fewest possible: one read of 20
routes a call before and one after the write, the health of each destination, and a write for each route.

Prints one JSON object last: services routes seconds limit_s ratio failed throttled calls calls_a_route.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.fleet_world import control_plane, on_blue, publish, seed, send_to_green
from tests.benchmarks.timing import beside
from tests.support.provision import CREDENTIALS, REGION
from tests.support.throttle import ARNS_A_CALL, Bucket, throttling
from toolkit.journal.sqlite import SqliteStore
from toolkit.rollout.codec import seal
from toolkit.rollout.events import Head, Kind, ShiftIntended, ShiftVerified
from toolkit.rollout.record import fold
from toolkit.traffic import Color, Split

RATES = {"Describe": (40, 10.0), "Modify": (20, 3.0)}
"""Burst and refill a second, by how an operation begins."""


@dataclass(frozen=True)
class Run:
    """One fleet taken back. calls: by operation, throttled ones included. failed: services that are not back."""

    services: int
    routes: int
    seconds: float
    calls: Mapping[str, int]
    throttled: int
    failed: Mapping[str, str]

    @property
    def limit_s(self) -> float:
        return limit(fewest(self.services, self.routes))

    @property
    def report(self) -> dict[str, Any]:
        return {
            "services": self.services,
            "routes": self.routes,
            "seconds": round(self.seconds, 1),
            "limit_s": round(self.limit_s, 1),
            "ratio": round(self.seconds / self.limit_s, 3),
            "failed": len(self.failed),
            "throttled": self.throttled,
            "calls": dict(self.calls),
            "calls_a_route": round(sum(self.calls.values()) / self.routes, 3),
        }


def fewest(services: int, routes: int) -> dict[str, int]:
    """The fewest calls that take back so many services, by operation."""
    batches = math.ceil(routes / ARNS_A_CALL)
    return {"DescribeRules": 2 * batches, "DescribeTargetHealth": services, "ModifyRule": routes}


def limit(calls: Mapping[str, int]) -> float:
    """The seconds that the buckets make these calls take at least."""

    def of(begins: str, burst: int, per_second: float) -> float:
        asked = sum(count for operation, count in calls.items() if operation.startswith(begins))
        return max(0.0, (asked - burst) / per_second)

    return max(of(begins, *rates) for begins, rates in RATES.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--balancers", type=int, default=10)
    parser.add_argument("--only", action="store_true", help="run at the whole number of services only")
    arguments = parser.parse_args()
    total = arguments.services
    for begins, (burst, per_second) in RATES.items():
        assumed = "an assumption: AWS publishes none" if begins == "Modify" else "as AWS documents"
        print(f"{begins}…: {burst} at once, {per_second:g} a second, shared by all callers ({assumed})")
    with control_plane() as aws:
        began = time.monotonic()
        contracts = seed(aws, total, arguments.balancers)
        print(f"{total} services on {arguments.balancers} load balancers made in {time.monotonic() - began:.0f} s")
        sizes = [total] if arguments.only else sorted({max(1, total // 4), max(1, total // 2), total})
        for size in sizes:
            run = _run(aws, contracts[:size])
            needed = ", ".join(f"{count} {operation}" for operation, count in fewest(size, run.routes).items())
            print(f"fewest possible calls for {size}: {needed}; so {run.limit_s:.1f} s at least")
            for service, why in list(run.failed.items())[:10]:
                print(f"not back: {service}: {why}")
            if size != total:
                print(json.dumps(run.report))
                send_to_green(aws, contracts[:size])
        print(json.dumps(run.report))


def _run(aws: str, contracts: Sequence[dict[str, Any]]) -> Run:
    buckets = {begins: Bucket(*rates) for begins, rates in RATES.items()}
    with tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch, throttling(aws, buckets) as throttle:
        publish(aws, contracts)
        store = _recorded(Path(scratch), contracts)
        began = time.perf_counter()
        failed = _take_back(scratch, _environ(throttle.url, scratch))
        seconds = time.perf_counter() - began
        failed |= _not_as_meant(aws, contracts, store, failed)
        throttled = sum(throttle.throttled.values())
        return Run(len(contracts), len(contracts), seconds, Counter(throttle.calls), throttled, failed)


def _environ(endpoint: str, scratch: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **{name.upper(): value for name, value in CREDENTIALS.items()},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "XDG_CACHE_HOME": scratch,
        "XDG_STATE_HOME": scratch,
    }


def _take_back(directory: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Which services failed, by what the command says, and why."""
    command = [str(beside("bluegreen")), "rollback", "--all", "--output", "json"]
    ended = subprocess.run(command, env=environ, cwd=directory, capture_output=True, text=True, check=False)
    try:
        services = json.loads(ended.stdout)["services"]
    except (ValueError, KeyError):
        sys.exit(f"bluegreen rollback --all ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return {each["service"]: each["error"]["message"] for each in services if "error" in each}


def _recorded(scratch: Path, contracts: Sequence[dict[str, Any]]) -> SqliteStore:
    """The local journal, which says of every service that it was shifted from blue to green."""
    place = f"{contracts[0]['account_id']}/{REGION}"
    store = SqliteStore(scratch / "bluegreen" / "journal.sqlite3", place=place)
    blue, green = Split.all_to(Color.BLUE), Split.all_to(Color.GREEN)
    for contract in contracts:
        head, name = Head(), str(contract["name"])
        route = str(contract["routes"][0]["name"])
        for event in (ShiftIntended(Kind.SHIFT, Color.BLUE, {route: blue}, green), ShiftVerified()):
            entry = seal(name, head, event, at=datetime.now(UTC), actor=None, rollout=None)
            store.append(name, entry)
            head = entry.head
    return store


def _not_as_meant(
    aws: str, contracts: Sequence[dict[str, Any]], store: SqliteStore, failed: Mapping[str, str]
) -> dict[str, str]:
    """The services that are said to be back, and of which AWS or the journal says something else."""
    back = on_blue(aws, contracts)
    wrong = {}
    for name in (str(contract["name"]) for contract in contracts):
        record = fold(store.tail(name, 16))
        if name in failed:
            continue
        if name not in back:
            wrong[name] = "AWS does not have it on blue"
        elif record.in_doubt or record.kind is not Kind.ROLLBACK:
            wrong[name] = "the journal does not say that it is back"
    return wrong


if __name__ == "__main__":
    main()
