"""What the adapters of an adoption read: ELBv2, ECS and DynamoDB on moto.

moto has no ECS blue/green strategies and no BatchGetDeploymentGroups, so those answers are botocore's Stubber's, which
checks them and the requests against the API's own model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from toolkit.adoption.ownership import CodeDeployGroup, EcsService
from toolkit.adoption.pairing import second_group
from toolkit.aws.codedeploy import CodeDeployGroups
from toolkit.aws.ecs import EcsServices
from toolkit.aws.inventory import Inventory, _answer, _health_check
from toolkit.aws.session import Session
from toolkit.aws.tables import Tables
from toolkit.contract import RouteKind, Stickiness
from toolkit.errors import AccessDenied, AdoptionRefused
from toolkit.settings import AwsSettings

REGION, ACCOUNT = "eu-central-1", "123456789012"


@pytest.fixture(scope="module")
def clients() -> Iterator[Session]:
    """One session for all tests here: making its clients takes far longer than what they ask."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        yield Session(AwsSettings(region=REGION))


@pytest.fixture
def session(clients: Session) -> Iterator[Session]:
    with mock_aws():
        yield clients


class Shop:
    """A load balancer in moto, and the two target groups beside it."""

    def __init__(self, session: Session, type_: str = "application") -> None:
        self.elbv2 = session.client("elbv2")
        ec2 = session.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")
            for n, zone in enumerate("ab")
        ]
        self.arn = self.elbv2.create_load_balancer(
            Name="shop", Type=type_, Subnets=[subnet["Subnet"]["SubnetId"] for subnet in subnets]
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.protocol = "HTTP" if type_ == "application" else "TCP"
        self.blue, self.green = self.group("shop-blue"), self.group("shop-green")

    def group(self, name: str, **words: Any) -> str:
        made = self.elbv2.create_target_group(Name=name, Protocol=self.protocol, Port=80, VpcId=self.vpc, **words)
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def listener(self, *actions: dict[str, Any], port: int = 80) -> str:
        made = self.elbv2.create_listener(
            LoadBalancerArn=self.arn, Protocol=self.protocol, Port=port, DefaultActions=list(actions)
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def rule(self, listener: str, *actions: dict[str, Any], priority: int = 10, condition: Any = None) -> str:
        conditions = [condition or {"Field": "path-pattern", "Values": ["/api/*"]}]
        made = self.elbv2.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=conditions, Actions=list(actions)
        )
        return str(made["Rules"][0]["RuleArn"])


def forward(*weights: tuple[str, int], **more: Any) -> dict[str, Any]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}


FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
COGNITO = {
    "Type": "authenticate-cognito",
    "Order": 1,
    "AuthenticateCognitoConfig": {
        "UserPoolArn": "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/p",
        "UserPoolClientId": "c",
        "UserPoolDomain": "d",
    },
}


@pytest.fixture
def shop(session: Session) -> Shop:
    return Shop(session)


@pytest.fixture
def inventory(session: Session) -> Inventory:
    return Inventory(session)


def test_a_load_balancer_is_found_by_name_and_by_arn(shop: Shop, inventory: Inventory) -> None:
    found = inventory.balancer("shop")
    assert found == inventory.balancer(shop.arn)
    assert (found.arn, found.name, found.type) == (shop.arn, "shop", "application")
    assert found.dns_name


def test_what_does_not_exist_is_refused_by_name(shop: Shop, inventory: Inventory) -> None:
    listener = shop.listener(FIXED)
    rule = shop.rule(listener, FIXED)
    for ask in (
        lambda: inventory.balancer("nowhere"),
        lambda: inventory.places([listener[:-16] + 16 * "0"]),
        lambda: inventory.places([rule[:-16] + 16 * "0"]),
        lambda: inventory.groups([shop.blue[:-16] + 16 * "0"]),
    ):
        with pytest.raises(AdoptionRefused, match="AWS knows no"):
            ask()


def test_a_listeners_default_action_is_read_in_the_contracts_words(shop: Shop, inventory: Inventory) -> None:
    sticky = {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 300}}
    arn = shop.listener(forward((shop.blue, 90), (shop.green, 10), **sticky))
    (place,) = inventory.places([arn])
    assert (place.arn, place.listener_arn, place.kind) == (arn, arn, RouteKind.ALB_LISTENER)
    assert (place.protocol, place.port, place.priority) == ("HTTP", 80, None)
    assert place.weights == {shop.blue: 90, shop.green: 10}
    assert place.stickiness == Stickiness(enabled=True, duration_seconds=300)


def test_the_stickiness_of_the_terraform_tutorial_is_none(shop: Shop, inventory: Inventory) -> None:
    off = {"TargetGroupStickinessConfig": {"Enabled": False, "DurationSeconds": 1}}
    (place,) = inventory.places([shop.listener(forward((shop.blue, 100), (shop.green, 0), **off))])
    assert place.stickiness == Stickiness(enabled=False)


def test_a_rule_is_read_with_its_conditions_and_what_precedes_the_forward(shop: Shop, inventory: Inventory) -> None:
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}}
    arn = shop.rule(shop.listener(FIXED), COGNITO, {**forward((shop.blue, 1)), "Order": 2}, condition=host)
    (place,) = inventory.places([arn])
    assert (place.kind, place.priority, place.hosts, place.paths) == (
        RouteKind.ALB_RULE, 10, ("shop.example.com",), (),
    )  # fmt: skip
    (before,) = place.preceding
    assert before["type"] == "authenticate-cognito"
    assert before["settings"]["user_pool_client_id"] == "c"


def test_a_rule_says_which_header_it_asks_for(shop: Shop, inventory: Inventory) -> None:
    asks = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-color", "Values": ["secret"]}}
    arn = shop.rule(shop.listener(FIXED), forward((shop.green, 1)), condition=asks)
    (place,) = inventory.places([arn])
    assert place.header == "x-color"
    assert "secret" not in repr(place), "the header's value may be one"


def test_the_short_form_of_a_forward_is_one_group(shop: Shop, inventory: Inventory) -> None:
    (place,) = inventory.places([shop.listener({"Type": "forward", "TargetGroupArn": shop.blue})])
    assert list(place.weights) == [shop.blue]


def test_the_default_rule_of_a_listener_is_the_listener(shop: Shop, inventory: Inventory) -> None:
    listener = shop.listener(forward((shop.blue, 1), (shop.green, 0)))
    default = shop.elbv2.describe_rules(ListenerArn=listener)["Rules"][-1]
    assert default["IsDefault"]
    (place,) = inventory.places([default["RuleArn"], listener])
    assert (place.arn, place.kind) == (listener, RouteKind.ALB_LISTENER)


def test_a_load_balancer_gives_every_default_action_and_every_rule_once(shop: Shop, inventory: Inventory) -> None:
    plain, other = shop.listener(FIXED), shop.listener(forward((shop.blue, 1)), port=81)
    rules = [shop.rule(plain, FIXED, priority=number) for number in range(1, 4)]
    places = inventory.places_on(inventory.balancer("shop"))
    assert sorted(place.arn for place in places) == sorted([plain, other, *rules])
    assert {place.answer for place in places} == {"it answers 503 by itself", ""}


def test_the_listeners_of_a_network_load_balancer_are_read(session: Session) -> None:
    shop, inventory = Shop(session, "network"), Inventory(session)
    arn = shop.listener({"Type": "forward", "TargetGroupArn": shop.blue}, port=443)
    (place,) = inventory.places_on(inventory.balancer("shop"))
    assert (place.arn, place.kind, place.protocol) == (arn, RouteKind.NLB_LISTENER, "TCP")
    inventory.add_group(place, "tcp-443", shop.green)
    assert inventory.places([arn])[0].weights == {shop.blue: 100, shop.green: 0}


def test_a_second_group_comes_in_at_0_and_the_rest_of_the_action_stays(shop: Shop, inventory: Inventory) -> None:
    sticky = {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}
    arn = shop.rule(shop.listener(FIXED), COGNITO, {**forward((shop.blue, 7), **sticky), "Order": 2})
    (before,) = inventory.places([arn])
    inventory.add_group(before, "shop", shop.green)
    (after,) = inventory.places([arn])
    assert after.weights == {shop.blue: 100, shop.green: 0}
    assert (after.stickiness, after.preceding, after.priority) == (before.stickiness, before.preceding, 10)


@pytest.mark.parametrize("weight", [None, 1, 0])
def test_a_second_group_is_added_to_either_spelling_of_a_forward(
    shop: Shop, inventory: Inventory, weight: int | None
) -> None:
    single = {"Type": "forward", "TargetGroupArn": shop.blue} if weight is None else forward((shop.blue, weight))
    arn = shop.listener(single)
    inventory.add_group(inventory.places([arn])[0], "shop", shop.green)
    written = shop.elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
    assert [group["Weight"] for group in written[0]["ForwardConfig"]["TargetGroups"]] == [100, 0]


def test_target_groups_say_what_a_pair_must_share(shop: Shop, inventory: Inventory) -> None:
    shop.listener(forward((shop.blue, 1)))
    blue, green = inventory.groups([shop.blue, shop.green])
    assert (blue.name, blue.vpc_id, blue.port, blue.target_type) == ("shop-blue", shop.vpc, 80, "instance")
    assert blue.shape == green.shape
    assert (blue.balancers, green.balancers) == ((shop.arn,), ())
    assert inventory.groups() == [blue, green]


def test_a_lambda_group_has_no_vpc_and_no_protocol(session: Session) -> None:
    for name in ("fn-blue", "fn-green"):
        session.client("elbv2").create_target_group(Name=name, TargetType="lambda")
    blue, green = Inventory(session).groups()
    assert (blue.target_type, blue.vpc_id, blue.protocol) == ("lambda", None, None)
    assert blue.shape == green.shape


@pytest.mark.parametrize("target_type", ["instance", "ip", "alb"])
def test_groups_of_every_type_of_target_find_their_like(shop: Shop, inventory: Inventory, target_type: str) -> None:
    one, other = (shop.group(name, TargetType=target_type) for name in ("one", "other"))
    first, second = inventory.groups([one, other])
    others = [second, *(each for each in inventory.groups() if each.target_type != target_type)]
    assert second_group(first, others, inventory.balancer("shop"), named=None, where=()) == second


def test_the_tags_of_more_than_twenty_are_read(shop: Shop, inventory: Inventory) -> None:
    arns = [shop.group(f"group-{number}", Tags=[{"Key": "n", "Value": str(number)}]) for number in range(21)]
    assert inventory.tags(arns) == {arn: {"n": str(number)} for number, arn in enumerate(arns)}


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (
            {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}},
            "it redirects to https://#{host}:443/#{path}",
        ),
        ({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}, "it answers 404 by itself"),
        ({"Type": "later-invented"}, "later-invented"),
    ],
)
def test_an_action_that_does_not_forward_is_said_in_words(action: dict[str, Any], said: str) -> None:
    assert _answer(action) == said


def test_health_checks_are_spelled_as_the_aws_cli_takes_them() -> None:
    http = {
        "TargetType": "ip",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/healthz",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 2,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
        "Matcher": {"HttpCode": "200-299"},
    }
    assert " ".join(_health_check(http)) == (
        "--health-check-enabled --health-check-protocol HTTP --health-check-port traffic-port "
        "--health-check-path /healthz --health-check-interval-seconds 5 --health-check-timeout-seconds 2 "
        "--healthy-threshold-count 2 --unhealthy-threshold-count 3 --matcher HttpCode=200-299"
    )
    assert list(_health_check({"TargetType": "lambda", "HealthCheckEnabled": False})) == []
    assert "--health-check-protocol" not in list(_health_check(http | {"TargetType": "lambda"}))


# ECS


def test_an_ecs_service_that_codedeploy_deploys_is_known_by_its_controller(session: Session, shop: Shop) -> None:
    shop.listener(forward((shop.blue, 1)))
    ecs = session.client("ecs")
    ecs.create_cluster(clusterName="prod")
    ecs.register_task_definition(family="shop", containerDefinitions=[{"name": "app", "image": "x", "memory": 64}])
    balancer = [{"targetGroupArn": shop.blue, "containerName": "app", "containerPort": 80}]
    for number in range(11):  # more than one DescribeServices takes
        ecs.create_service(
            cluster="prod", serviceName=f"shop-{number}", taskDefinition="shop", desiredCount=0, loadBalancers=balancer,
            deploymentController={"type": "CODE_DEPLOY" if number == 10 else "ECS"},
        )  # fmt: skip
    ecs.create_service(cluster="prod", serviceName="worker", taskDefinition="shop", desiredCount=0)
    found = {service.name: service for service in EcsServices(session).all()}
    assert len(found) == 11, "the worker has no target group"
    assert found["shop-10"] == EcsService("prod", "shop-10", "CODE_DEPLOY", "ROLLING", frozenset({shop.blue}))
    assert found["shop-3"].controller == "ECS"


def test_no_ecs_at_all_is_no_service(session: Session) -> None:
    assert EcsServices(session).all() == []


@pytest.fixture
def stubbed(session: Session) -> Iterator[Any]:
    """The answers of a service, in order; a request that does not fit them fails."""
    stubs: list[Stubber] = []

    def stub(service: str) -> Stubber:
        stubs.append(Stubber(session.client(service)))
        stubs[-1].activate()
        return stubs[-1]

    yield stub
    for each in stubs:
        each.deactivate()
        each.assert_no_pending_responses()


def test_what_an_ecs_service_shifts_by_itself_is_read_from_its_advanced_configuration(
    session: Session, stubbed: Any
) -> None:
    cluster = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"
    service = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/prod/shop"
    ecs = stubbed("ecs")
    ecs.add_response("list_clusters", {"clusterArns": [cluster]}, {})
    ecs.add_response("list_services", {"serviceArns": [service]}, {"cluster": cluster})
    ecs.add_response(
        "describe_services",
        {
            "services": [
                {
                    "serviceName": "shop",
                    "clusterArn": cluster,
                    "deploymentController": {"type": "ECS"},
                    "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5},
                    "loadBalancers": [
                        {
                            "targetGroupArn": "blue",
                            "advancedConfiguration": {
                                "alternateTargetGroupArn": "green",
                                "productionListenerRule": "production",
                                "testListenerRule": "test",
                                "roleArn": "role",
                            },
                        }
                    ],
                },
                {
                    "serviceName": "classic",
                    "clusterArn": cluster,
                    "deploymentController": {"type": "CODE_DEPLOY"},
                    "taskSets": [{"loadBalancers": [{"targetGroupArn": "current"}]}],
                },
            ]
        },
        {"cluster": cluster, "services": [service]},
    )
    assert EcsServices(session).all() == [
        EcsService("prod", "shop", "ECS", "BLUE_GREEN", frozenset({"blue", "green", "production", "test"})),
        EcsService("prod", "classic", "CODE_DEPLOY", "ROLLING", frozenset({"current"})),
    ]


def test_what_may_not_be_read_is_access_denied(session: Session, stubbed: Any) -> None:
    stubbed("ecs").add_client_error("list_clusters", "AccessDeniedException", "no", 400)
    stubbed("codedeploy").add_client_error("list_applications", "AccessDeniedException", "no", 400)
    for read in (EcsServices(session).all, CodeDeployGroups(session).all):
        with pytest.raises(AccessDenied):
            read()


# CodeDeploy


def test_codedeploy_groups_are_read_with_target_groups_and_listeners(session: Session, stubbed: Any) -> None:
    codedeploy = stubbed("codedeploy")
    codedeploy.add_response("list_applications", {"applications": ["shop"]}, {})
    codedeploy.add_response(
        "list_deployment_groups", {"applicationName": "shop", "deploymentGroups": ["ecs", "ec2", "bare"]},
        {"applicationName": "shop"},
    )  # fmt: skip
    pair = {
        "targetGroups": [{"name": "shop-blue"}, {"name": "shop-green"}],
        "prodTrafficRoute": {"listenerArns": ["production"]},
        "testTrafficRoute": {"listenerArns": ["test"]},
    }
    style = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    codedeploy.add_response(
        "batch_get_deployment_groups",
        {
            "deploymentGroupsInfo": [
                {
                    "deploymentGroupName": "ecs",
                    "deploymentStyle": style,
                    "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
                },
                {
                    "deploymentGroupName": "ec2",
                    "loadBalancerInfo": {"targetGroupInfoList": [{"name": "shop-blue"}]},
                },
                {"deploymentGroupName": "bare"},
            ]
        },
        {"applicationName": "shop", "deploymentGroupNames": ["ecs", "ec2", "bare"]},
    )
    assert CodeDeployGroups(session).all() == [
        CodeDeployGroup(
            "shop", "ecs", "BLUE_GREEN", True, frozenset({"shop-blue", "shop-green"}), frozenset({"production", "test"})
        ),
        CodeDeployGroup("shop", "ec2", "IN_PLACE", False, frozenset({"shop-blue"}), frozenset()),
    ]


# DynamoDB


def table(session: Session, name: str, *keys: tuple[str, str, str]) -> None:
    session.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, _, kind in keys],
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role, _ in keys],
    )


def test_a_state_table_is_found_by_name(session: Session) -> None:
    table(session, "releases", ("pk", "HASH", "S"), ("sk", "RANGE", "S"))
    found = Tables(session).state_table("releases")
    assert (found.name, found.arn) == ("releases", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/releases")


def test_a_table_that_is_missing_or_has_other_keys_is_refused(session: Session) -> None:
    with pytest.raises(AdoptionRefused, match="no DynamoDB table nowhere"):
        Tables(session).state_table("nowhere")
    table(session, "locks", ("LockID", "HASH", "S"))
    with pytest.raises(AdoptionRefused, match=r"its key is LockID \(HASH, S\), not pk \(HASH, S\) and sk"):
        Tables(session).state_table("locks")
