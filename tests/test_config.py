import json
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from toolkit.analysis.policy import Metric, Threshold
from toolkit.config import json_schema, load
from toolkit.config.grammar import StrategyTable
from toolkit.errors import ConfigError, UsageError
from toolkit.rollout.steps import Analyze, Approve, Bake, Hook, Probe, Retire, Scale, Shift, Via
from toolkit.rollout.strategy import Strategy, all_at_once, canary, linear, parse_shares
from toolkit.settings import (
    AwsSettings,
    Endpoint,
    FreezeSettings,
    HookPoint,
    HookSettings,
    Inconclusive,
    PriceSettings,
    RetireSettings,
    ServiceSettings,
    Settings,
)

WHOLE = """
[aws]
region = "eu-central-1"
profile = "prod"
endpoint_url = "http://127.0.0.1:4566"

[service.web]
contract = "file:deployment.json"
minimum_healthy = 2
headroom = 1.5
terraform = "deploy/web"
bake_seconds = 120
settle_seconds = 300
poll_seconds = 5
verify_seconds = 20
ready_seconds = 600

[service.web.retire]
after = "10m"
keep = 2

[service.web.price]
target_hour = 0.05
currency = "EUR"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bluegreen.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = load(written(tmp_path, WHOLE))  # its relative paths start where it is
    assert settings.aws == AwsSettings(region="eu-central-1", profile="prod", endpoint_url="http://127.0.0.1:4566")
    assert settings.of("web") == ServiceSettings(
        contract=f"file:{tmp_path}/deployment.json",
        minimum_healthy=2,
        headroom=1.5,
        terraform=f"{tmp_path}/deploy/web",
        bake_seconds=120,
        settle_seconds=300,
        poll_seconds=5,
        verify_seconds=20,
        ready_seconds=600,
        retire=RetireSettings(after_seconds=600, keep=2),
        price=PriceSettings(target_hour=0.05, currency="EUR"),
    )


def test_what_the_file_leaves_out_are_the_defaults_of_the_settings(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Settings()
    assert load(written(tmp_path, "[service.web]")).of("web") == Settings().of("anything")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[aws", "is not TOML"),
        ("[sevice.web]", "sevice is not a setting"),
        ("[service.web]\nheadrom = 1", "service.web.headrom is not a setting"),
        ("[service.web]\nheadroom = 0.5", "service.web.headroom: input should be greater than or equal to 1"),
        ("[service.web]\nheadroom = 'much'", "service.web.headroom"),
        ("[service.web]\nminimum_healthy = 0", "service.web.minimum_healthy"),
        ("[service.web]\nminimum_healthy = true", "service.web.minimum_healthy"),
        ("[service.web]\nsettle_seconds = -1", "service.web.settle_seconds"),
        ("[service.web]\nterraform = ''", "service.web.terraform"),
        ("[service.web]\ncontract = 'web.json'", "service.web.contract"),
        ("[aws]\nendpoint_url = 'localhost'", "aws.endpoint_url"),
        ("service = 3", "service"),
        ("[endpoint.x]", "endpoint.x: it has neither url nor services"),
        ("[endpoint.x]\nurl = 'localhost:4566'", "endpoint.x.url"),
        ("[endpoint.x]\nurl = 'http://x'\nsecret_key = 'x'", "endpoint.x.secret_key is not a setting"),
        ("[endpoint.x]\nservices = { elbv2-x = 'http://x' }", "endpoint.x.services.elbv2-x"),
        ("[endpoint.x]\nservices = { ssm = 'x' }", "endpoint.x.services.ssm"),
        ("[endpoint.x]\nurl = 'http://x'\nisolated = 'no'", "endpoint.x.isolated"),
        (
            "[endpoint.x]\nurl = 'https://ssm.eu-west-1.amazonaws.com'\nisolated = true",
            "endpoint.x: it is isolated from AWS, and https://ssm.eu-west-1.amazonaws.com is AWS's",
        ),
        ("[aws]\nendpoint = 'x'", "aws.endpoint: there is no [endpoint.x]"),
        (
            "[aws]\nendpoint = 'x'\nendpoint_url = 'http://x'\n[endpoint.x]\nurl = 'http://x'",
            "aws: endpoint and endpoint_url say the same thing",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert words in caught.value.message
    assert "bluegreen.toml" in caught.value.message


PLACES = """
[aws]
profile = "prod"
region = "eu-central-1"
endpoint = "localstack"

[endpoint.localstack]
url = "http://127.0.0.1:4566"
region = "us-east-1"

[endpoint.compose]
url = "http://localstack:4566"
isolated = true
services = { dynamodb = "http://dynamodb:8000" }

[endpoint.vpc.services]
elastic_load_balancing_v2 = "https://vpce-1.example"
"""


def test_an_endpoint_has_a_name_and_the_chosen_one_says_where_aws_is(tmp_path: Path) -> None:
    settings = load(written(tmp_path, PLACES))
    assert settings.endpoint == {
        "localstack": Endpoint(url="http://127.0.0.1:4566", region="us-east-1"),
        "compose": Endpoint(url="http://localstack:4566", services={"dynamodb": "http://dynamodb:8000"}, isolated=True),
        "vpc": Endpoint(services={"elastic_load_balancing_v2": "https://vpce-1.example"}),
    }
    assert settings.aws == AwsSettings(profile="prod", region="us-east-1", endpoint_url="http://127.0.0.1:4566")


def test_whole_paths_and_parameters_stay_as_they_are(tmp_path: Path) -> None:
    text = '[service.a]\ncontract = "file:/x/a.json"\nterraform = "/y"\n[service.b]\ncontract = "ssm:/b"'
    settings = load(written(tmp_path, text))
    assert (settings.of("a").contract, settings.of("a").terraform) == ("file:/x/a.json", "/y")
    assert settings.of("b").contract == "ssm:/b"


def test_every_complaint_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "[aws]\nx = 1\n[service.web]\ny = 2"))
    assert "aws.x" in caught.value.message
    assert "service.web.y" in caught.value.message


def test_a_file_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "latin").write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigError):
        load(tmp_path / "latin")


def test_the_schema_takes_what_the_loader_takes() -> None:

    schema = json.loads(json.dumps(json_schema()))
    jsonschema.validate(tomllib.loads(WHOLE), schema)
    jsonschema.validate(tomllib.loads(PLACES), schema)
    jsonschema.validate(tomllib.loads(STRATEGIES), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"service": {"web": {"headrom": 1}}}, schema)


STRATEGIES = """
[service.web]
strategy = "careful"
region = "eu-west-1"
profile = "shop"
role_arn = "arn:aws:iam::123456789012:role/release/web"

[service.web.freeze]
windows = ["Fri 16:00 - Mon 08:00", "12-20 - 01-02"]
timezone = "Europe/Berlin"
reason = "nobody is here"

[service.api]
strategy = "Canary10Percent5Minutes"

[strategy.quick]
canary = [1, 2.5, "50%", 100]
bake = "5m"

[strategy.even]
linear = 30
every = "1m"

[strategy.bold]
all-at-once = true
bake = "0"

[strategy.careful]
gate_every = "30s"

[[strategy.careful.step]]
scale = "50%"

[[strategy.careful.step]]
scale = 3

[[strategy.careful.step]]
probe = "/healthz"
via = "test-route"
status = "any"
within = "500ms"
header = "X-Version: v2"
body = "ready"
count = 20
timeout = "2s"
retries = 1

[[strategy.careful.step]]
shift = "0.1%"
bake = "10m"

[[strategy.careful.step]]
analyze = true

[[strategy.careful.step]]
hook = ["./smoke.sh", "--fast"]

[[strategy.careful.step]]
hook = ["smoke", "--fast"]
name = "smoke test"
timeout = "5m"
retries = 2

[[strategy.careful.step]]
approve = "2h"
note = "look at the errors"

[[strategy.careful.step]]
shift = 100

[[strategy.careful.step]]
bake = "1h"

[[strategy.careful.step]]
retire = 1

[[strategy.careful.gate]]
probe = "/"

[[strategy.careful.gate]]
hook = "https://example.com/gate"
"""


def strategies(tmp_path: Path, text: str = STRATEGIES) -> dict[str, Strategy]:
    found = load(written(tmp_path, text)).strategy
    return {name: each for name, each in found.items() if isinstance(each, Strategy)}


def test_a_strategy_is_written_short(tmp_path: Path) -> None:
    found = strategies(tmp_path)
    assert found["quick"] == canary(parse_shares("1,2.5,50,100"), 300, "quick")
    assert found["even"] == linear(Fraction(3, 10), 60, "even")
    assert found["bold"] == all_at_once(0, "bold")


def test_a_strategy_is_written_step_by_step(tmp_path: Path) -> None:
    found = strategies(tmp_path)["careful"]
    probe = Probe("/healthz", Via.TEST_ROUTE, None, 0.5, ("X-Version", "v2"), "ready", 20, 2.0, 1)
    assert found.steps == (
        Scale(of_live=Fraction(1, 2)),
        Scale(targets=3),
        probe,
        Shift(Fraction(1, 1000)),
        Bake(600),
        Analyze(),
        Hook("smoke.sh", command=("./smoke.sh", "--fast")),
        Hook("smoke test", command=("smoke", "--fast"), timeout_seconds=300, retries=2),
        Approve(7200, "look at the errors"),
        Shift(Fraction(1)),
        Bake(3600),
        Retire(1),
    )
    assert found.gates == (Probe("/"), Hook("https://example.com/gate", url="https://example.com/gate"))
    assert found.gate_seconds == 30


def test_a_command_stays_as_it_is_written_so_that_another_machine_can_resume(tmp_path: Path) -> None:
    text = WHOLE_STEP + "[[strategy.x.step]]\nhook = ['../checks/smoke.sh', '-v']"
    assert strategies(tmp_path, text)["x"].steps[1] == Hook("smoke.sh", command=("../checks/smoke.sh", "-v"))


def test_a_service_says_how_when_not_and_where_it_is_released(tmp_path: Path) -> None:
    web = load(written(tmp_path, STRATEGIES)).of("web")
    assert (web.strategy, web.region, web.profile) == ("careful", "eu-west-1", "shop")
    assert web.role_arn == "arn:aws:iam::123456789012:role/release/web"
    assert web.freeze == FreezeSettings(
        windows=("Fri 16:00 - Mon 08:00", "12-20 - 01-02"), timezone="Europe/Berlin", reason="nobody is here"
    )


WHOLE_STEP = "[[strategy.x.step]]\nshift = 100\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[strategy.x]", "strategy.x: a strategy says one of canary, linear, all-at-once, step, and this says none"),
        ("[strategy.x]\ncanary = [100]\nlinear = 5\nbake = '1m'\nevery = '1m'", "this is canary and linear"),
        ("[strategy.\"a b\"]\ncanary = [100]\nbake = '1m'", "strategy.a b"),
        ("[strategy.\"\"]\ncanary = [100]\nbake = '1m'", "strategy."),
        ("[strategy.x]\ncanary = [1, 100]", "strategy.x: canary needs bake, a duration such as '5m'"),
        ("[strategy.x]\nlinear = 5", "strategy.x: linear needs every"),
        ("[strategy.x]\nall-at-once = true", "strategy.x: all-at-once needs bake"),
        ("[strategy.x]\nall-at-once = false\nbake = '1m'", "strategy.x.all-at-once: input should be True"),
        ("[strategy.x]\nall_at_once = true\nbake = '1m'", "strategy.x.all_at_once is not a setting"),
        ("[strategy.x]\nlinear = 5\nevery = '1m'\nbake = '1m'", "bake goes with canary or all-at-once"),
        ("[strategy.x]\ngate_every = '1m'\nlinear = 5\nevery = '1m'", "strategy.x: gate_every goes with gate"),
        ("[strategy.x]\ncanary = [1, 5]\nbake = '1m'", "strategy.x: strategy x does not end with all traffic"),
        ("[strategy.x]\ncanary = [5, 1, 100]\nbake = '1m'", "its shares must grow, and 1 % comes after 5 %"),
        ("[strategy.x]\ncanary = [0, 100]\nbake = '1m'", "strategy.x.canary 1: '0' is not a share of the traffic"),
        ("[strategy.x]\ncanary = [5, 'half', 100]\nbake = '1m'", "strategy.x.canary 2: 'half' is not a share"),
        ("[strategy.x]\ncanary = [true, 100]\nbake = '1m'", "strategy.x.canary 1: write percent"),
        ("[strategy.x]\ncanary = [nan, 100]\nbake = '1m'", "strategy.x.canary 1: 'nan' is not a share"),
        ("[strategy.x]\ncanary = []\nbake = '1m'", "strategy.x.canary"),
        ("[strategy.x]\ncanary = 5\nbake = '1m'", "strategy.x.canary"),
        ("[strategy.x]\nlinear = 0.01\nevery = '1m'", "strategy.x: a linear strategy goes in steps of 0.1 %"),
        ("[strategy.x]\nlinear = 5\nevery = 60", "strategy.x.every: write a duration with its units"),
        ("[strategy.x]\nlinear = 5\nevery = '60'", "strategy.x.every: '60' is not a duration. Write it with its units"),
        ("[[strategy.x.step]]\nshift = 50", "does not end with all traffic"),
        ("[[strategy.x.step]]\nshift = 100\n[[strategy.x.step]]\nshft = 5", "strategy.x.step 2.shft is not a setting"),
        (
            "[[strategy.x.step]]\nshift = 100\nanalyze = true",
            "strategy.x.step 1: a step is one thing, and this is shift",
        ),
        ("[[strategy.x.step]]\nbake = '1m'\nretire = 0", "a step is one thing, and this is retire and bake"),
        (WHOLE_STEP + "[[strategy.x.step]]", "strategy.x.step 2: a step says one of"),
        (WHOLE_STEP + "[[strategy.x.step]]\nanalyze = false", "strategy.x.step 2.analyze"),
        (WHOLE_STEP + "[[strategy.x.step]]\napprove = '0'", "strategy.x.step 2.approve: 0 leaves no time"),
        (WHOLE_STEP + "[[strategy.x.step]]\nanalyze = true\nnote = 'x'", "note goes with approve, and there is none"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = 'healthz'", "strategy.x.step 2.probe"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\nvia = 'test'", "strategy.x.step 2.via"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\nstatus = 99", "strategy.x.step 2.status: write a status"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\nheader = 'X'", "strategy.x.step 2.header: write a header"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\nheader = \"X: a\\r\\nY\"", "strategy.x.step 2.header: write"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\ncount = 0", "strategy.x.step 2.count"),
        (WHOLE_STEP + "[[strategy.x.step]]\nprobe = '/'\nname = 'x'", "name goes with hook, and there is none"),
        (WHOLE_STEP + "[[strategy.x.step]]\nhook = []", "strategy.x.step 2.hook: write a command as a list of words"),
        (WHOLE_STEP + "[[strategy.x.step]]\nhook = ['']", "strategy.x.step 2.hook: write a command as a list of words"),
        (WHOLE_STEP + "[[strategy.x.step]]\nhook = './smoke.sh'", "strategy.x.step 2.hook: write a command as a list"),
        (WHOLE_STEP + "[[strategy.x.step]]\nhook = 'http://example.com'", "a webhook goes over https://"),
        (WHOLE_STEP + "[[strategy.x.step]]\nhook = 'https://[x'", "strategy.x.step 2.hook: write a command"),
        (WHOLE_STEP + "[[strategy.x.step]]\nscale = -1", "strategy.x.step 2.scale: write a number of targets"),
        (WHOLE_STEP + "[[strategy.x.step]]\nscale = '3'", "strategy.x.step 2.scale: write a number of targets"),
        (WHOLE_STEP + "[[strategy.x.step]]\nretire = true", "strategy.x.step 2.retire"),
        ("[[strategy.x.step]]\nretire = 0\n" + WHOLE_STEP, "strategy.x: strategy x: after a retire"),
        (WHOLE_STEP + "[[strategy.x.gate]]\nname = 'x'", "strategy.x.gate 1: name goes with hook"),
        (WHOLE_STEP + "[[strategy.x.gate]]", "strategy.x.gate 1: a gate says one of probe, hook"),
        (WHOLE_STEP + "[[strategy.x.gate]]\nprobe = '/'\nhook = ['x']", "strategy.x.gate 1: a gate is one thing"),
        (WHOLE_STEP + "[[strategy.x.gate]]\nprobe = '/'\n[strategy.x]\ngate_every = '1ms'", "strategy.x"),
        ("[service.web]\nstrategy = 'carefull'", "service.web.strategy: there is no strategy 'carefull'"),
        ("[service.web]\nstrategy = 'HalfAtATime'", "service.web.strategy: 'HalfAtATime' replaces instances in place"),
        ("[service.web]\nrole_arn = 'admin'", "service.web.role_arn"),
        ("[service.web.freeze]", "service.web.freeze.windows"),
        ("[service.web.freeze]\nwindows = []", "service.web.freeze.windows"),
        (
            "[service.web.freeze]\nwindows = ['22:00 - 06:00', 'x']",
            "service.web.freeze.windows 2: 'x' is no freeze window",
        ),
        (
            "[service.web.freeze]\nwindows = ['22:00 - 06:00']\ntimezone = 'Berlin'",
            "service.web.freeze.timezone: there is no time zone 'Berlin'",
        ),
    ],
)
def test_what_is_wrong_with_a_strategy_is_named_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert words in caught.value.message
    assert "bluegreen.toml" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_gate_that_is_asked_too_often_is_refused(tmp_path: Path) -> None:
    text = "[strategy.x]\ngate_every = '500ms'\nall-at-once = true\nbake = '1m'\n[[strategy.x.gate]]\nprobe = '/'"
    with pytest.raises(ConfigError, match="its gates are asked every second at most"):
        load(written(tmp_path, text))


def test_a_webhook_of_this_machine_needs_no_https(tmp_path: Path) -> None:
    text = WHOLE_STEP + "[[strategy.x.step]]\nhook = 'http://127.0.0.1:8080/gate'"
    assert strategies(tmp_path, text)["x"].steps[1] == Hook(
        "http://127.0.0.1:8080/gate", url="http://127.0.0.1:8080/gate"
    )


@pytest.mark.parametrize(
    "document",
    [
        {"strategy": {"x": {}}},
        {"strategy": {"x": {"canary": [1, 100]}}},
        {"strategy": {"x": {"canary": [100], "linear": 5, "bake": "1m", "every": "1m"}}},
        {"strategy": {"x": {"linear": 5, "every": "60"}}},
        {"strategy": {"x": {"linear": 101, "every": "1m"}}},
        {"strategy": {"x": {"step": [{"shift": 100, "analyze": True}]}}},
        {"strategy": {"x": {"step": [{"shift": 100, "note": "x"}]}}},
        {"strategy": {"x": {"step": [{"probe": "/", "hook": ["x"]}]}}},
        {"strategy": {"x": {"step": [{"shift": 100}], "gate": [{"bake": "1m"}]}}},
        {"strategy": {"x": {"step": [{"shift": 100}, {"retire": 0, "bake": "1m"}]}}},
        {"service": {"web": {"freeze": {"timezone": "UTC"}}}},
    ],
)
def test_an_editor_is_told_what_the_loader_would_refuse(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


VALUES = st.recursive(
    st.booleans()
    | st.integers(-5, 200)
    | st.floats(allow_nan=True)
    | st.sampled_from(["5m", "0", "5%", "/x", "https://x", "X: y", "any", "route", "test-route", ""])
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
STEP_KEYS = st.sampled_from(
    [
        *(
            "shift",
            "bake",
            "analyze",
            "approve",
            "note",
            "hook",
            "name",
            "timeout",
            "retries",
            "probe",
            "via",
            "status",
        ),
        *("within", "header", "body", "count", "scale", "retire"),
    ]
)
TABLES = st.dictionaries(STEP_KEYS, VALUES, max_size=3)
STRATEGY_TABLES = st.fixed_dictionaries(
    {},
    optional={
        "canary": VALUES,
        "linear": VALUES,
        "all-at-once": VALUES,
        "bake": VALUES,
        "every": VALUES,
        "gate_every": VALUES,
        "step": st.lists(st.just({"shift": 100}) | TABLES, max_size=4),
        "gate": st.lists(st.just({"probe": "/"}) | TABLES, max_size=2),
    },
)


@given(STRATEGY_TABLES)
def test_whatever_a_table_holds_a_strategy_comes_of_it_or_a_complaint(table: dict[str, Any]) -> None:
    try:
        StrategyTable.model_validate(table).strategy("x")
    except (ValidationError, UsageError):
        return


def test_an_analysis_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text(
        "[service.web.analysis]\nalpha = 0.05\nslow_over = 0.5\ninconclusive = 'pause'\nsettle_seconds = 60\n"
        "[[service.web.analysis.threshold]]\nmetric = 'errors'\nlimit = 0.02\ntimes = 3\n"
    )
    analysis = load(tmp_path / "bluegreen.toml").service["web"].analysis
    assert analysis is not None
    assert (analysis.policy.alpha, analysis.slow_over, analysis.settle_seconds) == (0.05, 0.5, 60)
    assert analysis.inconclusive is Inconclusive.PAUSE
    assert analysis.policy.thresholds == (Threshold(Metric.ERRORS, 0.02, 3),)


def test_an_analysis_that_decides_by_nothing_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bluegreen.toml").write_text("[service.web.analysis]\ncompare = false\n")
    with pytest.raises(ConfigError, match=r"service\.web\.analysis: without a comparison there must be a threshold"):
        load(tmp_path / "bluegreen.toml")


@pytest.mark.parametrize(
    ("text", "seconds", "until_safe"), [("5m", 300, False), ("until-safe, at most 30m", 1800, True)]
)
def test_a_bake_may_end_as_soon_as_it_is_safe(tmp_path: Path, text: str, seconds: float, *, until_safe: bool) -> None:
    (tmp_path / "bluegreen.toml").write_text(f"[[strategy.own.step]]\nshift = 100\nbake = '{text}'\n")
    strategy = load(tmp_path / "bluegreen.toml").strategy["own"]
    assert isinstance(strategy, Strategy)
    assert strategy.steps[1] == Bake(seconds, until_safe=until_safe)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("dimensions = {Color = '{color}'}", "it says none of above, below and times_live"),
        ("dimensions = {App = 'shop'}\nabove = 1", "cannot tell them apart"),
        ("dimensions = {Color = '{colour}'}\nabove = 1", "placeholder"),
    ],
)
def test_a_metric_of_ones_own_must_tell_something(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "bluegreen.toml"
    path.write_text(f"[[service.web.analysis.metric]]\nname = 'a'\nnamespace = 'A'\nmetric = 'M'\n{table}\n")
    with pytest.raises(ConfigError, match=said):
        load(path)


def test_a_strategy_may_say_what_follows_from_not_knowing(tmp_path: Path) -> None:
    path = tmp_path / "bluegreen.toml"
    path.write_text("[strategy.own]\nlinear = 50\nevery = '5m'\ninconclusive = 'fail'\n")
    strategy = load(path).strategy["own"]
    assert isinstance(strategy, Strategy)
    assert strategy.inconclusive is Inconclusive.FAIL


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("", RetireSettings(after_seconds=None, keep=1)),
        ("after = 'never'", RetireSettings(after_seconds=None, keep=1)),
        ("after = 'at once'\nkeep = 0", RetireSettings(after_seconds=0, keep=0)),
        ("after = '1h30m'", RetireSettings(after_seconds=5400, keep=1)),
    ],
)
def test_the_old_side_is_retired_after_a_time_at_once_or_never(
    tmp_path: Path, said: str, wanted: RetireSettings
) -> None:
    text = f"[service.web.retire]\n{said}"
    assert load(written(tmp_path, text)).of("web").retire == wanted
    jsonschema.validate(tomllib.loads(text), json_schema())


def test_left_out_nothing_is_retired_and_one_target_would_stay() -> None:
    assert Settings().of("web").retire == RetireSettings(after_seconds=None, keep=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[service.web.retire]\nafter = 'soon'", "service.web.retire.after: 'soon' is not a duration. Write 10m"),
        ("[service.web.retire]\nafter = 600", "service.web.retire.after: write a duration, as '10m', or 'at once'"),
        ("[service.web.retire]\nkeep = -1", "service.web.retire.keep: input should be greater than or equal to 0"),
        ("[service.web.retire]\nkept = 1", "service.web.retire.kept is not a setting"),
        ("[service.web.price]\ncurrency = 'EUR'", "service.web.price.target_hour: field required"),
        ("[service.web.price]\ntarget_hour = 0", "service.web.price.target_hour: input should be greater than 0"),
        ("[service.web.price]\ntarget_hour = 1\ncurrency = 'US dollars'", "service.web.price.currency"),
        ("[service.web]\nready_seconds = 0", "service.web.ready_seconds"),
    ],
)
def test_what_is_wrong_with_retiring_and_prices_is_named_and_an_editor_sees_it(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, text))
    assert words in error.value.message
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), json_schema())


HOOKS = """
[[service.web.hook]]
at = "after-prepare"
hook = ["./migrate.sh", "--expand"]
timeout = "10m"

[[service.web.hook]]
at = ["on-rollback", "on-end"]
hook = "https://hooks.example.com/bluegreen"
name = "page"
retries = 3
"""


def test_the_hooks_of_a_service_are_read_in_their_order_one_for_each_point(tmp_path: Path) -> None:
    url = "https://hooks.example.com/bluegreen"
    jsonschema.validate(tomllib.loads(HOOKS), json_schema())
    assert load(written(tmp_path, HOOKS)).of("web").hooks == (
        HookSettings(
            at=HookPoint.AFTER_PREPARE, name="migrate.sh", command=("./migrate.sh", "--expand"), timeout_seconds=600
        ),
        HookSettings(at=HookPoint.ON_ROLLBACK, name="page", url=url, retries=3),
        HookSettings(at=HookPoint.ON_END, name="page", url=url, retries=3),
    )


def test_a_hook_that_says_no_more_than_it_must_has_a_minute_one_try_and_its_address_for_a_name(tmp_path: Path) -> None:
    text = "[[service.web.hook]]\nat = 'on-end'\nhook = 'http://127.0.0.1:8080/gate'"
    (hook,) = load(written(tmp_path, text)).of("web").hooks
    assert hook == HookSettings(at=HookPoint.ON_END, name=hook.url, url="http://127.0.0.1:8080/gate")


def test_a_hook_in_single_brackets_is_told_how_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"service.web.hook: a service may have several; write \[\[service.NAME.hook"):
        load(written(tmp_path, "[service.web.hook]\nat = 'on-end'\nhook = ['x']"))


def test_every_point_can_be_said(tmp_path: Path) -> None:
    text = f"[[service.web.hook]]\nat = {[point.value for point in HookPoint]}\nhook = ['true']"
    jsonschema.validate(tomllib.loads(text), json_schema())
    assert [hook.at for hook in load(written(tmp_path, text)).of("web").hooks] == list(HookPoint)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("hook = ['x']", "service.web.hook 1.at: field required"),
        ("at = 'on-end'", "service.web.hook 1.hook: field required"),
        (
            "at = 'before-shft'\nhook = ['x']",
            "hook 1.at: there is no point 'before-shft'; write one of before-prepare,",
        ),
        ("at = ['on-end', 'end']\nhook = ['x']", "service.web.hook 1.at: there is no point 'end'"),
        ("at = [['on-end']]\nhook = ['x']", "service.web.hook 1.at: there is no point ['on-end']"),
        ("at = []\nhook = ['x']", "service.web.hook 1.at: it would never run"),
        ("at = ['on-end', 'on-end']\nhook = ['x']", "service.web.hook 1.at: on-end is there twice"),
        ("at = 7\nhook = ['x']", "service.web.hook 1.at: there is no point 7"),
        ("at = 'on-end'\nhook = './page.sh'", "service.web.hook 1.hook: write a command as a list of words"),
        ("at = 'on-end'\nhook = []", "service.web.hook 1.hook: write a command as a list of words"),
        ("at = 'on-end'\nhook = 'http://example.com'", "service.web.hook 1.hook: a webhook goes over https://"),
        ("at = 'on-end'\nhook = ['x']\ntimeout = '0'", "service.web.hook 1.timeout: 0 leaves no time at all"),
        ("at = 'on-end'\nhook = ['x']\ntimeout = 5", "service.web.hook 1.timeout: write a duration"),
        ("at = 'on-end'\nhook = ['x']\nretries = -1", "service.web.hook 1.retries"),
        ("at = 'on-end'\nhook = ['x']\nname = ''", "service.web.hook 1.name"),
        ('at = "on-end"\nhook = ["x"]\nname = "a\\u0000b"', "service.web.hook 1.name"),
        ("at = 'on-end'\nhook = ['x']\nprobe = '/'", "service.web.hook 1.probe is not a setting"),
    ],
)
def test_what_is_wrong_with_a_hook_is_named_by_its_place_and_an_editor_sees_most_of_it(
    tmp_path: Path, table: str, words: str
) -> None:
    text = f"[[service.web.hook]]\n{table}"
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    if table not in _NOT_SEEN_BY_AN_EDITOR:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(text), json_schema())


_NOT_SEEN_BY_AN_EDITOR = {
    "at = 'on-end'\nhook = './page.sh'",
    "at = 'on-end'\nhook = 'http://example.com'",
    "at = 'on-end'\nhook = ['x']\ntimeout = '0'",
}
