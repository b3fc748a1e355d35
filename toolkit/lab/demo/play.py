"""The demo from its beginning to its end: all that it starts, it stops."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from toolkit.lab.app import AppProcess, start_app
from toolkit.lab.attach_options import AnyOptions, AttachOptions
from toolkit.lab.demo.commands import interrupted_once
from toolkit.lab.demo.first_act import FirstAct
from toolkit.lab.demo.scene import (
    BAD_VERSION,
    SERVICE,
    VERSIONS,
    copied,
    free_port,
    loopback_addresses,
    sites,
    terraform_tree,
)
from toolkit.lab.demo.second_act import ERROR_RATE, METRICS_DELAY, METRICS_REVISION, SecondAct
from toolkit.lab.demo.stage import Narrate, Stage
from toolkit.lab.handle import REGION, Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult
from toolkit.lab.options import LabOptions
from toolkit.lab.report import BadRelease, Release, Report

ACTS: Final = 2
_POLL_SECONDS = 0.2


def run_demo(narrate: Narrate, *, rate: float, endpoint_url: str | None = None, acts: int = ACTS) -> Report:
    """Do it all, stop everything that was started for it, and report.

    Args:
        narrate: takes a line on what happens now.
        rate: requests per second, half of them POST, all on kept connections.
        endpoint_url: an AWS endpoint on this machine, to be used in place of a lab of the demo's own. The second act
            is left out there.
        acts: 1 leaves the second act out, and with it about three minutes.

    Raises:
        DemoFailed: a command failed, or a color went on answering after the traffic had left it, so there is nothing to
            report. A report of failed requests is returned.
        UsageError: the endpoint is not on this machine.
    """
    began = time.monotonic()
    tree = terraform_tree()
    options = options_of(endpoint_url)
    with contextlib.ExitStack() as stack:
        stack.enter_context(interrupted_once())
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bluegreen-demo-")))
        directory = copied(tree, work)
        targets = Targets(free_port(loopback_addresses()), stack)
        narrate("starting six targets of the sample app: blue answers as v1, green as v2")
        for color, version in VERSIONS.items():
            targets.deploy(color, version)
        lab = _started(options, narrate)
        stack.callback(shutil.rmtree, lab.state.path, ignore_errors=True)
        stack.enter_context(lab)
        targets.record_in(lab)
        stage = Stage(lab, directory, narrate, SERVICE if endpoint_url is None else options.name)
        url = stack.enter_context(stage.provisioned(targets.port))
        releases, first = _first_act(stage, url, rate)
        bad_release, second = None, None
        if acts == ACTS and stage.is_attached:
            narrate("no second act: CloudWatch of this endpoint counts no traffic, so there is nothing to analyze")
        elif acts == ACTS:
            bad_release, second = _second_act(stage, targets, url, rate)
        is_plan_empty = stage.plan_is_empty()
        narrate("stopping everything")
    return Report.of(
        first,
        releases,
        plan_empty=is_plan_empty,
        seconds=time.monotonic() - began,
        bad_release=bad_release,
        met=second,
    )


@dataclass(slots=True)
class Targets:
    """The sample apps of both colors on `port`, stopped with `stack`."""

    port: int
    stack: contextlib.ExitStack
    apps: dict[str, AppProcess] = field(default_factory=dict)
    lab: Lab | None = None

    def deploy(self, color: str, version: str, *options: str) -> None:
        """Put a version in the place of the one that the color runs."""
        if color in self.apps:
            self.apps[color].stop()
        self.apps[color] = self.stack.enter_context(start_app(sites(self.port, color, version), *options))
        if self.lab is not None:
            self.lab.record(self.apps[color].pid, "sample app")

    def record_in(self, lab: Lab) -> None:
        """Let the lab's end be theirs too, and that of those to come."""
        self.lab = lab
        for app in self.apps.values():
            lab.record(app.pid, "sample app")


def _first_act(stage: Stage, url: str, rate: float) -> tuple[list[Release], LoadResult]:
    stage.narrate(f"sending {rate:.0f} requests a second to {url}, half of them POST, none ever retried")
    with _load(stage, url, rate, VERSIONS["green"]) as load:
        releases = FirstAct(stage, load).play()
        return releases, load.stop()


def _second_act(stage: Stage, targets: Targets, url: str, rate: float) -> tuple[BadRelease, LoadResult]:
    stage.narrate(f"second act: deploying {BAD_VERSION} to green, which is idle")
    targets.deploy("green", BAD_VERSION, "--error-rate", str(ERROR_RATE))
    with _load(stage, url, rate, BAD_VERSION) as load:
        stage.wait_until_healthy()
        bad_release = SecondAct(stage, load).play()
        return bad_release, load.stop()


@contextlib.contextmanager
def _load(stage: Stage, url: str, rate: float, green: str) -> Iterator[LoadProcess]:
    """Traffic in which an answer of green counts only if it is of that version."""
    plan = LoadPlan(url=url, rate=rate, post_share=0.5, expected={**VERSIONS, "green": green}, connections=16)
    with LoadProcess(plan) as load:
        stage.lab.record(load.pid, "load generator")
        yield load


def options_of(endpoint_url: str | None) -> AnyOptions:
    """A lab of the demo's own, or a data plane for the endpoint. The name is nobody else's there either."""
    name = f"demo-{os.getpid()}"
    if endpoint_url is None:
        return LabOptions(name=name, metrics_delay=METRICS_DELAY, metrics_revision=METRICS_REVISION)
    return AttachOptions(endpoint_url=endpoint_url, name=name, regions=(REGION,), poll_interval=_POLL_SECONDS)


def _started(options: AnyOptions, narrate: Narrate) -> Lab:
    if isinstance(options, AttachOptions):
        narrate(f"attaching a load balancer, Envoy on loopback, to {options.endpoint_url}")
    else:
        narrate("starting the lab: an emulated AWS with Envoy as its load balancer, on loopback")
    return start_lab(options)
