"""What a hook is told, how often it is tried, and what it must not see."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.hooks import Pulsing, QuickClock, python
from tests.support.http_server import Reply, Server
from toolkit.gates.hooks import OutsideHooks
from toolkit.rollout.ports import Result
from toolkit.rollout.steps import Hook

TOLD = {"BLUEGREEN_SERVICE": "web", "BLUEGREEN_HOOK_ID": "web-42/3"}


def run(hook: Hook, directory: Path, clock: QuickClock | None = None, /, **environ: str) -> Result:
    hooks = OutsideHooks(directory=directory, clock=clock or QuickClock(), environ={"PATH": "/usr/bin:/bin", **environ})
    return hooks.run(hook, TOLD, pulse=Pulsing())


def test_a_command_is_told_what_it_is_given_its_name_and_the_number_of_the_try(tmp_path: Path) -> None:
    code = "import os; print(*sorted(map('='.join, os.environ.items())), sep='\\n')"
    result = run(Hook("smoke", command=python(code)), tmp_path)
    assert [line for line in result.output.splitlines() if line.startswith("BLUEGREEN")] == [
        "BLUEGREEN_HOOK=smoke",
        "BLUEGREEN_HOOK_ID=web-42/3",
        "BLUEGREEN_SERVICE=web",
        "BLUEGREEN_TRY=1",
    ]


def test_a_webhook_is_told_the_same(tmp_path: Path, server: Server) -> None:
    run(Hook("smoke", url=server.url()), tmp_path)
    assert json.loads(server.got[0].body) == {"service": "web", "hook_id": "web-42/3", "hook": "smoke", "try": "1"}


def test_the_secrets_of_bluegreen_are_not_handed_on(tmp_path: Path, server: Server) -> None:
    ours = {"BLUEGREEN_WEBHOOK_SECRET": "k3y-k3y-k3y", "BLUEGREEN_OIDC_CLIENT_SECRET": "s3cret-s3cret"}
    seen = run(Hook("env", command=("env",)), tmp_path, None, **ours).output
    assert "BLUEGREEN_SERVICE=web" in seen
    assert "k3y" not in seen
    assert "s3cret" not in seen
    run(Hook("call", url=server.url()), tmp_path, None, **ours)
    assert server.got[0].headers["x-bluegreen-signature"].startswith("sha256=")


def test_a_command_has_the_credentials_of_the_operator_and_the_record_has_not(tmp_path: Path) -> None:
    check = ("sh", "-c", 'test "$AWS_SECRET_ACCESS_KEY" = abcdefghijkl && env')
    result = run(Hook("env", command=check), tmp_path, AWS_SECRET_ACCESS_KEY="abcdefghijkl")
    assert result.passed
    assert "AWS_SECRET_ACCESS_KEY=(hidden)" in result.output


def test_a_command_is_tried_as_often_as_is_said(tmp_path: Path) -> None:
    clock = QuickClock()
    code = ("sh", "-c", 'echo x >> tries; test "$BLUEGREEN_TRY" = 3')
    result = run(Hook("flaky", command=code, retries=4), tmp_path, clock)
    assert result.passed
    assert result.reason.endswith("(try 3 of 5)")
    assert (tmp_path / "tries").read_text() == "x\n" * 3
    assert sum(clock.slept) == 1 + 2


def test_a_webhook_is_tried_again_after_the_pause_that_it_asks_for(tmp_path: Path, server: Server) -> None:
    clock = QuickClock()
    server.answers(Reply(503, headers={"Retry-After": "6"}), Reply(raw=b""), Reply(200, b"yes"))
    result = run(Hook("call", url=server.url(), retries=2), tmp_path, clock)
    assert (result.passed, result.output) == (True, "yes")
    assert sum(clock.slept) == 6 + 2
    assert [json.loads(got.body)["try"] for got in server.got] == ["1", "2", "3"]
    assert len({got.headers["idempotency-key"] for got in server.got}) == 1


def test_each_try_of_a_webhook_is_signed_at_its_own_time(tmp_path: Path, server: Server) -> None:
    server.answers(Reply(500), Reply(200))
    run(Hook("call", url=server.url(), retries=1), tmp_path, BLUEGREEN_WEBHOOK_SECRET="k3y")
    first, second = (int(got.headers["x-bluegreen-timestamp"]) for got in server.got)
    assert second == first + 1


def test_what_the_hook_is_given_beats_what_is_inherited(tmp_path: Path) -> None:
    result = run(Hook("env", command=("env",)), tmp_path, BLUEGREEN_SERVICE="of an outer rollout")
    assert "BLUEGREEN_SERVICE=web" in result.output.splitlines()
    assert "outer" not in result.output
