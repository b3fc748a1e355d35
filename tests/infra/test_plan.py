"""What a plan does is read completely or refused, and what carries traffic is not replaced unasked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ReplaceRefused, TerraformFailed
from toolkit.infra.differences import UNKNOWN, Difference
from toolkit.infra.plan import Action, PlannedChanges, guard, read

GUARDED = [
    ("aws_lb_listener_rule", "route"),
    ("aws_alb_listener_rule", "route"),
    ("aws_lb_listener", "listener"),
    ("aws_alb_listener", "listener"),
    ("aws_lb_target_group", "target group"),
    ("aws_alb_target_group", "target group"),
    ("aws_lb", "load balancer"),
    ("aws_alb", "load balancer"),
]


def change(
    *actions: str,
    kind: str = "aws_lb_listener_rule",
    name: str = "web",
    detail: dict[str, Any] | None = None,
    **rest: Any,
) -> dict[str, Any]:
    return {
        "address": f"module.web.{kind}.{name}",
        "mode": "managed",
        "type": kind,
        "change": {"actions": list(actions), **(detail or {})},
        **rest,
    }


def a_plan(*changes: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(changes), **rest}


@pytest.mark.parametrize(("kind", "role"), GUARDED)
@pytest.mark.parametrize(
    "actions",
    [("delete",), ("delete", "create"), ("create", "delete"), ("create", "forget"), ("forget", "create")],
    ids="-".join,
)
def test_deleting_or_replacing_what_carries_traffic_is_refused(kind: str, role: str, actions: tuple[str, ...]) -> None:
    planned = read(a_plan(change("create", kind="aws_vpc"), change(*actions, kind=kind)))
    with pytest.raises(ReplaceRefused, match="Nothing was changed") as refused:
        guard(planned)
    assert f"{role} module.web.{kind}.web" in refused.value.message
    assert "aws_vpc" not in refused.value.message
    assert "--allow-replace" in refused.value.hint


@pytest.mark.parametrize("kind", [kind for kind, _ in GUARDED])
@pytest.mark.parametrize("action", ["create", "update", "no-op", "forget", "read"])
def test_everything_else_may_happen_to_it(kind: str, action: str) -> None:
    guard(read(a_plan(change(action, kind=kind))))


@pytest.mark.parametrize(
    "kind", ["aws_lb_target_group_attachment", "aws_security_group", "aws_lb_listener_certificate"]
)
def test_what_carries_no_traffic_may_be_replaced(kind: str) -> None:
    guard(read(a_plan(change("delete", "create", kind=kind))))


def test_the_refusal_names_every_resource_and_why() -> None:
    planned = read(
        a_plan(
            change(
                "delete",
                "create",
                kind="aws_lb_target_group",
                name='this["blue"]',
                action_reason="replace_because_cannot_update",
                detail={"replace_paths": [["port"], ["vpc_id"], ["port", 0]]},
            ),
            change("delete", name="gone", action_reason="delete_because_each_key"),
        )
    )
    with pytest.raises(ReplaceRefused) as refused:
        guard(planned)
    assert 'replace target group module.web.aws_lb_target_group.this["blue"] ' in refused.value.message
    assert "(AWS cannot change it in place: port, vpc_id)" in refused.value.message
    assert "delete route module.web.aws_lb_listener_rule.gone (its key is gone from for_each)" in refused.value.message


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("replace_by_request", "--replace"),
        ("replace_because_tainted", "tainted"),
        ("a_reason_of_next_year", "a reason of next year"),
        (None, ""),
    ],
)
def test_terraforms_reason_is_put_in_words(reason: str | None, words: str) -> None:
    assert words in read(a_plan(change("delete", "create", action_reason=reason))).changes[0].reason


def test_a_deposed_object_is_named_as_one() -> None:
    planned = read(a_plan(change("delete", kind="aws_lb_target_group", deposed="a1b2c3d4")))
    assert planned.refused[0].address.endswith("(deposed)")


def test_data_sources_and_unchanged_resources_are_no_changes() -> None:
    planned = read(a_plan(change("read", mode="data"), change("delete", mode="data"), change("no-op")))
    assert planned == PlannedChanges()
    assert planned.is_empty


def test_moves_imports_and_outputs_are_changes_of_their_own() -> None:
    planned = read(
        a_plan(
            change("no-op", name="new", previous_address="aws_lb_listener_rule.old"),
            change("no-op", name="found", detail={"importing": {"id": "arn:x"}}),
            output_changes={"deployment": {"actions": ["update"]}, "same": {"actions": ["no-op"]}},
        )
    )
    assert planned == PlannedChanges(
        moves=("module.web.aws_lb_listener_rule.new",),
        imports=("module.web.aws_lb_listener_rule.found",),
        outputs=("deployment",),
    )
    assert not planned.is_empty


def test_a_plan_without_resources_leaves_them_out() -> None:
    assert read({"format_version": "1.0"}).is_empty


def test_a_replacement_is_two_steps_and_forgetting_none() -> None:
    assert read(a_plan(change("create"), change("delete", "create"), change("forget"))).steps == 3


def test_changes_are_found_by_what_happens() -> None:
    planned = read(a_plan(change("create", name="a"), change("delete", "create", name="b")))
    assert [found.address[-1] for found in planned.of(Action.REPLACE)] == ["b"]


FORWARD = [{"type": "forward", "forward": [{"target_group": [{"arn": "b", "weight": 100}]}]}]
OTHER = [{"type": "forward", "forward": [{"target_group": [{"arn": "b", "weight": 0}]}]}]


@pytest.mark.parametrize(
    ("kind", "detail", "resets"),
    [
        ("aws_lb_listener_rule", {"before": {"action": FORWARD}, "after": {"action": OTHER}}, True),
        ("aws_lb_listener_rule", {"before": {"action": FORWARD, "tags": 1}, "after": {"action": FORWARD}}, False),
        ("aws_lb_listener", {"before": {"default_action": FORWARD}, "after": {"default_action": OTHER}}, True),
        ("aws_lb_listener", {"before": {"action": FORWARD}, "after": {"action": OTHER}}, False),
        (
            "aws_alb_listener_rule",
            {
                "before": {"action": FORWARD},
                "after": {"action": FORWARD},
                "after_unknown": {"action": [{"forward": [{"target_group": [{"arn": True}]}]}]},
            },
            True,
        ),
        (
            "aws_lb_listener_rule",
            {"before": {"action": FORWARD}, "after": {"action": FORWARD}, "after_unknown": {"action": [{}]}},
            False,
        ),
        ("aws_lb_target_group", {"before": {"action": FORWARD}, "after": {"action": OTHER}}, False),
    ],
)
def test_an_update_that_writes_the_action_is_seen_as_a_reset_of_the_weights(
    kind: str, detail: dict[str, Any], resets: bool
) -> None:
    assert bool(read(a_plan(change("update", kind=kind, detail=detail))).resets) is resets


ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-blue/1"


def differing(before: object, after: object, **marks: object) -> tuple[Difference, ...]:
    detail = {"before": before, "after": after, **marks}
    return read(a_plan(change("update", detail=detail))).changes[0].differences


def test_a_change_names_the_object_that_it_happens_to() -> None:
    existing = {"before": {"id": "tg-1", "arn": ARN, "port": 80}, "after": None}
    created, deleted = read(
        a_plan(change("create", detail={"before": None, "after": {"id": "new"}}), change("delete", detail=existing))
    ).changes
    assert (created.id, created.arn, created.differences) == ("", "", ())
    assert (deleted.id, deleted.arn, deleted.differences) == ("tg-1", ARN, ())


def test_a_replacement_and_an_update_say_which_attributes_differ() -> None:
    detail = {"before": {"id": "1", "port": 80, "name": "a", "gone": 1}, "after": {"id": "1", "port": 81, "name": "a"}}
    for actions in (["update"], ["delete", "create"]):
        (found,) = read(a_plan(change(*actions, detail=detail))).changes
        assert found.differences == (Difference("gone", 1, None), Difference("port", 80, 81))


def test_what_only_the_apply_tells_is_said_to_be_unknown_however_deep() -> None:
    assert differing(
        {"arn": "x", "action": [{"type": "forward", "order": 1}], "same": [1]},
        {"action": [{"type": "forward"}], "same": [1]},
        after_unknown={"arn": True, "action": [{"order": True}, {"type": True}], "same": [False], "none": {"a": False}},
    ) == (
        Difference(
            "action",
            [{"type": "forward", "order": 1}],
            [{"type": "forward", "order": UNKNOWN}, {"type": UNKNOWN}],
        ),
        Difference("arn", "x", UNKNOWN),
    )


def test_a_changed_secret_is_a_difference_that_shows_neither_value() -> None:
    assert differing(
        {"password": "old secret", "options": {"key": "old key", "size": 1}, "kept": "always the same"},
        {"password": "new secret", "options": {"key": "new key", "size": 2}, "kept": "always the same"},
        before_sensitive={"password": True, "options": {"key": True}, "kept": True},
        after_sensitive={"password": True, "options": {"key": True}, "kept": True},
    ) == (
        Difference("options", {"key": "(sensitive)", "size": 1}, {"key": "(sensitive)", "size": 2}),
        Difference("password", "(sensitive)", "(sensitive)"),
    )


def test_a_secret_stays_hidden_where_another_attribute_repeats_it_without_its_mark() -> None:
    assert differing(
        {"input": "old secret", "output": {"all": ["got: old secret"]}},
        {"input": "new secret", "output": {"all": ["got: new secret"]}},
        before_sensitive={"input": True},
        after_sensitive={"input": True},
    ) == (
        Difference("input", "(sensitive)", "(sensitive)"),
        Difference("output", {"all": ["got: (sensitive)"]}, {"all": ["got: (sensitive)"]}),
    )


def test_what_the_refresh_noticed_is_told_apart_from_what_the_plan_does() -> None:
    edited = {"before": {"id": "r", "arn": ARN, "action": FORWARD}, "after": {"id": "r", "arn": ARN, "action": OTHER}}
    planned = read(
        a_plan(
            resource_drift=[
                change("update", detail=edited),
                change("delete", kind="aws_lb", name="gone", detail={"before": {"id": "lb"}, "after": None}),
                change("no-op", name="moved", previous_address="aws_lb_listener_rule.old"),
                change("update", mode="data"),
            ]
        )
    )
    assert planned.is_empty
    assert planned.refused == planned.resets == ()
    updated, gone = planned.drift
    assert (updated.address, updated.action, updated.arn) == (
        "module.web.aws_lb_listener_rule.web",
        Action.UPDATE,
        ARN,
    )
    assert updated.differences == (Difference("action", FORWARD, OTHER),)
    assert (gone.address, gone.action, gone.id) == ("module.web.aws_lb.gone", Action.DELETE, "lb")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"format_version": 1},
        {"format_version": "2.0", "resource_changes": []},
        a_plan(errored=True),
        a_plan(change("delete", "create", "delete")),
        a_plan(change("obliterate")),
        a_plan(change()),
        a_plan({"address": "a", "type": "aws_lb"}),
        a_plan({"address": "a", "type": "aws_lb", "change": {"actions": "delete"}}),
        a_plan({"type": "aws_lb", "change": {"actions": ["delete"]}}),
        a_plan({"address": "a", "change": {"actions": ["delete"]}}),
        a_plan("aws_lb"),  # type: ignore[arg-type]
        {"format_version": "1.2", "resource_changes": {}},
        {"format_version": "1.2", "resource_drift": {}},
        a_plan(resource_drift=[change("obliterate")]),
        {"format_version": "1.2", "output_changes": []},
    ],
)
def test_a_plan_that_is_not_understood_is_never_applied(document: object) -> None:
    with pytest.raises(TerraformFailed, match=r"nothing was (applied|changed)"):
        read(document)


WORDS = (
    *("address", "type", "mode", "change", "actions", "action", "id"),
    *("before", "after", "after_unknown", "before_sensitive", "after_sensitive"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["delete", "create", "aws_lb"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
documents = st.fixed_dictionaries(
    {"format_version": st.sampled_from(["1.2", "1.0"]) | json_values},
    optional={
        "resource_changes": json_values,
        "resource_drift": json_values,
        "output_changes": json_values,
        "errored": json_values,
    },
)


@given(documents | json_values)
def test_any_json_is_read_or_refused(document: object) -> None:
    try:
        planned = read(document)
    except TerraformFailed:
        return
    assert all(found.address and found.type for found in planned.changes)


@given(
    st.fixed_dictionaries(
        {"before": json_values, "after": json_values}, optional=dict.fromkeys(WORDS[-3:], json_values)
    )
)
def test_every_change_however_marked_has_readable_differences(detail: dict[str, Any]) -> None:
    (found,) = read(a_plan(change("update", detail=detail))).changes
    if isinstance(detail["before"], dict) and isinstance(detail["after"], dict):
        edited = {
            name
            for name in {*detail["before"], *detail["after"]}
            if detail["before"].get(name) != detail["after"].get(name)
        }
        if "after_unknown" not in detail:
            assert {told.attribute for told in found.differences} == edited
    else:
        assert found.differences == ()


entries = st.builds(
    lambda actions, kind, name, mode: change(*actions, kind=kind, name=name, mode=mode),
    st.sampled_from(
        [("no-op",), ("create",), ("read",), ("update",), ("delete",), ("delete", "create"), ("create", "delete")]
    ),
    st.sampled_from([kind for kind, _ in GUARDED] + ["aws_vpc", "aws_dynamodb_table"]),
    st.text("abc", min_size=1, max_size=3),
    st.sampled_from(["managed", "data"]),
)


@given(st.lists(entries, max_size=8))
def test_the_guard_refuses_exactly_when_a_managed_guarded_resource_is_deleted(entries: list[dict[str, Any]]) -> None:
    roles = dict(GUARDED)
    doomed = {
        entry["address"]
        for entry in entries
        if entry["mode"] == "managed" and entry["type"] in roles and "delete" in entry["change"]["actions"]
    }
    planned = read(a_plan(*entries))
    assert {found.address for found in planned.refused} == doomed
    if doomed:
        with pytest.raises(ReplaceRefused):
            guard(planned)
    else:
        guard(planned)
