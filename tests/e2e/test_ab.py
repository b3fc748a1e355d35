"""`bluegreen ab` on the lab: picked requests reach the other color and no others do, and no rule is left behind."""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands, assert_one_clear_line
from tests.e2e.release import until
from tests.support.provision import Provisioned
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.slow]


@pytest.fixture
def made(pair: Callable[..., Provisioned]) -> Provisioned:
    """A pair whose route, at priority 10, has five priorities before it."""
    provisioned = pair()
    provisioned.contract["routes"][0]["reserved_priorities"] = {"first": 3, "last": 7}
    provisioned.publish()
    return provisioned


def color_of(world: World, made: Provisioned, query: str = "", **headers: str) -> str:
    url = world.lab.listeners()[made.listener_arn]
    request = urllib.request.Request(f"{url}/{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.headers["X-Color"])


def priorities(made: Provisioned) -> list[str]:
    """Of the rules beside the route's own."""
    rules: list[dict[str, Any]] = made.client("elbv2").describe_rules(ListenerArn=made.listener_arn)["Rules"]
    return [rule["Priority"] for rule in rules if rule["Priority"] not in {"10", "default"}]


def test_only_matching_requests_are_diverted_until_it_is_promoted(
    world: World, made: Provisioned, environ: dict[str, str], tmp_path: Path
) -> None:
    bluegreen = Commands(environ, tmp_path)
    (tmp_path / "bluegreen.toml").write_text("[service.web]\nbake_seconds = 1\n")
    left = bluegreen("ab", "web", "--cookie", "beta=1", "--for", "7d", "--detach")
    assert left.code == 0, left.err
    assert "matching requests go to green" in left.out
    assert priorities(made) == ["7"]
    cookies = {
        "beta=1": "green",
        "a=2; beta=1; b=3": "green",
        "a=2;beta=1": "green",
        "beta=10": "blue",
        "xbeta=1": "blue",
        "a=2; beta=10": "blue",
    }
    until(lambda: color_of(world, made, Cookie="beta=1") == "green")
    assert {sent: color_of(world, made, Cookie=sent) for sent in cookies for _ in range(5)} == cookies
    assert {color_of(world, made) for _ in range(20)} == {"blue"}
    promoted = bluegreen("promote", "web")
    assert promoted.code == 0, promoted.err
    assert (made.weights(), priorities(made)) == ({"blue": 0, "green": 100}, [])
    assert {color_of(world, made) for _ in range(5)} == {"green"}


def test_a_killed_runner_leaves_a_rule_that_a_rollback_removes(
    world: World, made: Provisioned, environ: dict[str, str], tmp_path: Path
) -> None:
    bluegreen = Commands(environ, tmp_path)
    with bluegreen.started("ab", "web", "--header", "X-Beta: yes", "--query", "v=2", "--for", "1h") as runner:
        until(lambda: priorities(made) == ["7"])
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    until(lambda: color_of(world, made, "?v=2", **{"X-Beta": "yes"}) == "green")
    sent = [("?v=2", {}), ("", {"X-Beta": "yes"}), ("?v=3", {"X-Beta": "yes"}), ("", {})]
    assert {color_of(world, made, query, **headers) for query, headers in sent} == {"blue"}
    back = bluegreen("rollback", "web")
    assert back.code == 0, back.err
    assert (made.weights(), priorities(made)) == ({"blue": 100, "green": 0}, [])


def test_a_rule_that_nobody_knows_of_is_found_and_removed_and_bad_input_is_one_line(
    made: Provisioned, environ: dict[str, str], tmp_path: Path
) -> None:
    bluegreen = Commands(environ, tmp_path)
    tags = {"bluegreen:service": "web", "bluegreen:rollout": "web-99", "bluegreen:route": "web"}
    for priority in range(3, 8):
        made.client("elbv2").create_rule(
            ListenerArn=made.listener_arn,
            Priority=priority,
            Conditions=[{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Old", "Values": ["1"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": made.group("green")}],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    assert_one_clear_line(bluegreen("ab", "web", "--header", "X-Beta: yes"), 14, "every one of the priorities 3 to 7")
    assert_one_clear_line(bluegreen("ab", "web", "--cookie", "beta=a b"), 2, "is no cookie that a rule can match")
    assert_one_clear_line(
        bluegreen("ab", "web", *(word for name in "abcde" for word in ("--cookie", f"{name}=1"))),
        14,
        "and so leaves 4, and this asks for 5",
    )
    told = bluegreen("doctor", "web")
    assert told.out.count("still diverts requests for rollout web-99") == 5
    removed = bluegreen("doctor", "web", "--remove-orphans")
    assert removed.err.count("removed arn:") == 5
    assert priorities(made) == []
