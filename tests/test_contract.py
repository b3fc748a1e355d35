import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.contract import Stickiness, from_document, parse
from toolkit.errors import ContractError
from toolkit.traffic import Color

GOLDEN = Path(__file__).parent / "golden" / "deployment.json"


def golden() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(GOLDEN.read_text())
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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
paths = st.sampled_from(
    ["schema_version", "name", "routes", "routes.0", "routes.0.arn", "routes.0.stickiness", "target_groups",
     "target_groups.blue", "target_groups.blue.arn", "load_balancer", "load_balancer.arn", "state_table", "region"]
)  # fmt: skip


@given(paths, json_values)
def test_no_value_anywhere_breaks_the_reader(path: str, value: Any) -> None:
    with contextlib.suppress(ContractError):
        from_document(broken(path, value), source="here")
