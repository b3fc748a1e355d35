"""The whole way for real: Terraform provisions, the toolkit shifts, traffic runs; one world, its tests in order.

Terraform applies all of it once, and then changes: the rule's condition, its stickiness and test routes.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.e2e.command import assert_one_clear_line
from tests.e2e.middleman import middleman
from tests.e2e.release import Release, ask, provisioned, requests_until, until
from toolkit.contract import from_document
from toolkit.lab.load import LoadProcess
from toolkit.lab.processes import is_running

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform]

RULE = "module.route.aws_lb_listener_rule.this"
HEADER_VALUES = {"blue": "b1ue-s3cret", "green": 'it\'s-$HOME-"of"-gr33n'}
PLATEAU = 4000  # requests that a split is judged by
CHI_SQUARED_BOUND = 23.93  # 1 degree of freedom, p = 1e-6: one false alarm in a million runs
SETTLED = 0.02  # seconds; two buckets of the load's result, so that no bucket lies on an edge


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with provisioned(tmp_path_factory.mktemp("e2e")) as world:
        yield world


@pytest.fixture
def on_blue(release: Release) -> Release:
    """The world with all traffic on blue, as the record says, and every target healthy."""
    for color in release.apps:
        release.set_health(color, unhealthy=False)
    back = release.bluegreen("rollback", "web", "--to", "blue")
    assert back.code == 0, back.err
    return release


def answered_by(load: LoadProcess, *, since: float) -> dict[str, int]:
    """End the load; no request failed; who answered those that began after `since`."""
    result = load.stop()
    assert result.failed == 0, result.failures[:5]
    return {color: result.started(color, since) for color in ("blue", "green")}


def cookie_from(color: str, url: str) -> str:
    """The cookie of a new client that `color` answers."""
    for _ in range(200):
        answered, cookie = ask(url)
        if answered == color:
            return cookie
    raise AssertionError(f"{color} answered none of 200 new clients")


def test_an_apply_leaves_the_contract_and_a_service_that_is_live_on_blue(release: Release) -> None:
    parameter = release.pair.client("ssm").get_parameter(Name="/bluegreen/web/deployment")["Parameter"]
    printed = release.bluegreen("infra", "output", "--dir", str(release.directory)).json()
    assert json.loads(parameter["Value"]) == printed == release.pair.contract
    assert parameter["Type"] == "String"
    assert from_document(printed, source="the output").name == "web"

    status = release.status()
    assert status["live"] == "blue"
    assert status["routes"]["web"]["split"] == {"blue": 100, "green": 0}
    assert {color: told["healthy"] for color, told in status["colors"].items()} == {"blue": 2, "green": 2}
    assert status["record"] is None


def test_the_plan_after_an_apply_is_empty(release: Release) -> None:
    assert release.plan_exit_code() == 0


def test_a_shift_of_20_percent_moves_20_percent_and_loses_no_request(on_blue: Release) -> None:
    with on_blue.load(rate=800) as load:
        assert on_blue.bluegreen("shift", "web", "green=20").code == 0
        shifted = time.monotonic() + SETTLED
        requests_until(load, PLATEAU)
        seen = answered_by(load, since=shifted)
    total = seen["blue"] + seen["green"]
    assert total >= 0.9 * PLATEAU
    expected = {"blue": 0.8 * total, "green": 0.2 * total}
    assert sum((seen[color] - expected[color]) ** 2 / expected[color] for color in seen) < CHI_SQUARED_BOUND


def test_the_plan_after_a_shift_is_empty(release: Release) -> None:
    assert release.pair.weights() == {"blue": 80, "green": 20}
    assert release.plan_exit_code() == 0


def test_an_apply_that_edits_the_rules_condition_keeps_the_live_weights(release: Release) -> None:
    assert release.pair.weights() == {"blue": 80, "green": 20}
    release.variables["path_patterns"] = ["/", "/api/*"]
    with release.load(rate=100) as load:
        applied = release.infra("apply", "--yes", "-o", "json").json()
        assert load.stop().failed == 0
    assert applied["plan"]["changes"] == [
        {"address": RULE, "type": "aws_lb_listener_rule", "action": "update", "reason": ""}
    ]
    assert release.pair.weights() == {"blue": 80, "green": 20}
    rule = release.pair.client("elbv2").describe_rules(RuleArns=release.pair.rule_arns)["Rules"][0]
    assert rule["Conditions"][0]["PathPatternConfig"]["Values"] == ["/", "/api/*"]


def test_a_replacement_of_the_rule_is_refused_and_the_weights_stay(release: Release) -> None:
    refused = release.infra("apply", "--yes", "--replace", RULE)
    assert refused.code == 42
    last = refused.err.splitlines()[-1]
    assert RULE in last
    assert "--allow-replace" in last
    assert release.pair.weights() == {"blue": 80, "green": 20}


def test_a_cutover_and_the_rollback_after_it_lose_no_request(on_blue: Release) -> None:
    with on_blue.load() as load:
        before_cutover = time.monotonic() - SETTLED
        assert on_blue.bluegreen("cutover", "web", "--bake", "1").code == 0
        after_cutover = time.monotonic() + SETTLED
        promoted = on_blue.status()
        requests_until(load, 400)
        before_rollback = time.monotonic() - SETTLED
        assert on_blue.bluegreen("rollback", "web").code == 0
        after_rollback = time.monotonic() + SETTLED
        requests_until(load, 400)
        result = load.stop()

    assert result.failed == 0, result.failures[:5]
    assert result.requests == sum(result.colors.values())
    stretches = [(result.began, before_cutover), (after_cutover, before_rollback), (after_rollback, time.monotonic())]
    answered = [{color: result.started(color, *between) for color in ("blue", "green")} for between in stretches]
    assert [{color for color, count in seen.items() if count} for seen in answered] == [{"blue"}, {"green"}, {"blue"}]
    assert answered[1]["green"] >= 300

    assert promoted["live"] == "green"
    assert promoted["record"]["promoted"] == "green"
    rolled_back = on_blue.status()
    assert rolled_back["live"] == "blue"
    for record, kind in ((promoted["record"], "rollout"), (rolled_back["record"], "rollback")):
        assert record["kind"] == kind
        assert record["base"] == "blue"
        assert record["actor"].startswith("arn:aws:sts::123456789012:")
        assert record["in_doubt"] is False
    assert rolled_back["record"]["splits"] == {"web": {"blue": 100, "green": 0}}


def test_a_cutover_takes_itself_back_when_the_new_side_falls_sick(on_blue: Release) -> None:
    with on_blue.load(rate=200) as load, on_blue.bluegreen.started("cutover", "web", "--bake", "60") as cutover:
        until(lambda: on_blue.pair.weights() == {"blue": 0, "green": 100})
        on_blue.set_health("green", unhealthy=True)
        _, err = cutover.communicate(timeout=30)
        reversed_at = time.monotonic() + SETTLED
        requests_until(load, 200)
        seen = answered_by(load, since=reversed_at)
    assert cutover.returncode == 32
    assert "all traffic is back on blue" in err.splitlines()[-1]
    assert on_blue.pair.weights() == {"blue": 100, "green": 0}
    assert seen["green"] == 0
    assert seen["blue"] > 0
    assert on_blue.status()["record"]["kind"] == "rollback"


def test_ctrl_c_between_write_and_read_back_leaves_the_shift_whole_and_recorded(on_blue: Release) -> None:
    """A server before AWS holds the read-back until the signal is sent, so that the moment is no matter of luck."""
    with middleman(on_blue.lab.endpoint_url) as between:
        hold = between.hold("DescribeRules", after="ModifyRule")
        with on_blue.bluegreen.started("shift", "web", "green=20", AWS_ENDPOINT_URL=between.url) as shift:
            assert hold.arrived.wait(30)
            shift.send_signal(signal.SIGINT)
            hold.go_on.set()
            out, err = shift.communicate(timeout=30)
    assert shift.returncode == 130, err
    assert out == ""
    heard, ended = err.splitlines()
    assert heard == "bluegreen: finishing the write under way; then it stops"
    assert "after the shift was complete" in ended
    assert on_blue.pair.weights() == {"blue": 80, "green": 20}
    record = on_blue.status()["record"]
    assert record["in_doubt"] is False
    assert record["splits"] == {"web": {"blue": 80, "green": 20}}


def stickiness_of(release: Release) -> int | None:
    """The seconds of the route's stickiness as AWS holds it; None where it is off."""
    rule = release.pair.client("elbv2").describe_rules(RuleArns=release.pair.rule_arns)["Rules"][0]
    sticky = rule["Actions"][-1]["ForwardConfig"].get("TargetGroupStickinessConfig") or {}
    return int(sticky["DurationSeconds"]) if sticky.get("Enabled") else None


def drift_of(release: Release, code: int) -> dict[str, dict[str, Any]]:
    """What `bluegreen drift` finds, by subject; it ends with `code`."""
    ended = release.drift()
    assert ended.code == code, (ended.out, ended.err)
    return {each["subject"]: each for each in json.loads(ended.out)["comparisons"]}


def test_stickiness_edited_in_terraform_is_lost_by_the_apply_named_by_drift_and_written_by_sync(
    on_blue: Release,
) -> None:
    assert on_blue.bluegreen("shift", "web", "green=20").code == 0
    on_blue.variables |= {"stickiness": {"duration_seconds": 120}, "test_header_values": HEADER_VALUES}
    applied = on_blue.infra("apply", "--yes", "-o", "json").json()
    assert RULE not in {change["address"] for change in applied["plan"]["changes"]}
    assert stickiness_of(on_blue) is None

    found = drift_of(on_blue, 35)
    stickiness = found.pop("route web, stickiness")
    assert (stickiness["found"], stickiness["moved"]) == ("drift", "terraform")
    assert "asks for stickiness of 120 s, AWS holds no stickiness" in stickiness["reason"]
    assert stickiness["mends"][0]["command"] == "bluegreen sync web"
    assert {each["found"] for each in found.values()} == {"ok"}, "weights that Terraform's state lacks are no drift"
    assert {"Terraform's plan", "test route web-blue-test", "test route web-green-test"} <= set(found)

    synced = on_blue.bluegreen("sync", "web")
    assert synced.code == 0, synced.err
    assert stickiness_of(on_blue) == 120
    assert on_blue.pair.weights() == {"blue": 80, "green": 20}
    record = on_blue.status()["record"]
    assert (record["kind"], record["base"], record["in_doubt"]) == ("sync", "blue", False)
    assert {each["found"] for each in drift_of(on_blue, 0).values()} == {"ok"}


def test_the_plan_after_a_sync_is_empty(release: Release) -> None:
    assert stickiness_of(release) == 120
    assert release.plan_exit_code() == 0


def test_stickiness_edited_in_aws_is_laid_to_aws(release: Release) -> None:
    release.pair.set_weights(80, 20, stickiness=900)  # as with the AWS CLI, past Terraform and the toolkit
    stickiness = drift_of(release, 35)["route web, stickiness"]
    assert (stickiness["found"], stickiness["moved"]) == ("drift", "aws")
    assert release.bluegreen("sync", "web").code == 0
    assert stickiness_of(release) == 120


def test_the_line_of_preview_reaches_the_idle_color_that_no_weight_leads_to(release: Release) -> None:
    assert release.bluegreen("shift", "web", "green=0").code == 0
    place = urlsplit(release.url).netloc
    preview = release.bluegreen("preview", "web", "--via", place)
    assert preview.code == 0, preview.err
    (line,) = preview.out.splitlines()
    words = shlex.split(line)
    assert f"x-bluegreen-color: {HEADER_VALUES['green']}" in words
    assert release.pair.weights() == {"blue": 100, "green": 0}
    assert ask(release.url)[0] == "blue"
    if shutil.which("curl"):
        direct = {**os.environ, "no_proxy": "*"}
        answer = subprocess.run(words, env=direct, capture_output=True, text=True, check=True, timeout=30)
        assert "x-color: green" in answer.stdout.lower()


def test_a_rollback_reaches_even_clients_whose_cookie_beats_the_weights(on_blue: Release) -> None:
    on_blue.pair.set_weights(100, 0, stickiness=300)  # as with the AWS CLI, past Terraform and the toolkit
    assert on_blue.bluegreen("shift", "web", "green=50").code == 0
    cookie = cookie_from("green", on_blue.url)

    emptied = on_blue.bluegreen("shift", "web", "green=0")
    assert emptied.code == 0
    assert "target-group stickiness of 300 s" in emptied.err
    assert on_blue.pair.weights() == {"blue": 100, "green": 0}
    assert {ask(on_blue.url)[0] for _ in range(20)} == {"blue"}
    assert {ask(on_blue.url, cookie)[0] for _ in range(20)} == {"green"}

    rolled_back = on_blue.bluegreen("rollback", "web", "--to", "blue", "-o", "json").json()
    assert {ask(on_blue.url, cookie)[0] for _ in range(20)} == {"blue"}
    assert list(rolled_back["stickiness_suspended_until"]) == ["web"]
    assert on_blue.status()["record"]["stickiness_suspended_until"] == rolled_back["stickiness_suspended_until"]


def test_nothing_listens_off_loopback_while_traffic_flows(release: Release) -> None:
    with release.load(rate=100):
        processes = release.lab.state.processes()
        assert {"lab", "envoy", "blue app", "green app", "load generator"} <= {process.what for process in processes}
        family = {psutil.Process(process.pid) for process in processes if is_running(process)}
        family |= {child for process in family for child in process.children(recursive=True)}
        sockets = [one for process in family for one in process.net_connections("inet") if not one.raddr]
    assert len(sockets) >= 7, sockets  # the AWS endpoint, Envoy's admin, the listener, four targets
    assert {one.laddr.ip for one in sockets if not one.laddr.ip.startswith("127.")} == set()


def test_the_plan_after_all_of_this_is_empty(release: Release) -> None:
    assert release.plan_exit_code() == 0


def test_destroy_and_down_leave_nothing(release: Release) -> None:
    destroyed = release.infra("destroy", "--yes", "-o", "json").json()
    assert destroyed["applied"]["removed"] > 0
    assert release.lab.listeners() == {}
    assert_one_clear_line(release.bluegreen("status", "web"), 12, "no service 'web'")

    processes = release.lab.state.processes()
    running = [process for process in processes if is_running(process)]
    assert {"lab", "envoy"} <= {process.what for process in running}
    assert release.bluegreen("lab", "down", "--name", "e2e").code == 0
    assert [process for process in processes if is_running(process)] == []
