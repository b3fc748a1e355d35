"""Rolling releases in a row on the lab under load, each by a `bluegreen rolling` of its own, two of them bad.

    python -m tests.benchmarks.rolling [--releases 10]

Three targets, each a real process of its own, updated one at a time: taken out, drained, killed, started with another
version, put back. A tenth of the requests takes two seconds, so that some are under way whenever a target is taken out;
the kill is a SIGKILL, so whatever a target still had is lost and counted. After each batch a hook asks every target
past the load balancer. One release leaves a dead server behind and is never healthy: nobody may notice. Another answers
25 % of its requests with 500 while its health check is fine: the hook must see it after its first batch. Both are taken
back. The load goes on from before the first release until after the last; nothing is ever retried.

The last line is one JSON object (docs/benchmarks.md); the exit code is 1 where the goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.deploy_report import ROLLED_BACK
from tests.benchmarks.rolling_report import Kind, Release, figures, missed, plan
from tests.e2e.command import Commands
from tests.support.in_place import Fleet, as_hook, environment, fleet
from tests.support.provision import Provisioned, provision
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.targets import TARGET_PORT, free_addresses, wait_for

_RATE = 150.0  # requests a second: targets, load, lab and command share the machine
_CONNECTIONS = 64
_SLOW = ("--slow-rate", "0.1", "--slow-ms", "2000")
_DRAIN_SECONDS = 20
_TARGETS = 3
_TIME_SCALE = 0.2  # of health checks and deregistration: a check a second, four seconds to drain
_LISTENER_PORT = 80
_LONGEST_SECONDS = 300.0
_SETTINGS = """
[service.web]
poll_seconds = 0.5
ready_seconds = 15

[service.web.rolling]
bake = "2s"
"""


@dataclass
class Stage:
    """The service, its targets, the commands on it, and the load that it is under."""

    lab: Lab
    pair: Provisioned
    fleet: Fleet
    bluegreen: Commands
    load: LoadProcess


def released(stage: Stage, number: int, kind: Kind) -> Release:
    """Carry one release out, and tell what came of it."""
    version = f"2.{number}.0{kind.suffix}"
    counted, before = stage.load.count(), tuple(stage.fleet.versions())
    began = time.monotonic()
    ended = stage.bluegreen(
        "rolling", "web", "--version", version, "--", *stage.fleet.command, timeout=_LONGEST_SECONDS
    )
    seconds = time.monotonic() - began
    time.sleep(0.5)  # answers that were on their way count for this one
    after = stage.load.count()
    brought = {each["target_id"] for each in stage.fleet.updates() if each["brings"] == version}
    release = Release(
        number=number,
        kind=kind,
        version=version,
        code=ended.code,
        seconds=round(seconds, 1),
        before=before,
        after=tuple(stage.fleet.versions()),
        reached=len(brought),
        began=began,
        ended=after["at"],
        requests=after["requests"] - counted["requests"],
        failed=after["failed"] - counted["failed"],
        said=ended.err.splitlines()[-1] if ended.err else "",
    )
    say(f"{release}")
    return release


@contextmanager
def staged(scratch: Path, *, drains: bool = True) -> Iterator[Stage]:
    """Lab, service with healthy targets, and load that has begun. drains: False takes targets out without a delay."""
    addresses = free_addresses(_TARGETS)["blue"]
    with ExitStack() as stack:
        lab = stack.enter_context(start_lab(LabOptions(name="rolling", time_scale=_TIME_SCALE), root=scratch / "lab"))
        targets = stack.enter_context(fleet(scratch / "targets", addresses, "1.0.0", _SLOW))
        pair = provision(
            lab.endpoint_url, port=_LISTENER_PORT, targets={"blue": list(addresses)}, target_port=TARGET_PORT
        )
        delay = str(_DRAIN_SECONDS if drains else 0)
        pair.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=pair.group("blue"),
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": delay}],
        )
        wait_for(pair, "blue", "healthy")
        (scratch / "bluegreen.toml").write_text(_SETTINGS + as_hook(targets), "utf-8")
        url = lab.listeners()[pair.listener_arn]
        load = stack.enter_context(
            LoadProcess(LoadPlan(f"{url}/", connections=_CONNECTIONS, rate=_RATE, post_share=0.5))
        )
        lab.record(load.pid, "load generator")
        yield Stage(lab, pair, targets, Commands(environment(lab.environ, scratch), scratch), load)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measure(kinds: Sequence[Kind], *, drains: bool = True) -> dict[str, Any]:
    """Run it; the document to print."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch,
        staged(Path(scratch), drains=drains) as stage,
    ):
        done: list[Release] = []
        for number, kind in enumerate(kinds, start=1):
            done.append(released(stage, number, kind))
            if done[-1].code not in (0, ROLLED_BACK):
                say("it is not known how the service stands, so nothing more is released")
                break
        result = stage.load.stop()
    listed = [
        {"number": each.number, "kind": each.kind.value, "code": each.code, "seconds": each.seconds,
         "reached": each.reached, "requests": each.requests, "failed": each.failed}
        for each in done
    ]  # fmt: skip
    return {**figures(done, result), "seconds": round(time.monotonic() - began, 1), "each": listed}


def main() -> int:
    """Run it and print what it shows; 0 where the goal is reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rolling")
    parser.add_argument("--releases", type=int, default=10, help="3 to 50; two of them are bad")
    options = parser.parse_args()
    if not 3 <= options.releases <= 50:
        parser.error("--releases takes 3 to 50")
    document = measure(plan(options.releases))
    faults = missed(document, releases=options.releases)
    for fault in faults:
        say(f"missed: {fault}")
    print(json.dumps(document | {"missed": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
