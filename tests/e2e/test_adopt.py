"""Infrastructure that plain boto3 made, taken over by the command and released under real traffic."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.command import Commands, assert_one_clear_line
from tests.e2e.middleman import ALL, middleman
from tests.e2e.release import requests_until, until
from tests.support.provision import REGION, client
from tests.support.world import World
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult

pytestmark = [pytest.mark.e2e, pytest.mark.lab]

VERSIONS = {"blue": "blue-1", "green": "green-1"}
SETTLED = 0.02  # seconds; two buckets of the load's result, so that no bucket lies on an edge
OFF_FOR_A_SECOND = {"Enabled": False, "DurationSeconds": 1}


@dataclass
class Theirs:
    """A load balancer that others made, with two target groups, the sample apps registered in both."""

    world: World
    arn: str
    groups: dict[str, str]
    listeners: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return client(self.world.lab.endpoint_url, service)

    def listen(self, *actions: dict[str, Any], port: int = 80) -> str:
        made = self.client("elbv2").create_listener(
            LoadBalancerArn=self.arn, Protocol="HTTP", Port=port, DefaultActions=list(actions)
        )
        self.listeners.append(made["Listeners"][0]["ListenerArn"])
        return self.listeners[-1]

    def forward(self, *weights: tuple[str, int], **sticky: Any) -> dict[str, Any]:
        groups = [{"TargetGroupArn": self.groups[color], "Weight": weight} for color, weight in weights]
        return {
            "Type": "forward",
            "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky or OFF_FOR_A_SECOND},
        }

    def action(self) -> list[dict[str, Any]]:
        """What the first listener does by default, as AWS says it."""
        answer = self.client("elbv2").describe_listeners(ListenerArns=self.listeners[:1])
        held: list[dict[str, Any]] = answer["Listeners"][0]["DefaultActions"]
        return held

    def weights(self) -> dict[str, int]:
        held = {each["TargetGroupArn"]: each["Weight"] for each in self.action()[-1]["ForwardConfig"]["TargetGroups"]}
        return {color: held[arn] for color, arn in self.groups.items() if arn in held}

    def wait_for_health(self, *colors: str) -> None:
        """Until every target of the colors is healthy."""
        elbv2 = self.client("elbv2")

        def healthy() -> bool:
            told = [elbv2.describe_target_health(TargetGroupArn=self.groups[color]) for color in colors]
            states = [target["TargetHealth"]["State"] for each in told for target in each["TargetHealthDescriptions"]]
            return bool(states) and set(states) == {"healthy"}

        until(healthy)

    @contextmanager
    def load(self) -> Iterator[LoadProcess]:
        """Traffic on kept connections through the first listener; a wrong version is a failure, no retries."""
        url = f"{self.world.lab.listeners()[self.listeners[0]]}/"
        with LoadProcess(LoadPlan(url=url, rate=400.0, post_share=0.5, connections=16, expected=VERSIONS)) as load:
            requests_until(load, 200)
            yield load


@pytest.fixture
def theirs(world: World) -> Theirs:
    """A load balancer `shop` and the groups `app-one` and `app-two`, after which nothing is called blue or green."""
    emptied = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(emptied, timeout=30).close()
    ec2, elbv2 = client(world.lab.endpoint_url, "ec2"), client(world.lab.endpoint_url, "elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for index, zone in enumerate("ab")
    ]
    made = elbv2.create_load_balancer(Name="shop", Subnets=[subnet["SubnetId"] for subnet in subnets])
    groups = {}
    for color, name in (("blue", "app-one"), ("green", "app-two")):
        group = elbv2.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=8080,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )
        groups[color] = group["TargetGroups"][0]["TargetGroupArn"]
        targets = [{"Id": address, "Port": 8080} for address in world.addresses[color]]
        elbv2.register_targets(TargetGroupArn=groups[color], Targets=targets)
    return Theirs(world, made["LoadBalancers"][0]["LoadBalancerArn"], groups)


@pytest.fixture
def bluegreen(environ: dict[str, str], tmp_path: Path) -> Commands:
    return Commands(environ, tmp_path)


@pytest.fixture
def tutorial(theirs: Theirs) -> Theirs:
    """The listener of HashiCorp's tutorial on blue/green and canary deployments, all traffic on the blue group.

    An HTTP listener on port 80 whose default action forwards to two weighted groups, stickiness disabled with a
    duration of 1. Source: developer.hashicorp.com, "Use Application Load Balancers for blue-green and canary
    deployments".
    """
    theirs.listen(theirs.forward(("blue", 100), ("green", 0)))
    theirs.wait_for_health("blue", "green")
    return theirs


def answered(result: LoadResult, *between: float) -> set[str]:
    """Who answered the requests that began between these times."""
    return {color for color in VERSIONS if result.started(color, *between)}


def there_and_back(bluegreen: Commands, load: LoadProcess) -> LoadResult:
    """Cut `app` over to green and roll it back to blue under the load; nothing fails, and who answers is who should."""
    before_cutover = time.monotonic() - SETTLED
    cutover = bluegreen("cutover", "app", "--bake", "1")
    assert cutover.code == 0, cutover.err
    after_cutover = time.monotonic() + SETTLED
    requests_until(load, 200)
    before_rollback = time.monotonic() - SETTLED
    rollback = bluegreen("rollback", "app")
    assert rollback.code == 0, rollback.err
    after_rollback = time.monotonic() + SETTLED
    requests_until(load, 200)
    result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert answered(result, result.began, before_cutover) == {"blue"}
    assert answered(result, after_cutover, before_rollback) == {"green"}
    assert answered(result, after_rollback, time.monotonic()) == {"blue"}
    return result


def test_the_tutorials_listener_is_adopted_cut_over_and_rolled_back_without_a_failed_request(
    tutorial: Theirs, bluegreen: Commands
) -> None:
    settings = Path(bluegreen.directory, "bluegreen.toml")
    settings.write_text("# ours\n[service.other]\nbake_seconds = 5.0\n")
    before = tutorial.action()
    with tutorial.load() as load:
        adopted = bluegreen("adopt", "--listener", tutorial.listeners[0], "--name", "app")
        assert adopted.code == 0, adopted.err
        assert tutorial.action() == before
        status = bluegreen("status", "app", "-o", "json").json()
        assert status["live"] == "blue"
        assert status["routes"]["http-80"]["split"] == {"blue": 100, "green": 0}
        assert bluegreen("doctor", "app").code == 0
        there_and_back(bluegreen, load)
    assert tutorial.weights() == {"blue": 100, "green": 0}
    assert adopted.err == ""
    assert "blue is app-one, green is app-two, told by their weights" in adopted.out
    assert "ignore_changes = [default_action]" in adopted.out
    assert settings.read_text().startswith("# ours\n[service.other]\nbake_seconds = 5.0\n")
    contract = json.loads(Path(bluegreen.directory, "deployments", "app.json").read_text())
    assert contract["routes"][0]["stickiness"] == {"enabled": False, "duration_seconds": None}
    assert contract["routes"][0]["kind"] == "alb-listener"


def test_a_listener_of_one_group_gets_the_free_one_and_is_cut_over_without_a_failed_request(
    theirs: Theirs, bluegreen: Commands
) -> None:
    theirs.listen({"Type": "forward", "TargetGroupArn": theirs.groups["blue"]})
    theirs.wait_for_health("blue")
    asked = bluegreen("adopt", "--load-balancer", "shop", "--name", "app")
    assert_one_clear_line(asked, 2, "app-two at weight 0 to http-80", "--yes")
    assert not Path(bluegreen.directory, "bluegreen.toml").exists()
    with theirs.load() as load:
        adopted = bluegreen("adopt", "--load-balancer", "shop", "--name", "app", "--yes", "-o", "json").json()
        assert adopted["target_group_added"] == "app-two"
        assert theirs.weights() == {"blue": 100, "green": 0}
        theirs.wait_for_health("green")  # until now nobody checked it
        there_and_back(bluegreen, load)
    assert tomllib.loads(Path(bluegreen.directory, "bluegreen.toml").read_text()) == {
        "service": {"app": {"contract": "file:deployments/app.json"}}
    }


def test_the_command_that_it_prints_makes_the_group_that_is_missing(
    theirs: Theirs, bluegreen: Commands, environ: dict[str, str]
) -> None:
    theirs.client("elbv2").delete_target_group(TargetGroupArn=theirs.groups["green"])
    theirs.listen({"Type": "forward", "TargetGroupArn": theirs.groups["blue"]})
    words = ("adopt", "--load-balancer", "shop", "--name", "app", "--yes")
    refused = bluegreen(*words)
    assert_one_clear_line(
        refused, 19, "one target group, app-one", "aws elbv2 create-target-group --name app-one-green"
    )
    command = shlex.split(refused.err.partition("then adopt again: ")[2].rpartition("  [exit")[0])
    command[0] = str(Path(sys.executable).with_name("aws"))
    made = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
    adopted = bluegreen(*words, "-o", "json").json()
    assert adopted["target_group_added"] == "app-one-green"
    one, other = (
        theirs.client("elbv2").describe_target_groups(Names=[name])["TargetGroups"][0]
        for name in ("app-one", "app-one-green")
    )
    own = {"TargetGroupArn", "TargetGroupName"}
    assert {key: one[key] for key in one.keys() - own} == {key: other[key] for key in other.keys() - own}


def test_a_listener_of_flows_is_adopted_and_looked_at(theirs: Theirs, bluegreen: Commands) -> None:
    """The write of its weights is that of every such route: tests/e2e/test_nlb.py."""
    elbv2 = theirs.client("elbv2")
    subnets = [zone["SubnetId"] for zone in elbv2.describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]]
    balancer = elbv2.create_load_balancer(Name="flows", Type="network", Subnets=subnets)["LoadBalancers"][0]
    vpc = elbv2.describe_target_groups()["TargetGroups"][0]["VpcId"]
    groups = {
        color: elbv2.create_target_group(Name=f"flows-{color}", Protocol="TCP", Port=5432, VpcId=vpc)["TargetGroups"][0]
        for color in VERSIONS
    }
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="TCP",
        Port=5432,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": groups["blue"]["TargetGroupArn"]}],
    )
    adopted = bluegreen("adopt", "--load-balancer", "flows", "--yes", "-o", "json").json()
    assert adopted["service"] == "flows"
    assert adopted["contract"]["load_balancer"]["type"] == "network"
    assert adopted["contract"]["routes"][0]["kind"] == "nlb-listener"
    assert bluegreen("status", "flows", "-o", "json").json()["routes"]["tcp-5432"]["split"] == {"blue": 100, "green": 0}


def test_adopting_is_refused_where_codedeploy_deploys_the_ecs_service_behind(
    tutorial: Theirs, bluegreen: Commands
) -> None:
    """By ECS's own word; native blue/green, which moto does not have, is in tests/aws/test_inventory.py."""
    ecs = tutorial.client("ecs")
    ecs.create_cluster(clusterName="prod")
    container = {"name": "app", "image": "x", "memory": 64, "portMappings": [{"containerPort": 80}]}
    ecs.register_task_definition(family="app", networkMode="awsvpc", containerDefinitions=[container])
    behind = [{"targetGroupArn": tutorial.groups["blue"], "containerName": "app", "containerPort": 80}]
    ec2 = tutorial.client("ec2")
    place = {
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    words = {
        "cluster": "prod",
        "taskDefinition": "app",
        "desiredCount": 0,
        "loadBalancers": behind,
        "networkConfiguration": {"awsvpcConfiguration": place},
    }
    ecs.create_service(serviceName="rolling", **words)
    assert bluegreen("adopt", "--listener", tutorial.listeners[0], "--dry-run").code == 0
    ecs.create_service(serviceName="app", deploymentController={"type": "CODE_DEPLOY"}, **words)
    refused = bluegreen("adopt", "--listener", tutorial.listeners[0], "--name", "app")
    assert_one_clear_line(
        refused, 19, "ECS service app in cluster prod is deployed by CodeDeploy", "rewrites the weights"
    )
    assert not list(Path(bluegreen.directory).glob("*.toml"))


def test_adopting_is_refused_where_the_load_balancer_controller_owns_the_listener(
    tutorial: Theirs, bluegreen: Commands
) -> None:
    tags = [{"Key": "ingress.k8s.aws/stack", "Value": "prod/app"}]
    tutorial.client("elbv2").add_tags(ResourceArns=tutorial.listeners, Tags=tags)
    refused = bluegreen("adopt", "--load-balancer", "shop")
    assert_one_clear_line(refused, 19, "AWS Load Balancer Controller", "ingress.k8s.aws/stack = prod/app")


def test_what_may_not_be_read_is_warned_of(tutorial: Theirs, bluegreen: Commands) -> None:
    with middleman(tutorial.world.lab.endpoint_url) as between:
        for operation in ("ListClusters", "ListApplications", "GetParametersByPath"):
            between.refuse(operation, "AccessDeniedException")
        ended = bluegreen("adopt", "--listener", tutorial.listeners[0], "--dry-run", AWS_ENDPOINT_URL=between.url)
    assert ended.code == 0
    said = ended.err.splitlines()
    assert len(said) == 3
    assert all(line.startswith("warning: could not check whether ") for line in said)


def test_a_test_route_is_adopted_and_reaches_the_idle_side(tutorial: Theirs, bluegreen: Commands) -> None:
    asks = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-color", "Values": ["between-us"]}}
    rule = tutorial.client("elbv2").create_rule(
        ListenerArn=tutorial.listeners[0],
        Priority=1,
        Conditions=[asks],
        Actions=[{"Type": "forward", "TargetGroupArn": tutorial.groups["green"]}],
    )["Rules"][0]["RuleArn"]
    seen = bluegreen("adopt", "--load-balancer", "shop", "--name", "app", "--dry-run")
    assert f"--test-route {rule}" in seen.err
    assert bluegreen("adopt", "--load-balancer", "shop", "--name", "app", "--test-route", rule).code == 0
    assert "between-us" not in Path(bluegreen.directory, "deployments", "app.json").read_text()
    via = urlsplit(tutorial.world.lab.listeners()[tutorial.listeners[0]]).netloc
    previewed = bluegreen("preview", "app", "--via", via)
    assert previewed.code == 0, previewed.err
    line = next(line for line in previewed.out.splitlines() if line.startswith("curl "))
    words = shlex.split(line)
    name, _, value = words[words.index("-H") + 1].partition(": ")
    with urllib.request.urlopen(urllib.request.Request(f"http://{via}/", headers={name: value}), timeout=10) as answer:
        assert answer.headers["X-Color"] == "green"
    with urllib.request.urlopen(f"http://{via}/", timeout=10) as answer:
        assert answer.headers["X-Color"] == "blue"


def test_a_state_table_takes_the_record(tutorial: Theirs, bluegreen: Commands) -> None:
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    tutorial.client("dynamodb").create_table(
        TableName="releases",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )
    words = ("adopt", "--listener", tutorial.listeners[0], "--name", "app")
    assert_one_clear_line(bluegreen(*words, "--state-table", "nowhere"), 19, "no DynamoDB table nowhere")
    assert bluegreen(*words, "--state-table", "releases").code == 0
    assert bluegreen("shift", "app", "green=10").code == 0
    items = tutorial.client("dynamodb").scan(TableName="releases")["Items"]
    assert sum("entry" in item for item in items) == 2


def test_what_is_typed_wrong_is_one_line_each(tutorial: Theirs, bluegreen: Commands) -> None:
    listener, before = tutorial.listeners[0], tutorial.action()
    for words, code, said in (
        (("--listener", "web"), 2, "is not the ARN of a listener"),
        (("--rule", listener), 2, "is the ARN of a listener"),
        (("--listener", listener[:-16] + 16 * "0"), 19, "AWS knows no listener"),
        (("--listener", listener.replace(REGION, "us-east-1")), 15, "the ARN is of us-east-1"),
        (("--listener", listener.replace("123456789012", 12 * "9")), 15, "the ARN is of 999999999999"),
        (("--load-balancer", "shopp"), 19, "AWS knows no load balancer shopp"),
        (("--load-balancer", "shop", "--name", "../../etc"), 2, "cannot name a service"),
    ):
        assert_one_clear_line(bluegreen("adopt", *words, "--yes"), code, said)
    assert tutorial.action() == before
    assert not list(Path(bluegreen.directory).glob("*.toml"))


def test_credentials_that_have_expired(tutorial: Theirs, bluegreen: Commands) -> None:
    with middleman(tutorial.world.lab.endpoint_url) as between:
        between.refuse(ALL, "ExpiredToken")
        ended = bluegreen("adopt", "--listener", tutorial.listeners[0], AWS_ENDPOINT_URL=between.url)
    assert_one_clear_line(ended, 21, "ExpiredToken")
