"""What is drift, what is meant, which side moved, and who can mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.fakes import ALICE, NOON, OFF, PREFIX, a_contract
from toolkit.contract import Contract, Stickiness
from toolkit.contract import TestRoute as ATestRoute
from toolkit.drift.comparison import Comparison, Found, Side, Who
from toolkit.drift.pending import Pending, PlanView
from toolkit.drift.service import View, compare, needs_client_secret
from toolkit.rollout.events import Head, Kind, SuspendedStickiness
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.preview import Condition, LiveTestRoute
from toolkit.rollout.record import Record
from toolkit.traffic import Color, Split

START, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)
STICKY, LONGER = Stickiness(enabled=True, duration_seconds=300), Stickiness(enabled=True, duration_seconds=600)
OIDC: Mapping[str, Any] = {
    "type": "authenticate-oidc",
    "order": 1,
    "settings": {"issuer": "https://id.example", "client_id": "web", "scope": "openid"},
}
RECORDED = Record(
    head=Head(2), base=Color.BLUE, splits={"route-0": START}, kind=Kind.SHIFT, actor=ALICE.arn, at=NOON, meant=START
)
EMPTY_PLAN = PlanView("infra")


def a_view(
    *,
    contract: Contract | None = None,
    wanted: Stickiness = OFF,
    held: Stickiness = OFF,
    asked: tuple[Mapping[str, Any], ...] = (),
    preceding: tuple[Mapping[str, Any], ...] = (),
    split: Split = START,
    **rest: Any,
) -> View:
    """One route whose contract asks for `wanted` and `asked`, and which holds `held` and `preceding` at `split`."""
    contract = contract or a_contract()
    route = replace(contract.routes[0], stickiness=wanted, preceding_actions=asked)
    contract = replace(contract, routes=(route,))
    live = LiveRoute(route, contract.weights(split), held, preceding)
    words: dict[str, Any] = {"record": RECORDED, "now": NOON, **rest}
    return View(contract=contract, routes={route.name: live}, **words)


def about(view: View, subject: str) -> Comparison:
    (found,) = [each for each in compare(view) if subject in each.subject]
    return found


def drifted(view: View) -> list[str]:
    return [each.subject for each in compare(view) if each.found is Found.DRIFT]


def aside(seconds: float, stickiness: Stickiness = STICKY) -> Record:
    """A record in which a rollback put stickiness aside until so many seconds from noon."""
    held = SuspendedStickiness(stickiness, NOON + timedelta(seconds=seconds))
    return replace(RECORDED, suspended={"route-0": held})


def test_where_all_agree_there_is_no_drift_and_what_nobody_looked_at_is_said() -> None:
    view = a_view()
    assert drifted(view) == []
    plan = about(view, "Terraform's plan")
    assert plan.found is Found.UNSEEN
    assert "--dir" in plan.reason
    assert "[service.web]" in plan.reason


# The recorded split and AWS


def test_weights_that_nobody_recorded_are_drift_of_aws() -> None:
    found = about(a_view(split=CANARY), "split")
    assert found.found is Found.DRIFT
    assert found.moved is Side.AWS
    assert "AWS holds blue 80 / green 20, but blue 100 / green 0 was recorded" in found.reason
    assert ALICE.arn in found.reason
    assert {mend.who for mend in found.mends} == {Who.RELEASER}
    assert [mend.command for mend in found.mends if mend.command] == [
        "bluegreen shift web blue=80,green=20 --accept-drift",
        "bluegreen shift web blue=100,green=0 --accept-drift",
        "bluegreen rollback web",
    ]
    assert "ModifyRule" in found.mends[0].how


def test_what_routes_hold_apart_is_not_offered_as_one_shift() -> None:
    contract = a_contract(routes=2)
    live = {
        route.name: LiveRoute(route, contract.weights(split), OFF)
        for route, split in zip(contract.routes, (START, CANARY), strict=True)
    }
    record = replace(RECORDED, splits=dict.fromkeys(live, START), base=None)
    (found,) = [each for each in compare(View(contract, live, record, NOON)) if each.found is Found.DRIFT]
    assert found.subject == "route route-1, split"
    commands = [mend.command for mend in found.mends if mend.command]
    assert commands == ["bluegreen shift web blue=100,green=0 --accept-drift"]


def test_what_is_not_recorded_cannot_differ() -> None:
    found = about(a_view(split=CANARY, record=Record()), "split")
    assert found.found is Found.OK
    assert "nothing is recorded" in found.reason


@pytest.mark.parametrize("split", [START, CANARY])
def test_an_intent_without_an_outcome_is_said_and_is_no_drift(split: Split) -> None:
    record = replace(RECORDED, in_doubt=True, meant=CANARY)
    found = about(a_view(split=split, record=record), "split")
    assert found.found is Found.EXPECTED
    assert "in doubt" in found.reason
    assert about(a_view(split=Split(blue=1, green=1), record=record), "split").found is Found.DRIFT


def test_a_route_that_is_gone_is_mended_by_whoever_owns_the_terraform() -> None:
    view = replace(a_view(), routes={})
    found = about(view, "split")
    assert found.found is Found.DRIFT
    assert found.moved is Side.AWS
    assert found.mends[0].who is Who.OWNER
    assert len(drifted(view)) == 1, "a route that is gone has no stickiness to differ"


# The contract and what Terraform ignores


@pytest.mark.parametrize(("wanted", "held"), [(STICKY, OFF), (OFF, STICKY), (LONGER, STICKY)])
def test_stickiness_that_never_reached_aws_is_drift_that_sync_mends(wanted: Stickiness, held: Stickiness) -> None:
    found = about(a_view(wanted=wanted, held=held, plan=EMPTY_PLAN), "stickiness")
    assert found.found is Found.DRIFT
    assert found.moved is Side.TERRAFORM
    assert "Terraform ignores the action" in found.reason
    assert (found.mends[0].who, found.mends[0].command) == (Who.RELEASER, "bluegreen sync web")
    assert found.mends[1].who is Who.OWNER
    assert about(a_view(wanted=wanted, held=wanted), "stickiness").found is Found.OK


def test_without_a_plan_nobody_can_tell_that_aws_was_edited_and_that_is_said() -> None:
    assert "only a plan could tell" in about(a_view(wanted=STICKY), "stickiness").reason


def test_an_action_edited_in_aws_since_the_last_apply_is_drift_of_aws() -> None:
    view = a_view(wanted=STICKY, held=LONGER)
    edited = replace(EMPTY_PLAN, edited=frozenset({view.contract.routes[0].arn}))
    found = about(replace(view, plan=edited), "stickiness")
    assert found.moved is Side.AWS
    assert "edited in AWS" in found.reason


def test_stickiness_that_a_rollback_put_aside_is_expected_until_its_time_is_over() -> None:
    waiting = about(a_view(wanted=STICKY, record=aside(60)), "stickiness")
    assert waiting.found is Found.EXPECTED
    assert "2026-01-02T12:01:00+00:00" in waiting.reason
    over = about(a_view(wanted=STICKY, record=aside(0)), "stickiness")
    assert (over.found, over.moved) == (Found.DRIFT, Side.AWS)
    assert over.mends[0].command == "bluegreen restore-stickiness web"


def test_stickiness_put_aside_that_the_contract_no_longer_asks_for_is_told_before_a_shift_brings_it_back() -> None:
    assert "sync it then" in about(a_view(record=aside(60)), "stickiness").reason
    found = about(a_view(record=aside(0)), "stickiness")
    assert (found.found, found.moved) == (Found.DRIFT, Side.TERRAFORM)
    assert found.mends[0].command == "bluegreen sync web"
    other = about(a_view(wanted=LONGER, record=aside(0)), "stickiness")
    assert other.mends[0].command == "bluegreen sync web"


def test_a_preceding_action_that_is_missing_or_another_one_is_drift() -> None:
    assert about(a_view(asked=(OIDC,), preceding=(OIDC,)), "preceding").found is Found.OK
    assert "asks for authenticate-oidc, AWS holds none" in about(a_view(asked=(OIDC,)), "preceding").reason
    assert "asks for none, AWS holds authenticate-oidc" in about(a_view(preceding=(OIDC,)), "preceding").reason


def test_settings_of_a_preceding_action_that_differ_are_named() -> None:
    wider = {**OIDC, "settings": {**OIDC["settings"], "scope": "openid email"}}
    found = about(a_view(asked=(wider,), preceding=(OIDC,)), "preceding")
    assert found.found is Found.DRIFT
    assert "authenticate-oidc: the contract asks for scope 'openid email', AWS holds 'openid'" in found.reason
    assert "client_id" not in found.reason


def test_the_secret_is_needed_for_another_client_or_issuer_only() -> None:
    def needed(**changed: str) -> bool:
        wanted = {**OIDC, "settings": {**OIDC["settings"], **changed}}
        view = a_view(asked=(wanted,), preceding=(OIDC,))
        return needs_client_secret(view.contract.routes[0], view.routes["route-0"])

    assert not needed()
    assert not needed(scope="openid email")
    assert needed(client_id="another")
    assert needed(issuer="https://other.example")
    view = a_view(asked=(OIDC,))
    assert needs_client_secret(view.contract.routes[0], view.routes["route-0"])


# Test routes


def a_test_route(**changed: Any) -> tuple[Contract, dict[str, LiveTestRoute]]:
    contract = a_contract()
    route = ATestRoute("green-test", Color.GREEN, f"{PREFIX}:listener-rule/app/web/1/2/t", "listener", "x-color")
    live = LiveTestRoute(
        route,
        "HTTP",
        80,
        (Condition("http-header", ("s3cret",), header="X-Color"),),
        {contract.target_groups[Color.GREEN].arn: 1},
    )
    return replace(contract, test_routes=(route,)), {route.name: replace(live, **changed)}


def test_a_test_route_that_forwards_to_its_color_alone_is_fine() -> None:
    contract, live = a_test_route()
    assert about(a_view(contract=contract, test_routes=live), "test route").found is Found.OK


def test_a_test_route_that_is_gone_or_leads_elsewhere_is_mended_by_terraform() -> None:
    groups = a_contract().target_groups
    both = {groups[color].arn: 1 for color in Color}
    for live, said in (
        ({}, "it is gone"),
        (a_test_route(weights={groups[Color.BLUE].arn: 1})[1], "forwards to blue at 1, not to green alone"),
        (a_test_route(weights=both)[1], "forwards to blue at 1, green at 1"),
        (a_test_route(weights={})[1], "forwards to no target group"),
        (a_test_route(conditions=(Condition("path-pattern", ("/*",)),))[1], "asks for no header x-color"),
    ):
        found = about(a_view(contract=a_test_route()[0], test_routes=live), "test route")
        assert (found.found, found.moved) == (Found.DRIFT, Side.AWS)
        assert said in found.reason
        assert found.mends[0].who is Who.OWNER


# Terraform's plan and AWS


def pending(**words: Any) -> Pending:
    contract = a_contract()
    told = {"address": "m.rule", "role": "route", "action": "update", "moved": Side.TERRAFORM, **words}
    return Pending(**{"arn": contract.routes[0].arn, **told})


def planned(*changes: Pending) -> View:
    return a_view(plan=PlanView("in fra", changes))


def test_an_empty_plan_is_no_drift_and_other_changes_are_counted() -> None:
    assert about(planned(), "plan").found is Found.OK
    stranger = pending(arn="arn:aws:elasticloadbalancing:::targetgroup/other/1")
    found = about(planned(stranger), "plan")
    assert found.found is Found.OK
    assert "1 other change pending" in found.reason


def test_a_plan_that_writes_the_routes_action_is_told_as_what_it_is() -> None:
    found = about(planned(pending(writes_action=True)), "plan")
    assert (found.found, found.moved) == (Found.DRIFT, Side.TERRAFORM)
    assert "TAKES THE WEIGHTS BACK" in found.reason
    assert "lifecycle { ignore_changes = [action] }" in found.mends[0].how
    assert found.mends[0].command == "", "nobody should paste this apply"


def test_a_listener_route_needs_another_lifecycle_block() -> None:
    contract = a_contract(network=True)
    change = pending(arn=contract.routes[0].arn, writes_action=True)
    view = a_view(contract=contract, plan=PlanView("infra", (change,)))
    assert "ignore_changes = [default_action]" in about(view, "plan").mends[0].how


@pytest.mark.parametrize("action", ["delete", "replace"])
def test_a_plan_that_takes_the_route_away_is_not_offered(action: str) -> None:
    found = about(planned(pending(action=action, reason="it is tainted")), "plan")
    assert "the route with its weights would be gone (it is tainted)" in found.reason
    assert found.mends[0].command == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pending(attributes=("condition",)), "would update m.rule (condition); its configuration was changed"),
        (pending(attributes=("condition",), moved=Side.AWS), "it was changed in AWS"),
        (pending(arn="", id="/bluegreen/web/deployment"), "configuration was changed and not applied"),
        (pending(follows=True), "it follows from other changes of this plan"),
        (pending(action="create", moved=Side.AWS), "would create m.rule; it is gone from AWS"),
    ],
)
def test_what_is_pending_for_the_service_says_who_moved(change: Pending, said: str) -> None:
    found = about(planned(change), "plan")
    assert found.found is Found.DRIFT
    assert found.moved is change.moved
    assert said in found.reason
    assert found.mends[0].command == "bluegreen infra apply --dir 'in fra'"
