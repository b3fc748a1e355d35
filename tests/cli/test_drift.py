"""`bluegreen drift` and `bluegreen sync`: what is printed, what is returned, and that a secret never is."""

from __future__ import annotations

import gc
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.provision import Provisioned
from toolkit.cli import drift_plan
from toolkit.cli import service as cli_service
from toolkit.cli.app import main
from toolkit.cli.drift_plan import view_of
from toolkit.contract import Stickiness
from toolkit.drift.comparison import Side
from toolkit.errors import TerraformFailed
from toolkit.infra.differences import UNKNOWN, Difference
from toolkit.infra.plan import Action, Change, PlannedChanges
from toolkit.runner.shift import shift
from toolkit.traffic import Split

CANARY = Split(blue=80, green=20)
STICKY = Stickiness(enabled=True, duration_seconds=300)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[[FakeWorld, str], Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command line on a fake world. What `main` changes of its process is put back at the end."""

    def run(world: FakeWorld, line: str) -> Ended:
        def wire(_name: str | None, _where: object, note: Callable[[str], None]) -> object:
            world.service.note = note
            return world.service

        monkeypatch.setattr(cli_service, "wire", wire)
        monkeypatch.setattr(cli_service, "wire_all", lambda where, note: [wire(None, where, note)])
        monkeypatch.setattr(sys, "argv", ["bluegreen", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    handler, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    yield run
    signal.signal(signal.SIGTERM, handler)
    gc.set_threshold(*threshold)
    gc.unfreeze()


def wanting(world: FakeWorld, stickiness: Stickiness) -> FakeWorld:
    """The world, its contract asking for this stickiness on every route."""
    contract = world.service.contract
    routes = tuple(replace(route, stickiness=stickiness) for route in contract.routes)
    world.service.contract = replace(contract, routes=routes)
    return world


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Path]]:
    """Let every plan come to this; the directories that were planned."""

    def planned(*changes: Change, error: Exception | None = None) -> list[Path]:
        asked: list[Path] = []

        def plan(_self: object, directory: Path) -> PlannedChanges:
            asked.append(directory)
            if error:
                raise error
            return PlannedChanges(changes)

        monkeypatch.setattr(drift_plan.Plans, "_plan", plan)
        return asked

    return planned


# drift


def test_without_drift_the_exit_is_0_and_what_was_not_looked_at_is_said(run: Run) -> None:
    world = a_world()
    shift(world.service, CANARY)
    ended = run(world, "drift web")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("web: no drift\n")
    assert "ok       route route-0, split: AWS holds blue 80 / green 20, as recorded" in ended.out
    assert "unseen   Terraform's plan: no configuration is known" in ended.out


def test_drift_exits_35_and_says_who_moved_and_who_can_mend_it(run: Run) -> None:
    world = wanting(a_world(), STICKY)
    ended = run(world, "drift web")
    assert (ended.code, ended.err) == (35, "")
    assert ended.out.startswith("web: 1 difference\n")
    assert "the contract asks for stickiness of 300 s, AWS holds no stickiness" in ended.out
    assert "moved: Terraform" in ended.out
    assert "whoever releases: write it, keeping the weights: bluegreen sync web" in ended.out
    assert world.router.writes == []
    assert world.events() == []


def test_drift_as_json(run: Run) -> None:
    ended = run(wanting(a_world(), STICKY), "drift web -o json")
    assert ended.code == 35
    assert ended.json()["drift"] is True
    (found,) = [each for each in ended.json()["comparisons"] if each["found"] == "drift"]
    assert found["moved"] == "terraform"
    assert found["mends"][0]["command"] == "bluegreen sync web"
    (only,) = run(a_world(), "drift -o json").json()["services"]
    assert (only["service"], only["drift"]) == ("web", False)


def test_the_settings_name_the_configuration_and_the_command_line_another(
    run: Run, planned: Callable[..., list[Path]]
) -> None:
    asked = planned()
    world = a_world()
    world.service.settings = replace(world.service.settings, terraform="infra")
    assert "infra would change nothing of this service" in run(world, "drift web").out
    assert "other would change nothing" in run(world, "drift web --dir other").out
    assert asked == [Path("infra"), Path("other")]


def test_a_plan_that_takes_the_weights_back_is_drift(run: Run, planned: Callable[..., list[Path]]) -> None:
    world = a_world()
    arn = world.service.contract.routes[0].arn
    planned(Change("aws_lb_listener_rule.web", "aws_lb_listener_rule", Action.UPDATE, writes_action=True, arn=arn))
    ended = run(world, "drift web --dir infra")
    assert ended.code == 35
    assert "TAKES THE WEIGHTS BACK" in ended.out


def test_a_plan_that_cannot_be_made_leaves_the_other_comparisons_and_is_an_error(
    run: Run, planned: Callable[..., list[Path]]
) -> None:
    asked = planned(error=TerraformFailed("terraform plan failed"))
    ended = run(wanting(a_world(), STICKY), "drift web --dir infra")
    assert ended.code == 41
    assert "AWS holds no stickiness" in ended.out
    assert "unseen   Terraform's plan: infra: terraform plan failed" in ended.out
    assert ended.err == "bluegreen: terraform plan failed.  [exit 41]\n"
    assert len(asked) == 1


def changed(*differences: Difference, action: Action = Action.UPDATE, arn: str = "arn:rule") -> Change:
    return Change("rule", "aws_lb_listener_rule", action, arn=arn, differences=differences)


def forward(blue: int, *, sticky: int | None = None, told: bool = False, groups: tuple[str, ...] = ("b", "g")) -> Any:
    """An action as Terraform's JSON has it; disabled stickiness may be `told` or left out."""
    stickiness: list[Any] = [{"enabled": sticky is not None, "duration": sticky or 0}] if sticky or told else []
    weights = {"b": blue, "g": 100 - blue}
    told_groups = [{"arn": group, "weight": weights[group]} for group in groups]
    return [{"type": "forward", "order": 1, "forward": [{"target_group": told_groups, "stickiness": stickiness}]}]


def test_weights_that_differ_from_terraforms_state_are_no_edit_of_the_action() -> None:
    for after in (forward(20), forward(20, told=True), forward(20, groups=("g", "b"))):
        seen = changed(Difference("action", forward(100), after))
        assert view_of("infra", PlannedChanges(drift=(seen,))).edited == frozenset()


def test_stickiness_that_differs_from_terraforms_state_is() -> None:
    seen = changed(Difference("action", forward(100), forward(100, sticky=300)))
    assert view_of("infra", PlannedChanges(drift=(seen,))).edited == {"arn:rule"}


def test_what_the_refresh_saw_tells_a_change_in_aws_from_one_in_the_configuration() -> None:
    condition, priority = Difference("condition", 1, 2), Difference("priority", 1, 2)
    planned = changed(condition)

    def moved(*seen: Change) -> Side:
        return view_of("infra", PlannedChanges((planned,), drift=seen)).pending[0].moved

    assert moved() is Side.TERRAFORM
    assert moved(changed(priority)) is Side.TERRAFORM, "something else was edited in AWS"
    assert moved(changed(condition)) is Side.AWS


def test_what_is_gone_from_aws_is_known_by_what_it_was() -> None:
    planned = changed(action=Action.CREATE, arn="")
    seen = changed(action=Action.DELETE)
    (pending,) = view_of("infra", PlannedChanges((planned,), drift=(seen,))).pending
    assert (pending.arn, pending.action, pending.moved) == ("arn:rule", "create", Side.AWS)


def test_what_only_the_apply_will_know_follows_from_what_else_changes() -> None:
    value = Change("contract", "aws_ssm_parameter", Action.UPDATE, differences=(Difference("value", "{}", UNKNOWN),))
    made = changed(action=Action.CREATE, arn="")
    gone = changed(action=Action.DELETE)
    for drift, moved in (((gone,), Side.AWS), ((), Side.TERRAFORM)):
        pending = view_of("infra", PlannedChanges((value, made), drift=drift)).pending
        assert [(each.follows, each.moved) for each in pending] == [(True, moved), (False, moved)]


# sync


def test_sync_says_what_it_wrote_and_that_the_weights_stay(run: Run) -> None:
    world = wanting(a_world(split=CANARY), STICKY)
    ended = run(world, "sync web")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "web: synced and recorded; the weights stay blue 80 / green 20.\n"
        "  route-0: no stickiness -> stickiness of 300 s\n"
    )
    assert world.router.live["route-0"].stickiness == STICKY
    assert run(world, "drift web").code == 0
    again = run(world, "sync web")
    assert (again.code, again.out) == (0, "web: every route holds what the contract asks for; nothing was written.\n")


def test_sync_as_json(run: Run) -> None:
    world = wanting(a_world(), STICKY)
    told = run(world, "sync web -o json").json()
    assert told["written"] is True
    assert told["kind"] == "sync"
    assert told["split"] == {"blue": 100, "green": 0}
    assert told["changes"] == {"route-0": ["no stickiness -> stickiness of 300 s"]}


def test_a_dry_run_of_sync_writes_nothing(run: Run) -> None:
    world = wanting(a_world(), STICKY)
    ended = run(world, "sync web --dry-run")
    assert ended.code == 0
    assert "web: would sync, the weights blue 100 / green 0. Nothing was written." in ended.out
    assert "route-0: no stickiness -> stickiness of 300 s" in ended.out
    assert run(world, "sync web --dry-run -o json").json()["changes"]
    assert "nothing to sync" in run(a_world(), "sync web --dry-run").out
    assert world.router.writes == []
    assert world.events() == []


def test_sync_prints_a_command_for_each_route_that_changes(run: Run) -> None:
    world = wanting(a_world(routes=2), STICKY)
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, stickiness=STICKY)
    ended = run(world, "sync web --print-awscli")
    assert [line.split()[1] for line in ended.out.splitlines()] == ["route-1"]
    assert world.router.writes == []
    nothing = run(a_world(), "sync web --print-awscli")
    assert (nothing.code, nothing.out.strip()) == (0, "")
    assert "nothing to write" in nothing.err


# The OIDC client's secret, with the real adapters

SECRET = "hunter2-correct-horse"
OIDC: Mapping[str, Any] = {
    "type": "authenticate-oidc",
    "order": 1,
    "settings": {
        "issuer": "https://id.example",
        "authorization_endpoint": "https://id.example/auth",
        "token_endpoint": "https://id.example/token",
        "user_info_endpoint": "https://id.example/user",
        "client_id": "web",
        "scope": "openid",
        "session_cookie_name": "AWSELBAuthSessionCookie",
        "session_timeout_seconds": "604800",
        "on_unauthenticated_request": "authenticate",
    },
}


@pytest.mark.lab
def test_the_oidc_clients_secret_reaches_aws_and_nothing_else(
    pair: Callable[..., Provisioned], environ: dict[str, str]
) -> None:
    made = pair()
    bluegreen = Command(environ)
    ask_for(made, OIDC)
    refused = bluegreen("sync", "web")
    assert refused.code == 14
    assert "BLUEGREEN_OIDC_CLIENT_SECRET" in refused.err

    given = {"BLUEGREEN_OIDC_CLIENT_SECRET": SECRET}
    printed = bluegreen("sync", "web", "--print-awscli", **given)
    assert '"$BLUEGREEN_OIDC_CLIENT_SECRET"' in printed.out
    synced = bluegreen("sync", "web", **given)
    assert synced.code == 0, synced.err
    assert "preceding actions: none -> authenticate-oidc" in synced.out
    assert secret_in_aws(made) == SECRET

    ask_for(made, {**OIDC, "settings": {**OIDC["settings"], "scope": "openid email"}})
    drifted = bluegreen("drift", "web")
    assert drifted.code == 35
    assert "asks for scope 'openid email', AWS holds 'openid'" in drifted.out
    again = bluegreen("sync", "web")  # the same client, so AWS keeps its secret
    assert again.code == 0, again.err
    assert bluegreen("drift", "web").code == 0

    table = made.client("dynamodb").scan(TableName=made.contract["state_table"]["name"])["Items"]
    assert table
    said = [each for ended in (refused, printed, synced, drifted, again) for each in (ended.out, ended.err)]
    assert SECRET not in "".join([*said, json.dumps(table, default=str)])


@dataclass(frozen=True)
class Command:
    environ: Mapping[str, str]

    def __call__(self, *words: str, **environ: str) -> Ended:
        ran = subprocess.run(
            [sys.executable, "-m", "toolkit", *words],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ended(ran.returncode, ran.stdout, ran.stderr)


def ask_for(made: Provisioned, *actions: Mapping[str, Any]) -> None:
    """Let the contract ask for these preceding actions, as an apply would."""
    made.contract["routes"][0]["preceding_actions"] = list(actions)
    made.client("ssm").put_parameter(
        Name="/bluegreen/web/deployment", Value=json.dumps(made.contract), Type="String", Overwrite=True
    )


def secret_in_aws(made: Provisioned) -> str | None:
    """The emulator tells it, which AWS never does."""
    actions = made.client("elbv2").describe_rules(RuleArns=made.rule_arns)["Rules"][0]["Actions"]
    (found,) = [action["AuthenticateOidcConfig"] for action in actions if action["Type"] == "authenticate-oidc"]
    return str(found["ClientSecret"]) if "ClientSecret" in found else None
