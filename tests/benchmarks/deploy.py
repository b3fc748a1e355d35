"""Releases in a row on the lab under load, each by `bluegreen deploy` in a process of its own, two of them bad.

    python -m tests.benchmarks.deploy [--releases 10] [--workload ecs|asg] [--judge analysis|probe]

The lab plays the workload with a real process a task or instance. Each release is a canary: 10 % of the traffic for a
while, then all of it, then the old side goes down to a warm minimum; so the sides alternate. While a new version has
traffic, a probe asks it twenty times a second, through its test route. One release crashes at its start: it must never
get a request. Another answers 10 % of its requests with 500: it is left to the analysis of CloudWatch's minutes, which
are real, and must have it taken back; nothing but its own part of the canary may fail. Every failed request of all
others counts, as does one of that time that is anything else than its own 500. The load goes on from before the first
release until after the last; nothing is ever retried. With `--judge probe` that release has the probe of all others,
which sees it at once.

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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.deploy_report import ROLLED_BACK, Kind, Release, figures, missed, plan
from tests.e2e.command import Commands, Ended
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.provision import Provisioned
from toolkit.lab.rehearsal.targets import wait_for
from toolkit.lab.rehearsal.traffic import answers
from toolkit.lab.rehearsal.workload import ami, provision_workload

_RATE = 150.0  # requests a second: tasks, load, lab and command share the machine
_CONNECTIONS = 16
_TARGETS = 2
_TIME_SCALE = 0.2  # of health checks and deregistration: a check a second, a second to drain
_LISTENER_PORT = 80
_LONGEST_SECONDS = 300.0
_ASKED = 20
_SETTINGS = """
[service.web]
poll_seconds = 0.5
settle_seconds = 2
ready_seconds = 90
probe_via = "{place}"

[service.web.retire]
after = "at once"
keep = 1

[strategy.release]
step = [{{ shift = {share}, bake = "4s" }}, {{ shift = 100, bake = "2s" }}]
gate = [{{ probe = "/", via = "test-route", count = 20 }}]
gate_every = "1s"
"""
_JUDGED = """
[service.web.analysis]
settle_seconds = 0
warmup_minutes = 0

[strategy.judged]
canary = [{share}, 100]
bake = "5m"
"""
CANARY_PERCENT = 10


@dataclass
class Stage:
    """The service, the commands on it, and the load that it is under."""

    lab: Lab
    pair: Provisioned
    bluegreen: Commands
    load: LoadProcess
    workload: str
    judge: str

    @property
    def url(self) -> str:
        return self.lab.listeners()[self.pair.listener_arn]

    @property
    def live(self) -> str:
        """The color that carries all traffic; `both` where neither does."""
        weights = self.pair.weights()
        carrying = [color for color, weight in weights.items() if weight]
        return carrying[0] if len(carrying) == 1 else "both"

    def deploy(self, version: str, kind: Kind) -> Ended:
        """`bluegreen deploy` of this version, to its end."""
        version = f"{version}{kind.suffix}"
        if self.workload == "asg":
            asked = ("--ami", ami(self.pair, f"web-{version}"))
        else:
            asked = ("--image", f"registry.example/web:{version}")
        is_judged = kind is Kind.ERRORS and self.judge == "analysis"
        strategy, file = ("judged", "judged.toml") if is_judged else ("release", "bluegreen.toml")
        return self.bluegreen(
            "deploy", "web", *asked, "--strategy", strategy, "--config", file, timeout=_LONGEST_SECONDS
        )

    def versions(self) -> dict[str, int]:
        """Who answers just now."""
        return answers(self.url, _ASKED, path="/", headers={}, by="X-Version")


def released(stage: Stage, number: int, kind: Kind) -> Release:
    """Carry one release out, and tell what came of it."""
    version, before, live = f"2.{number}.0", stage.load.count(), stage.live
    began = time.monotonic()
    ended = stage.deploy(version, kind)
    seconds, now = time.monotonic() - began, stage.live
    heard = stage.versions()
    time.sleep(0.2)  # answers that were on their way count for this one
    after = stage.load.count()
    release = Release(
        number=number,
        kind=kind,
        code=ended.code,
        seconds=round(seconds, 1),
        side="green" if live == "blue" else "blue",
        live=now,
        answered_by_new=heard.get(version, 0),
        asked=_ASKED,
        began=began,
        ended=after["at"],
        requests=after["requests"] - before["requests"],
        failed=after["failed"] - before["failed"],
        said=ended.err.splitlines()[-1] if ended.err else "",
    )
    say(f"{release}")
    return release


@contextmanager
def staged(scratch: Path, workload: str, judge: str) -> Iterator[Stage]:
    """Lab, service with a live side of `_TARGETS`, and load that has begun."""
    with ExitStack() as stack:
        options = LabOptions(name=f"deploy-{workload}", time_scale=_TIME_SCALE, metrics_delay=0, metrics_revision=0)
        lab = stack.enter_context(start_lab(options, root=scratch / "lab"))
        image = "registry.example/web:1.0.0" if workload == "ecs" else "web-1.0.0"
        pair = provision_workload(
            lab.endpoint_url, workload, image, counts={"blue": _TARGETS, "green": 0}, test_routes=True,
            port=_LISTENER_PORT,
        )  # fmt: skip
        wait_until_there(pair, "blue", _TARGETS)
        url = lab.listeners()[pair.listener_arn]
        place = url.rpartition("/")[2]
        settings = _SETTINGS.format(place=place, share=CANARY_PERCENT)
        (scratch / "bluegreen.toml").write_text(settings)
        (scratch / "judged.toml").write_text(settings + _JUDGED.format(share=CANARY_PERCENT))
        environ = {
            **lab.environ,
            "XDG_CACHE_HOME": str(scratch / "cache"),
            "XDG_STATE_HOME": str(scratch / "state"),
            "COLUMNS": "200",
        }
        plan_of_load = LoadPlan(f"{url}/", connections=_CONNECTIONS, rate=_RATE, post_share=0.5)
        load = stack.enter_context(LoadProcess(plan_of_load))
        lab.record(load.pid, "load generator")
        yield Stage(lab, pair, Commands(environ, scratch), load, workload, judge)


def wait_until_there(pair: Provisioned, color: str, count: int, *, seconds: float = 60.0) -> None:
    """Until `count` targets of a color are registered, and every one is healthy."""
    end = time.monotonic() + seconds
    group = pair.group(color)
    while len(pair.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]) < count:
        if time.monotonic() > end:
            raise TimeoutError(f"{color} has not {count} targets after {seconds:g} s")
        time.sleep(0.1)
    wait_for(pair, color, "healthy")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def measure(releases: int, workload: str, judge: str) -> dict[str, Any]:
    """Run it; the document to print."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch,
        staged(Path(scratch), workload, judge) as stage,
    ):
        done: list[Release] = []
        for number, kind in enumerate(plan(releases), start=1):
            done.append(released(stage, number, kind))
            if done[-1].live == "both" or done[-1].code not in (0, ROLLED_BACK):
                say("it is not known how the service stands, so nothing more is released")
                break
        result = stage.load.stop()
    document = figures(done, result, share=CANARY_PERCENT / 100)
    listed = [{**asdict(each), "kind": each.kind.value} for each in done]
    seconds = round(time.monotonic() - began, 1)
    return {**document, "workload": workload, "judge": judge, "seconds": seconds, "each": _short(listed)}


def _short(listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = ("number", "kind", "code", "seconds", "live", "requests", "failed")
    return [{key: each[key] for key in keys} for each in listed]


def main() -> int:
    """Run it and print what it shows; 0 where the goal is reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.deploy")
    parser.add_argument("--releases", type=int, default=10, help="3 to 50; two of them are bad")
    parser.add_argument("--workload", choices=("ecs", "asg"), default="ecs")
    parser.add_argument("--judge", choices=("analysis", "probe"), default="analysis", help="of the one with errors")
    options = parser.parse_args()
    if not 3 <= options.releases <= 50:
        parser.error("--releases takes 3 to 50")
    document = measure(options.releases, options.workload, options.judge)
    faults = missed(document, releases=options.releases)
    for fault in faults:
        say(f"missed: {fault}")
    print(json.dumps(document | {"missed": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
