"""Releases judged by the traffic that they get: six services on one lab, side by side, in CloudWatch's real minutes.

The demo, whose second act is one more, runs beside them.

Four of them are bad for a part of their requests only, so no health check fails and nothing but the analysis sees it.
Each prints one line of figures: what was seen, how soon, and how many requests were bad until then.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import BLUEGREEN, Commands
from tests.e2e.release import VERSIONS, free_port, requests_until
from tests.support.provision import Provisioned, provision
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.targets import free_addresses, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform, pytest.mark.slow]

CANARY = {"blue": 80, "green": 20}
BLUE, GREEN = {"blue": 100, "green": 0}, {"blue": 0, "green": 100}
TARGET_PORT = 8080
TARGETS = 2
RATE = 60.0
SLOW_OVER = 0.5
GIVEN_UP_AFTER = 5.0
"""Seconds after which a client gives up a request. The lab counts it then, in the minute in which it began."""
SETTLE = 10
LATE = {"metrics_delay": 2.0, "metrics_revision": 3.0}
START_AT = 45
"""Second of the minute in which rollouts begin: soon after it comes the first whole minute."""
LONGEST = 420.0

ANALYSIS = f"""
poll_seconds = 0.5

[service.NAME.analysis]
slow_over = {SLOW_OVER}
settle_seconds = {SETTLE}
warmup_minutes = 0
"""


@dataclass(frozen=True)
class Case:
    """A release: what its targets do to a part of its requests, and how it is rolled out."""

    faults: Mapping[str, float] = field(default_factory=dict)
    words: tuple[str, ...] = ("--steps", "20,100", "--bake", "10m")
    settings: str = ""
    rate: float | None = RATE


CASES = {
    "errors": Case({"error_rate": 0.1}),
    "slow": Case({"slow_rate": 0.1, "slow_ms": 1000.0}),
    "resets": Case({"reset_rate": 0.1}),
    "hangs": Case({"hang_rate": 0.1}),
    "good": Case(words=("--steps", "50,100", "--bake", "5s")),
    "silent": Case(words=("--steps", "20,100", "--bake", "20s"), settings='inconclusive = "pause"\n', rate=None),
}


@dataclass
class Judged:
    """A rollout under way, with traffic."""

    case: Case
    pair: Provisioned
    process: subprocess.Popen[str]
    load: LoadProcess | None

    def ended(self, code: int) -> tuple[str, LoadResult | None]:
        """The last line on stderr of a process that ends by itself with `code`, and what the traffic met until then."""
        _, err = self.process.communicate(timeout=LONGEST)
        result = self.load.stop() if self.load else None
        assert self.process.returncode == code, err
        return (err.splitlines() or [""])[-1], result

    def journal(self) -> list[dict[str, Any]]:
        """Every entry, as it is stored."""
        table = self.pair.contract["state_table"]["name"]
        items = self.pair.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        entries = [json.loads(item["entry"]["S"]) for item in items if "entry" in item]
        return sorted(entries, key=lambda entry: int(entry["sequence"]))

    def first(self, event: str) -> dict[str, Any]:
        return next(entry for entry in self.journal() if entry["event"] == event)

    def detected_after(self) -> float:
        """Seconds from the first shift to the word that took it back."""
        began, failed = (datetime.fromisoformat(self.first(event)["at"]) for event in ("ShiftVerified", "GateFailed"))
        return (failed - began).total_seconds()

    def response_times(self, color: str, statistic: str) -> list[float]:
        """A statistic of the color's response times, minute by minute, as CloudWatch has it by now."""
        balancer, group = (self.pair.contract[key] for key in ("load_balancer", "target_groups"))
        dimensions = {"LoadBalancer": balancer["arn_suffix"], "TargetGroup": group[color]["arn_suffix"]}
        now = datetime.now(UTC)
        query = {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": "TargetResponseTime",
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": 60,
                "Stat": statistic,
            },
        }
        answer = self.pair.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=now - timedelta(minutes=30), EndTime=now + timedelta(minutes=1)
        )
        return list(answer["MetricDataResults"][0]["Values"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """Both acts of the demo under way, on a lab of its own."""
    scratch = tmp_path_factory.mktemp("demo")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    places = {"BLUEGREEN_LAB_DIR": "labs", "TMPDIR": "", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache"}
    environ = {**inherited, **{name: str(scratch / place) for name, place in places.items()}}
    with (scratch / "err").open("w+") as err:
        process = subprocess.Popen(
            [BLUEGREEN, "lab", "demo", "--rate", "100", "-o", "json"],
            env=environ, cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)
            err.seek(0)
            print(err.read())  # pytest shows it where a test fails


@pytest.fixture(scope="module")
def rollouts(demo: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Judged]]:
    """All of them under way at once, begun in the same second; and the demo beside them."""
    scratch = tmp_path_factory.mktemp("analysis")
    addresses = shared_out(free_addresses(TARGETS * len(CASES), TARGET_PORT))
    with ExitStack() as stack:
        options = LabOptions(name="analysis", time_scale=0.05, **LATE)  # type: ignore[arg-type]
        lab = stack.enter_context(start_lab(options, root=scratch / "labs"))
        app = stack.enter_context(start_app([site for name in CASES for site in sites(addresses[name])]))
        lab.record(app.pid, "sample apps")
        pairs = {name: provisioned(lab, name, addresses[name]) for name in CASES}
        loads: dict[str, LoadProcess | None] = {}
        for name, case in CASES.items():
            for color in VERSIONS:
                wait_for(pairs[name], color, "healthy")
            misbehave(app, addresses[name]["green"], case.faults)
            loads[name] = stack.enter_context(sending(lab, pairs[name], case.rate)) if case.rate else None
        bluegreen = Commands({**lab.environ, "XDG_STATE_HOME": str(scratch / "state")}, settings_in(scratch))
        time.sleep((START_AT - time.time()) % 60)
        yield {
            name: Judged(
                case, pairs[name], stack.enter_context(bluegreen.started("canary", name, *case.words)), loads[name]
            )
            for name, case in CASES.items()
        }


def shared_out(addresses: Mapping[str, list[str]]) -> dict[str, dict[str, list[str]]]:
    """Each service its own targets of both colors."""
    return {
        name: {color: listed[TARGETS * at : TARGETS * (at + 1)] for color, listed in addresses.items()}
        for at, name in enumerate(CASES)
    }


def sites(addresses: Mapping[str, list[str]]) -> list[Site]:
    return [
        Site(to_loopback(address), TARGET_PORT, color, VERSIONS[color])
        for color, listed in addresses.items()
        for address in listed
    ]


def provisioned(lab: Lab, name: str, addresses: dict[str, list[str]]) -> Provisioned:
    return provision(lab.endpoint_url, name=name, port=free_port(), targets=addresses, target_port=TARGET_PORT)


def misbehave(app: AppProcess, addresses: list[str], faults: Mapping[str, float]) -> None:
    for site in app.sites:
        if site.address in map(to_loopback, addresses):
            app.set_faults(site, **faults)


@contextmanager
def sending(lab: Lab, pair: Provisioned, rate: float) -> Iterator[LoadProcess]:
    """Traffic that has begun, half of it POST, none ever retried."""
    url = f"{lab.listeners()[pair.listener_arn]}/"
    plan = LoadPlan(url, rate=rate, post_share=0.5, connections=32, timeout=GIVEN_UP_AFTER, expected=VERSIONS)
    with LoadProcess(plan) as load:
        lab.record(load.pid, "load generator")
        requests_until(load, 20)
        yield load


def settings_in(directory: Path) -> Path:
    text = "".join(f"[service.{name}]{ANALYSIS.replace('NAME', name)}{case.settings}\n" for name, case in CASES.items())
    (directory / "bluegreen.toml").write_text(text)
    return directory


def say(capsys: pytest.CaptureFixture[str], **figures: Any) -> None:
    """One line of figures, whatever pytest captures."""
    with capsys.disabled():
        print(f"\n{json.dumps(figures)}")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("errors", "green fails requests"),
        ("slow", "green is slow"),
        ("resets", "green fails requests"),
        ("hangs", "green fails requests"),
    ],
)
def test_a_bad_release_is_taken_back_by_what_its_requests_meet(
    rollouts: Mapping[str, Judged], name: str, seen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rollout = rollouts[name]
    last, result = rollout.ended(32)
    assert result is not None
    failed = rollout.first("GateFailed")
    bad = result.failed
    if name == "slow":
        bad = round(sum(rollout.response_times("green", f"TC({SLOW_OVER:g}:)")))
        assert max(rollout.response_times("green", "p99")) > 5 * max(rollout.response_times("blue", "p99"))
        assert result.failed == 0, result.failures[:5]
    say(
        capsys,
        release=name,
        detected_after_s=round(rollout.detected_after(), 1),
        bad_requests=bad,
        requests=result.requests,
        said=failed["reason"],
    )
    assert failed["gate"] == "analysis"
    assert seen in failed["reason"]
    assert "all traffic is back on blue" in last
    assert rollout.pair.weights() == BLUE
    assert rollout.detected_after() < 300
    assert 0 < bad < 0.05 * result.requests


def test_a_good_release_is_promoted_once_its_traffic_has_shown_it(
    rollouts: Mapping[str, Judged], capsys: pytest.CaptureFixture[str]
) -> None:
    rollout = rollouts["good"]
    _, result = rollout.ended(0)
    assert result is not None
    assert result.failed == 0, result.failures[:5]
    assert rollout.pair.weights() == GREEN
    told = [entry for entry in rollout.journal() if entry["event"] == "StepPassed" and entry.get("detail")]
    began = datetime.fromisoformat(rollout.first("ShiftVerified")["at"])
    passed = datetime.fromisoformat(told[0]["at"])
    say(
        capsys, release="good", passed_after_s=round((passed - began).total_seconds(), 1), requests=result.requests,
        said=told[0]["detail"],
    )  # fmt: skip
    assert (passed - began).total_seconds() > 180


def test_a_release_without_traffic_is_paused_and_says_why(rollouts: Mapping[str, Judged]) -> None:
    rollout = rollouts["silent"]
    last, _ = rollout.ended(38)
    assert "inconclusive: " in last
    assert "not both had requests" in last
    assert rollout.pair.weights() == CANARY


def test_the_demo_lets_its_bad_release_be_taken_back_and_loses_no_other_request(
    demo: subprocess.Popen[str], rollouts: Mapping[str, Judged], capsys: pytest.CaptureFixture[str]
) -> None:
    said, _ = demo.communicate(timeout=LONGEST)
    assert demo.returncode == 0
    told = json.loads(said)
    say(
        capsys,
        release="demo",
        **{key: told[key] for key in ("detected_after_s", "bad_requests", "requests", "seconds")},
    )
    assert told["rolled_back"] is True
    assert told["failed"] == 0
    assert told["plan_empty"] is True
    assert "green fails requests" in told["bad_release"]["reason"]
    assert 120 < told["detected_after_s"] < 300
    assert 0 < told["bad_requests"] < 0.02 * told["requests"]
