"""Sync writes what Terraform ignores and leaves the weights; what it must not write, it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.fakes import OFF, FakeWorld, a_world
from toolkit.contract import Stickiness
from toolkit.errors import PreflightRefused, ShiftFailed, Throttled, WrongAccount
from toolkit.rollout.events import Kind, ShiftIntended, ShiftVerified
from toolkit.rollout.ports import Identity
from toolkit.runner.rollback import rollback
from toolkit.runner.shift import shift
from toolkit.runner.sync import plan_sync, sync
from toolkit.settings import CLIENT_SECRET
from toolkit.traffic import Color, Split

CANARY = Split(blue=80, green=20)
STICKY, LONGER = Stickiness(enabled=True, duration_seconds=300), Stickiness(enabled=True, duration_seconds=600)
OIDC: Mapping[str, Any] = {
    "type": "authenticate-oidc",
    "order": 1,
    "settings": {"issuer": "https://id.example", "client_id": "web", "scope": "openid"},
}


def wanting(world: FakeWorld, stickiness: Stickiness, *preceding: Mapping[str, Any]) -> FakeWorld:
    """The world, its contract asking for this on every route."""
    contract = world.service.contract
    routes = tuple(replace(each, stickiness=stickiness, preceding_actions=preceding) for each in contract.routes)
    world.service.contract = replace(contract, routes=routes)
    return world


def test_the_contracts_stickiness_is_written_and_the_weights_stay() -> None:
    world = wanting(a_world(split=CANARY, routes=2), STICKY)
    synced = sync(world.service)
    assert synced.outcome.written
    assert synced.changes == dict.fromkeys(("route-0", "route-1"), ("no stickiness -> stickiness of 300 s",))
    assert [live.stickiness for live in world.router.live.values()] == [STICKY, STICKY]
    assert world.split(0) == world.split(1) == CANARY


def test_it_is_recorded_as_a_sync_that_leaves_the_base() -> None:
    world = a_world()
    shift(world.service, CANARY)
    sync(wanting(world, STICKY).service)
    *_, intent, outcome = world.events()
    assert isinstance(intent, ShiftIntended)
    assert (intent.kind, intent.base, intent.before, intent.to) == (Kind.SYNC, Color.BLUE, {"route-0": CANARY}, CANARY)
    assert isinstance(outcome, ShiftVerified)
    assert rollback(world.service).base is Color.BLUE


def test_preceding_actions_are_written_where_they_differ_only() -> None:
    world = wanting(a_world(), OFF, OIDC)
    synced = sync(world.service, has_client_secret=True)
    assert synced.changes == {"route-0": ("preceding actions: none -> authenticate-oidc",)}
    assert world.router.live["route-0"].preceding == (OIDC,)
    move, _ = plan_sync(world.service)
    assert move.actions["route-0"].preceding is None, "what stands there is kept as AWS tells it"


def test_with_nothing_to_do_nothing_is_written_and_nothing_recorded() -> None:
    world = wanting(a_world(stickiness=STICKY), STICKY)
    synced = sync(world.service)
    assert not synced.outcome.written
    assert synced.changes == {}
    assert world.router.writes == []
    assert world.events() == []


def test_routes_that_differ_are_not_synced_as_one() -> None:
    world = wanting(a_world(routes=2), STICKY)
    live = world.router.live["route-1"]
    world.router.live["route-1"] = replace(live, weights=world.service.contract.weights(CANARY))
    with pytest.raises(PreflightRefused, match="different splits"):
        sync(world.service)
    assert world.router.writes == []


def test_the_account_is_checked_first() -> None:
    world = wanting(a_world(), STICKY)
    world.identities.identity = Identity("arn:aws:sts::999999999999:assumed-role/x/y", "999999999999")
    with pytest.raises(WrongAccount):
        sync(world.service)
    assert world.events() == []


def test_drifted_weights_are_not_kept_without_a_word() -> None:
    world = a_world()
    shift(world.service, CANARY)
    world.put(Split(blue=55, green=45))
    wanting(world, STICKY)
    with pytest.raises(PreflightRefused, match="holds blue 55 / green 45"):
        sync(world.service)
    sync(world.service, accept_drift=True)
    assert world.split() == Split(blue=55, green=45)
    assert world.router.live["route-0"].stickiness == STICKY


def test_when_one_route_fails_the_others_get_their_stickiness_back() -> None:
    world = wanting(a_world(routes=3), STICKY)

    def fail_on_the_last(name: str) -> None:
        if name == "route-2":
            raise Throttled("AWS answered Throttling")

    world.router.before_write = fail_on_the_last
    with pytest.raises(ShiftFailed):
        sync(world.service)
    assert [live.stickiness for live in world.router.live.values()] == [OFF, OFF, OFF]


# Stickiness that a rollback put aside


def rolled_back(wanted: Stickiness, *preceding: Mapping[str, Any]) -> FakeWorld:
    world = a_world(split=CANARY, stickiness=STICKY)
    rollback(world.service, Color.BLUE)
    world.notes.clear()
    return wanting(world, wanted, *preceding)


def test_stickiness_that_a_rollback_put_aside_stays_off_while_its_cookies_live_and_the_rest_is_synced() -> None:
    world = rolled_back(LONGER, OIDC)
    sync(world.service, has_client_secret=True)
    assert world.router.live["route-0"].stickiness == OFF
    assert world.router.live["route-0"].preceding == (OIDC,)
    assert world.service.record().suspended["route-0"].stickiness == STICKY
    assert any("left alone" in note for note in world.notes)


def test_once_its_cookies_have_expired_the_contracts_stickiness_takes_its_place() -> None:
    world = rolled_back(LONGER)
    world.clock.time += timedelta(seconds=400)
    assert sync(world.service).outcome.written
    assert world.router.live["route-0"].stickiness == LONGER
    assert world.service.record().suspended == {}


def test_what_the_contract_no_longer_asks_for_is_forgotten_before_a_shift_brings_it_back() -> None:
    world = rolled_back(OFF)
    world.clock.time += timedelta(seconds=400)
    writes = len(world.router.writes)
    synced = sync(world.service)
    assert not synced.outcome.written
    assert synced.changes == {"route-0": ("stickiness of 300 s that a rollback put aside is forgotten",)}
    assert len(world.router.writes) == writes
    assert world.service.record().suspended == {}
    shift(world.service, CANARY)
    assert world.router.live["route-0"].stickiness == OFF


def test_what_somebody_switched_on_again_is_replaced_by_what_the_contract_asks_for() -> None:
    world = rolled_back(LONGER)
    world.put(Split.all_to(Color.BLUE), stickiness=STICKY)
    sync(world.service)
    assert world.router.live["route-0"].stickiness == LONGER
    assert world.service.record().suspended == {}


# The OIDC client's secret, which AWS never tells


def test_without_the_secret_another_oidc_client_is_refused_before_anything_is_written() -> None:
    world = wanting(a_world(), STICKY, OIDC)
    with pytest.raises(PreflightRefused, match="AWS holds no client secret") as caught:
        sync(world.service)
    assert CLIENT_SECRET in caught.value.hint
    assert world.router.writes == []
    assert world.events() == []
    _, findings = plan_sync(world.service)
    assert "AWS holds no client secret" in findings[-1].reason


def test_a_client_whose_secret_aws_holds_needs_none() -> None:
    world = wanting(a_world(), OFF, {**OIDC, "settings": {**OIDC["settings"], "scope": "openid email"}})
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, preceding=(OIDC,))
    assert sync(world.service).outcome.written
    assert world.router.live["route-0"].preceding[0]["settings"]["scope"] == "openid email"
