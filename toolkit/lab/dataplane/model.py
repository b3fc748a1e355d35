"""What the load balancer holds, as values: the part of ELBv2 that decides where a request goes.

Read by `reader`, turned into Envoy's configuration by `config`. Times are seconds as ELBv2 gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LOAD_BALANCER_RESOURCE = ":loadbalancer/"
HTTP_PROTOCOLS = frozenset({"HTTP", "HTTPS"})
TCP_LISTENERS = frozenset({"TCP", "TLS"})
TCP_GROUPS = frozenset({"TCP", "TLS", "TCP_UDP"})


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target. `address` is on loopback; None where the id leads to no private address."""

    id: str
    port: int
    address: str | None


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`protocol` is HTTP, HTTPS or TCP; `port` is None for the traffic port.

    `matcher` as ELBv2 writes it: "200", "200,301", "200-299".
    """

    protocol: str = "HTTP"
    path: str = "/"
    port: int | None = None
    interval: float = 30.0
    timeout: float = 5.0
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"


@dataclass(frozen=True, slots=True)
class TargetGroup:
    arn: str
    protocol: str
    protocol_version: str
    health_check: HealthCheck
    targets: tuple[Target, ...] = ()
    algorithm: str = "round_robin"
    deregistration_delay: float = 300.0
    slow_start: float = 0.0
    target_cookie: float | None = None
    """Duration of the `lb_cookie` stickiness to one target; None where it is off."""
    closes_deregistered: bool = False
    """Whether flows to a deregistered target are closed when its delay is over."""
    closes_unhealthy: bool = False
    """Whether flows to a target that becomes unhealthy are closed."""

    @property
    def is_tcp(self) -> bool:
        """Whether it stands behind a Network Load Balancer."""
        return self.protocol in TCP_GROUPS

    @property
    def suffix(self) -> str:
        """`targetgroup/NAME/ID`, as CloudWatch and the contract write it; the name of Envoy's cluster too."""
        return suffix_of(self.arn)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule: `field` as ELBv2 names it, any of `values` suffices, or of `expressions` in their stead.

    `header` is set for `http-header`. For `query-string`, `pairs` holds (key or None, value) instead of values.
    """

    field: str
    values: tuple[str, ...] = ()
    header: str = ""
    pairs: tuple[tuple[str | None, str], ...] = ()
    expressions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """(target group ARN, weight) in the order of the action; `sticky_seconds` None where stickiness is off."""

    groups: tuple[tuple[str, int], ...]
    sticky_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class FixedResponse:
    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Redirect:
    """The fields may hold ALB's `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}`."""

    status: int = 302
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


Action = Forward | FixedResponse | Redirect


@dataclass(frozen=True, slots=True)
class Rule:
    """`priority` is None for the default rule, which comes last."""

    arn: str
    priority: int | None
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Listener:
    arn: str
    port: int
    protocol: str
    rules: tuple[Rule, ...]
    """In the order they are tried. A Network Load Balancer's listener has the default rule alone."""
    idle_timeout: float = 350.0
    """Of a flow; the requests of an Application Load Balancer have its own."""

    @property
    def is_tcp(self) -> bool:
        return self.protocol in TCP_LISTENERS


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    arn: str
    listeners: tuple[Listener, ...]
    idle_timeout: float = 60.0

    @property
    def suffix(self) -> str:
        """`app/NAME/ID` or `net/NAME/ID`, as CloudWatch and the contract write it."""
        return suffix_of(self.arn)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of one region at one moment."""

    region: str
    load_balancers: tuple[LoadBalancer, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()


def suffix_of(arn: str) -> str:
    """The `arn_suffix` of a load balancer (`app/NAME/ID`, `net/NAME/ID`) or a target group (`targetgroup/NAME/ID`)."""
    if LOAD_BALANCER_RESOURCE in arn:
        return arn.partition(LOAD_BALANCER_RESOURCE)[2]
    return arn.rpartition(":")[2]


def used_groups(load_balancers: tuple[LoadBalancer, ...]) -> frozenset[str]:
    """The ARNs of the target groups that some rule forwards to; all others are `unused`."""
    return frozenset(
        arn for balancer in load_balancers for listener in balancer.listeners for arn in forwarded(listener)
    )


def forwarded(listener: Listener) -> frozenset[str]:
    """The ARNs of the target groups that the listener's rules forward to."""
    actions = (rule.action for rule in listener.rules)
    return frozenset(arn for action in actions if isinstance(action, Forward) for arn, _ in action.groups)


def groups_by_arn(snapshots: Mapping[str, Snapshot]) -> dict[str, TargetGroup]:
    """Every target group of every region by ARN."""
    return {group.arn: group for snapshot in snapshots.values() for group in snapshot.target_groups}
