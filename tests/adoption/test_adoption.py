"""What can be adopted, as what, and who is in the way: the decisions, without AWS."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.support.adoption import BALANCER, BLUE, GREEN, NETWORK, group, listener, rule, sticky
from tests.support.fakes import ACCOUNT, PREFIX, REGION
from toolkit.adoption.ownership import (
    Claim,
    CodeDeployGroup,
    EcsService,
    codedeploy_claims,
    contract_claims,
    ecs_claims,
    tag_claims,
    tagged_arns,
)
from toolkit.adoption.pairing import colors, create_command, other_name, second_group
from toolkit.adoption.places import (
    account_and_region,
    balancer_of,
    checked_arn,
    listener_of,
    one_service,
    refuse_balancer,
    refuse_places,
)
from toolkit.adoption.result import adopted, checked_name, route_names, service_name, terraform_blocks, with_section
from toolkit.contract import RouteKind, StateTable, Stickiness, parse
from toolkit.errors import AdoptionRefused, ContractError, UsageError
from toolkit.traffic import Color

PAIR = {Color.BLUE: BLUE, Color.GREEN: GREEN}
OTHER = group("shop-other")
WHERE = ("--region", REGION)
OURS = listener((BLUE, 90), (GREEN, 10))


def refusal(call: Any, *args: Any, **words: Any) -> str:
    with pytest.raises(AdoptionRefused) as refused:
        call(*args, **words)
    return f"{refused.value.message} {refused.value.hint}"


# ARNs


@pytest.mark.parametrize(
    ("arn", "what"),
    [
        (OURS.arn, "listener"),
        (listener(network=True).arn, "listener"),
        (rule().arn, "rule"),
        (BALANCER.arn, "load balancer"),
        (BALANCER.arn.replace("arn:aws:", "arn:aws-us-gov:"), "load balancer"),
    ],
)
def test_an_arn_of_its_kind_is_taken(arn: str, what: str) -> None:
    assert checked_arn(arn, what) == arn


@pytest.mark.parametrize(
    ("arn", "what", "said"),
    [
        (rule().arn, "listener", "is the ARN of a rule, not of a listener"),
        (OURS.arn, "rule", "is the ARN of a listener, not of a rule"),
        (OURS.arn, "load balancer", "is the ARN of a listener"),
        (f"{PREFIX}:targetgroup/web/1a", "listener", "is not the ARN of a listener"),
        (OURS.arn + "\n", "listener", "is not the ARN of a listener"),
        (OURS.arn.replace(ACCOUNT, "12345"), "listener", "is not the ARN of a listener"),
        (f"{PREFIX}:loadbalancer/classic", "load balancer", "is not the ARN of a load balancer"),
        ("", "rule", "is not the ARN of a rule"),
    ],
)
def test_an_arn_of_another_kind_is_refused_by_what_it_is(arn: str, what: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked_arn(arn, what)


@given(some.text(max_size=300))
def test_nothing_that_is_typed_as_an_arn_is_more_than_a_usage_error(text: str) -> None:
    for what in ("listener", "rule", "load balancer"):
        try:
            taken = checked_arn(text, what)
        except UsageError:
            continue
        account_and_region([taken])


def test_an_arn_says_listener_load_balancer_account_and_region() -> None:
    assert listener_of(rule().arn) == OURS.arn
    assert balancer_of(OURS.arn) == BALANCER.arn
    assert account_and_region([rule().arn, OURS.arn]) == (ACCOUNT, REGION)


def test_routes_of_two_load_balancers_are_no_service() -> None:
    with pytest.raises(UsageError, match="2 load balancers"):
        account_and_region([OURS.arn, listener(network=True).arn])


# Which routes


def test_everything_that_forwards_to_the_same_pair_is_one_service() -> None:
    plain, secure = listener((BLUE, 1), (GREEN, 0)), listener((GREEN, 0), (BLUE, 1), port=443)
    redirect = listener(port=8080, answer="it redirects to https")
    test = rule((GREEN, 1), port=443)
    assert one_service([plain, redirect, secure, test], BALANCER) == [plain, secure]


def test_without_a_pair_the_routes_to_one_group_are_the_service() -> None:
    assert one_service([OURS_ALONE, rule((BLUE, 1))], BALANCER) == [OURS_ALONE, rule((BLUE, 1))]


OURS_ALONE = listener((BLUE, 1))


@pytest.mark.parametrize(
    ("places", "what"),
    [
        ([OURS, rule((BLUE, 1), (OTHER, 1))], "2 different pairs of target groups"),
        ([OURS_ALONE, rule((OTHER, 1))], "2 different target groups"),
    ],
)
def test_several_services_are_each_named_with_their_command(places: list[Any], what: str) -> None:
    said = refusal(one_service, places, BALANCER)
    assert what in said
    for place in places:
        assert f"`bluegreen adopt {place.option}`" in said
    assert "shop-blue" in said
    assert "shop-other" in said


def test_a_load_balancer_that_forwards_nowhere_is_refused_by_what_it_does() -> None:
    assert "HTTP:80: it answers 503 by itself" in refusal(
        one_service, [listener(answer="it answers 503 by itself")], BALANCER
    )
    assert "it has no listener" in refusal(one_service, [], BALANCER)


def test_three_groups_are_refused_by_name_and_weight() -> None:
    three = listener((BLUE, 80), (GREEN, 15), (OTHER, 5))
    for said in (refusal(refuse_places, [three]), refusal(one_service, [three], BALANCER)):
        assert "3 target groups (shop-blue 80, shop-green 15, shop-other 5)" in said


def test_a_gateway_load_balancer_has_no_weights() -> None:
    assert "of type gateway" in refusal(refuse_balancer, replace(BALANCER, type="gateway"))
    refuse_balancer(BALANCER)
    refuse_balancer(NETWORK)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([rule(answer="it redirects to https://#{host}:443/")], "does not forward to target groups: it redirects"),
        ([listener((BLUE, 0), (GREEN, 0))], "both target groups of the default action of HTTP:80 have weight 0"),
        ([OURS, rule((BLUE, 1), (OTHER, 1))], "do not share one pair"),
        ([rule((BLUE, 1)), OURS, rule((OTHER, 1), priority=2)], "do not share one pair"),
        ([listener((BLUE, 1), (GREEN, 0), network=True, protocol="QUIC")], "has not been tried"),
        ([listener((BLUE, 1), (GREEN, 0), network=True, stickiness=sticky(60))], "has target-group stickiness"),
    ],
)
def test_what_cannot_be_a_route_is_refused(places: list[Any], said: str) -> None:
    assert said in refusal(refuse_places, places)


@pytest.mark.parametrize("protocol", ["TCP", "TLS", "UDP", "TCP_UDP"])
def test_every_way_of_forwarding_flows_is_taken(protocol: str) -> None:
    refuse_places([listener((BLUE, 1), (GREEN, 0), network=True, protocol=protocol)])


def test_one_group_of_weight_0_is_taken() -> None:
    refuse_places([OURS, listener((BLUE, 0), (GREEN, 5), port=81), rule((BLUE, 1))])


# Which pair


def test_the_only_free_group_that_matches_is_the_other_color_whatever_its_port() -> None:
    green = replace(GREEN, port=9090)
    taken = group("taken", balancers=(BALANCER.arn,))
    differ = [
        group("in-another-vpc", vpc_id="vpc-2"),
        group("of-another-protocol", protocol="HTTPS"),
        group("of-another-version", protocol_version="GRPC"),
        group("of-another-type", target_type="instance"),
    ]
    assert second_group(BLUE, [BLUE, taken, *differ, green], BALANCER, named=None, where=WHERE) == green


def test_lambda_groups_match_without_vpc_and_protocol() -> None:
    one, other = (
        group(name, target_type="lambda", vpc_id=None, protocol=None, protocol_version=None, port=None)
        for name in ("fn-blue", "fn-green")
    )
    assert second_group(one, [one, other, GREEN], BALANCER, named=None, where=WHERE) == other


def test_without_a_free_group_the_command_that_makes_one_is_said_whole() -> None:
    said = refusal(second_group, BLUE, [BLUE], BALANCER, named=None, where=WHERE)
    assert said.endswith(
        "aws elbv2 create-target-group --name shop-green --target-type ip --protocol HTTP --protocol-version HTTP1 "
        "--port 8080 --vpc-id vpc-1 --ip-address-type ipv4 --health-check-enabled --health-check-path /healthz "
        "--region eu-central-1"
    )


def test_a_lambda_group_is_made_without_what_it_does_not_have() -> None:
    function = group(
        "fn", target_type="lambda", vpc_id=None, protocol=None, protocol_version=None, port=None,
        ip_address_type=None, health_check=(),
    )  # fmt: skip
    assert create_command(function, ()) == "aws elbv2 create-target-group --name fn-green --target-type lambda"


def test_several_free_groups_are_listed() -> None:
    said = refusal(second_group, BLUE, [BLUE, GREEN, OTHER], BALANCER, named=None, where=WHERE)
    assert "2 free ones could be the other color: shop-green, shop-other" in said
    assert "--other-group" in said


@pytest.mark.parametrize("named", [OTHER.name, OTHER.arn])
def test_the_named_group_is_taken_even_where_another_would_match(named: str) -> None:
    ours = replace(OTHER, balancers=(BALANCER.arn,))
    assert second_group(BLUE, [GREEN, ours], BALANCER, named=named, where=WHERE) == ours


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("nowhere", "there is no target group 'nowhere'"),
        (BLUE.name, "is the target group that the routes forward to already"),
        ("elsewhere", "is used by another load balancer"),
        ("unlike", "does not match shop-blue"),
    ],
)
def test_a_named_group_that_does_not_go_with_the_first_is_refused(named: str, said: str) -> None:
    others = [BLUE, group("elsewhere", balancers=(NETWORK.arn,)), group("unlike", protocol="HTTPS")]
    assert said in refusal(second_group, BLUE, others, BALANCER, named=named, where=WHERE)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("web-blue", "web-green"),
        ("web-Green", "web-blue"),
        ("web", "web-green"),
        ("blue-and-green", "blue-and-green-green"),
        ("a" * 32, "a" * 26 + "-green"),
        ("b" * 28 + "blue", "b" * 26 + "-green"),
        ("a" * 25 + "-" + "c" * 6, "a" * 25 + "-green"),
    ],
)
def test_the_other_groups_name_fits(name: str, other: str) -> None:
    assert other_name(name) == other
    assert len(other) <= 32


# Which color


@pytest.mark.parametrize(
    ("names", "weights", "blue"),
    [
        (("web-blue", "web-green"), (0, 100), "web-blue"),
        (("web-Green", "web-Blue"), (100, 0), "web-Blue"),
        (("green", "v2"), (100, 0), "v2"),
        (("v1", "blue"), (100, 0), "blue"),
        (("v1", "v2"), (10, 90), "v2"),
        (("bluebird-1", "bluebird-2"), (10, 90), "bluebird-2"),
        (("blue-green-a", "blue-green-b"), (10, 90), "blue-green-b"),
        (("v1", "v2"), (50, 50), "v1"),
    ],
)
def test_names_tell_the_colors_else_weights_do(names: tuple[str, str], weights: tuple[int, int], blue: str) -> None:
    first, second = (group(name) for name in names)
    place = listener((first, weights[0]), (second, weights[1]))
    told, _ = colors((first, second), [place], blue=None)
    assert told[Color.BLUE].name == blue
    assert told[Color.GREEN].name != blue


@pytest.mark.parametrize("named", [GREEN.name, GREEN.arn])
def test_the_operator_tells_the_colors_over_everything(named: str) -> None:
    told, how = colors((BLUE, GREEN), [OURS], blue=named)
    assert told[Color.BLUE] == GREEN
    assert how == "as --blue says"
    with pytest.raises(UsageError, match="neither of the two target groups, shop-blue and shop-green"):
        colors((BLUE, GREEN), [OURS], blue=OTHER.name)


def test_weights_of_all_routes_count_together() -> None:
    one, two = group("one"), group("two")
    told, how = colors((one, two), [listener((one, 60), (two, 40)), rule((one, 0), (two, 100))], blue=None)
    assert told[Color.BLUE] == two
    assert "weights" in how


# Names


@pytest.mark.parametrize(
    ("names", "service"),
    [
        (("web-blue", "web-green"), "web"),
        (("green-api", "blue-api"), "api"),
        (("my-blue-app", "my-green-app"), "my-app"),
        (("blue", "green"), "shop"),
        (("v1", "v2"), "shop"),
    ],
)
def test_a_service_is_called_what_its_groups_share_else_as_its_load_balancer(
    names: tuple[str, str], service: str
) -> None:
    blue, green = (group(name) for name in names)
    assert service_name({Color.BLUE: blue, Color.GREEN: green}, BALANCER) == service


@pytest.mark.parametrize("name", ["../web", "a/b", "", " web", "web-", "-web", "a.b", 'we"b', "a" * 65, "wéb"])
def test_a_name_that_is_a_path_or_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        checked_name(name)


def test_routes_are_named_after_what_leads_to_them_and_never_alike() -> None:
    places = [
        listener(),
        listener(port=443, protocol="TCP_UDP"),
        rule(hosts=("Shop.example.com",), paths=("/api/*",)),
        rule(hosts=("Shop.example.com",), paths=("/api/*",), priority=20),
        rule(priority=30),
        rule(paths=("/*",), priority=40),
        listener(),
        rule(hosts=("x" * 128,), priority=50),
    ]
    names = route_names(places)
    assert names[:7] == [
        "http-80",
        "tcp-udp-443",
        "http-80-shop-example-com-api",
        "http-80-shop-example-com-api-priority-20",
        "http-80-priority-30",
        "http-80-priority-40",
        "http-80-2",
    ]
    assert len(names[7]) == 64


@given(some.lists(some.tuples(some.text(max_size=20), some.integers(1, 3)), max_size=8))
def test_names_differ_whatever_the_conditions_say(conditions: list[tuple[str, int]]) -> None:
    names = route_names([rule(hosts=(host,), priority=priority) for host, priority in conditions])
    assert len(set(names)) == len(names)
    assert all(name.isprintable() and name.strip() == name for name in names)


# What is left behind


def test_the_contract_says_what_aws_said_and_is_read_as_any_other() -> None:
    oidc = {"type": "authenticate-oidc", "order": 1, "settings": {"issuer": "https://id"}}
    places = [listener((BLUE, 90), (GREEN, 10), stickiness=sticky(300)), rule((GREEN, 1), (BLUE, 9), preceding=(oidc,))]
    table = StateTable("releases", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/releases")
    made = adopted("shop", BALANCER, places, PAIR, table=table)
    assert parse(made.text, source="the file") == made.contract
    first, second = made.contract.routes
    assert (first.kind, first.arn, first.listener_arn) == (RouteKind.ALB_LISTENER, OURS.arn, OURS.arn)
    assert first.stickiness == sticky(300)
    assert (second.kind, second.listener_arn, second.preceding_actions) == (RouteKind.ALB_RULE, OURS.arn, (oidc,))
    assert made.contract.target_groups[Color.GREEN].arn_suffix == GREEN.arn.rpartition(":")[2]
    assert made.contract.load_balancer.arn_suffix == "app/shop/1a"
    assert (made.contract.account_id, made.contract.region) == (ACCOUNT, REGION)
    assert made.contract.state_table == table
    assert made.document["schema_version"] == 1
    golden = ("schema_version", "name", "account_id", "region", "load_balancer", "routes", "test_routes",
              "target_groups", "state_table", "workload")  # fmt: skip
    assert tuple(made.document) == golden


def test_the_contract_of_a_network_load_balancer_has_its_kind_of_route() -> None:
    made = adopted("shop", NETWORK, [listener((BLUE, 1), (GREEN, 0), network=True)], PAIR)
    assert made.contract.is_network
    assert made.contract.routes[0].kind is RouteKind.NLB_LISTENER
    assert made.contract.routes[0].stickiness == Stickiness(enabled=False)
    assert made.contract.state_table is None


def test_what_the_contract_would_not_take_is_refused_before_it_is_written() -> None:
    with pytest.raises(ContractError, match="what AWS says"):
        adopted("shop", replace(BALANCER, dns_name=""), [OURS], PAIR)


@pytest.mark.parametrize("text", ["", "# mine\n[aws]\nregion = 'eu-central-1'", '[service.web]\ncontract = "ssm:/x"\n'])
def test_a_section_is_added_and_every_character_before_it_stays(text: str) -> None:
    after = with_section(text, "shop", "file:deployments/shop.json", file="bluegreen.toml")
    assert after.startswith(text)
    assert tomllib.loads(after)["service"]["shop"] == {"contract": "file:deployments/shop.json"}
    assert with_section(after, "shop", "file:deployments/shop.json", file="bluegreen.toml") == after


def test_line_ends_of_the_file_are_kept() -> None:
    after = with_section("[aws]\r\n", "shop", "file:x", file="bluegreen.toml")
    assert after == '[aws]\r\n\r\n[service.shop]\r\ncontract = "file:x"\r\n'


@given(some.text(min_size=1, max_size=40))
def test_whatever_the_path_the_file_says_it_or_is_refused(path: str) -> None:
    try:
        after = with_section("", "shop", f"file:{path}", file="bluegreen.toml")
    except AdoptionRefused:
        return
    assert tomllib.loads(after) == {"service": {"shop": {"contract": f"file:{path}"}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[service.shop]\ncontract = "ssm:/other"\n', "has a service shop already, which has its contract at 'ssm:/o"),
        ("[service.shop]\nbake_seconds = 5.0\n", "has a service shop already, which says no contract"),
        ('service = { web = { contract = "ssm:/x" } }\n', "cannot be added to"),
    ],
)
def test_a_file_that_says_something_else_is_left_alone(text: str, said: str) -> None:
    refused = refusal(with_section, text, "shop", "file:x", file="bluegreen.toml")
    assert said in refused
    assert 'contract = "file:x"' in refused


def test_terraform_is_told_to_ignore_the_whole_action_of_each_kind_of_route() -> None:
    made = adopted("shop", BALANCER, [OURS, rule((BLUE, 1), (GREEN, 0))], PAIR)
    assert terraform_blocks(made.contract) == {
        "aws_lb_listener": ("default_action", "lifecycle {\n  ignore_changes = [default_action]\n}", ["http-80"]),
        "aws_lb_listener_rule": (
            "action",
            "lifecycle {\n  ignore_changes = [action]\n}",
            ["http-80-priority-10"],
        ),
    }


# Whose it is


def claimed(claims: Any) -> tuple[list[str], list[str]]:
    """What refuses, and what is only told."""
    held: list[Claim] = list(claims)
    return [claim.text for claim in held if claim.refuses], [claim.text for claim in held if not claim.refuses]


@pytest.mark.parametrize(
    "key",
    [
        "elbv2.k8s.aws/cluster",
        "ingress.k8s.aws/stack",
        "service.k8s.aws/resource",
        "gateway.k8s.aws.alb/stack",
        "service.eks.amazonaws.com/stack",
        "kubernetes.io/service-name",
    ],
)
def test_the_load_balancer_controllers_tags_refuse(key: str) -> None:
    (said,), _ = claimed(tag_claims({BALANCER.arn: {"Name": "x", key: "prod"}, OURS.arn: {}}))
    assert "loadbalancer/app/shop/1a belongs to the AWS Load Balancer Controller" in said
    assert f"{key} = prod" in said


def test_cloudformation_is_told_of_once_a_stack_and_other_tags_say_nothing() -> None:
    stack = {"aws:cloudformation:stack-name": "shop-stack"}
    refusing, told = claimed(tag_claims({BALANCER.arn: stack, OURS.arn: stack, BLUE.arn: {"k8s.io/role": "x"}}))
    assert refusing == []
    assert len(told) == 1
    assert "CloudFormation stack shop-stack" in told[0]


def test_the_tags_of_everything_about_a_route_are_asked_for_once() -> None:
    arns = tagged_arns([OURS, rule((BLUE, 1))], [BLUE, GREEN], BALANCER)
    assert arns == [BALANCER.arn, OURS.arn, rule().arn, BLUE.arn, GREEN.arn]


def ecs(arn: str, controller: str = "ECS", strategy: str = "ROLLING") -> EcsService:
    return EcsService("prod", "shop", controller, strategy, frozenset({arn}))


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (ecs(GREEN.arn, "CODE_DEPLOY"), "ECS service shop in cluster prod is deployed by CodeDeploy"),
        (ecs(BLUE.arn, strategy="BLUE_GREEN"), "has the blue/green deployment strategy"),
        (ecs(OURS.arn, strategy="LINEAR"), "has the linear deployment strategy"),
        (ecs(OURS.arn, strategy="CANARY"), "has the canary deployment strategy"),
    ],
)
def test_an_ecs_service_that_shifts_refuses(service: EcsService, said: str) -> None:
    (refused,), _ = claimed(ecs_claims([service], [OURS], [BLUE, GREEN]))
    assert said in refused


def test_a_rolling_ecs_service_and_one_elsewhere_are_fine() -> None:
    fine = [ecs(BLUE.arn), ecs(OTHER.arn, "CODE_DEPLOY"), ecs(OTHER.arn, strategy="CANARY")]
    assert claimed(ecs_claims(fine, [OURS], [BLUE, GREEN])) == ([], [])
    _, (told,) = claimed(ecs_claims([ecs(BLUE.arn, "EXTERNAL")], [OURS], [BLUE, GREEN]))
    assert "external deployment controller" in told


def test_a_service_that_shifts_another_rule_of_the_listener_is_fine() -> None:
    ours = rule((BLUE, 1), (GREEN, 0))
    theirs = ecs(ours.listener_arn, strategy="BLUE_GREEN")
    assert claimed(ecs_claims([theirs], [ours], [BLUE, GREEN])) == ([], [])
    (refused,), _ = claimed(ecs_claims([ecs(ours.arn, strategy="BLUE_GREEN")], [ours], [BLUE, GREEN]))
    assert "blue/green" in refused


def codedeploy(*groups: str, listeners: tuple[str, ...] = (), **changed: Any) -> CodeDeployGroup:
    known = CodeDeployGroup("shop", "prod", "BLUE_GREEN", True, frozenset(groups), frozenset(listeners))
    return replace(known, **changed)


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (codedeploy(BLUE.name, "x"), "the CodeDeploy deployment group prod of application shop shifts"),
        (codedeploy("x", "y", listeners=(OURS.arn,)), "shifts between target groups here"),
        (codedeploy(BLUE.name, is_pair=False), "exchanges the targets of shop-blue"),
    ],
)
def test_a_codedeploy_group_that_shifts_refuses(deployment: CodeDeployGroup, said: str) -> None:
    (refused,), _ = claimed(codedeploy_claims([deployment], [OURS], [BLUE, GREEN]))
    assert said in refused


def test_a_codedeploy_group_in_place_and_one_elsewhere_are_fine() -> None:
    fine = [
        codedeploy(BLUE.name, is_pair=False, style="IN_PLACE"),
        codedeploy("x", "y", listeners=(listener(port=99).arn,)),
    ]
    assert claimed(codedeploy_claims(fine, [OURS], [BLUE, GREEN])) == ([], [])


def test_a_route_that_a_service_has_already_is_refused_and_a_shared_pair_is_told() -> None:
    web = adopted("web", BALANCER, [OURS], PAIR).contract
    (refused,), _ = claimed(contract_claims({"web": web}, "shop", [OURS], [BLUE, GREEN]))
    assert refused == "the deployment contract of service web has this route already"
    _, (told,) = claimed(contract_claims({"web": web}, "shop", [rule((BLUE, 1))], [BLUE, GREEN]))
    assert "service web has one of these target groups too" in told
    (clash,), _ = claimed(contract_claims({"web": web}, "web", [rule((OTHER, 1))], [OTHER]))
    assert "there is a service web already" in clash
    assert claimed(contract_claims({"web": web}, "shop", [rule((OTHER, 1))], [OTHER])) == ([], [])


def test_a_test_route_stays_one() -> None:
    document = dict(adopted("web", BALANCER, [OURS], PAIR).document)
    document["test_routes"] = [
        {"name": "t", "color": "blue", "arn": rule().arn, "listener_arn": OURS.arn, "header_name": "x"}
    ]
    web = parse(json.dumps(document), source="x")
    (refused,), _ = claimed(contract_claims({"web": web}, "shop", [rule((BLUE, 1))], [BLUE]))
    assert "test route of service web" in refused
