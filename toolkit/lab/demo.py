"""The whole way once, for real: provision, cut over under traffic, come back, and find nothing to change.

The toolkit is run as a user would run it, as commands in processes of their own with AWS_ENDPOINT_URL in their
environment: it does not know that it works on a lab.

On an endpoint of somebody else's the load balancer is an attached data plane, and what was provisioned is destroyed.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from toolkit.errors import DemoFailed, LabError
from toolkit.lab.app import Site, start_app
from toolkit.lab.attach_options import AnyOptions, AttachOptions
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import REGION, Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions
from toolkit.lab.report import Release, Report

SERVICE: Final = "web"
VERSIONS: Final = {"blue": "v1", "green": "v2"}
TARGETS: Final = {
    color: tuple(f"10.0.{net}.{host}" for host in (11, 12, 13)) for net, color in ((1, "blue"), (2, "green"))
}
BAKE_SECONDS: Final = 5
SETTLE_SECONDS: Final = 3.0  # of traffic before, between and after the releases
HEALTHY_SECONDS: Final = 60.0
OWN_LAG_SECONDS: Final = 0.5  # requests under way when a command returns; traffic follows a write before it is answered
ATTACHED_LAG_SECONDS: Final = 3.0  # an attached data plane sees a write when it reads next, and reading takes a while
_POLL_SECONDS = 0.2
_END_SECONDS: Final = 30.0  # that a command gets to end in order after Ctrl-C

Narrate = Callable[[str], None]


def terraform_tree() -> Path:
    """The project's `terraform` directory; LabError where only the package is installed."""
    tree = Path(__file__).resolve().parents[2] / "terraform"
    if not (tree / "examples" / "lab").is_dir():
        raise LabError(
            "the demo needs the project's terraform directory, which an installed package lacks.",
            hint="Run it from a clone of the project: make demo",
        )
    return tree


def run_demo(narrate: Narrate, *, rate: float, endpoint_url: str | None = None) -> Report:
    """Do it all, stop everything that was started for it, and report.

    Args:
        narrate: takes a line on what happens now.
        rate: requests per second, half of them POST, all on kept connections.
        endpoint_url: an AWS endpoint on this machine, to be used in place of a lab of the demo's own.

    Raises:
        DemoFailed: a command failed, or a color went on answering after the traffic had left it, so there is nothing to
            report. A report of failed requests is returned.
        UsageError: the endpoint is not on this machine.
    """
    began = time.monotonic()
    tree = terraform_tree()
    options = _options(endpoint_url)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_interrupted_once())
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bluegreen-demo-")))
        directory = _copied(tree, work)
        port = _free_port([to_loopback(address) for addresses in TARGETS.values() for address in addresses])
        narrate("starting six targets of the sample app: blue answers as v1, green as v2")
        app = stack.enter_context(start_app(_sites(port)))
        lab = _started(options, narrate)
        stack.callback(shutil.rmtree, lab.state.path, ignore_errors=True)
        stack.enter_context(lab)
        lab.record(app.pid, "sample app")
        demo = _Demo(lab, directory, narrate, service=SERVICE if endpoint_url is None else options.name)
        url = stack.enter_context(demo.provisioned(port))
        plan = LoadPlan(url=url, rate=rate, post_share=0.5, expected=VERSIONS, connections=16)
        narrate(f"sending {rate:.0f} requests a second to {url}, half of them POST, none ever retried")
        load = stack.enter_context(LoadProcess(plan))
        lab.record(load.pid, "load generator")
        releases = demo.releases(load)
        is_plan_empty = demo.plan_is_empty()
        result = load.stop()
        narrate("stopping everything")
    return Report.of(result, releases, plan_empty=is_plan_empty, seconds=time.monotonic() - began)


def _options(endpoint_url: str | None) -> AnyOptions:
    """A lab of the demo's own, or a data plane for the endpoint. The name is nobody else's there either."""
    name = f"demo-{os.getpid()}"
    if endpoint_url is None:
        return LabOptions(name=name)
    return AttachOptions(endpoint_url=endpoint_url, name=name, regions=(REGION,), poll_interval=_POLL_SECONDS)


def _started(options: AnyOptions, narrate: Narrate) -> Lab:
    if isinstance(options, AttachOptions):
        narrate(f"attaching a load balancer, Envoy on loopback, to {options.endpoint_url}")
    else:
        narrate("starting the lab: an emulated AWS with Envoy as its load balancer, on loopback")
    return start_lab(options)


@dataclass(frozen=True, slots=True)
class _Demo:
    lab: Lab
    directory: Path
    narrate: Narrate
    service: str

    @property
    def is_attached(self) -> bool:
        return isinstance(self.lab.published.options, AttachOptions)

    @contextlib.contextmanager
    def provisioned(self, port: int) -> Iterator[str]:
        """Load balancer, pair and route for targets on `port`; where the traffic is to be sent.

        At the end it is destroyed, however that comes, unless the lab forgets it anyway.
        """
        try:
            yield self._provision(port)
        except BaseException:
            if self.is_attached and (self.directory / "terraform.tfstate").exists():
                self._destroy_what_there_is()
            raise
        if self.is_attached:
            self._destroy()

    def _destroy(self) -> None:
        self.narrate("terraform destroy: the endpoint is left as it was found")
        self._run("infra", "destroy", "--dir", str(self.directory), "--yes", "--output", "json")

    def _destroy_what_there_is(self) -> None:
        try:
            self._destroy()
        except DemoFailed as error:  # another error is on its way already
            self.narrate(f"{error.message} {self.lab.endpoint_url} keeps what belongs to '{self.service}'.")

    def _provision(self, port: int) -> str:
        self._write_variables(port)
        self._run("infra", "init", "--dir", str(self.directory))
        self.narrate("terraform apply; about a minute, since the AWS provider sleeps twice 30 s on a load balancer")
        applied = json.loads(self._run("infra", "apply", "--dir", str(self.directory), "--yes", "--output", "json"))
        contract = applied["deployment"]
        self._wait_until_healthy(group["arn"] for group in contract["target_groups"].values())
        return f"{self.lab.listeners()[contract['routes'][0]['listener_arn']]}/"

    def releases(self, load: LoadProcess) -> list[Release]:
        """To green and back, with traffic before, between and after."""
        self._require_alone("blue", load)
        forth = self._release(load, "green", "cutover", self.service, "--bake", str(BAKE_SECONDS))
        self._require_alone("green", load)
        back = self._release(load, "blue", "rollback", self.service)
        self._require_alone("blue", load)
        return [forth, back]

    def _require_alone(self, color: str, load: LoadProcess) -> None:
        """Let traffic pass; DemoFailed if another color answers once the load balancer must have followed the write."""
        lag = ATTACHED_LAG_SECONDS if self.is_attached else OWN_LAG_SECONDS
        time.sleep(lag)
        before = _others(load.count(), color)
        time.sleep(SETTLE_SECONDS)
        stale = _others(load.count(), color) - before
        if stale:
            raise DemoFailed(
                f"{stale} requests were answered by another color, {lag:g} s and more after {color} got all weight.",
                hint=f"See {self.lab.state.log}.",
            )

    def plan_is_empty(self) -> bool:
        self.narrate("terraform plan: is there anything it would change back?")
        code = self._exit_code("infra", "plan", "--dir", str(self.directory), "--detailed-exitcode")
        if code not in (0, 2, 42):
            raise DemoFailed(f"`bluegreen infra plan` ended with exit code {code}.", hint="What it said is above.")
        return code == 0

    def _release(self, load: LoadProcess, to: str, *command: str) -> Release:
        before = load.count()
        self.narrate(
            f"bluegreen {' '.join(command)}   ({before['requests']} requests so far, {before['failed']} failed)"
        )
        began = time.monotonic()
        self._run(*command)
        ended = time.monotonic()
        self.narrate(f"back from it after {ended - began:.1f} s")
        return Release(to=to, command=f"bluegreen {' '.join(command)}", began=began, ended=ended)

    def _write_variables(self, port: int) -> None:
        variables = {"name": self.service, "target_port": port, "targets": TARGETS}
        (self.directory / "demo.auto.tfvars.json").write_text(json.dumps(variables))

    def _wait_until_healthy(self, target_groups: Iterable[str]) -> None:
        """For AWS as the toolkit sees it, and for an attached data plane: not every endpoint asks that one."""
        self.narrate("waiting until the load balancer finds every target healthy")
        arns = list(target_groups)
        deadline = time.monotonic() + HEALTHY_SECONDS
        while sick := self._sick_now(arns):
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"after {HEALTHY_SECONDS:.0f} s not every target is healthy: {', '.join(sick)}.",
                    hint="Is something else listening on their addresses?",
                )
            time.sleep(0.5)

    def _sick_now(self, target_groups: Sequence[str]) -> list[str]:
        if sick := _sick(json.loads(self._run("status", self.service, "--output", "json"))):
            return sick
        if not self.is_attached:
            return []
        seen = {arn: self.lab.health(arn) for arn in target_groups}
        return [arn for arn, targets in seen.items() if not targets] + [
            f"{target['id']} {target['state']}"
            for targets in seen.values()
            for target in targets
            if target["state"] != "healthy"
        ]

    def _run(self, *words: str) -> str:
        """Run a command of the toolkit; what it printed. Its remarks and errors go straight to stderr."""
        code, said = self._ended(words, capture=True)
        if code != 0:
            raise DemoFailed(
                f"`bluegreen {' '.join(words)}` ended with exit code {code}.", hint="What it said is above."
            )
        return said

    def _exit_code(self, *words: str) -> int:
        return self._ended(words, capture=False)[0]

    def _ended(self, words: Sequence[str], *, capture: bool) -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", *words],
            env=self.lab.environ,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else sys.stderr,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on and waits
        )
        self.lab.record(process.pid, f"bluegreen {words[0]}")
        try:
            said, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
        finally:
            self.lab.state.forget(process.pid)
        return process.returncode, said or ""


def _sites(port: int) -> list[Site]:
    """Where the targets listen and what they say they are."""
    return [
        Site(to_loopback(address), port, color, VERSIONS[color])
        for color, addresses in TARGETS.items()
        for address in addresses
    ]


def _copied(tree: Path, work: Path) -> Path:
    """A copy of the Terraform tree, so that the checkout stays clean; the example's directory in it."""
    unwanted = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.tfplan", "tests")
    shutil.copytree(tree, work / "terraform", ignore=unwanted)
    return work / "terraform" / "examples" / "lab"


def _free_port(addresses: Sequence[str]) -> int:
    """A port that is free on every one of these loopback addresses."""
    for _ in range(50):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            port = 0
            for address in addresses:
                probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                probe.bind((address, port))
                port = int(probe.getsockname()[1])
            return port
    raise LabError(f"no port is free on all of {', '.join(addresses)}.")


def _sick(status: Mapping[str, Any]) -> list[str]:
    """The targets that are not healthy, and what they are, in what `bluegreen status` says."""
    return [
        f"{color} {target['id']} {target['state']}"
        for color, found in status["colors"].items()
        for target in found["targets"]
        if target["state"] != "healthy"
    ]


def _others(count: Mapping[str, Any], color: str) -> int:
    """How many answers came from any other color so far."""
    return sum(answers for name, answers in count["colors"].items() if name != color)


def _end(process: "subprocess.Popen[str]") -> None:
    """Pass an interruption on to a command and all it runs; it gets time to end in order."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does; further ones do not disturb it while it stops what it has started."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
