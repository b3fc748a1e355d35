"""The shared world of the tests at an endpoint that somebody else has started: MiniStack, LocalStack, moto alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

from tests.support.fakes import ACCOUNT
from tests.support.provision import CREDENTIALS, REGION, Provisioned, client
from tests.support.world import World, free_addresses
from toolkit.errors import LabError
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import Lab

ENDPOINT_VARIABLE = "BLUEGREEN_TEST_ENDPOINT"
TARGET_PORT = 8080
_TRIES = 5


@dataclass(frozen=True)
class Elsewhere:
    """What the shared fixtures need of a lab, at any endpoint."""

    endpoint_url: str

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a command that is to reach this endpoint and no other."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **{key.upper(): value for key, value in CREDENTIALS.items()},
        }


def given_endpoint() -> str | None:
    """The endpoint to run the AWS cases of the tests on; None: a lab of their own."""
    return os.environ.get(ENDPOINT_VARIABLE) or None


@contextmanager
def world_at(endpoint_url: str) -> Iterator[World]:
    """Sample apps of both colors for targets there, should it route or check; nothing is provisioned yet."""
    # LocalStack and MiniStack take an access key of twelve digits for the account; moto and the lab do not mind.
    CREDENTIALS["aws_access_key_id"] = ACCOUNT
    with ExitStack() as stack:
        addresses, apps = _apps(stack)
        yield World(cast("Lab", Elsewhere(endpoint_url)), Provisioned(endpoint_url, {}, ""), apps, addresses)


def _apps(stack: ExitStack) -> tuple[dict[str, list[str]], dict[str, AppProcess]]:
    """Sample apps until the end of the stack, and the addresses of their targets."""
    for _ in range(_TRIES - 1):
        try:
            return _apps_once(stack)
        except LabError:  # another world has just taken an address that was free
            continue
    return _apps_once(stack)


def _apps_once(stack: ExitStack) -> tuple[dict[str, list[str]], dict[str, AppProcess]]:
    addresses = free_addresses(2)
    with ExitStack() as trial:
        apps = {
            color: trial.enter_context(
                start_app([Site(to_loopback(each), TARGET_PORT, color, f"{color}-1") for each in addresses[color]])
            )
            for color in addresses
        }
        stack.push(trial.pop_all())
    return addresses, apps


def remove(endpoint_url: str, name: str) -> None:
    """Delete what `provision` makes under this name, where it is there: other endpoints know no reset."""
    elbv2, ec2 = client(endpoint_url, "elbv2"), client(endpoint_url, "ec2")
    for balancer in _named(elbv2.describe_load_balancers()["LoadBalancers"], "LoadBalancerName", {name}):
        arn = balancer["LoadBalancerArn"]
        for listener in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
        elbv2.delete_load_balancer(LoadBalancerArn=arn)
    vpcs = set()
    colors = {f"{name}-blue", f"{name}-green"}
    for group in _named(elbv2.describe_target_groups()["TargetGroups"], "TargetGroupName", colors):
        elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        vpcs.add(group["VpcId"])
    for vpc in vpcs:
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=vpc)
    dynamodb, table = client(endpoint_url, "dynamodb"), f"bluegreen-{name}"
    if table in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName=table)
    client(endpoint_url, "ssm").delete_parameters(Names=[f"/bluegreen/{name}/deployment"])


def _named(found: list[dict[str, Any]], key: str, names: set[str]) -> list[dict[str, Any]]:
    return [each for each in found if each[key] in names]
