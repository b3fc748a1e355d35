import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.contract import AsgPair, EcsPair, RouteKind, Stickiness, from_document, parse, same_actions
from toolkit.errors import ContractError
from toolkit.traffic import Color, Split

GOLDEN = Path(__file__).parent / "golden" / "deployment.json"
NETWORK = GOLDEN.with_name("deployment-nlb.json")
GOLDEN_ECS = GOLDEN.with_name("deployment-ecs.json")


def golden(path: Path = GOLDEN) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_the_golden_contract_is_read_whole() -> None:
    contract = parse(GOLDEN.read_text(), source="golden")
    assert (contract.name, contract.account_id, contract.region) == ("web", "123456789012", "eu-central-1")
    assert contract.load_balancer.arn_suffix == "app/web/50dc6c495c0c9188"
    (route,) = contract.routes
    assert route.arn.endswith("/9683b2d02a6cabee")
    assert route.stickiness == Stickiness(enabled=True, duration_seconds=300)
    assert contract.target_groups[Color.GREEN].name == "web-green"
    assert contract.state_table is not None
    assert contract.state_table.name == "bluegreen-web"


def test_its_test_routes_name_color_and_header_and_no_value() -> None:
    contract = parse(GOLDEN.read_text(), source="golden")
    assert [route.color for route in contract.test_routes] == list(Color)
    assert {route.listener_arn for route in contract.test_routes} == {contract.routes[0].listener_arn}
    assert all(route.header_name for route in contract.test_routes)
    keys = {key for route in golden()["test_routes"] for key in route}
    assert keys == {"name", "color", "arn", "listener_arn", "header_name"}


def test_the_golden_contract_of_a_network_load_balancer_is_read_whole() -> None:
    contract = parse(NETWORK.read_text(), source="golden")
    assert contract.is_network
    (route,) = contract.routes
    assert route.kind is RouteKind.NLB_LISTENER
    assert route.arn == route.listener_arn
    assert route.stickiness == Stickiness(enabled=False)
    assert not from_document(golden(), source="golden").is_network


def test_a_listeners_default_action_is_a_route() -> None:
    document = golden()
    document["routes"][0] |= {"kind": "alb-listener", "arn": document["routes"][0]["listener_arn"]}
    assert from_document(document, source="here").routes[0].kind is RouteKind.ALB_LISTENER


def test_a_split_is_told_by_target_group() -> None:
    contract = from_document(golden(), source="golden")
    blue, green = (contract.target_groups[color].arn for color in Color)
    assert contract.weights(Split(blue=95, green=5)) == {blue: 95, green: 5}


COGNITO = {"type": "authenticate-cognito", "order": 1, "settings": {"user_pool_arn": "a", "scope": "openid"}}


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        ([COGNITO], True),
        ([{**COGNITO, "order": 7}], True),
        ([{**COGNITO, "settings": {"user_pool_arn": "a"}}], True),
        ([{**COGNITO, "settings": {"user_pool_arn": "a", "session_cookie_name": None}}], True),
        ([{**COGNITO, "settings": {"user_pool_arn": "b"}}], False),
        ([{**COGNITO, "settings": {"session_cookie_name": "mine"}}], False),
        ([{**COGNITO, "type": "authenticate-oidc"}], False),
        ([], False),
        ([COGNITO, COGNITO], False),
    ],
)
def test_actions_agree_in_types_sequence_and_what_is_said(wanted: list[dict[str, Any]], *, same: bool) -> None:
    assert same_actions(wanted, [COGNITO]) is same


def test_a_target_group_is_known_by_its_color() -> None:
    contract = from_document(golden(), source="golden")
    assert contract.color_of(contract.target_groups[Color.BLUE].arn) is Color.BLUE
    assert contract.color_of("arn:somebody-else") is None


def test_keys_that_a_newer_module_adds_are_no_obstacle() -> None:
    document = golden()
    document["later"] = {"more": True}
    document["routes"][0]["test_header"] = "X-Test"
    assert from_document(document, source="golden").name == "web"


def test_a_contract_without_a_state_table_is_a_contract() -> None:
    document = golden()
    document["state_table"] = None
    assert from_document(document, source="golden").state_table is None


ECS = {"kind": "ecs", "cluster": "prod", "services": {"blue": "web-blue", "green": "web-green"}}
ASG = {"kind": "asg", "groups": {"blue": "web-blue", "green": "web-green"}}
NAMES = {Color.BLUE: "web-blue", Color.GREEN: "web-green"}


def test_what_runs_behind_the_pair_is_read_where_it_is_said() -> None:
    assert from_document(golden() | {"workload": ECS}, source="here").workload == EcsPair("prod", NAMES)
    assert from_document(golden() | {"workload": ASG}, source="here").workload == AsgPair(NAMES)
    assert from_document(golden() | {"workload": None}, source="here").workload is None
    without = golden()
    del without["workload"]
    assert from_document(without, source="here").workload is None


def test_the_container_that_a_release_changes_is_read_where_it_is_said() -> None:
    told = from_document(golden(GOLDEN_ECS), source="golden").workload
    assert told == EcsPair("web", NAMES, container="app")
    for silent in (ECS, ECS | {"container": None}):
        read = from_document(golden() | {"workload": silent}, source="here").workload
        assert read == EcsPair("prod", NAMES, container=None)


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("ecs", "at workload: an object"),
        ({}, "at workload.kind"),
        (ECS | {"kind": "lambda"}, "'lambda' is not one of ecs, asg"),
        (ECS | {"cluster": None}, "at workload.cluster"),
        (ECS | {"services": {"blue": "web-blue"}}, "at workload.services.green"),
        (ECS | {"services": {"blue": "web", "green": "web"}}, "at workload.services: blue and green are the same"),
        (ASG | {"groups": []}, "at workload.groups: an object"),
        (ASG | {"groups": {"blue": 1, "green": "x"}}, "at workload.groups.blue"),
        (ECS | {"kind": "asg"}, "at workload.groups"),
        (ECS | {"container": ""}, "at workload.container: a text"),
        (ECS | {"container": " app"}, "at workload.container: a text"),
        (ECS | {"container": ["app"]}, "at workload.container: a text"),
    ],
)
def test_a_workload_that_is_none_is_named_by_its_place(workload: Any, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        from_document(golden() | {"workload": workload}, source="here")


def broken(path: str, value: Any) -> dict[str, Any]:
    document = golden()
    place: Any = document
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        place = place[part]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("schema_version", 2, "schema_version 2"),
        ("schema_version", True, "schema_version True"),
        ("schema_version", KeyError, "schema_version None"),
        ("name", "", "at name"),
        ("name", " web", "at name"),
        ("name", "we\nb", "at name"),
        ("account_id", 123, "at account_id"),
        ("routes", [], "at routes"),
        ("routes", "x", "at routes"),
        ("routes.0", 1, r"at routes\[0\]"),
        ("routes.0.kind", "cloud", "'cloud' is not one of"),
        ("routes.0.arn", "arn:aws:s3:::bucket", r"at routes\[0\].arn"),
        ("routes.0.stickiness", KeyError, "stickiness"),
        ("routes.0.stickiness.enabled", "yes", "true or false"),
        ("routes.0.stickiness.duration_seconds", 604_801, "1 to 604800"),
        ("routes.0.stickiness.duration_seconds", True, "1 to 604800"),
        ("routes.0.stickiness.duration_seconds", None, "needs a duration"),
        ("routes.0.preceding_actions", {}, "preceding_actions"),
        ("routes.0.preceding_actions", [{"order": 1}], "preceding_actions"),
        ("routes.0.preceding_actions", [{"type": "x", "settings": {"a": 1}}], "preceding_actions"),
        ("routes.0.kind", "alb-listener", r"routes\[0\].arn: .* is its listener_arn"),
        ("routes.0.kind", "nlb-listener", "is its listener_arn"),
        ("load_balancer.type", "network", r"routes\[0\].kind: alb-rule is no route of .* network"),
        ("load_balancer.type", "gateway", "'gateway' is not one of application, network"),
        ("test_routes", {}, "test_routes"),
        ("test_routes.0.color", "red", r"test_routes\[0\].color"),
        ("test_routes.0.header_name", KeyError, r"test_routes\[0\].header_name"),
        ("target_groups.green", KeyError, "target_groups.green"),
        ("load_balancer", None, "load_balancer"),
        ("state_table.name", KeyError, "state_table.name"),
        ("region", "us-east-1", "not 123456789012/us-east-1"),
    ],
)
def test_what_is_malformed_is_named_by_its_place(path: str, value: Any, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        from_document(broken(path, value), source="here")
    assert "here" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("stickiness", {"enabled": True, "duration_seconds": 60}, "no target-group stickiness"),
        ("kind", "alb-listener", "alb-listener is no route of"),
        ("arn", "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/web/1/2", "its listener_arn"),
    ],
)
def test_a_network_route_has_neither_stickiness_nor_another_kind(key: str, value: Any, words: str) -> None:
    document = golden(NETWORK)
    document["routes"][0][key] = value
    with pytest.raises(ContractError, match=words):
        from_document(document, source="here")


def test_one_group_for_both_colors_is_refused() -> None:
    document = golden()
    document["target_groups"]["green"] = copy.deepcopy(document["target_groups"]["blue"])
    with pytest.raises(ContractError, match="same target group"):
        from_document(document, source="here")


@pytest.mark.parametrize("attribute", ["name", "arn"])
def test_two_routes_of_one_name_or_arn_are_refused(attribute: str) -> None:
    document = golden()
    second = copy.deepcopy(document["routes"][0])
    other = "arn" if attribute == "name" else "name"
    second[other] += "0"
    document["routes"].append(second)
    with pytest.raises(ContractError, match=f"same {attribute}"):
        from_document(document, source="here")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "3", '"x"', "[" * 5000])
def test_what_is_no_contract_at_all_is_one_clear_error(text: str) -> None:
    with pytest.raises(ContractError):
        parse(text, source="here")


ALARMS = {"blue": ["web-blue", "orders"], "green": ["web-green"]}


def test_alarms_are_named_for_each_color_in_their_order() -> None:
    assert from_document(golden() | {"alarms": ALARMS}, source="here").alarms == {
        Color.BLUE: ("web-blue", "orders"),
        Color.GREEN: ("web-green",),
    }


@pytest.mark.parametrize("alarms", [None, {}, {"blue": [], "green": []}, {"blue": None}])
def test_a_contract_may_name_no_alarms(alarms: Any) -> None:
    assert dict(from_document(golden() | {"alarms": alarms}, source="here").alarms) == {}


def test_the_golden_contracts_name_none() -> None:
    for name in (GOLDEN, NETWORK):
        assert "alarms" not in golden(name)
        assert dict(from_document(golden(name), source="here").alarms) == {}


def test_one_color_may_have_alarms_alone_and_both_may_share_one() -> None:
    assert from_document(golden() | {"alarms": {"green": ["a"]}}, source="here").alarms == {Color.GREEN: ("a",)}
    shared = from_document(golden() | {"alarms": {"green": ["a"], "blue": ["a"]}}, source="here").alarms
    assert shared == {Color.BLUE: ("a",), Color.GREEN: ("a",)}


@pytest.mark.parametrize(
    ("alarms", "words"),
    [
        (["web"], "at alarms: an object"),
        ({"blue": "web"}, "at alarms.blue: a list"),
        ({"green": [1]}, "at alarms.green.0: a text"),
        ({"green": ["web", ""]}, "at alarms.green.1: a text"),
        ({"green": ["web", "web"]}, "at alarms.green: an alarm is named twice"),
        ({"green": ["x" * 256]}, "at alarms.green.0: an alarm's name has at most 255 characters"),
        ({"red": ["web"]}, "at alarms.red: only blue and green"),
    ],
)
def test_alarms_that_are_none_are_named_by_their_place(alarms: Any, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        from_document(golden() | {"alarms": alarms}, source="here")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
paths = st.sampled_from(
    ["schema_version", "name", "routes", "routes.0", "routes.0.arn", "routes.0.stickiness", "target_groups",
     "target_groups.blue", "target_groups.blue.arn", "test_routes", "test_routes.0", "routes.0.preceding_actions",
     "routes.0.kind", "load_balancer.type", "workload", "load_balancer", "load_balancer.arn", "state_table", "region",
     "alarms"]
)  # fmt: skip


@given(paths, json_values)
def test_no_value_anywhere_breaks_the_reader(path: str, value: Any) -> None:
    with contextlib.suppress(ContractError):
        from_document(broken(path, value), source="here")
