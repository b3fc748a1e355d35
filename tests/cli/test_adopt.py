"""`bluegreen adopt` in-process, on load balancers in memory and files in a directory of its own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.conftest import as_it_was
from tests.support.adoption import (
    BALANCER,
    BLUE,
    GREEN,
    NETWORK,
    FakeInventory,
    group,
    listener,
    rule,
    sticky,
    surroundings,
)
from tests.support.fakes import ACCOUNT, PREFIX
from toolkit.adoption.ownership import CodeDeployGroup, EcsService
from toolkit.adoption.places import Place
from toolkit.adoption.result import adopted
from toolkit.cli import adopt as cli_adopt
from toolkit.cli.app import main
from toolkit.config import load
from toolkit.contract import parse
from toolkit.errors import AccessDenied, AwsUnreachable, ContractError, CredentialsError, UnknownService
from toolkit.runner.adopt import Surroundings
from toolkit.traffic import Color

PAIR = listener((BLUE, 90), (GREEN, 10))
ALONE = listener((BLUE, 1))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `bluegreen adopt …` in a directory that is empty; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(around: Surroundings | FakeInventory | None, *words: str) -> tuple[int, str, str]:
        if around is not None:
            ports = around if isinstance(around, Surroundings) else surroundings(around)
            monkeypatch.setattr(cli_adopt, "adoption", lambda _where, _region: ports)
        monkeypatch.setattr(sys, "argv", ["bluegreen", "adopt", *words])
        with as_it_was(), pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def answering(monkeypatch: pytest.MonkeyPatch, answer: bool | None) -> list[str]:
    """Somebody at a terminal who says yes, no, or (None) presses Ctrl-C; what they were asked."""
    asked: list[str] = []

    def confirm(question: str, **_: Any) -> bool:
        asked.append(question)
        if answer is None:
            raise typer.Abort
        return answer

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    return asked


def files() -> list[str]:
    """Every file that was left here."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def one_line(ended: tuple[int, str, str], code: int, *said: str) -> None:
    """The error stands alone on the last line of stderr, and nothing was printed or left behind."""
    exit_code, out, err = ended
    assert exit_code == code, err
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("bluegreen: ")
    assert last.endswith(f"[exit {code}]")
    for words in said:
        assert words in last
    assert files() == []


# What it leaves behind


def test_a_pair_is_adopted_with_a_contract_and_a_section_of_the_settings(run: Run) -> None:
    world = FakeInventory([PAIR])
    code, out, err = run(world, "--listener", PAIR.arn)
    assert (code, err) == (0, "")
    assert files() == ["bluegreen.toml", "deployments/shop.json"]
    assert load(Path("bluegreen.toml")).of("shop").contract == "file:deployments/shop.json"
    contract = parse(Path("deployments/shop.json").read_text(), source="the file")
    assert contract.name == "shop"
    assert [route.arn for route in contract.routes] == [PAIR.arn]
    assert contract.target_groups[Color.BLUE].arn == BLUE.arn
    assert world.writes == []
    assert "route http-80: blue 90 / green 10" in out
    assert "the record of releases stays on this machine" in out
    assert "the aws_lb_listener of http-80 says" in out
    assert "    lifecycle {\n      ignore_changes = [default_action]\n    }" in out
    assert out.endswith("Next: bluegreen status shop\n      bluegreen doctor shop\n")


def test_all_routes_of_a_load_balancer_that_share_a_pair_are_one_service(run: Run) -> None:
    secure = rule((GREEN, 10), (BLUE, 90), port=443, hosts=("shop.example.com",))
    test = listener((GREEN, 1), port=8443)
    other = listener((group("other"), 1), port=81)
    beside = [test, listener(port=9, answer="x"), other]
    code, out, err = run(FakeInventory([PAIR, secure, *beside]), "--load-balancer", "shop")
    assert code == 0
    contract = parse(Path("deployments/shop.json").read_text(), source="the file")
    assert [route.name for route in contract.routes] == ["http-80", "http-443-shop-example-com"]
    shared, elsewhere = err.splitlines()
    assert shared.startswith("warning: left alone, though it forwards to shop-green: the default action of HTTP:8443; ")
    assert shared.endswith(f"a shift will not move it ({test.option})")
    assert elsewhere == "warning: left alone, since it forwards elsewhere: the default action of HTTP:81"
    assert "ignore_changes = [action]" in out
    assert "ignore_changes = [default_action]" in out


def test_a_route_to_the_same_groups_that_was_not_named_is_told_of(run: Run) -> None:
    """Else a cutover would leave a part of the traffic behind, and nobody would know."""
    forgotten, other = rule((BLUE, 1)), rule((group("other"), 1), priority=20)
    code, _, err = run(FakeInventory([PAIR, forgotten, other]), "--listener", PAIR.arn)
    assert code == 0
    assert err == (
        "warning: left alone, though it forwards to shop-blue: rule 10 of HTTP:80; a shift will not move it "
        f"({forgotten.option})\n"
    )


def test_the_document_says_all_that_the_text_says(run: Run) -> None:
    code, out, _ = run(FakeInventory([PAIR]), "--listener", PAIR.arn, "-o", "json", "--state-table", "releases")
    assert code == 0
    said = json.loads(out)
    assert said["contract"] == json.loads(Path("deployments/shop.json").read_text())
    assert said["contract"]["state_table"]["name"] == "releases"
    assert {name: said[name] for name in ("service", "written", "contract_file", "settings_file", "splits")} == {
        "service": "shop",
        "written": True,
        "contract_file": "deployments/shop.json",
        "settings_file": "bluegreen.toml",
        "splits": {"http-80": {"blue": 90, "green": 10}},
    }
    assert said["terraform"][0]["resource"] == "aws_lb_listener"
    assert said["terraform"][0]["ignore_changes"] == ["default_action"]
    assert said["target_group_added"] is None


def test_a_dry_run_says_what_would_be_and_leaves_nothing(run: Run) -> None:
    world = FakeInventory([ALONE])
    code, out, err = run(world, "--listener", ALONE.arn, "--dry-run")
    assert (code, err) == (0, "")
    assert "would be adopted; nothing was written" in out
    assert "shop-green would be added at weight 0 to http-80" in out
    assert "bluegreen.toml would be written" in out
    assert (files(), world.writes) == ([], [])
    assert json.loads(run(world, "--listener", ALONE.arn, "--dry-run", "-o", "json")[1])["written"] is False
    assert (files(), world.writes) == ([], [])


def test_settings_that_stand_there_stay_with_their_comments_and_mode(run: Run) -> None:
    before = '# ours\n[aws]\nregion = "eu-central-1"  # Frankfurt\n\n[service.web]\ncontract = "file:web.json"\n'
    kept = Path("kept.toml")
    kept.write_text(before)
    kept.chmod(0o640)
    Path("bluegreen.toml").symlink_to("kept.toml")
    assert run(FakeInventory([PAIR]), "--listener", PAIR.arn)[0] == 0
    assert kept.read_text() == before + '\n[service.shop]\ncontract = "file:deployments/shop.json"\n'
    assert kept.stat().st_mode & 0o777 == 0o640
    assert Path("bluegreen.toml").is_symlink()
    assert load(Path("bluegreen.toml")).of("web").contract == "file:web.json"


def test_adopting_again_changes_nothing(run: Run) -> None:
    run(FakeInventory([PAIR]), "--listener", PAIR.arn)
    held = {name: Path(name).read_text() for name in files()}
    code, out, _ = run(FakeInventory([PAIR]), "--listener", PAIR.arn)
    assert code == 0
    assert "bluegreen.toml says so already" in out
    assert "deployments/shop.json says so already" in out
    assert {name: Path(name).read_text() for name in files()} == held


def test_a_contract_that_says_something_else_is_written_over_only_when_told(run: Run) -> None:
    run(FakeInventory([PAIR]), "--listener", PAIR.arn)
    held = Path("deployments/shop.json").read_text()
    more = [PAIR, rule((BLUE, 90), (GREEN, 10))]
    words = ("--load-balancer", "shop")
    code, out, err = run(FakeInventory(more), *words)
    assert (code, out) == (19, "")
    assert "deployments/shop.json is there and says something else" in err
    assert Path("deployments/shop.json").read_text() == held
    assert run(FakeInventory(more), *words, "--overwrite")[0] == 0
    assert len(parse(Path("deployments/shop.json").read_text(), source="x").routes) == 2


def test_settings_that_have_the_service_otherwise_are_left_and_aws_too(run: Run) -> None:
    before = '[service.shop]\ncontract = "ssm:/bluegreen/shop/deployment"\n'
    Path("bluegreen.toml").write_text(before)
    world = FakeInventory([ALONE])
    code, out, err = run(world, "--listener", ALONE.arn, "--yes")
    assert (code, out) == (19, "")
    assert "bluegreen.toml has a service shop already" in err
    assert Path("bluegreen.toml").read_text() == before
    assert world.writes == []
    assert files() == ["bluegreen.toml"]


def test_the_contract_goes_where_it_is_told_to(run: Run) -> None:
    assert run(FakeInventory([PAIR]), "--listener", PAIR.arn, "--out", "a/b/web.json", "--name", "web")[0] == 0
    assert load(Path("bluegreen.toml")).of("web").contract == "file:a/b/web.json"
    assert parse(Path("a/b/web.json").read_text(), source="x").name == "web"


def test_settings_elsewhere_name_the_contract_from_where_they_are(run: Run) -> None:
    Path("infra").mkdir()
    code, out, _ = run(FakeInventory([PAIR]), "--listener", PAIR.arn, "--config", "infra/bluegreen.toml")
    assert code == 0
    assert files() == ["infra/bluegreen.toml", "infra/deployments/shop.json"]
    assert 'contract = "file:deployments/shop.json"' in Path("infra/bluegreen.toml").read_text()
    assert load(Path("infra/bluegreen.toml")).of("shop").contract == "file:infra/deployments/shop.json"
    assert "bluegreen status shop --config infra/bluegreen.toml" in out


def test_a_directory_that_cannot_be_written_is_one_line(run: Run) -> None:
    Path("taken").write_text("a file, not a directory")
    code, out, err = run(FakeInventory([PAIR]), "--listener", PAIR.arn, "--out", "taken/shop.json")
    assert (code, out) == (11, "")
    assert "taken/shop.json cannot be" in err
    assert files() == ["taken"]


@pytest.mark.parametrize(
    ("words", "code", "said", "left"),
    [
        (("--out", "/proc/none/shop.json"), 11, "/proc/none/shop.json cannot be written", []),
        (("--config", "/proc/none/x.toml", "--out", "s.json"), 10, "x.toml cannot be written", ["s.json"]),
    ],
)
def test_a_file_that_cannot_be_written_is_one_line_that_says_what_was_done(
    run: Run, words: tuple[str, ...], code: int, said: str, left: list[str]
) -> None:
    ended = run(FakeInventory([ALONE]), "--listener", ALONE.arn, "--yes", *words)
    assert (ended[0], ended[1], len(ended[2].splitlines())) == (code, "", 1)
    assert said in ended[2]
    assert "shop-green stands at weight 0 in http-80 by now" in ended[2]
    assert files() == left


# A second target group


def test_a_second_group_is_added_after_a_yes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, answer=True)
    world = FakeInventory([replace(ALONE, stickiness=sticky(60))])
    code, out, _ = run(world, "--listener", ALONE.arn)
    assert code == 0
    assert asked == ["Add target group shop-green at weight 0 to http-80? No traffic moves."]
    assert world.writes == [("http-80", GREEN.arn)]
    assert "shop-green added at weight 0 to http-80" in out
    assert "route http-80: blue 100 / green 0" in out
    contract = parse(Path("deployments/shop.json").read_text(), source="x")
    assert contract.routes[0].stickiness == sticky(60)


@pytest.mark.parametrize(("answer", "code"), [(False, 1), (None, 130)])
def test_a_no_and_a_ctrl_c_leave_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: bool | None, code: int
) -> None:
    answering(monkeypatch, answer)
    world = FakeInventory([ALONE])
    assert run(world, "--listener", ALONE.arn)[0] == code
    assert (world.writes, files()) == ([], [])


def test_where_nobody_can_answer_yes_has_to_be_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    world = FakeInventory([ALONE])
    one_line(
        run(world, "--listener", ALONE.arn), 2, "--yes", "shop-green at weight 0 to http-80", "nothing was written"
    )
    assert world.writes == []
    assert run(world, "--listener", ALONE.arn, "--yes")[0] == 0
    assert world.writes == [("http-80", GREEN.arn)]


def test_a_green_group_alone_gets_a_blue_one(run: Run) -> None:
    alone = listener((GREEN, 1))
    assert "blue 0 / green 100" in run(FakeInventory([alone]), "--listener", alone.arn, "--yes")[1]


def test_a_route_that_lacks_a_color_of_the_pair_gets_it(run: Run) -> None:
    lacking = rule((BLUE, 1))
    world = FakeInventory([PAIR, lacking])
    code, out, _ = run(world, "--listener", PAIR.arn, "--rule", lacking.arn, "--yes")
    assert code == 0
    assert world.writes == [("http-80-priority-10", GREEN.arn)]
    assert "route http-80: blue 90 / green 10" in out


def test_routes_on_different_colors_alone_are_refused(run: Run) -> None:
    one, other = rule((BLUE, 1)), rule((GREEN, 1), priority=20)
    world = FakeInventory([one, other])
    one_line(run(world, "--rule", one.arn, "--rule", other.arn, "--yes"), 19, "no one color carries the traffic")


def test_another_group_has_no_place_beside_two(run: Run) -> None:
    world = FakeInventory([PAIR], [BLUE, GREEN, group("third")])
    one_line(run(world, "--listener", PAIR.arn, "--other-group", "third"), 2, "two target groups already")


def test_a_route_that_changed_while_somebody_thought_is_not_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    world = FakeInventory([ALONE])
    answering(monkeypatch, answer=True)

    def meanwhile(*_: Any, **__: Any) -> bool:
        world.held = [replace(ALONE, weights={GREEN.arn: 1})]
        return True

    monkeypatch.setattr(typer, "confirm", meanwhile)
    one_line(run(world, "--listener", ALONE.arn), 19, "was changed by somebody else meanwhile", "No traffic moved")
    assert world.writes == []


def test_a_write_that_aws_does_not_show_is_no_adoption(run: Run) -> None:
    world = FakeInventory([ALONE], lost=True)
    one_line(run(world, "--listener", ALONE.arn, "--yes"), 30, "does not show the weights that were written")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (AccessDenied("writing: AWS answered AccessDenied: no"), 22, "was added to http-80. No traffic moved."),
        (AwsUnreachable("no answer"), 24, "whether http-80-priority-10 has it is not known"),
    ],
)
def test_a_write_that_fails_says_which_routes_have_the_group(run: Run, error: Exception, code: int, said: str) -> None:
    def fail(name: str) -> None:
        if name != "http-80":
            raise error

    world = FakeInventory([ALONE, rule((BLUE, 1))], before_write=fail)
    one_line(run(world, "--load-balancer", "shop", "--yes"), code, said, "shop-green was added to http-80")
    again = FakeInventory(world.held)
    assert run(again, "--load-balancer", "shop", "--listener", "x")[0] == 2
    assert run(again, "--listener", ALONE.arn, "--rule", rule().arn, "--yes")[0] == 0
    assert again.writes == [("http-80-priority-10", GREEN.arn)]


def test_ctrl_c_in_the_middle_waits_until_everything_is_written(run: Run) -> None:
    world = FakeInventory([ALONE], before_write=lambda _name: signal.raise_signal(signal.SIGINT))
    code, out, err = run(world, "--listener", ALONE.arn, "--yes")
    assert (code, out) == (130, "")
    assert "shop: interrupted, after it was adopted" in err.splitlines()[-1]
    assert world.writes == [("http-80", GREEN.arn)]
    assert files() == ["bluegreen.toml", "deployments/shop.json"]


# Test routes


def test_a_rule_that_asks_for_a_header_becomes_a_test_route(run: Run) -> None:
    tests = [rule((each, 1), priority=number, header="x-color") for number, each in enumerate((BLUE, GREEN, GREEN), 1)]
    world = FakeInventory([PAIR, *tests])
    _, _, err = run(world, "--load-balancer", "shop", "--dry-run")
    assert [line.partition("(")[2] for line in err.splitlines()] == [f"--test-route {test.arn})" for test in tests]
    words = [word for test in tests for word in ("--test-route", test.arn)]
    code, out, err = run(world, "--load-balancer", "shop", *words)
    assert (code, err) == (0, "")
    assert "test route shop-green-test-2: requests with x-color reach green" in out
    held = parse(Path("deployments/shop.json").read_text(), source="x")
    assert [(test.name, test.color, test.header_name) for test in held.test_routes] == [
        ("shop-blue-test", Color.BLUE, "x-color"),
        ("shop-green-test", Color.GREEN, "x-color"),
        ("shop-green-test-2", Color.GREEN, "x-color"),
    ]
    assert [route.arn for route in held.routes] == [PAIR.arn]


def test_a_route_is_no_test_route_at_once(run: Run) -> None:
    both = rule((BLUE, 1), header="x")
    one_line(
        run(FakeInventory([both]), "--rule", both.arn, "--test-route", both.arn), 2, "a route and a test route at once"
    )


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (rule((GREEN, 1)), "it asks for no header and forwards to shop-green"),
        (rule((GREEN, 1), (BLUE, 0), header="x"), "forwards to shop-green, shop-blue"),
        (rule((group("third"), 1), header="x"), "asks for header x and forwards to third"),
        (rule(header="x", answer="it answers 404 by itself"), "it answers 404 by itself"),
    ],
)
def test_what_is_no_test_route_is_refused(run: Run, test: Place, said: str) -> None:
    words = ("--listener", PAIR.arn, "--test-route", test.arn)
    one_line(run(FakeInventory([PAIR, test]), *words), 19, "is no test route of shop-blue and shop-green", said)


# Refusals


def test_a_network_load_balancers_listener_is_adopted(run: Run) -> None:
    flows = listener((BLUE, 1), (GREEN, 0), network=True)
    assert run(FakeInventory([flows], of=NETWORK), "--listener", flows.arn)[0] == 0
    assert parse(Path("deployments/shop.json").read_text(), source="x").is_network


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either --load-balancer, or --listener and --rule"),
        (("--load-balancer", "shop", "--rule", rule().arn), "either --load-balancer"),
        (("--listener", "web"), "'web' is not the ARN of a listener"),
        (("--listener", rule().arn), "is the ARN of a rule"),
        (("--rule", PAIR.arn), "is the ARN of a listener"),
        (("--rule", ""), "is not the ARN of a rule"),
        (("--listener", PAIR.arn, "--test-route", PAIR.arn), "is the ARN of a listener"),
        (("--load-balancer", ""), "is not the ARN of a load balancer"),
        (("--load-balancer", PAIR.arn), "Use --listener for it"),
        (("--listener", PAIR.arn, "--listener", listener(network=True).arn), "2 load balancers"),
        (("--listener", PAIR.arn, "--name", "../up"), "cannot name a service"),
        (("--listener", PAIR.arn, "--name", ""), "cannot name a service"),
        (("--listener", PAIR.arn, "--blue", "red"), "neither of the two target groups"),
    ],
)
def test_words_typed_wrong_are_one_line_each(run: Run, words: tuple[str, ...], said: str) -> None:
    one_line(run(FakeInventory([PAIR]), *words), 2, said)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (listener((BLUE, 1), (GREEN, 1), (group("third"), 1)), "forwards to 3 target groups"),
        (listener((BLUE, 0), (GREEN, 0)), "have weight 0"),
        (listener(answer="it redirects to https://#{host}:443/"), "it redirects"),
        (rule((group("lonely", vpc_id="vpc-9"), 1)), "aws elbv2 create-target-group --name lonely-green"),
    ],
)
def test_what_cannot_be_adopted_is_refused_and_nothing_is_written(run: Run, place: Any, said: str) -> None:
    world = FakeInventory([place], [BLUE, GREEN, group("third"), group("lonely", vpc_id="vpc-9")])
    one_line(run(world, "--load-balancer", "shop", "--yes"), 19, said)
    one_line(run(world, *place.option.split(), "--yes"), 19, said)


def test_credentials_of_another_account_are_refused(run: Run) -> None:
    ended = run(surroundings(FakeInventory([PAIR]), account="999999999999"), "--listener", PAIR.arn)
    one_line(ended, 15, f"of account 999999999999, the ARN is of {ACCOUNT}")


def test_a_region_that_is_not_the_arns_is_refused_before_anything_is_asked(run: Run) -> None:
    for words in (("--listener", PAIR.arn), ("--load-balancer", BALANCER.arn)):
        one_line(run(None, *words, "--region", "us-east-1"), 15, "region us-east-1, the ARN is of eu-central-1")


def test_settings_that_are_broken_are_one_line(run: Run) -> None:
    Path("bluegreen.toml").write_text("[service\n")
    code, out, err = run(None, "--listener", PAIR.arn)
    assert (code, out, len(err.splitlines())) == (10, "", 1)
    assert Path("bluegreen.toml").read_text() == "[service\n"


# Who else writes weights


def owned(**words: Any) -> Surroundings:
    return surroundings(FakeInventory([PAIR]), **words)


def test_what_somebody_else_shifts_is_refused_by_who_and_why(run: Run) -> None:
    ecs = EcsService("prod", "shop", "ECS", "CANARY", frozenset({BLUE.arn}))
    deploy = CodeDeployGroup("shop", "prod", "BLUE_GREEN", True, frozenset({GREEN.name}), frozenset())
    web = adopted("web", BALANCER, [PAIR], {Color.BLUE: BLUE, Color.GREEN: GREEN}).contract
    tagged = FakeInventory([PAIR], tagged={BALANCER.arn: {"ingress.k8s.aws/stack": "shop/web"}})
    for around, said in (
        (owned(ecs=lambda: [ecs]), "ECS service shop in cluster prod has the canary deployment strategy"),
        (owned(codedeploy=lambda: [deploy]), "the CodeDeploy deployment group prod of application shop"),
        (owned(contracts={"web": web}), "the deployment contract of service web has this route already"),
        (surroundings(tagged), "belongs to the AWS Load Balancer Controller"),
    ):
        one_line(run(around, "--listener", PAIR.arn), 19, said, "Nothing was written")


def test_what_may_not_be_read_is_a_warning_each_and_no_silence(run: Run) -> None:
    def denied() -> Any:
        raise AccessDenied("reading: AWS answered AccessDenied")

    around = owned(ecs=denied, codedeploy=denied, contracts={})
    inventory = FakeInventory([PAIR], tags_error=AccessDenied("reading the tags: no"))
    around = replace(around, inventory=inventory, services=lambda _: denied())
    code, out, err = run(around, "--listener", PAIR.arn, "-o", "json")
    assert code == 0
    assert [line.partition(":")[0] for line in err.splitlines()] == ["warning"] * 4
    for whom in ("the AWS Load Balancer Controller", "an ECS service", "CodeDeploy", "another service of bluegreen"):
        assert f"could not check whether {whom}" in err
    assert len(json.loads(out)["warnings"]) == 4


def test_one_contract_that_cannot_be_read_does_not_hide_the_others(run: Run) -> None:
    web = adopted("web", BALANCER, [PAIR], {Color.BLUE: BLUE, Color.GREEN: GREEN}).contract

    def contract(service: str) -> Any:
        if service == "broken":
            raise ContractError("the contract is malformed")
        if service == "planned":
            raise UnknownService("no service 'planned'")
        return web

    around = replace(owned(), services=lambda _: ["broken", "planned", "web"], contract=contract)
    one_line(run(around, "--listener", PAIR.arn), 19, "service web has this route already")
    _, _, err = run(replace(around, services=lambda _: ["broken", "planned"]), "--listener", PAIR.arn)
    assert err == "warning: could not check whether service broken has this: the contract is malformed\n"


def test_credentials_that_end_in_the_middle_end_it(run: Run) -> None:
    def expired() -> Any:
        raise CredentialsError("expired")

    one_line(run(owned(ecs=expired), "--listener", PAIR.arn), 21, "expired")


def test_a_cloudformation_stack_is_told_of(run: Run) -> None:
    tagged = FakeInventory([PAIR], tagged={PAIR.arn: {"aws:cloudformation:stack-name": "shop"}})
    code, _, err = run(tagged, "--listener", PAIR.arn)
    assert code == 0
    assert err.startswith("warning: listener/app/shop/1a/50 belongs to the CloudFormation stack shop")


def test_an_unknown_listener_is_one_line(run: Run) -> None:
    one_line(run(FakeInventory([]), "--listener", f"{PREFIX}:listener/app/shop/1a/99"), 19, "AWS knows no")
