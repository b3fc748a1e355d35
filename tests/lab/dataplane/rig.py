"""moto, Envoy and sample apps, with the few calls that make a load balancer out of them."""

import contextlib
import itertools
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.lab.dataplane.tcp import Echo, Flow, name_of_one
from toolkit.lab.app import AppProcess, Site, start_app
from toolkit.lab.dataplane import DataPlane, TargetHealth

REGION = "eu-central-1"
_COLORS = ("blue", "green")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    color: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Rig:
    """One load balancer without listeners; each test adds its own."""

    elbv2: Any
    acm: Any
    plane: DataPlane
    vpc: str
    balancer: str
    network: str
    """A Network Load Balancer, without listeners too."""
    app: AppProcess
    sites: dict[str, Site]
    groups: dict[str, str]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def group(self, *sites: Site, **settings: Any) -> str:
        """A target group that holds `sites`, checked every 5 s of AWS's time."""
        arn: str = self.elbv2.create_target_group(
            **{
                "Name": f"g{next(self.numbers)}",
                "Protocol": "HTTP",
                "Port": 8080,
                "VpcId": self.vpc,
                "TargetType": "ip",
                "HealthCheckIntervalSeconds": 5,
                "HealthCheckTimeoutSeconds": 2,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 2,
                **({"HealthCheckPath": "/healthz"} if settings.get("HealthCheckProtocol") != "TCP" else {}),
                **settings,
            }
        )["TargetGroups"][0]["TargetGroupArn"]
        for site in sites:
            self.elbv2.register_targets(TargetGroupArn=arn, Targets=[target(site)])
        return arn

    def tcp_group(self, *echoes: Echo, **settings: Any) -> str:
        """A target group for flows that holds `echoes`, checked by connecting every 5 s of AWS's time."""
        plain = {"Protocol": "TCP", "HealthCheckProtocol": "TCP", "Port": 9000}
        wanted = {**plain, "HealthCheckPath": None, **settings}
        arn = self.group(**{key: value for key, value in wanted.items() if value is not None})
        self.register(arn, *echoes)
        return arn

    def register(self, group: str, *echoes: Echo) -> None:
        if echoes:
            self.elbv2.register_targets(TargetGroupArn=group, Targets=[tcp_target(echo) for echo in echoes])
        self.plane.reconcile(REGION)

    def deregister(self, group: str, *echoes: Echo) -> None:
        self.elbv2.deregister_targets(TargetGroupArn=group, Targets=[tcp_target(echo) for echo in echoes])
        self.plane.reconcile(REGION)

    def set(self, group: str, **attributes: str) -> None:
        """Write target group attributes; `__` stands for the dot in their names."""
        wanted = [{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()]
        self.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=wanted)
        self.plane.reconcile(REGION)

    def states(self, group: str) -> list[str]:
        return [health.state for health in self.plane.health(group).values()]

    @contextlib.contextmanager
    def balancing(self, *weights: tuple[str, int], **settings: Any) -> Iterator[str]:
        """A TCP listener that forwards to groups with these weights, once all of their targets have been checked."""
        settings = {"LoadBalancerArn": self.network, "Protocol": "TCP", **settings}
        with self.listening(forward(*weights), **settings) as listener:
            until(lambda: not any("initial" in self.states(group) for group, _ in weights))
            yield listener

    def names(self, listener: str, count: int) -> Counter[str]:
        """Who takes `count` new flows; "" for those that nobody took."""
        url = self.plane.listeners()[listener]
        return Counter(name_of_one(url) for _ in range(count))

    @contextlib.contextmanager
    def flow(self, listener: str) -> Iterator[Flow]:
        flow = Flow(self.plane.listeners()[listener])
        try:
            yield flow
        finally:
            flow.close()

    @contextlib.contextmanager
    def listening(self, *actions: dict[str, Any], **settings: Any) -> Iterator[str]:
        """A listener with a default action, gone afterwards."""
        number = next(self.numbers)
        arn: str = self.elbv2.create_listener(
            **{
                "LoadBalancerArn": self.balancer,
                "Protocol": "HTTP",
                "Port": 20_000 + number,
                "DefaultActions": list(actions) or [fixed(404)],
                **settings,
            }
        )["Listeners"][0]["ListenerArn"]
        self.plane.reconcile(REGION)
        try:
            yield arn
        finally:
            self.elbv2.delete_listener(ListenerArn=arn)
            self.plane.reconcile(REGION)

    def rule(self, listener: str, priority: int, *actions: dict[str, Any], **conditions: Any) -> str:
        """A rule with a path pattern (`path`) or any conditions (`conditions`)."""
        wanted = conditions.get("conditions") or [{"Field": "path-pattern", "Values": [conditions.get("path", "*")]}]
        arn: str = self.elbv2.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=wanted, Actions=list(actions)
        )["Rules"][0]["RuleArn"]
        self.plane.reconcile(REGION)
        return arn

    def shift(self, listener: str, action: dict[str, Any]) -> None:
        """Write the listener's default action and have Envoy follow."""
        self.elbv2.modify_listener(ListenerArn=listener, DefaultActions=[action])
        self.plane.reconcile(REGION)

    def ask(self, listener: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        address = self.plane.listeners()[listener].partition("://")[2]
        connection = HTTPConnection(address, timeout=10)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            body = response.read()
            found = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, found.get("x-color", ""), found, body)
        finally:
            connection.close()

    def ask_many(self, listener: str, count: int) -> Counter[str]:
        """Colors of `count` answers over one connection."""
        connection = HTTPConnection(self.plane.listeners()[listener].partition("://")[2], timeout=10)
        colors: Counter[str] = Counter()
        try:
            for _ in range(count):
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
                colors[response.headers.get("X-Color", str(response.status))] += 1
        finally:
            connection.close()
        return colors

    def certificate(self) -> str:
        arn: str = self.acm.request_certificate(DomainName="rig.example.com")["CertificateArn"]
        return arn

    def health_of(self, group: str, site: Site) -> TargetHealth:
        return self.plane.health(group)[(private(site), site.port)]

    def wait_healthy(self, group: str, *sites: Site) -> None:
        for site in sites:
            until(lambda site=site: self.health_of(group, site).state == "healthy")  # type: ignore[misc]


def site(number: int, color: str = "blue", version: str = "v1") -> Site:
    """The site of that number, at addresses of this process's own: test runs side by side do not meet."""
    return Site(f"127.77.{os.getpid() % 256}.{number}", 18080, color, version)


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for what has no event to wait on; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def private(site: Site) -> str:
    return f"10.{site.address.partition('.')[2]}"


def target(site: Site) -> dict[str, Any]:
    return {"Id": private(site), "Port": site.port}


def tcp_target(echo: Echo) -> dict[str, Any]:
    return {"Id": f"10.{echo.address.partition('.')[2]}", "Port": echo.port}


def fixed(status: int, body: str = "") -> dict[str, Any]:
    config = {"StatusCode": str(status), "MessageBody": body, "ContentType": "text/plain"}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def forward(*weights: tuple[str, int], sticky: int | None = None) -> dict[str, Any]:
    return {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights],
            "TargetGroupStickinessConfig": {"Enabled": sticky is not None, "DurationSeconds": sticky or 1},
        },
    }


@contextlib.contextmanager
def running(directory: Path, sites: Sequence[Site]) -> Iterator[Rig]:
    """A rig with one healthy target per color; everything in it is stopped in the end."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    elbv2 = boto3.client("elbv2", endpoint_url=endpoint, **keys)
    ec2 = boto3.client("ec2", endpoint_url=endpoint, **keys)
    plane = DataPlane(endpoint_url=endpoint, directory=directory, time_scale=0.02, regions=[REGION])
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        stack.callback(plane.stop)
        subnets = ec2.describe_subnets()["Subnets"][:2]
        wanted = {"Subnets": [subnet["SubnetId"] for subnet in subnets]}
        balancer = elbv2.create_load_balancer(Name="rig", **wanted)
        network = elbv2.create_load_balancer(Name="rig-net", Type="network", **wanted)
        app = stack.enter_context(start_app(sites))
        plane.start()
        rig = Rig(
            elbv2=elbv2,
            acm=boto3.client("acm", endpoint_url=endpoint, **keys),
            plane=plane,
            vpc=subnets[0]["VpcId"],
            balancer=balancer["LoadBalancers"][0]["LoadBalancerArn"],
            network=network["LoadBalancers"][0]["LoadBalancerArn"],
            app=app,
            sites={site.color: site for site in sites},
            groups={},
        )
        rig.groups = {color: rig.group(rig.sites[color]) for color in _COLORS}
        yield rig
