"""What runs behind the built-in pair: ECS services or Auto Scaling groups, played by the lab's compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.lab.rehearsal.provision import Provisioned, forward, provision
from toolkit.lab.rehearsal.targets import COLORS, TARGET_PORT

CONTAINER = "app"
HEADER = "x-bluegreen-color"
_NOBODY: dict[str, list[str]] = {color: [] for color in COLORS}
_TARGET_TYPES = {"ecs": "ip", "asg": "instance"}


def provision_workload(
    endpoint_url: str,
    kind: str,
    image: str,
    *,
    counts: Mapping[str, int],
    maximum: int = 6,
    test_routes: bool = False,
    **provisioning: Any,
) -> Provisioned:
    """A pair with a workload of `kind`, `ecs` or `asg`; `counts` of each color run `image`, and up to `maximum` may.

    image: of the container, or the name of an AMI. test_routes: each color answers to the header HEADER that names it.
    provisioning: what else `provision` takes.
    """
    pair = provision(endpoint_url, targets=_NOBODY, target_type=_TARGET_TYPES[kind], **provisioning)
    if test_routes:
        _add_test_routes(pair)
    made: dict[str, Callable[..., dict[str, Any]]] = {"ecs": _services, "asg": _groups}
    pair.contract["workload"] = {"kind": kind, **made[kind](pair, image, counts, maximum)}
    pair.publish()
    return pair


def ami(pair: Provisioned, name: str) -> str:
    """The id of the AMI of this name, which is made unless there is one."""
    ec2 = pair.client("ec2")
    found = ec2.describe_images(Filters=[{"Name": "name", "Values": [name]}])["Images"]
    return str(found[0]["ImageId"] if found else ec2.register_image(Name=name)["ImageId"])


def _subnets(pair: Provisioned) -> list[str]:
    balancer = pair.contract["load_balancer"]["arn"]
    held = pair.client("elbv2").describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]
    return [zone["SubnetId"] for zone in held["AvailabilityZones"]]


def _services(pair: Provisioned, image: str, counts: Mapping[str, int], maximum: int) -> dict[str, Any]:
    """One cluster, one family, a service per color with autoscaling."""
    name = pair.contract["name"]
    ecs, scaling = pair.client("ecs"), pair.client("application-autoscaling")
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(
        family=name,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": CONTAINER, "image": image, "essential": True, "portMappings": [{"containerPort": TARGET_PORT}]}
        ],
    )
    network = {"subnets": _subnets(pair), "securityGroups": []}
    for color in COLORS:
        place = {"targetGroupArn": pair.group(color), "containerName": CONTAINER, "containerPort": TARGET_PORT}
        ecs.create_service(
            cluster=name,
            serviceName=f"{name}-{color}",
            taskDefinition=name,
            desiredCount=counts[color],
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network},
            loadBalancers=[place],
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}},
        )
        scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=f"service/{name}/{name}-{color}",
            MinCapacity=counts[color],
            MaxCapacity=maximum,
        )
    return {"cluster": name, "services": {color: f"{name}-{color}" for color in COLORS}, "container": CONTAINER}


def _groups(pair: Provisioned, image: str, counts: Mapping[str, int], maximum: int) -> dict[str, Any]:
    """A group per color, each with a launch template of its own."""
    name, scaling = pair.contract["name"], pair.client("autoscaling")
    data = {"ImageId": ami(pair, image), "InstanceType": "t3.micro"}
    for color in COLORS:
        template = pair.client("ec2").create_launch_template(
            LaunchTemplateName=f"{name}-{color}", LaunchTemplateData=data
        )["LaunchTemplate"]
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=f"{name}-{color}",
            MinSize=counts[color],
            MaxSize=maximum,
            DesiredCapacity=counts[color],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
            VPCZoneIdentifier=",".join(_subnets(pair)),
            TargetGroupARNs=[pair.group(color)],
            HealthCheckType="ELB",
            HealthCheckGracePeriod=60,
        )
    return {"groups": {color: f"{name}-{color}" for color in COLORS}}


def _add_test_routes(pair: Provisioned) -> None:
    """A rule per color before the route, for those who send the header."""
    elbv2, routes = pair.client("elbv2"), []
    for priority, color in enumerate(COLORS, start=1):
        weights = [int(color == each) for each in COLORS]
        action = forward(pair.group("blue"), weights[0], pair.group("green"), weights[1], {"Enabled": False})
        action["ForwardConfig"]["TargetGroups"] = [
            each for each in action["ForwardConfig"]["TargetGroups"] if each["Weight"]
        ]
        rule = elbv2.create_rule(
            ListenerArn=pair.listener_arn,
            Priority=priority,
            Conditions=[{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": [color]}}],
            Actions=[action],
        )["Rules"][0]["RuleArn"]
        routes.append(
            {
                "name": f"{pair.contract['name']}-{color}",
                "color": color,
                "arn": rule,
                "listener_arn": pair.listener_arn,
                "header_name": HEADER,
            }
        )
    pair.contract["test_routes"] = routes
