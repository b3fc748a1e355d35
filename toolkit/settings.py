"""What an operator may set, as plain values; `config` reads them from bluegreen.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from toolkit.analysis.policy import Policy

CLIENT_SECRET = "BLUEGREEN_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of the variable that holds it
"""The secret of an OIDC client, where AWS does not hold it yet. It goes to AWS alone."""

NETWORK_SETTLE_SECONDS = 600.0
"""Weights and routing of a Network Load Balancer may disagree for a while, and standing flows stay where they are.
Ten minutes is what ECS waits. Source: ECS developer guide, blue/green deployments with a Network Load Balancer."""


ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
IGNORE_VARIABLE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
DUMMY_KEY = "test"
"""Access key and secret for an emulator; LocalStack's own convention."""

_LOCAL_NAMES = ("localhost", "localhost.localstack.cloud")
"""The second one is LocalStack's: it and every name below it stand for 127.0.0.1 in the public DNS."""
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws", ".amazonaws.eu")
_SHORTEST_REAL_KEY = 16
_EMULATED_KEYS = ("LKIA", "LSIA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A place where AWS's APIs are, under a name of its own: an emulator, the VPC's own endpoints.

    services: endpoints of single services that differ from `url`, by AWS's identifier (`elastic_load_balancing_v2`).
    isolated: whether no call may leave it for the real AWS; None says yes where one of its addresses is loopback.
    """

    url: str | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    isolated: bool | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """Where AWS is. None leaves the decision to the SDK: environment, profile, instance role.

    `services` and `isolated` are those of the chosen `Endpoint`, and `endpoint_url` is its `url`. role_arn: a
    role that is taken on for every call.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    isolated: bool | None = None
    role_arn: str | None = None

    def at(self, endpoint: Endpoint) -> AwsSettings:
        """These settings with AWS at `endpoint`, whatever they said before."""
        return replace(
            self,
            endpoint_url=endpoint.url,
            services=endpoint.services,
            isolated=endpoint.isolated,
            region=endpoint.region or self.region,
        )

    def endpoint_of(self, service_id: str) -> str | None:
        """The endpoint chosen for a service, by AWS's identifier of it; None leaves it to the SDK."""
        return self.services.get(service_id) or self.endpoint_url

    @property
    def endpoint_variables(self) -> dict[str, str]:
        """The chosen endpoints as the SDKs' environment variables."""
        everything = {ENDPOINT_VARIABLE: self.endpoint_url} if self.endpoint_url else {}
        return everything | {f"{ENDPOINT_VARIABLE}_{name.upper()}": url for name, url in self.services.items()}


@dataclass(frozen=True, slots=True)
class Isolation:
    """Why no call may leave for the real AWS, and which hosts besides loopback ones may be called."""

    because: str
    hosts: frozenset[str] = frozenset()

    def admits(self, url: str) -> bool:
        return is_loopback(url) or _host(url) in self.hosts


def isolation(aws: AwsSettings, configured: Mapping[str, str]) -> Isolation | None:
    """Whether calls must stay on local endpoints: by the chosen endpoint, or since any one is loopback.

    `configured` holds the endpoints that the SDK finds by itself, by environment variable. An endpoint with
    `isolated = false` lifts this for its own addresses alone.
    """
    chosen = aws.endpoint_variables
    if aws.isolated:
        return Isolation("its settings say isolated = true", frozenset(map(_host, chosen.values())))
    for words, endpoints in (("as was chosen", chosen), ("by the environment or the AWS profile", configured)):
        for name, url in endpoints.items():
            if is_loopback(url) and not (aws.isolated is False and url in chosen.values()):
                return Isolation(f"{name} is {url}, {words}")
    return None


def inherited_endpoints(environ: Mapping[str, str]) -> dict[str, str]:
    """The endpoints that the environment names, for all services or for one, by variable."""
    return {
        name: url
        for name, url in environ.items()
        if url and (name == ENDPOINT_VARIABLE or name.startswith(f"{ENDPOINT_VARIABLE}_"))
    }


def is_loopback(url: str) -> bool:
    """Whether `url` leads to this machine, by its address or by its name alone: no name is looked up."""
    from ipaddress import ip_address

    host = _host(url)
    try:
        address = ip_address(host)
    except ValueError:
        return any(f".{host}".endswith(f".{name}") for name in _LOCAL_NAMES)
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified  # a connection to 0.0.0.0 ends on this machine too


def is_aws(url: str) -> bool:
    """Whether `url` names a host of AWS's own."""
    return _host(url).endswith(_AWS_DOMAINS)


def is_dummy_key(access_key: str) -> bool:
    """Whether an access key id can be no real one: too short, or of LocalStack's own making.

    Source: IAM API reference, AccessKey: AccessKeyId has 16 characters at least.
    """
    return len(access_key) < _SHORTEST_REAL_KEY or access_key.startswith(_EMULATED_KEYS)


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:  # brackets that enclose no address
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeSettings:
    """When no rollout may start: windows as `rollout.freeze` reads them, the time zone they are meant in, and why."""

    windows: tuple[str, ...] = ()
    timezone: str = "UTC"
    reason: str = ""


class Inconclusive(StrEnum):
    """What a rollout does where the analysis cannot say: never pass."""

    WAIT = "wait"
    PAUSE = "pause"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimit:
    """A metric of the user's own (`rollout.metrics.OwnMetric`), and which of its values fail a rollout.

    above, below: the new color's value of a minute. times_live: its value over the live color's of the same minute.
    minutes: how many in a row.
    """

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"
    above: float | None = None
    below: float | None = None
    times_live: float | None = None
    minutes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """How the traffic of both colors is compared during a rollout.

    policy: of the comparison. slow_over: seconds; requests that take longer are slow, None leaves latency out.
    websockets, count_4xx, count_connection_errors: what counts as an error (`rollout.metrics.MetricsWanted`).
    settle_seconds: how long after its end a minute may still grow. warmup_minutes: left out after each shift.
    inconclusive: what follows where nothing can be said at the end of a bake. wait_seconds: how long WAIT waits beyond
    it; then the rollout pauses. own: metrics of the user's own.
    """

    policy: Policy = field(default_factory=Policy)
    slow_over: float | None = None
    websockets: bool = False
    count_4xx: bool = False
    count_connection_errors: bool = False
    settle_seconds: float = 120.0
    warmup_minutes: int = 1
    inconclusive: Inconclusive = Inconclusive.WAIT
    wait_seconds: float = 1800.0
    own: tuple[OwnLimit, ...] = ()


class HookPoint(StrEnum):
    """When in a rollout a hook of the service runs. Those of a rollback and of the end hold nothing up."""

    BEFORE_PREPARE = "before-prepare"
    AFTER_PREPARE = "after-prepare"
    BEFORE_SHIFT = "before-shift"
    AFTER_SHIFT = "after-shift"
    BEFORE_RETIRE = "before-retire"
    ON_ROLLBACK = "on-rollback"
    ON_END = "on-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """A hook of every rollout of a service, as `rollout.steps.Hook`: a command or a url."""

    at: HookPoint
    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    timeout_seconds: float = 60.0
    retries: int = 0


class OnFailure(StrEnum):
    """What follows where a batch of a rolling update fails.

    TAKE_BACK: it and the ones done run again what they ran. PAUSE: everything stays as it is until somebody decides.
    """

    TAKE_BACK = "take-back"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How one target comes to run another version: a command on this machine, or an SSM document on the target.

    Exactly one of `command` and `document` is said. take_back: the command that goes back; empty: `command` again,
    which is told by BLUEGREEN_DIRECTION. parameters: of the document; take_back_parameters: to go back, likewise.
    timeout_seconds: of one try on one target. retries: further tries after the first.
    """

    command: tuple[str, ...] = ()
    take_back: tuple[str, ...] = ()
    document: str = ""
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    take_back_parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timeout_seconds: float = 600.0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RollingSettings:
    """How `bluegreen rolling` updates a service, as far as its command line says nothing.

    batch, min_healthy: a number of targets, or a part of them above 0 and below 1; min_healthy None: all but a batch.
    bake_seconds: how long the gates watch after each batch. update None: ECS replaces its tasks by itself.
    gates: each a `rollout.steps.Gate`, a room that stands above this one; asked every `gate_seconds`.
    """

    batch: float = 1
    min_healthy: float | None = None
    bake_seconds: float = 60.0
    on_failure: OnFailure = OnFailure.TAKE_BACK
    update: Update | None = None
    gates: tuple[Any, ...] = ()
    gate_seconds: float = 10.0


class NotifyTo(StrEnum):
    """Where notifications can go."""

    STDOUT = "stdout"
    SLACK = "slack"
    SNS = "sns"
    EVENTBRIDGE = "eventbridge"


class NotifyEvents(StrEnum):
    """Which entries of the journal are told."""

    ALL = "all"
    IMPORTANT = "important"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """One notifier of a service, which `rollout.notifiers` makes.

    place: the topic's ARN, the bus's name or ARN, the variable that holds the webhook's address; empty for stdout.
    name: under which its cursor is kept.
    """

    to: NotifyTo
    name: str
    place: str = ""
    events: NotifyEvents = NotifyEvents.IMPORTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireSettings:
    """What becomes of the old side after a deployment.

    after_seconds: from the end of the last bake on, at the earliest; None: it is left as it is. keep: targets that
    stay, the warm minimum.
    """

    after_seconds: float | None = None
    keep: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSettings:
    """What the operator says that one target costs an hour, in `currency`."""

    target_hour: float
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How one service is released.

    contract: where its deployment contract is: `ssm:NAME` or `file:PATH`; None is `ssm:/bluegreen/SERVICE/deployment`.
    minimum_healthy: targets that must be healthy on a color before it gets more traffic.
    headroom: factor on the capacity that the next share asks for: 1.2 wants a fifth more targets.
    terraform: the Terraform configuration that provisions the service, for `drift` to compare with.
    bake_seconds: how long `cutover` watches the new side.
    settle_seconds: how long after a write nothing is judged or scaled down; None is 600 behind a Network Load
        Balancer and 0 behind an Application Load Balancer.
    poll_seconds: how often it looks.
    verify_seconds: how long a read-back may take to show what was written.
    strategy: the name of the strategy that `rollout start` follows where none is said.
    freeze: when no rollout may start.
    region, profile, role_arn: where the service lives, if elsewhere than `[aws]` says, and the role to take on there.
    probe_via: `HOST:PORT` that answers in the load balancer's stead, for probes: the lab, a tunnel.
    probe_host: the name that probes ask for, where the rules ask for none.
    ready_seconds: how long a color may take until its targets are healthy, once it is scaled up.
    retire: what becomes of the old side after a deployment.
    price: what a target costs; None: nobody has said.
    hooks: what every rollout runs, and when.
    notify: who is told what happens.
    rolling: how `bluegreen rolling` goes about it.
    analysis: how a rollout compares the traffic of both colors; None: it does not.
    """

    contract: str | None = None
    terraform: str | None = None
    minimum_healthy: int = 1
    headroom: float = 1.2
    bake_seconds: float = 60.0
    settle_seconds: float | None = None
    poll_seconds: float = 2.0
    verify_seconds: float = 10.0
    strategy: str | None = None
    freeze: FreezeSettings = field(default_factory=FreezeSettings)
    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    probe_via: str | None = None
    probe_host: str | None = None
    analysis: AnalysisSettings | None = None
    ready_seconds: float = 900.0
    retire: RetireSettings = field(default_factory=RetireSettings)
    price: PriceSettings | None = None
    hooks: tuple[HookSettings, ...] = ()
    notify: tuple[NotifySettings, ...] = ()
    rolling: RollingSettings = field(default_factory=RollingSettings)

    def settle_of(self, *, network: bool) -> float:
        """Seconds to wait after a write before a verdict, by the type of the load balancer."""
        if self.settle_seconds is not None:
            return self.settle_seconds
        return NETWORK_SETTLE_SECONDS if network else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What bluegreen.toml holds. `aws` has its chosen endpoint in it; `endpoint` are all that have a name.

    strategy: by name, each a `rollout.strategy.Strategy`, a room that stands above this one;
    `rollout.strategy.strategy_named` finds one.
    """

    aws: AwsSettings = field(default_factory=AwsSettings)
    endpoint: dict[str, Endpoint] = field(default_factory=dict)
    service: dict[str, ServiceSettings] = field(default_factory=dict)
    strategy: Mapping[str, object] = field(default_factory=dict)

    def of(self, service: str) -> ServiceSettings:
        """The settings of `service`; the defaults where the file says nothing of it."""
        return self.service.get(service, ServiceSettings())
