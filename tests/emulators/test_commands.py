"""Every command on a pair that boto3 has made, at the endpoint of a column: what it says, and what AWS holds then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands, Ended
from tests.support.provision import Provisioned
from tests.support.world import wait_for

pytestmark = pytest.mark.emulators

HEADER = "x-bluegreen-color"
COOKIES_SECONDS = 150.0  # the command waits a minute longer than the cookies last
DEAD = ["10.251.0.1", "10.251.0.2"]  # nobody answers there
DRIFT = 35  # the exit code of `drift` where something differs


@pytest.fixture
def bluegreen(environ: dict[str, str], tmp_path: Path) -> Commands:
    return Commands(environ, tmp_path)


@pytest.fixture
def web(pair: Callable[..., Provisioned]) -> Provisioned:
    """The service `web` at 100/0, its rule seen to forward to both colors, and every target healthy."""
    made = pair()
    for color in ("blue", "green"):
        wait_for(made, color, "healthy")
    return made


def succeeded(ended: Ended) -> Any:
    """The document of a command that ended with 0; else its words are the failure's."""
    assert ended.code == 0, f"exit {ended.code}: {ended.err or ended.out}"
    return json.loads(ended.out)


def stickiness(pair: Provisioned) -> int | None:
    """The seconds that the first route's cookies last; None without stickiness."""
    held = pair.actions()[-1]["ForwardConfig"]["TargetGroupStickinessConfig"]
    return int(held["DurationSeconds"]) if held["Enabled"] else None


def publish(pair: Provisioned) -> None:
    """Put the contract, as it now is, where commands read it."""
    pair.client("ssm").put_parameter(
        Name=f"/bluegreen/{pair.contract['name']}/deployment",
        Value=json.dumps(pair.contract),
        Type="String",
        Overwrite=True,
    )


def test_status_tells_split_live_color_and_health(web: Provisioned, bluegreen: Commands) -> None:
    told = succeeded(bluegreen("status", "web", "-o", "json"))
    assert told["live"] == "blue", told["routes"]
    assert told["routes"]["web"]["split"] == {"blue": 100, "green": 0}
    assert {color: each["healthy"] for color, each in told["colors"].items()} == {"blue": 2, "green": 2}


def test_doctor_finds_nothing_against_a_cutover(web: Provisioned, bluegreen: Commands) -> None:
    ended = bluegreen("doctor", "web", "-o", "json")
    assert "refused" not in json.dumps(succeeded(ended))


def test_doctor_refuses_a_cutover_to_a_color_without_a_healthy_target(
    pair: Callable[..., Provisioned], bluegreen: Commands, world: Any
) -> None:
    made = pair(targets={"blue": world.addresses["blue"], "green": DEAD})
    wait_for(made, "blue", "healthy")
    ended = bluegreen("doctor", "web")
    assert ended.code != 0, f"nothing is refused, though nobody answers for green: {ended.out}"
    assert "healthy target" in ended.out + ended.err, f"exit {ended.code}: {ended.out}{ended.err}"


def test_shift_writes_the_split_and_keeps_a_record(web: Provisioned, bluegreen: Commands) -> None:
    succeeded(bluegreen("shift", "web", "green=20", "-o", "json"))
    assert web.weights() == {"blue": 80, "green": 20}
    assert succeeded(bluegreen("status", "web", "-o", "json"))["record"]["in_doubt"] is False


def test_cutover_gives_everything_to_the_idle_color(web: Provisioned, bluegreen: Commands) -> None:
    succeeded(bluegreen("cutover", "web", "--bake", "1", "-o", "json"))
    assert web.weights() == {"blue": 0, "green": 100}
    assert succeeded(bluegreen("status", "web", "-o", "json"))["live"] == "green"


def test_rollback_gives_it_back_to_the_base(web: Provisioned, bluegreen: Commands) -> None:
    succeeded(bluegreen("shift", "web", "green=50", "-o", "json"))
    succeeded(bluegreen("rollback", "web", "-o", "json"))
    assert web.weights() == {"blue": 100, "green": 0}


def test_restore_stickiness_brings_back_what_a_rollback_switched_off(web: Provisioned, bluegreen: Commands) -> None:
    web.set_weights(50, 50, stickiness=1)
    succeeded(bluegreen("rollback", "web", "--to", "blue", "-o", "json"))
    assert stickiness(web) is None
    succeeded(bluegreen("restore-stickiness", "web", "--wait", "-o", "json", timeout=COOKIES_SECONDS))
    assert stickiness(web) == 1
    assert web.weights() == {"blue": 100, "green": 0}


def test_drift_tells_a_weight_that_somebody_else_wrote(web: Provisioned, bluegreen: Commands) -> None:
    succeeded(bluegreen("shift", "web", "green=20", "-o", "json"))
    succeeded(bluegreen("drift", "web", "-o", "json"))
    web.set_weights(50, 50)
    assert bluegreen("drift", "web").code == DRIFT


def test_sync_writes_the_contracts_stickiness_and_keeps_the_weights(web: Provisioned, bluegreen: Commands) -> None:
    web.set_weights(70, 30)
    web.contract["routes"][0]["stickiness"] = {"enabled": True, "duration_seconds": 300}
    publish(web)
    succeeded(bluegreen("sync", "web", "-o", "json"))
    assert stickiness(web) == 300
    assert web.weights() == {"blue": 70, "green": 30}


def test_preview_prints_the_header_that_reaches_the_idle_color(web: Provisioned, bluegreen: Commands) -> None:
    listener = web.contract["routes"][0]["listener_arn"]
    asks = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": ["s3cret"]}}
    rule = web.client("elbv2").create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[asks],
        Actions=[{"Type": "forward", "TargetGroupArn": web.group("green")}],
    )["Rules"][0]["RuleArn"]
    route = {"name": "web-green-test", "color": "green", "arn": rule, "listener_arn": listener, "header_name": HEADER}
    web.contract["test_routes"] = [route]
    publish(web)
    ended = bluegreen("preview", "web", "--color", "green")
    assert ended.code == 0, f"exit {ended.code}: {ended.err}"
    assert f"{HEADER}: s3cret" in ended.out


def test_adopt_takes_over_what_others_made_and_shifts_it(web: Provisioned, bluegreen: Commands) -> None:
    web.client("ssm").delete_parameter(Name="/bluegreen/web/deployment")
    adopted = bluegreen("adopt", "--load-balancer", "web", "--name", "web", "--state-table", "bluegreen-web", "--yes")
    assert adopted.code == 0, f"exit {adopted.code}: {adopted.err}"
    succeeded(bluegreen("shift", "web", "green=20", "-o", "json"))
    assert web.weights() == {"blue": 80, "green": 20}
