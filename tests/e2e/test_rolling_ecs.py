"""`bluegreen rolling` by ECS's own rolling update, for real: tasks that are processes, and traffic all the while.

One world, its tests in order; each finds out by itself what is live, and what it runs.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.deploy import wait_until_there
from tests.e2e.command import Commands, Ended
from toolkit.lab.handle import start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.provision import Provisioned
from toolkit.lab.rehearsal.traffic import answers
from toolkit.lab.rehearsal.workload import provision_workload

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.slow]

TASKS = 2
SETTINGS = """
[service.web]
poll_seconds = 0.3
ready_seconds = 60
"""
TIMES_SECONDS = 120.0


@dataclass
class Live:
    """Blue has all of the traffic; `load` goes on from before the first test until after the last."""

    bluegreen: Commands
    pair: Provisioned
    url: str
    load: LoadProcess

    def rolling(self, image: str, *words: str) -> Ended:
        return self.bluegreen(*self.line(image), *words, timeout=TIMES_SECONDS)

    @staticmethod
    def line(image: str, *, bake: str = "1s") -> tuple[str, ...]:
        return "rolling", "web", "--image", f"registry.example/web:{image}", "--bake", bake

    def versions(self) -> dict[str, int]:
        return answers(self.url, 20, path="/", headers={}, by="X-Version")

    def services(self) -> dict[str, tuple[str, int]]:
        """What each runs, and how much of it is asked for."""
        names = [f"web-{color}" for color in ("blue", "green")]
        told = self.pair.client("ecs").describe_services(cluster="web", services=names)["services"]
        return {each["serviceName"]: (each["taskDefinition"].rpartition("/")[2], each["desiredCount"]) for each in told}

    def bounds(self) -> list[tuple[str, int, int, bool]]:
        targets = self.pair.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
        return sorted(
            (each["ResourceId"], each["MinCapacity"], each["MaxCapacity"], any(each["SuspendedState"].values()))
            for each in targets["ScalableTargets"]
        )

    def configure(self, **configuration: Any) -> None:
        self.pair.client("ecs").update_service(cluster="web", service="web-blue", deploymentConfiguration=configuration)

    def until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.1)

    def is_rolling(self) -> bool:
        """Whether ECS has begun to replace."""
        (told,) = self.pair.client("ecs").describe_services(cluster="web", services=["web-blue"])["services"]
        return len(told["deployments"]) > 1

    def failed(self) -> int:
        return int(self.load.count()["failed"])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    scratch: Path = tmp_path_factory.mktemp("rolling")
    with ExitStack() as stack:
        lab = stack.enter_context(start_lab(LabOptions(name="rolling-ecs", time_scale=0.1), root=scratch / "lab"))
        pair = provision_workload(
            lab.endpoint_url, "ecs", "registry.example/web:1.0.0", counts={"blue": TASKS, "green": 0}
        )
        wait_until_there(pair, "blue", TASKS)
        url = lab.listeners()[pair.listener_arn]
        (scratch / "bluegreen.toml").write_text(SETTINGS)
        environ = {
            **lab.environ,
            "XDG_CACHE_HOME": str(scratch / "cache"),
            "XDG_STATE_HOME": str(scratch / "state"),
            "COLUMNS": "200",
        }
        load = stack.enter_context(LoadProcess(LoadPlan(f"{url}/", connections=8, rate=60)))
        lab.record(load.pid, "load generator")
        yield Live(Commands(environ, scratch), pair, url, load)


def test_every_task_is_replaced_without_a_failed_request(live: Live) -> None:
    bounds = live.bounds()
    dry = live.rolling("1.1.0", "--dry-run")
    assert dry.code == 0, dry.err
    assert "2 stay healthy and up to 4 run meanwhile" in dry.out + dry.err
    ended = live.rolling("1.1.0")
    assert ended.code == 0, ended.err
    assert live.versions() == {"1.1.0": 20}
    assert live.services() == {"web-blue": ("web:2", TASKS), "web-green": ("web:1", 0)}
    assert (live.bounds(), live.pair.weights(), live.failed()) == (bounds, {"blue": 100, "green": 0}, 0)


def test_what_runs_already_is_not_begun(live: Live) -> None:
    ended = live.rolling("1.1.0")
    assert ended.code == 0, ended.err
    assert "already" in ended.out


@pytest.mark.parametrize(
    ("rollback", "words"), [(False, "circuit breaker"), (True, "ECS went back to web:2 by itself")]
)
def test_an_image_that_crashes_gets_no_request_and_the_old_one_runs_again(
    live: Live, rollback: bool, words: str
) -> None:
    before, bounds = live.services(), live.bounds()
    live.configure(deploymentCircuitBreaker={"enable": True, "rollback": rollback})
    ended = live.rolling("1.2.0-crash")
    assert ended.code == 32, ended.err
    last = ended.err.splitlines()[-1]
    assert words in last or "of them ended or could not start" in last
    assert "exit code 1" in last
    assert "what was updated runs again what it ran" in last
    assert (live.services(), live.bounds(), live.failed()) == (before, bounds, 0)
    assert live.versions() == {"1.1.0": 20}


def test_one_whose_process_is_killed_is_resumed_to_its_end(live: Live) -> None:
    with live.bluegreen.started(*live.line("1.3.0")) as process:
        live.until(live.is_rolling)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    resumed = live.bluegreen("resume", "web", "--break-lease", timeout=TIMES_SECONDS)
    assert resumed.code == 0, resumed.err
    assert (live.versions(), live.failed()) == ({"1.3.0": 20}, 0)


def test_a_person_who_rolls_back_before_it_is_over_has_what_ran_before(live: Live) -> None:
    before, bounds = live.services(), live.bounds()
    with live.bluegreen.started(*live.line("1.4.0", bake="2m")) as process:
        live.until(live.is_rolling)
        back = live.bluegreen("rollback", "web", timeout=TIMES_SECONDS)
        process.communicate(timeout=TIMES_SECONDS)
    assert back.code == 0, back.err
    assert process.returncode == 32
    assert (live.services(), live.bounds(), live.failed()) == (before, bounds, 0)
    assert live.versions() == {"1.3.0": 20}


def test_bounds_under_which_ecs_can_replace_nothing_are_refused(live: Live) -> None:
    before = live.services()
    live.configure(minimumHealthyPercent=100, maximumPercent=120)
    ended = live.rolling("1.5.0")
    assert ended.code != 0
    assert "of blue's 2 tasks 2 have to stay healthy and 2 may run at most" in ended.err
    assert live.services() == before
