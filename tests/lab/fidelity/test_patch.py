"""The patches in force, on moto in this process."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.lab.world import Pair
from toolkit.lab.fidelity import Fidelity, Health, HealthSource, HealthUnknown
from toolkit.lab.fidelity.health import Address

REGION = "eu-central-1"
A = "10.0.0.1"


class Checks(HealthSource):
    """A health source that says what it is told."""

    def __init__(self) -> None:
        self.says: dict[Address, Health] = {}
        self.is_silent = False

    def health(self, target_group_arn: str) -> Mapping[Address, Health]:
        if self.is_silent:
            raise HealthUnknown("nobody checks")
        return self.says


class World:
    def __init__(self, health: HealthSource | None) -> None:
        self.changes: list[str] = []
        self.fidelity = Fidelity(health=health, on_change=self.changes.append)
        self.clients: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
            )
        return self.clients[service]

    def group(self, name: str, **options: Any) -> str:
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        wanted = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"} | options
        answer = self.elbv2.create_target_group(Name=name, **wanted)
        return str(answer["TargetGroups"][0]["TargetGroupArn"])

    def balancer(self, name: str, kind: str = "application") -> str:
        subnets = [subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"]][:2]
        answer = self.elbv2.create_load_balancer(Name=name, Subnets=subnets, Type=kind)
        return str(answer["LoadBalancers"][0]["LoadBalancerArn"])

    def pair(self) -> Pair:
        balancer = self.balancer("web")
        groups = {"blue": self.group("blue"), "green": self.group("green")}
        listener = self.elbv2.create_listener(
            LoadBalancerArn=balancer,
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": groups["blue"]}],
        )["Listeners"][0]["ListenerArn"]
        pair = Pair(self.elbv2, balancer, listener, "", groups)
        rule = self.elbv2.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=pair.forward(blue=100, green=0),
        )["Rules"][0]["RuleArn"]
        self.changes.clear()
        return Pair(self.elbv2, balancer, listener, rule, groups)


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def world(checks: Checks) -> Iterator[World]:
    made = World(checks)
    with mock_aws(), made.fidelity:
        yield made


def test_a_refusal_has_awss_code_and_changes_nothing(world: World) -> None:
    pair = world.pair()
    with pytest.raises(ClientError) as caught:
        pair.shift(blue=1000, green=0)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert world.changes == []
    rule = world.elbv2.describe_rules(RuleArns=[pair.rule])["Rules"][0]
    assert [one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]] == [100, 0]


def test_regular_expressions_of_a_rule_are_kept_and_read_back(world: World) -> None:
    pair = world.pair()
    config = {"HttpHeaderName": "Cookie", "RegexValues": ["^(.*;)? *beta=1 *(;.*)?$"]}
    asked = [
        {"Field": "http-header", "HttpHeaderConfig": config},
        {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/api/"]}},
        {"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["^a\\.example$"]}},
    ]
    made = world.elbv2.create_rule(
        ListenerArn=pair.listener, Priority=2, Conditions=asked, Actions=pair.forward(blue=100, green=0)
    )["Rules"][0]
    assert made["Conditions"] == asked
    world.elbv2.modify_rule(RuleArn=made["RuleArn"], Conditions=asked[:1])
    assert world.elbv2.describe_rules(RuleArns=[made["RuleArn"]])["Rules"][0]["Conditions"] == asked[:1]
    with pytest.raises(ClientError, match="lookaheads and lookbehinds are not supported") as caught:
        world.elbv2.modify_rule(
            RuleArn=made["RuleArn"],
            Conditions=[{"Field": "http-header", "HttpHeaderConfig": config | {"RegexValues": ["(?!a)"]}}],
        )
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_every_kind_of_change_is_told_before_the_answer(world: World) -> None:
    pair = world.pair()
    elbv2, group = world.elbv2, pair.groups["green"]
    writes: list[tuple[str, dict[str, Any]]] = [
        ("modify_rule", {"RuleArn": pair.rule, "Actions": pair.forward(blue=1, green=1)}),
        ("modify_listener", {"ListenerArn": pair.listener, "DefaultActions": pair.forward(blue=1, green=1)}),
        ("set_rule_priorities", {"RulePriorities": [{"RuleArn": pair.rule, "Priority": 5}]}),
        ("modify_target_group", {"TargetGroupArn": group, "HealthCheckIntervalSeconds": 10}),
        (
            "modify_target_group_attributes",
            {
                "TargetGroupArn": group,
                "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
            },
        ),
        ("register_targets", {"TargetGroupArn": group, "Targets": [{"Id": A}]}),
        ("deregister_targets", {"TargetGroupArn": group, "Targets": [{"Id": A}]}),
        ("delete_rule", {"RuleArn": pair.rule}),
        ("delete_listener", {"ListenerArn": pair.listener}),
        ("delete_target_group", {"TargetGroupArn": group}),
        ("delete_load_balancer", {"LoadBalancerArn": pair.load_balancer}),
    ]
    for name, arguments in writes:
        world.changes.clear()
        getattr(elbv2, name)(**arguments)
        assert world.changes == [REGION], name


def test_health_is_what_the_source_says_with_the_draining_ones(world: World, checks: Checks) -> None:
    pair = world.pair()
    world.elbv2.register_targets(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": A}, {"Id": A, "Port": 81}])
    checks.says = {
        (A, 80): Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed"),
        ("10.0.0.9", 80): Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"),
    }
    assert pair.states("blue") == {(A, 80): "unhealthy", (A, 81): "initial", ("10.0.0.9", 80): "draining"}
    told = world.elbv2.describe_target_health(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": A, "Port": 80}])
    assert told["TargetHealthDescriptions"] == [
        {
            "Target": {"Id": A, "Port": 80},
            "HealthCheckPort": "80",
            "TargetHealth": {
                "State": "unhealthy",
                "Reason": "Target.FailedHealthChecks",
                "Description": "Health checks failed",
            },
        }
    ]


def test_when_nobody_can_say_the_targets_are_unhealthy_by_an_internal_error(world: World, checks: Checks) -> None:
    pair = world.pair()
    world.elbv2.register_targets(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": A}])
    checks.is_silent = True
    answer = world.elbv2.describe_target_health(TargetGroupArn=pair.groups["blue"])["TargetHealthDescriptions"]
    assert [(one["TargetHealth"]["State"], one["TargetHealth"]["Reason"]) for one in answer] == [
        ("unhealthy", "Elb.InternalError")
    ]


def test_one_address_can_be_registered_on_two_ports_and_leave_on_one(world: World) -> None:
    pair = world.pair()
    blue = pair.groups["blue"]
    world.elbv2.register_targets(TargetGroupArn=blue, Targets=[{"Id": A, "Port": 1}, {"Id": A, "Port": 2}])
    world.elbv2.deregister_targets(TargetGroupArn=blue, Targets=[{"Id": A, "Port": 1}])
    assert set(pair.states("blue")) == {(A, 2)}
    with pytest.raises(ClientError, match="InvalidTarget"):
        world.elbv2.deregister_targets(TargetGroupArn=blue, Targets=[{"Id": A}])


def test_without_a_source_attached_targets_are_healthy_and_others_unused() -> None:
    world = World(None)
    with mock_aws(), world.fidelity:
        pair = world.pair()
        for group in pair.groups.values():
            world.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": A}])
        pair.shift(blue=100)
        assert pair.states("blue") == {(A, 80): "healthy"}
        assert pair.states("green") == {(A, 80): "unused"}


def test_a_target_group_is_tied_to_its_load_balancer_only_as_long_as_it_is_used(world: World) -> None:
    pair = world.pair()

    def tied(color: str) -> list[str]:
        answer = world.elbv2.describe_target_groups(TargetGroupArns=[pair.groups[color]])
        return list(answer["TargetGroups"][0].get("LoadBalancerArns", []))

    assert tied("green") == [pair.load_balancer]
    other = world.balancer("other")
    listener = {"LoadBalancerArn": other, "Port": 80, "Protocol": "HTTP"}
    with pytest.raises(ClientError, match="TargetGroupAssociationLimit"):
        world.elbv2.create_listener(**listener, DefaultActions=pair.forward(green=1))
    pair.shift(blue=1)
    assert tied("green") == []
    world.elbv2.create_listener(**listener, DefaultActions=pair.forward(green=1))
    assert tied("green") == [other]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, _: w.balancer("web"), "DuplicateLoadBalancerName"),
        (lambda w, p: w.elbv2.delete_rule(RuleArn=p.rule + "0"), "RuleNotFound"),
        (
            lambda w, p: w.elbv2.delete_rule(
                RuleArn=w.elbv2.describe_rules(ListenerArn=p.listener)["Rules"][-1]["RuleArn"]
            ),
            "OperationNotPermitted",
        ),
        (
            lambda w, p: w.elbv2.modify_target_group_attributes(
                TargetGroupArn=p.groups["blue"], Attributes=[{"Key": "bogus", "Value": "1"}]
            ),
            "Target group attribute key 'bogus' is not recognized",
        ),
        (
            lambda w, p: w.elbv2.modify_load_balancer_attributes(
                LoadBalancerArn=p.load_balancer, Attributes=[{"Key": "bogus", "Value": "1"}]
            ),
            "Load balancer attribute key 'bogus' is not recognized",
        ),
        (
            lambda w, p: w.elbv2.modify_listener_attributes(
                ListenerArn=p.listener, Attributes=[{"Key": "bogus", "Value": "1"}]
            ),
            "Listener attribute key 'bogus' is not recognized",
        ),
        (
            lambda w, p: w.elbv2.register_targets(TargetGroupArn=p.groups["blue"], Targets=[{"Id": "8.8.8.8"}]),
            r"'8\.8\.8\.8'",
        ),
    ],
)
def test_further_refusals(world: World, call: Any, message: str) -> None:
    pair = world.pair()
    with pytest.raises(ClientError, match=message):
        call(world, pair)


def test_rules_are_listed_by_priority_and_can_trade_places(world: World) -> None:
    pair = world.pair()
    other = world.elbv2.create_rule(
        ListenerArn=pair.listener,
        Priority=2,
        Conditions=[{"Field": "path-pattern", "Values": ["/b"]}],
        Actions=pair.forward(green=1),
    )["Rules"][0]["RuleArn"]

    def order() -> list[str]:
        return [rule["RuleArn"] for rule in world.elbv2.describe_rules(ListenerArn=pair.listener)["Rules"]]

    default = order()[-1]
    assert order() == [pair.rule, other, default]
    swap = [{"RuleArn": pair.rule, "Priority": 2}, {"RuleArn": other, "Priority": 1}]
    world.elbv2.set_rule_priorities(RulePriorities=swap)
    assert order() == [other, pair.rule, default]
    for priorities, code in (
        ([{"RuleArn": pair.rule, "Priority": 1}], "PriorityInUse"),
        ([{"RuleArn": one, "Priority": 9} for one in (pair.rule, other)], "provided multiple times"),
        ([{"RuleArn": default, "Priority": 9}], "OperationNotPermitted"),
        ([{"RuleArn": other + "0", "Priority": 9}], "RuleNotFound"),
    ):
        with pytest.raises(ClientError, match=code):
            world.elbv2.set_rule_priorities(RulePriorities=priorities)


def test_a_single_target_group_comes_back_in_both_spellings(world: World) -> None:
    pair = world.pair()
    blue = pair.groups["blue"]
    long = {"TargetGroups": [{"TargetGroupArn": blue, "Weight": 1}], "TargetGroupStickinessConfig": {"Enabled": False}}
    listener = world.elbv2.describe_listeners(ListenerArns=[pair.listener])["Listeners"][0]
    assert listener["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": blue, "ForwardConfig": long}]
    pair.shift(blue=7)
    rule = world.elbv2.describe_rules(RuleArns=[pair.rule])["Rules"][0]
    assert rule["Actions"][0]["TargetGroupArn"] == blue
    # What was read can be written back.
    world.elbv2.modify_listener(ListenerArn=pair.listener, DefaultActions=listener["DefaultActions"])


def test_an_arn_names_the_kind_of_load_balancer(world: World) -> None:
    assert ":loadbalancer/net/flows/" in world.balancer("flows", "network")
    assert ":loadbalancer/app/web/" in world.balancer("web")


def test_a_group_for_flows_comes_with_its_own_attributes_and_codes(world: World) -> None:
    group = world.group("flows", Protocol="TCP", HealthCheckProtocol="HTTP")
    attributes = {
        one["Key"]: one["Value"]
        for one in world.elbv2.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    }
    assert attributes["deregistration_delay.connection_termination.enabled"] == "false"
    assert "slow_start.duration_seconds" not in attributes
    # What was read can be written back.
    written = [{"Key": key, "Value": value} for key, value in attributes.items()]
    world.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=written)
    described = world.elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert described["Matcher"] == {"HttpCode": "200-399"}


def _listener_for_flows(world: World, **action: Any) -> str:
    group = world.group("flows", Protocol="TCP")
    answer = world.elbv2.create_listener(
        LoadBalancerArn=world.balancer("net", "network"),
        Port=80,
        Protocol="TCP",
        DefaultActions=[action or {"Type": "forward", "TargetGroupArn": group}],
    )
    return str(answer["Listeners"][0]["ListenerArn"])


def test_a_listener_that_ends_tls_can_be_changed_and_keeps_its_protocol(world: World) -> None:
    listener = _listener_for_flows(world)
    certificate = world.acm.request_certificate(DomainName="web.example")["CertificateArn"]
    elbv2 = world.elbv2
    elbv2.modify_listener(ListenerArn=listener, Protocol="TLS", Certificates=[{"CertificateArn": certificate}])
    elbv2.modify_listener(ListenerArn=listener, Port=443)
    (now,) = elbv2.describe_listeners(ListenerArns=[listener])["Listeners"]
    assert (now["Protocol"], now["Port"]) == ("TLS", 443)
    assert now["Certificates"][0]["CertificateArn"] == certificate
    with pytest.raises(ClientError, match="CertificateNotFound"):
        elbv2.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": f"{certificate}0"}])
    assert elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]["Protocol"] == "TLS"


def _attribute(key: str, value: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value}]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda w: w.elbv2.modify_target_group_attributes(
                TargetGroupArn=w.group("g", Protocol="TCP"), Attributes=_attribute("slow_start.duration_seconds", "30")
            ),
            "InvalidConfigurationRequest.*The provided target group attribute is not supported",
        ),
        (
            lambda w: w.elbv2.modify_target_group_attributes(
                TargetGroupArn=w.group("g"),
                Attributes=_attribute("deregistration_delay.connection_termination.enabled", "true"),
            ),
            "InvalidConfigurationRequest.*The provided target group attribute is not supported",
        ),
        (
            lambda w: w.elbv2.modify_listener_attributes(
                ListenerArn=_listener_for_flows(w), Attributes=_attribute("tcp.idle_timeout.seconds", "30")
            ),
            "must be between '60-6000' inclusive",
        ),
        (
            lambda w: w.elbv2.create_rule(
                ListenerArn=_listener_for_flows(w),
                Priority=1,
                Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
                Actions=[{"Type": "forward", "TargetGroupArn": w.group("g", Protocol="TCP")}],
            ),
            "Rules are for the listeners of Application Load Balancers",
        ),
        (
            lambda w: _listener_for_flows(
                w, Type="fixed-response", FixedResponseConfig={"StatusCode": "404", "ContentType": "text/plain"}
            ),
            "InvalidLoadBalancerAction",
        ),
        (
            lambda w: w.group("g", Protocol="TCP", Matcher={"HttpCode": "200"}),
            "Health check matchers are not supported for TCP health checks",
        ),
        (lambda w: w.group("g", HealthCheckProtocol="TCP"), "not supported for target groups with the HTTP protocol"),
        (
            lambda w: w.elbv2.modify_target_group(
                TargetGroupArn=w.group("g", Protocol="TCP"), Matcher={"HttpCode": "200"}
            ),
            "Health check matchers are not supported for TCP health checks",
        ),
    ],
)
def test_refusals_about_flows(world: World, call: Any, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        call(world)


@pytest.mark.parametrize("is_checked", [True, False])
def test_a_lambda_function_is_not_checked_unless_its_group_says_so(world: World, is_checked: bool) -> None:
    made = world.elbv2.create_target_group(Name="fn", TargetType="lambda", HealthCheckEnabled=is_checked)
    group = made["TargetGroups"][0]["TargetGroupArn"]
    function = f"arn:aws:lambda:{REGION}:123456789012:function:fn"
    world.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])
    (answer,) = world.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert answer["Target"] == {"Id": function}
    told = (answer["TargetHealth"]["State"], answer["TargetHealth"].get("Reason"))
    assert told == (("healthy", None) if is_checked else ("unavailable", "Target.HealthCheckDisabled"))


def test_a_protected_load_balancer_stays(world: World) -> None:
    pair = world.pair()
    protect = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    world.elbv2.modify_load_balancer_attributes(LoadBalancerArn=pair.load_balancer, Attributes=protect)
    with pytest.raises(ClientError, match="deletion protection is enabled"):
        world.elbv2.delete_load_balancer(LoadBalancerArn=pair.load_balancer)


def test_moto_is_as_before_once_the_patches_are_gone() -> None:
    world = World(None)
    with mock_aws():
        with world.fidelity:
            pair = world.pair()
        pair.shift(blue=1000, green=0)
        assert world.changes == []
