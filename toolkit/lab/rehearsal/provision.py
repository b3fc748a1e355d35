"""A blue/green pair made with plain boto3, for who needs one in a second rather than in Terraform's minute."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any

REGION = "eu-central-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@dataclass
class Provisioned:
    """What stands in the emulator. `contract` is the deployment contract as Terraform would output it."""

    endpoint_url: str
    contract: dict[str, Any]
    listener_arn: str
    """Of the first route."""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def rule_arns(self) -> list[str]:
        return [route["arn"] for route in self.contract["routes"]]

    def group(self, color: str) -> str:
        return str(self.contract["target_groups"][color]["arn"])

    def client(self, service: str) -> Any:
        return client(self.endpoint_url, service, self.contract.get("region", REGION))

    def set_weights(self, blue: int, green: int, *, route: int = 0, stickiness: int | None = None) -> None:
        """As somebody would with the AWS CLI, past the toolkit."""
        sticky: dict[str, Any] = {"Enabled": stickiness is not None}
        if stickiness is not None:
            sticky["DurationSeconds"] = stickiness
        self.write(route, [forward(self.group("blue"), blue, self.group("green"), green, sticky)])

    def write(self, route: int, actions: list[dict[str, Any]]) -> None:
        """Give a route these actions, whatever it had."""
        elbv2, arn = self.client("elbv2"), self.rule_arns[route]
        if self.contract["routes"][route]["kind"] == "alb-rule":
            elbv2.modify_rule(RuleArn=arn, Actions=actions)
        else:
            elbv2.modify_listener(ListenerArn=arn, DefaultActions=actions)

    def weights(self, route: int = 0) -> dict[str, int]:
        groups = self.actions(route)[-1]["ForwardConfig"]["TargetGroups"]
        by_arn = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return {color: by_arn[self.group(color)] for color in ("blue", "green")}

    def publish(self) -> None:
        """Put the contract, as it is now, where the toolkit looks for it."""
        name, value = f"/bluegreen/{self.contract['name']}/deployment", json.dumps(self.contract)
        self.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def delete_route(self, route: Any) -> None:
        """Delete the rule or the listener of a `contract.Route`."""
        if route.kind.is_listener:
            self.client("elbv2").delete_listener(ListenerArn=route.arn)
        else:
            self.client("elbv2").delete_rule(RuleArn=route.arn)

    def actions(self, route: int = 0) -> list[dict[str, Any]]:
        """The actions of a route, as the API tells them."""
        elbv2, arn = self.client("elbv2"), self.rule_arns[route]
        if self.contract["routes"][route]["kind"] == "alb-rule":
            found = elbv2.describe_rules(RuleArns=[arn])["Rules"][0]["Actions"]
        else:
            found = elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
        return list(found)


@functools.cache  # making one takes boto3 longer than a call
def client(endpoint_url: str, service: str, region: str = REGION) -> Any:
    """A boto3 client whose only way leads to `endpoint_url`."""
    return _session().client(service, endpoint_url=endpoint_url, region_name=region, **CREDENTIALS)


@functools.cache
def _session() -> Any:
    """A session that AWS_PROFILE has no say in: clients would not be made where it names no profile."""
    import boto3
    import botocore.session

    return boto3.Session(botocore_session=botocore.session.Session({"profile": (None, None, None, None)}))


def forward(blue: str, blue_weight: int, green: str, green_weight: int, sticky: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "forward",
        "Order": 1,
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": blue, "Weight": blue_weight},
                {"TargetGroupArn": green, "Weight": green_weight},
            ],
            "TargetGroupStickinessConfig": sticky,
        },
    }


def provision(
    endpoint_url: str,
    *,
    name: str = "web",
    port: int = 80,
    routes: int = 1,
    targets: dict[str, list[str]] | None = None,
    target_port: int = 8080,
    table: bool = True,
    health_check_seconds: int = 5,
    kind: str = "alb-rule",
    health_path: str = "/healthz",
    target_type: str = "ip",
) -> Provisioned:
    """A load balancer, `routes` routes, a pair at 100/0, a state table, and the contract in SSM.

    Routes of kind alb-rule are rules of one listener at `port`; the others are listeners at the ports from there on.
    """
    network = kind == "nlb-listener"
    targets = targets or {"blue": ["10.0.1.11", "10.0.1.12"], "green": ["10.0.2.11", "10.0.2.12"]}
    ec2, elbv2 = client(endpoint_url, "ec2"), client(endpoint_url, "elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{100 + index}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for index, zone in enumerate("ab")
    ]
    balancer_type = "network" if network else "application"
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets, Type=balancer_type)["LoadBalancers"][0]
    groups = {
        color: elbv2.create_target_group(
            Name=f"{name}-{color}",
            Protocol="TCP" if network else "HTTP",
            Port=target_port,
            VpcId=vpc,
            TargetType=target_type,
            HealthCheckProtocol="HTTP",
            HealthCheckPath=health_path,
            HealthCheckIntervalSeconds=health_check_seconds,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]
        for color in ("blue", "green")
    }
    for group in groups.values():
        elbv2.modify_target_group_attributes(
            TargetGroupArn=group["TargetGroupArn"],
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        )
    blue, green = groups["blue"]["TargetGroupArn"], groups["green"]["TargetGroupArn"]
    made = _rules if kind == "alb-rule" else _listeners
    action = forward(blue, 100, green, 0, {"Enabled": False})
    if network:
        del action["ForwardConfig"]["TargetGroupStickinessConfig"]
    on = {"LoadBalancerArn": balancer["LoadBalancerArn"], "Protocol": "TCP" if network else "HTTP"}
    places = made(elbv2, on, port, [action], routes)
    for color, addresses in targets.items():
        if addresses:
            elbv2.register_targets(
                TargetGroupArn=groups[color]["TargetGroupArn"],
                Targets=[{"Id": address, "Port": target_port} for address in addresses],
            )
    state = _state_table(endpoint_url, f"bluegreen-{name}") if table else None
    contract = {
        "schema_version": 1,
        "name": name,
        "account_id": "123456789012",
        "region": REGION,
        "load_balancer": {
            "type": balancer_type,
            "arn": balancer["LoadBalancerArn"],
            "arn_suffix": balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
            "dns_name": balancer["DNSName"],
        },
        "routes": [
            {
                "name": name if routes == 1 else f"{name}-{index}",
                "kind": kind,
                "arn": arn,
                "listener_arn": listener,
                "stickiness": {"enabled": False, "duration_seconds": None},
                "preceding_actions": [],
            }
            for index, (arn, listener) in enumerate(places)
        ],
        "target_groups": {
            color: {
                "name": group["TargetGroupName"],
                "arn": group["TargetGroupArn"],
                "arn_suffix": group["TargetGroupArn"].rpartition(":")[2],
            }
            for color, group in groups.items()
        },
        "state_table": state,
        "workload": None,
    }
    pair = Provisioned(endpoint_url, contract, places[0][1])
    pair.publish()
    return pair


def remove(pair: Provisioned) -> None:
    """Delete all that `provision` has made of this pair."""
    contract = pair.contract
    elbv2, balancer = pair.client("elbv2"), contract["load_balancer"]["arn"]
    for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        elbv2.delete_listener(ListenerArn=listener["ListenerArn"])
    vpc = elbv2.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["VpcId"]
    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    for color in ("blue", "green"):
        elbv2.delete_target_group(TargetGroupArn=pair.group(color))
    if contract["state_table"] is not None:
        pair.client("dynamodb").delete_table(TableName=contract["state_table"]["name"])
    pair.client("ssm").delete_parameters(Names=[f"/bluegreen/{contract['name']}/deployment"])
    ec2 = pair.client("ec2")
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)


def _rules(
    elbv2: Any, on: dict[str, str], port: int, actions: list[dict[str, Any]], count: int
) -> list[tuple[str, str]]:
    """`count` rules on one listener: (rule ARN, listener ARN)."""
    listener = elbv2.create_listener(
        **on,
        Port=port,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    rules = [
        elbv2.create_rule(
            ListenerArn=listener,
            Priority=10 + index,
            Conditions=[{"Field": "path-pattern", "Values": ["/*" if index == count - 1 else f"/{index}/*"]}],
            Actions=actions,
        )["Rules"][0]["RuleArn"]
        for index in range(count)
    ]
    return [(rule, listener) for rule in rules]


def _listeners(
    elbv2: Any, on: dict[str, str], port: int, actions: list[dict[str, Any]], count: int
) -> list[tuple[str, str]]:
    """`count` listeners whose default action is the route: their ARN, twice."""
    arns = [
        elbv2.create_listener(**on, Port=port + index, DefaultActions=actions)["Listeners"][0]["ListenerArn"]
        for index in range(count)
    ]
    return [(arn, arn) for arn in arns]


def _state_table(endpoint_url: str, name: str) -> dict[str, str]:
    table = client(endpoint_url, "dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )["TableDescription"]
    return {"name": table["TableName"], "arn": table["TableArn"]}
