"""A blue/green pair made with plain boto3, for tests that need one in a second rather than in Terraform's minute."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import boto3

REGION = "eu-central-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@dataclass
class Provisioned:
    """What stands in the emulator. `contract` is the deployment contract as Terraform would output it."""

    endpoint_url: str
    contract: dict[str, Any]
    listener_arn: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def rule_arns(self) -> list[str]:
        return [route["arn"] for route in self.contract["routes"]]

    def group(self, color: str) -> str:
        return str(self.contract["target_groups"][color]["arn"])

    def client(self, service: str) -> Any:
        return client(self.endpoint_url, service)

    def set_weights(self, blue: int, green: int, *, route: int = 0, stickiness: int | None = None) -> None:
        """As somebody would with the AWS CLI, past the toolkit."""
        sticky: dict[str, Any] = {"Enabled": stickiness is not None}
        if stickiness is not None:
            sticky["DurationSeconds"] = stickiness
        self.client("elbv2").modify_rule(
            RuleArn=self.rule_arns[route],
            Actions=[forward(self.group("blue"), blue, self.group("green"), green, sticky)],
        )

    def weights(self, route: int = 0) -> dict[str, int]:
        rule = self.client("elbv2").describe_rules(RuleArns=[self.rule_arns[route]])["Rules"][0]
        groups = rule["Actions"][-1]["ForwardConfig"]["TargetGroups"]
        by_arn = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return {color: by_arn[self.group(color)] for color in ("blue", "green")}


def client(endpoint_url: str, service: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint_url, region_name=REGION, **CREDENTIALS)


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
) -> Provisioned:
    """A load balancer, a listener with `routes` rules, a pair at 100/0, a state table, and the contract in SSM."""
    targets = targets or {"blue": ["10.0.1.11", "10.0.1.12"], "green": ["10.0.2.11", "10.0.2.12"]}
    ec2, elbv2 = client(endpoint_url, "ec2"), client(endpoint_url, "elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{100 + index}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for index, zone in enumerate("ab")
    ]
    balancer = elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]
    groups = {
        color: elbv2.create_target_group(
            Name=f"{name}-{color}",
            Protocol="HTTP",
            Port=target_port,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckPath="/healthz",
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
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=port,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    blue, green = groups["blue"]["TargetGroupArn"], groups["green"]["TargetGroupArn"]
    rules = [
        elbv2.create_rule(
            ListenerArn=listener,
            Priority=10 + index,
            Conditions=[{"Field": "path-pattern", "Values": ["/*" if index == routes - 1 else f"/{index}/*"]}],
            Actions=[forward(blue, 100, green, 0, {"Enabled": False})],
        )["Rules"][0]["RuleArn"]
        for index in range(routes)
    ]
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
            "type": "application",
            "arn": balancer["LoadBalancerArn"],
            "arn_suffix": balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
            "dns_name": balancer["DNSName"],
        },
        "routes": [
            {
                "name": name if routes == 1 else f"{name}-{index}",
                "kind": "alb-rule",
                "arn": arn,
                "listener_arn": listener,
                "stickiness": {"enabled": False, "duration_seconds": None},
                "preceding_actions": [],
            }
            for index, arn in enumerate(rules)
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
    client(endpoint_url, "ssm").put_parameter(
        Name=f"/bluegreen/{name}/deployment", Value=json.dumps(contract), Type="String", Overwrite=True
    )
    return Provisioned(endpoint_url, contract, listener)


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
