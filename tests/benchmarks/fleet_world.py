"""Many services on several load balancers in an emulated control plane: nothing listens behind them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.timing import beside
from tests.support.provision import REGION, client, forward

_ACCOUNT = "123456789012"
_OFF: dict[str, Any] = {"Enabled": False}
_START_SECONDS = 30.0


@contextmanager
def control_plane() -> Iterator[str]:
    """moto in a process of its own; its endpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [beside("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def seed(endpoint: str, services: int, balancers: int) -> list[dict[str, Any]]:
    """A contract for each of `services`: a rule at green 100, a pair, and a registered target on both sides."""
    ec2 = client(endpoint, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    shares = [range(services)[index::balancers] for index in range(balancers)]
    # One after the other: moto answers 500 to some of those that create rules side by side.
    seeded = [_balancer(endpoint, vpc, subnets, f"lb{index}", share) for index, share in enumerate(shares)]
    return sorted((each for contracts in seeded for each in contracts), key=lambda contract: str(contract["name"]))


def _balancer(endpoint: str, vpc: str, subnets: list[str], name: str, indices: Sequence[int]) -> list[dict[str, Any]]:
    elbv2 = client(endpoint, "elbv2")
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets, Type="application")["LoadBalancers"][0]
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    place = {
        "arn": balancer["LoadBalancerArn"],
        "arn_suffix": balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
        "dns_name": balancer["DNSName"],
        "type": "application",
    }
    contracts = []
    for priority, index in enumerate(indices, 1):
        service = f"s{index:04}"
        groups = _pair(elbv2, vpc, service)
        blue, green = (groups[color]["TargetGroupArn"] for color in ("blue", "green"))
        rule = elbv2.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "host-header", "Values": [f"{service}.example.com"]}],
            Actions=[_split(blue, green, blue=0)],
        )["Rules"][0]["RuleArn"]
        contracts.append(_contract(service, place, (rule, listener), groups))
    return contracts


def _pair(elbv2: Any, vpc: str, service: str) -> dict[str, dict[str, Any]]:
    """The group of each color, with a target, which moto takes for healthy."""
    groups = {}
    for color, network in (("blue", 1), ("green", 2)):
        group = elbv2.create_target_group(
            Name=f"{service}-{color}", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip"
        )["TargetGroups"][0]
        elbv2.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": f"10.0.{network}.9"}])
        groups[color] = group
    return groups


def _contract(
    name: str, balancer: dict[str, Any], route: tuple[str, str], groups: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """route: rule ARN and listener ARN."""
    return {
        "schema_version": 1,
        "name": name,
        "account_id": _ACCOUNT,
        "region": REGION,
        "load_balancer": balancer,
        "routes": [
            {
                "name": name,
                "kind": "alb-rule",
                "arn": route[0],
                "listener_arn": route[1],
                "stickiness": {"enabled": False, "duration_seconds": None},
                "preceding_actions": [],
            }
        ],
        "target_groups": {
            color: {
                "name": group["TargetGroupName"],
                "arn": group["TargetGroupArn"],
                "arn_suffix": group["TargetGroupArn"].rpartition(":")[2],
            }
            for color, group in groups.items()
        },
        "state_table": None,
        "workload": None,
    }


def _split(blue_group: str, green_group: str, *, blue: int) -> dict[str, Any]:
    return forward(blue_group, blue, green_group, 100 - blue, _OFF)


def send_to_green(endpoint: str, contracts: Sequence[dict[str, Any]]) -> None:
    """Every route back at green 100, past every throttle."""
    elbv2 = client(endpoint, "elbv2")
    for contract in contracts:
        groups = contract["target_groups"]
        action = _split(groups["blue"]["arn"], groups["green"]["arn"], blue=0)
        elbv2.modify_rule(RuleArn=contract["routes"][0]["arn"], Actions=[action])


def on_blue(endpoint: str, contracts: Sequence[dict[str, Any]]) -> set[str]:
    """The services whose route gives blue everything, past every throttle."""
    elbv2 = client(endpoint, "elbv2")
    arns = {contract["routes"][0]["arn"]: contract for contract in contracts}
    ordered = sorted(arns)
    found = set()
    for start in range(0, len(ordered), 20):
        for rule in elbv2.describe_rules(RuleArns=ordered[start : start + 20])["Rules"]:
            contract = arns[rule["RuleArn"]]
            weights = {
                group["TargetGroupArn"]: group["Weight"]
                for group in rule["Actions"][-1]["ForwardConfig"]["TargetGroups"]
            }
            pair = [weights[contract["target_groups"][color]["arn"]] for color in ("blue", "green")]
            if pair[0] > 0 and pair[1] == 0:
                found.add(str(contract["name"]))
    return found


def publish(endpoint: str, contracts: Sequence[dict[str, Any]]) -> None:
    """Every contract where Terraform leaves it."""
    ssm = client(endpoint, "ssm")
    for contract in contracts:
        name = f"/bluegreen/{contract['name']}/deployment"
        ssm.put_parameter(Name=name, Value=json.dumps(contract), Type="String", Overwrite=True)
