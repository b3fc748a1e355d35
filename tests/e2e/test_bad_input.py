"""What a user does wrong, or AWS does to them: one clear line, an exit code of its own, and nothing half-written."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands, Ended, assert_one_clear_line
from tests.e2e.middleman import ALL, Middleman, middleman
from tests.support.provision import Provisioned, provision
from tests.support.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.lab]

BEFORE = {"blue": 100, "green": 0}
ONCE = (("shift", "web", "green=20"), ("rollback", "web", "--to", "green"))
WRITING = (*ONCE, ("cutover", "web", "--bake", "0"))
COMMANDS = (("status", "web"), ("shift", "web", "green=20"), ("rollback", "web", "--to", "green"))


def named(words: tuple[str, ...]) -> str:
    return words[0]


@pytest.fixture(scope="module")
def healthy(world: World) -> Provisioned:
    """A service at 100/0, as its contract in SSM says, for tests that must leave it so."""
    emptied = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(emptied, timeout=30).close()
    made = provision(world.lab.endpoint_url, port=20_080, targets=world.addresses)
    for color in BEFORE:
        wait_for(made, color, "healthy")
    return made


@pytest.fixture
def web(healthy: Provisioned) -> Iterator[Provisioned]:
    """The healthy service; whatever a test does to its contract or its rule is put right after it."""
    yield healthy
    put_contract(healthy, json.dumps(healthy.contract))
    healthy.set_weights(**BEFORE)


@pytest.fixture
def bluegreen(environ: dict[str, str], tmp_path: Path) -> Commands:
    return Commands(environ, tmp_path)


@pytest.fixture
def aws(world: World, bluegreen: Commands) -> Iterator[Middleman]:
    """A server before the lab that refuses what it is told to; `bluegreen` talks to it."""
    with middleman(world.lab.endpoint_url) as between:
        yield between


def through(aws: Middleman, bluegreen: Commands, *words: str) -> Ended:
    return bluegreen(*words, AWS_ENDPOINT_URL=aws.url)


def put_contract(web: Provisioned, text: str) -> None:
    web.client("ssm").put_parameter(Name="/bluegreen/web/deployment", Value=text, Type="String", Overwrite=True)


@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_a_contract_file_that_is_missing(web: Provisioned, bluegreen: Commands, words: tuple[str, ...]) -> None:
    ended = bluegreen(*words, "--contract", "file:nowhere.json")
    assert_one_clear_line(ended, 11, "nowhere.json cannot be read", "bluegreen infra output")
    assert web.weights() == BEFORE


@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_a_service_without_a_contract_in_ssm(web: Provisioned, bluegreen: Commands, words: tuple[str, ...]) -> None:
    ended = bluegreen(words[0], "nosuch", *words[2:])
    assert_one_clear_line(ended, 12, "no service 'nosuch'", "/bluegreen/nosuch/deployment")
    assert web.weights() == BEFORE


def test_no_service_at_all(healthy: Provisioned, bluegreen: Commands) -> None:
    elsewhere = bluegreen("status", AWS_REGION="eu-west-1")
    assert_one_clear_line(elsewhere, 12, "there is no service", "bluegreen infra apply")


@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_a_contract_that_is_no_json(web: Provisioned, bluegreen: Commands, words: tuple[str, ...]) -> None:
    put_contract(web, "{ this is\nno JSON")
    assert_one_clear_line(bluegreen(*words), 11, "is not JSON", "ssm:/bluegreen/web/deployment")
    assert web.weights() == BEFORE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"routes": []}, "at routes: a list of at least one route"),
        ({"schema_version": 2}, "schema_version 2"),
        ({"target_groups": {}}, "at target_groups.blue"),
        ({"account_id": "999999999999"}, "it belongs to 123456789012"),
    ],
)
def test_a_contract_that_is_malformed(web: Provisioned, bluegreen: Commands, change: dict[str, Any], said: str) -> None:
    put_contract(web, json.dumps(web.contract | change))
    assert_one_clear_line(bluegreen("shift", "web", "green=20"), 11, said)
    Path(bluegreen.directory, "deployment.json").write_text(json.dumps(web.contract | change))
    ended = bluegreen("shift", "web", "green=20", "--contract", "file:deployment.json")
    assert_one_clear_line(ended, 11, said, "file:deployment.json")
    assert web.weights() == BEFORE


@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_credentials_that_have_expired(
    web: Provisioned, aws: Middleman, bluegreen: Commands, words: tuple[str, ...]
) -> None:
    aws.refuse(ALL, "ExpiredToken")
    assert_one_clear_line(through(aws, bluegreen, *words), 21, "ExpiredToken", "aws sso login")
    assert web.weights() == BEFORE


@pytest.mark.parametrize("words", ONCE, ids=named)
def test_credentials_that_expire_just_before_the_write(
    web: Provisioned, aws: Middleman, bluegreen: Commands, words: tuple[str, ...]
) -> None:
    aws.refuse("ModifyRule", "ExpiredToken", status=403)
    assert_one_clear_line(through(aws, bluegreen, *words), 21, "web holds blue 100 / green 0", "aws sso login")
    assert "ModifyRule" in aws.calls
    assert web.weights() == BEFORE
    assert bluegreen("status", "web", "-o", "json").json()["record"]["in_doubt"] is False


@pytest.mark.parametrize("operation", ["DescribeRules", "ModifyRule"])
def test_throttling(web: Provisioned, aws: Middleman, bluegreen: Commands, operation: str) -> None:
    aws.refuse(operation, "Throttling")
    ended = through(aws, bluegreen, "shift", "web", "green=20")
    assert_one_clear_line(ended, 23, "AWS answered Throttling", "wait a minute and try again")
    assert aws.calls.count(operation) >= 4  # the attempts that the line speaks of
    assert web.weights() == BEFORE


def test_a_write_whose_answer_is_lost_is_looked_for_and_found(
    web: Provisioned, aws: Middleman, bluegreen: Commands
) -> None:
    """AWS has it all the same, so what it holds is asked before anything is concluded."""
    aws.lost.add("ModifyRule")
    ended = through(aws, bluegreen, "shift", "web", "green=20")
    assert ended.code == 0, ended.err
    assert web.weights() == {"blue": 80, "green": 20}
    assert bluegreen("status", "web", "-o", "json").json()["routes"]["web"]["state"] == "ok"
    assert bluegreen("rollback", "web").code == 0


@pytest.mark.parametrize("words", WRITING, ids=named)
def test_a_rule_that_was_deleted(web: Provisioned, bluegreen: Commands, words: tuple[str, ...]) -> None:
    gone = web.rule_arns[0][:-16] + 16 * "0"
    put_contract(web, json.dumps(web.contract).replace(web.rule_arns[0], gone))
    assert_one_clear_line(bluegreen(*words), 16, "route web is gone", gone, "bluegreen infra apply")
    assert web.weights() == BEFORE


@pytest.mark.parametrize(
    ("code", "said"), [("ExpiredToken", "AWS answered ExpiredToken"), ("RuleNotFound", "route web is gone")]
)
def test_a_rollout_whose_write_fails_ends_rolled_back_and_says_why(
    web: Provisioned, aws: Middleman, bluegreen: Commands, code: str, said: str
) -> None:
    aws.refuse("ModifyRule", code, status=403)
    ended = through(aws, bluegreen, "cutover", "web", "--bake", "0")
    assert ended.code == 32, ended.err
    assert ended.out == ""
    assert said in ended.err.splitlines()[-1]
    assert "all traffic is back on blue" in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert web.weights() == BEFORE
    status = bluegreen("status", "web", "-o", "json").json()
    assert (status["rollout"], status["record"]["in_doubt"]) == (None, False)


@pytest.mark.parametrize("words", ONCE, ids=named)
def test_a_rule_that_is_deleted_just_before_the_write(
    web: Provisioned, aws: Middleman, bluegreen: Commands, words: tuple[str, ...]
) -> None:
    aws.refuse("ModifyRule", "RuleNotFound")
    assert_one_clear_line(through(aws, bluegreen, *words), 16, "route web is gone", "bluegreen infra apply")


@pytest.mark.parametrize("words", WRITING, ids=named)
def test_a_route_with_three_groups(web: Provisioned, bluegreen: Commands, words: tuple[str, ...]) -> None:
    elbv2 = web.client("elbv2")
    vpc = elbv2.describe_target_groups()["TargetGroups"][0]["VpcId"]
    third = elbv2.create_target_group(Name=f"third-{words[0]}", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    rule = elbv2.describe_rules(RuleArns=web.rule_arns)["Rules"][0]
    forward = rule["Actions"][0]["ForwardConfig"]
    forward["TargetGroups"].append({"TargetGroupArn": third["TargetGroupArn"], "Weight": 5})
    elbv2.modify_rule(RuleArn=web.rule_arns[0], Actions=[{"Type": "forward", "ForwardConfig": forward}])

    assert_one_clear_line(bluegreen(*words), 16, "does not forward to exactly this pair", "targetgroup/third-")
    now = elbv2.describe_rules(RuleArns=web.rule_arns)["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert now == forward["TargetGroups"]


@pytest.mark.parametrize(
    "split", ["blue=0,green=1000", "green=101", "green=-1", "blue=0,green=0", "green", "red=5", "green=nan", ""]
)
def test_weights_that_elbv2_would_not_take(web: Provisioned, bluegreen: Commands, split: str) -> None:
    assert_one_clear_line(bluegreen("shift", "web", split), 13)
    assert web.weights() == BEFORE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("canary", "web", "--steps", "5,50"), "all traffic on the new color"),
        (("linear", "web", "--step", "0"), "is not a share"),
        (("cutover", "web", "--bake", "soon"), "is not a duration"),
        (("rollout", "start", "web", "--strategy", "Canary10Percent5Minits"), "Canary10Percent5Minutes"),
        (("rollout", "start", "web", "api"), "--together, or --in-order"),
        (("rollback",), "--all"),
    ],
)
def test_words_of_a_rollout_typed_wrong(
    web: Provisioned, bluegreen: Commands, words: tuple[str, ...], said: str
) -> None:
    assert_one_clear_line(bluegreen(*words), 2, said)
    assert web.weights() == BEFORE


@pytest.mark.parametrize("word", ["pause", "resume", "approve", "promote", "abort"])
def test_a_word_for_a_rollout_where_none_is_under_way(web: Provisioned, bluegreen: Commands, word: str) -> None:
    assert_one_clear_line(bluegreen(word, "web"), 60, "no rollout is under way")


def test_an_endpoint_where_nobody_listens(bluegreen: Commands) -> None:
    with socket.socket() as taken:  # bound, never listening
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for words in (
            ("status", "web"),
            ("shift", "web", "green=20"),
            ("rollback", "web", "--to", "blue"),
            ("canary", "web"),
        ):
            began = time.monotonic()
            ended = bluegreen(*words, "--endpoint-url", nobody)
            assert_one_clear_line(ended, 24, "AWS did not answer", nobody, "Check the network and the endpoint")
            assert time.monotonic() - began < 15


def test_debug_shows_the_traceback(web: Provisioned, bluegreen: Commands) -> None:
    for words in (("--debug", "status", "nosuch"), ("status", "nosuch", "--debug")):
        ended = bluegreen(*words)
        assert ended.code == 1
        assert ended.err.startswith("Traceback (most recent call last):")
        assert "UnknownService: no service 'nosuch'" in ended.err


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A Terraform configuration that fails in the middle of an apply."""
    directory = tmp_path / "configuration"
    directory.mkdir()
    (directory / "main.tf").write_text(
        'resource "terraform_data" "broken" {\n  provisioner "local-exec" { command = "exit 3" }\n}\n'
    )
    return directory


@pytest.mark.parametrize("command", [("init",), ("plan",), ("apply", "--yes"), ("destroy", "--yes"), ("output",)])
def test_terraform_absent(configuration: Path, bluegreen: Commands, command: tuple[str, ...], tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    ended = bluegreen("infra", *command, "--dir", str(configuration), PATH=str(empty))
    assert_one_clear_line(ended, 40, "terraform", "https://developer.hashicorp.com/terraform/install")


@pytest.mark.terraform
def test_terraform_that_was_not_initialised(bluegreen: Commands) -> None:
    directory = Path(bluegreen.directory, "uninitialised")
    directory.mkdir()
    (directory / "main.tf").write_text('module "pair" {\n  source = "./nowhere"\n}\n')
    assert_one_clear_line(bluegreen("infra", "plan", "--dir", str(directory)), 41, "Nothing was changed.")


@pytest.mark.terraform
def test_terraform_that_fails_in_the_middle(configuration: Path, bluegreen: Commands) -> None:
    """Its progress stands on stderr too; the error is the last line, and one."""
    assert bluegreen("infra", "init", "--dir", str(configuration)).code == 0
    ended = bluegreen("infra", "apply", "--yes", "--dir", str(configuration))
    assert ended.code == 41
    assert [line for line in ended.err.splitlines() if line.startswith("bluegreen: ")] == ended.err.splitlines()[-1:]
    assert "exit status 3" in ended.err.splitlines()[-1]
    assert "terraform_data.broken" in ended.err.splitlines()[-1]
    assert ended.err.endswith("  [exit 41]\n")
    assert "Traceback" not in ended.err
