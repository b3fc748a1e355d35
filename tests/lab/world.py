"""A load balancer with a pair of target groups, made with boto3, and servers to stand behind it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3

from toolkit.lab.handle import Lab


def client(service: str, endpoint_url: str, region: str = "eu-central-1") -> Any:
    """A client whose only way leads to `endpoint_url`."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def fetch(url: str, method: str = "GET") -> str:
    """The body of one answer, whatever its status, on a connection of its own."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request(method, parts.path or "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@dataclass(frozen=True)
class Pair:
    elbv2: Any
    load_balancer: str
    listener: str
    rule: str
    groups: dict[str, str]

    def forward(self, **weights: int) -> list[dict[str, Any]]:
        tuples = [{"TargetGroupArn": self.groups[color], "Weight": weight} for color, weight in weights.items()]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": tuples}}]

    def shift(self, **weights: int) -> None:
        self.elbv2.modify_rule(RuleArn=self.rule, Actions=self.forward(**weights))

    def states(self, color: str) -> dict[tuple[str, int], str]:
        answer = self.elbv2.describe_target_health(TargetGroupArn=self.groups[color])
        return {
            (one["Target"]["Id"], one["Target"]["Port"]): one["TargetHealth"]["State"]
            for one in answer["TargetHealthDescriptions"]
        }


def make_pair(endpoint_url: str, *, port: int = 8080, name: str = "web") -> Pair:
    """An ALB whose only rule forwards to blue (100) and green (0); health is checked every 5 s."""
    ec2, elbv2 = client("ec2", endpoint_url), client("elbv2", endpoint_url)
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {
        color: elbv2.create_target_group(
            Name=f"{name}-{color}",
            Protocol="HTTP",
            Port=port,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        for color in ("blue", "green")
    }
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]["ListenerArn"]
    pair = Pair(elbv2, balancer, listener, "", groups)
    rule = elbv2.create_rule(
        ListenerArn=listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        Actions=pair.forward(blue=100, green=0),
    )["Rules"][0]["RuleArn"]
    return Pair(elbv2, balancer, listener, rule, groups)


@contextmanager
def answering(word: str, host: str, port: int = 0) -> Iterator[int]:
    """A server on a loopback address that answers every GET with `word`; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(word)))
            self.end_headers()
            self.wfile.write(word.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pair_on(lab: Lab, port: int) -> Pair:
    return make_pair(lab.endpoint_url, port=port)
