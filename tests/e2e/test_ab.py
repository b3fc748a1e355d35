"""`bluegreen ab` on the lab: picked requests reach the other color and no others do, and no rule is left behind."""

from __future__ import annotations

import signal
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from subprocess import Popen
from typing import Any

import pytest

from tests.e2e.command import Commands, assert_one_clear_line
from tests.e2e.release import until
from tests.support.provision import Provisioned
from tests.support.proxy import Call, Fault, Harm, Ledger, proxied
from tests.support.world import World
from toolkit.rollout.events import Diverted, DivertMeant

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


BETWEEN = {
    "aws-never-heard-of-it": Fault(Harm.RESET),
    "aws-made-it": Fault(Harm.LOST),
    "aws-makes-it-after-the-death": Fault(Harm.LATE, 4.0),
}
"""What becomes of the call that makes the rule when its runner dies in it."""


@contextmanager
def killed_while_making(bluegreen: Commands, aws: str, fault: Fault) -> Iterator[Ledger]:
    """A runner that has recorded which rule it means, and is killed as soon as it asks AWS for it."""
    runners: Queue[Popen[str]] = Queue()

    def kill(call: Call) -> None:
        if call.operation == "CreateRule":
            runner = runners.get(timeout=30)
            runner.kill()
            runner.wait()

    with proxied(aws) as (ledger, doors):
        ledger.judge = lambda call: fault if call.operation == "CreateRule" else None
        ledger.watch = kill
        words = ("ab", "web", "--cookie", "beta=1", "--for", "1h")
        with bluegreen.started(*words, AWS_ENDPOINT_URL=doors["operator"].url) as runner:
            runners.put(runner)
            _, said = runner.communicate(timeout=60)
            assert runner.returncode == -signal.SIGKILL, said
        events = [type(entry.event) for _, entry in ledger.entries]
        assert DivertMeant in events
        assert Diverted not in events
        yield ledger


@pytest.mark.parametrize("fault", BETWEEN.values(), ids=BETWEEN)
def test_a_runner_killed_while_it_makes_the_rule_is_rolled_back_without_a_trace(
    made: Provisioned, environ: dict[str, str], tmp_path: Path, fault: Fault
) -> None:
    bluegreen = Commands(environ, tmp_path)
    with killed_while_making(bluegreen, made.endpoint_url, fault) as ledger:
        back = bluegreen("rollback", "web")
        assert back.code == 0, back.err
        assert ledger.settle()
    assert (made.weights(), priorities(made)) == ({"blue": 100, "green": 0}, [])
    assert "orphan rule" not in bluegreen("doctor", "web").out


@pytest.mark.parametrize("fault", BETWEEN.values(), ids=BETWEEN)
def test_a_runner_killed_while_it_makes_the_rule_is_resumed_with_one_rule(
    world: World, made: Provisioned, environ: dict[str, str], tmp_path: Path, fault: Fault
) -> None:
    bluegreen = Commands(environ, tmp_path)
    with killed_while_making(bluegreen, made.endpoint_url, fault) as ledger, bluegreen.started("resume", "web"):
        until(lambda: color_of(world, made, Cookie="beta=1") == "green")
        assert ledger.settle()
        until(lambda: "waiting for an approval" in bluegreen("status", "web").out)
        assert priorities(made) == ["7"]
        assert "orphan rule" not in bluegreen("doctor", "web").out
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
