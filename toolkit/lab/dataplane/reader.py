"""Reading one region's ELBv2 through its API into a `Snapshot`. The only AWS caller of the data plane."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from toolkit.errors import LabError
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.dataplane.model import (
    HTTP_PROTOCOLS,
    TCP_GROUPS,
    TCP_LISTENERS,
    Action,
    Condition,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
    Snapshot,
    Target,
    TargetGroup,
)

Json = dict[str, Any]

_ATTEMPTS = 3
_GONE_STATES = frozenset({"draining"})
_NOT_REGISTERED = "Target.NotRegistered"


class Reader:
    """Reads through boto3 with the lab's dummy credentials. Thread-safe, as botocore's clients are."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str], Any] = {}

    def read(self, region: str) -> Snapshot:
        """What the region holds now.

        Raises:
            LabError: the endpoint does not answer, or things kept vanishing while they were read.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        elbv2 = self._client("elbv2", region)
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return Snapshot(region, tuple(self._balancers(elbv2)), tuple(self._groups(elbv2, region)))
            except ClientError as error:
                problem = error  # something was deleted between two calls: look again
            except BotoCoreError as error:
                problem = error
                break
        raise LabError(f"the load balancers of {region} could not be read from {self._endpoint_url}: {problem}")

    def _client(self, service: str, region: str) -> Any:
        key = (service, region)
        if key not in self._clients:
            import boto3
            from botocore.config import Config

            self._clients[key] = boto3.session.Session().client(
                service,
                region_name=region,
                endpoint_url=self._endpoint_url,
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106  the emulator's dummy
                config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 1}, proxies={}),
            )
        return self._clients[key]

    def _balancers(self, elbv2: Any) -> Iterator[LoadBalancer]:
        for balancer in _pages(elbv2, "describe_load_balancers", "LoadBalancers"):
            arn = balancer["LoadBalancerArn"]
            match balancer["Type"]:
                case "application":
                    attributes = _attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn))
                    idle_timeout = float(attributes.get("idle_timeout.timeout_seconds", 60))
                    yield LoadBalancer(arn, tuple(self._http_listeners(elbv2, arn)), idle_timeout)
                case "network":
                    yield LoadBalancer(arn, tuple(self._tcp_listeners(elbv2, arn)))

    def _http_listeners(self, elbv2: Any, balancer: str) -> Iterator[Listener]:
        for source in _pages(elbv2, "describe_listeners", "Listeners", LoadBalancerArn=balancer):
            yield _listener(source, tuple(_pages(elbv2, "describe_rules", "Rules", ListenerArn=source["ListenerArn"])))

    def _tcp_listeners(self, elbv2: Any, balancer: str) -> Iterator[Listener]:
        for source in _pages(elbv2, "describe_listeners", "Listeners", LoadBalancerArn=balancer):
            if source["Protocol"] in TCP_LISTENERS:
                attributes = _attributes(elbv2.describe_listener_attributes(ListenerArn=source["ListenerArn"]))
                idle_timeout = float(attributes.get("tcp.idle_timeout.seconds", 350))
                yield replace(_listener(source, ()), idle_timeout=idle_timeout)

    def _groups(self, elbv2: Any, region: str) -> Iterator[TargetGroup]:
        for group in _pages(elbv2, "describe_target_groups", "TargetGroups"):
            # An Application Load Balancer as target has no address of its own in the lab.
            if group.get("Protocol") not in HTTP_PROTOCOLS | TCP_GROUPS or group.get("TargetType") == "alb":
                continue
            arn = group["TargetGroupArn"]
            attributes = _attributes(elbv2.describe_target_group_attributes(TargetGroupArn=arn))
            healths = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            registered = [
                (entry["Target"]["Id"], int(entry["Target"]["Port"]))
                for entry in healths
                if entry["TargetHealth"]["State"] not in _GONE_STATES
                and entry["TargetHealth"].get("Reason") != _NOT_REGISTERED
            ]
            yield target_group(group, attributes, self._targets(group.get("TargetType"), registered, region))

    def _targets(self, kind: str | None, registered: Sequence[tuple[str, int]], region: str) -> tuple[Target, ...]:
        addresses = {id_: id_ for id_, _ in registered}
        if kind == "instance" and registered:
            addresses = self._instance_addresses([id_ for id_, _ in registered], region)
        return tuple(Target(id_, port, _in_lab(addresses.get(id_))) for id_, port in registered)

    def _instance_addresses(self, ids: Sequence[str], region: str) -> dict[str, str]:
        ec2 = self._client("ec2", region)
        wanted = [{"Name": "instance-id", "Values": sorted(set(ids))}]
        return {
            instance["InstanceId"]: instance["PrivateIpAddress"]
            for reservation in _pages(ec2, "describe_instances", "Reservations", Filters=wanted)
            for instance in reservation["Instances"]
            if instance.get("PrivateIpAddress")
        }


def target_group(group: Json, attributes: Json, targets: tuple[Target, ...]) -> TargetGroup:
    """A `TargetGroup` of what describe_target_groups and describe_target_group_attributes say."""
    port = group.get("HealthCheckPort", "traffic-port")
    is_tcp = group["Protocol"] in TCP_GROUPS
    sticky = attributes.get("stickiness.enabled") == "true" and attributes.get("stickiness.type") == "lb_cookie"
    return TargetGroup(
        arn=group["TargetGroupArn"],
        protocol=group["Protocol"],
        protocol_version=group.get("ProtocolVersion") or "HTTP1",
        health_check=HealthCheck(
            protocol=group.get("HealthCheckProtocol") or group["Protocol"],
            path=group.get("HealthCheckPath") or "/",
            port=None if port in ("traffic-port", None) else int(port),
            interval=float(group.get("HealthCheckIntervalSeconds", 30)),
            timeout=float(group.get("HealthCheckTimeoutSeconds", 5)),
            healthy_threshold=int(group.get("HealthyThresholdCount", 5)),
            unhealthy_threshold=int(group.get("UnhealthyThresholdCount", 2)),
            matcher=group.get("Matcher", {}).get("HttpCode") or ("200-399" if is_tcp else "200"),
        ),
        targets=targets,
        algorithm=attributes.get("load_balancing.algorithm.type", "round_robin"),
        deregistration_delay=float(attributes.get("deregistration_delay.timeout_seconds", 300)),
        slow_start=float(attributes.get("slow_start.duration_seconds", 0)),
        target_cookie=float(attributes.get("stickiness.lb_cookie.duration_seconds", 86400)) if sticky else None,
        closes_deregistered=attributes.get("deregistration_delay.connection_termination.enabled") == "true",
        # A Network Load Balancer's default. Source: API reference, TargetGroupAttribute.
        closes_unhealthy=is_tcp
        and attributes.get("target_health_state.unhealthy.connection_termination.enabled", "true") == "true",
    )


def action_of(actions: Sequence[Json]) -> Action:
    """The last action decides; those before it authenticate or validate, which the lab lets pass."""
    if not actions:
        return FixedResponse(503)
    action = max(actions, key=lambda each: each.get("Order", 0))
    match action["Type"]:
        case "forward":
            return _forward(action)
        case "fixed-response":
            fixed = action["FixedResponseConfig"]
            content_type = fixed.get("ContentType") or "text/plain"
            return FixedResponse(int(fixed["StatusCode"]), fixed.get("MessageBody") or "", content_type)
        case "redirect":
            found = action["RedirectConfig"]
            fields = {name: found[name.capitalize()] for name in ("protocol", "host", "port", "path", "query")
                      if found.get(name.capitalize()) is not None}  # fmt: skip
            return Redirect(status=int(found["StatusCode"].removeprefix("HTTP_")), **fields)
        case other:
            return FixedResponse(501, f"the lab's load balancer knows no action of type {other}")


def _forward(action: Json) -> Forward | FixedResponse:
    config = action.get("ForwardConfig") or {}
    alone = [{"TargetGroupArn": action["TargetGroupArn"]}] if "TargetGroupArn" in action else []
    groups = config.get("TargetGroups") or alone
    if not groups:  # MiniStack drops the weighted groups of a forward; its other rules are served
        return FixedResponse(503, "the endpoint names no target group to forward to")
    sticky = config.get("TargetGroupStickinessConfig") or {}
    weighted = tuple((group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups)
    return Forward(weighted, int(sticky.get("DurationSeconds", 3600)) if sticky.get("Enabled") else None)


def condition_of(condition: Json) -> Condition:
    """Reads the `…Config` form and the older `Values`: AWS and moto answer with either."""
    field = condition["Field"]
    config = condition.get(_CONFIGS.get(field, "")) or {}
    if field == "query-string":
        return Condition(field, pairs=tuple((pair.get("Key"), pair["Value"]) for pair in config.get("Values", ())))
    values = tuple(config.get("Values") or condition.get("Values") or ())
    expressions = tuple(config.get("RegexValues") or condition.get("RegexValues") or ())
    return Condition(field, values, header=config.get("HttpHeaderName", ""), expressions=expressions)


_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


def _listener(source: Json, rules: Sequence[Json]) -> Listener:
    found = [
        Rule(
            rule["RuleArn"],
            int(rule["Priority"]),
            tuple(map(condition_of, rule["Conditions"])),
            action_of(rule["Actions"]),
        )
        for rule in rules
        if rule["Priority"] != "default"
    ]
    found.sort(key=lambda rule: rule.priority or 0)
    default = Rule(f"{source['ListenerArn']}/default", None, (), action_of(source["DefaultActions"]))
    return Listener(source["ListenerArn"], int(source["Port"]), source["Protocol"], (*found, default))


def _in_lab(address: str | None) -> str | None:
    try:
        return None if address is None else to_loopback(address)
    except ValueError:
        return None


def _attributes(answer: Json) -> Json:
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


def _pages(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Json]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]
