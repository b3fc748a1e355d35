"""One service on the lab with targets behind it: what a test of its releases is given.

Test files import this for their annotations, so it imports nothing of the extra `lab`: they are skipped without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import LabError
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site
from toolkit.lab.rehearsal import traffic
from toolkit.lab.rehearsal.commands import SECONDS, Commands, Ended, Running
from toolkit.lab.rehearsal.provision import Provisioned, provision, remove
from toolkit.lab.rehearsal.targets import COLORS, TARGET_PORT, free_addresses, registered, states, wait_for
from toolkit.lab.rehearsal.wanted import HEALTH_PATH, Wanted

if TYPE_CHECKING:
    from toolkit.lab.handle import Lab

VERSIONS = {"blue": "v1", "green": "v2"}


@dataclass(frozen=True, slots=True)
class LabService:
    """A service on the lab.

    lab: where it is. pair: what is provisioned. commands: bluegreen, led there. options: added to its commands on the
    service. app: the sample app of all targets; None where the test has processes of its own.
    """

    lab: Lab
    pair: Provisioned
    commands: Commands
    options: tuple[str, ...] = ()
    app: AppProcess | None = None

    @property
    def name(self) -> str:
        return str(self.contract["name"])

    @property
    def contract(self) -> dict[str, Any]:
        """The deployment contract, as JSON."""
        return self.pair.contract

    @property
    def url(self) -> str:
        """Where the load balancer answers, such as `http://127.0.0.1:8080`; tcp or tls where it balances flows."""
        return self.lab.listeners()[self.pair.listener_arn]

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of a process that is to work on this service, such as a release script."""
        return dict(self.commands.environ)

    def client(self, service: str) -> Any:
        """A boto3 client that leads to the lab, in the region of the contract."""
        return self.pair.client(service)

    def run(self, command: str, *words: str, exit_code: int = 0, seconds: float = SECONDS) -> Ended:
        """`bluegreen COMMAND <this service> WORDS…`, to its end.

        Raises:
            AssertionError: it ended with another exit code, or runs on after `seconds`.
        """
        __tracebackhide__ = True
        return self.commands.run(*self._line(command, words), exit_code=exit_code, seconds=seconds)

    def started(self, command: str, *words: str) -> AbstractContextManager[Running]:
        """As `run`, for a block in which it is under way. Its `wait(exit_code=…)` is its end."""
        return self.commands.started(*self._line(command, words))

    def status(self) -> dict[str, Any]:
        """What `bluegreen status -o json` says of it."""
        document: dict[str, Any] = self.run("status", "-o", "json").json()
        return document

    def weights(self, route: int = 0) -> dict[str, int]:
        """Weight by color, as the load balancer holds them."""
        return self.pair.weights(route)

    def wait_for_weights(self, *, blue: int, green: int) -> None:
        """Until every route has them; LabError after 30 s."""
        wanted, routes = {"blue": blue, "green": green}, range(len(self.contract["routes"]))
        traffic.wait_until(
            lambda: all(self.weights(route) == wanted for route in routes), f"{self.name} does not stand at {wanted}"
        )

    def health(self, color: str) -> list[str]:
        """The state of each target of `color`, in AWS's words."""
        return states(self.pair, color)

    def wait_for(self, color: str, state: str) -> None:
        """Until every target of `color` is in this state; LabError after 30 s."""
        wait_for(self.pair, color, state)

    def targets(self, color: str) -> list[tuple[str, int]]:
        """Loopback address and port for each target of `color`: who listens there is behind the load balancer."""
        return [(_loopback(target), port) for target, port in registered(self.pair, color)]

    def answers(
        self, count: int, *, path: str = "/", headers: Mapping[str, str] | None = None, by: str = "X-Color"
    ) -> dict[str, int]:
        """How many of `count` new clients were answered by which color, such as `{"blue": 16, "green": 4}`.

        An answer that is no 2xx, has no header `by` or never came counts as `failed`.
        """
        return traffic.answers(self.url, count, path=path, headers=headers or {}, by=by)

    @contextmanager
    def load(self, *, path: str = "/", rate: float = 200.0, **plan: Any) -> Iterator[traffic.Load]:
        """Traffic for the length of a block. `plan`: what else `toolkit.lab.load.LoadPlan` takes.

        Raises:
            LabError: requests hardly end at all.
        """
        expected = VERSIONS if self.app is not None else {}
        wanted = traffic.plan_for(self.url, path, expected, rate=rate, **plan)
        with traffic.load(wanted, self.lab.record) as load:
            yield load

    def set_unhealthy(self, color: str) -> None:
        """Let every target of `color` refuse its health checks; returns when the load balancer has seen it.

        Raises:
            LabError: it has not in 30 s, no sample app answers here, or it is checked elsewhere than at /healthz.
        """
        group = self.client("elbv2").describe_target_groups(TargetGroupArns=[self.pair.group(color)])["TargetGroups"][0]
        if group.get("HealthCheckPath") != HEALTH_PATH:
            raise LabError(
                f"{color} is not checked at {HEALTH_PATH}, where the sample app can refuse.",
                hint=f"Check it there, or use set_faults({color!r}, error_rate=1).",
            )
        self.set_faults(color, unhealthy=True)
        self.wait_for(color, "unhealthy")

    def set_healthy(self, color: str) -> None:
        """The contrary of `set_unhealthy`."""
        self.set_faults(color, unhealthy=False)
        self.wait_for(color, "healthy")

    def set_faults(self, color: str, **faults: Any) -> None:
        """Let the sample app misbehave as `color`: `error_rate`, `latency_ms`, `hang`, `reset`, `unhealthy`.

        Raises:
            LabError: it knows no such fault, or no sample app answers here.
        """
        if self.app is None:
            raise LabError("this service has no sample app.", hint="Its processes are the test's own.")
        for site in self.app.sites:
            if site.color == color:
                self.app.set_faults(site, **faults)

    def _line(self, command: str, words: tuple[str, ...]) -> list[str]:
        return [command, self.name, *words, *self.options]


def environ_of(lab: Lab, scratch: Path, region: str | None = None) -> dict[str, str]:
    """The environment of commands on this lab; what bluegreen keeps beside AWS is kept in `scratch`."""
    regions = {} if region is None else {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    places = {"XDG_CACHE_HOME": str(scratch / "cache"), "XDG_STATE_HOME": str(scratch / "state")}
    return {**lab.environ, **regions, **places}


@contextmanager
def built_in_pair(lab: Lab, wanted: Wanted) -> Iterator[Provisioned]:
    """The built-in pair for the length of a block, at addresses that nobody has taken."""
    addresses = free_addresses(wanted.targets)
    pair = provision(
        lab.endpoint_url,
        name=wanted.name,
        kind=wanted.kind,
        targets=addresses,
        target_port=TARGET_PORT,
        health_path=wanted.health_path,
    )
    try:
        yield pair
    finally:
        remove(pair)


@contextmanager
def rehearsed(lab: Lab, pair: Provisioned, wanted: Wanted, root: Path, scratch: Path) -> Iterator[LabService]:
    """`pair` as a service for the length of a block; with sample apps every target is healthy at its begin.

    Raises:
        LabError: a sample app could not start, or targets do not become healthy in 30 s.
    """
    with ExitStack() as stack:
        app = start_app(_sites(pair)) if wanted.apps else None
        if app is not None:
            stack.callback(app.kill)  # nobody waits for its answers any more
            lab.record(app.pid, "sample app")
            stack.callback(lab.state.forget, app.pid)
            for color in COLORS:
                wait_for(pair, color, "healthy")
        commands = Commands(environ_of(lab, scratch, pair.contract["region"]), scratch)
        options = () if wanted.config is None else _settled(lab, pair, root / wanted.config)
        yield LabService(lab, pair, commands, options, app)


def _settled(lab: Lab, pair: Provisioned, config: Path) -> tuple[str, ...]:
    """The settings of the file, but for where AWS and the contract are: the command line goes before it."""
    contract = f"ssm:/bluegreen/{pair.contract['name']}/deployment"
    where = ("--endpoint-url", lab.endpoint_url, "--region", pair.contract["region"], "--contract", contract)
    return ("--config", str(config), *where)


def _sites(pair: Provisioned) -> list[Site]:
    return [
        Site(_loopback(target), port, color, VERSIONS[color])
        for color in COLORS
        for target, port in registered(pair, color)
    ]


def _loopback(target: str) -> str:
    from toolkit.lab.dataplane.addresses import to_loopback

    try:
        return to_loopback(target)
    except ValueError:
        raise LabError(
            f"the target {target} is no private address.", hint="Register targets of type `ip`, such as 10.0.1.11."
        ) from None
