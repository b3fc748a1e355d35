"""Every Terraform example by `bluegreen infra`, at the endpoint of a column: apply, shift, empty plan, destroy.

The AWS provider waits a minute for each load balancer, so all examples are applied side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from tests.e2e.command import Commands, Ended
from tests.e2e.release import TERRAFORM, copied
from tests.support.provision import REGION
from tests.support.world import World

pytestmark = [pytest.mark.emulators, pytest.mark.terraform]

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "lab": {"listener_port": 20_081},
    "alb": {"deletion_protection": False},
    "nlb": {"deletion_protection": False, "listener_port": 20_082},
}
"""Each with the variables that differ from its defaults."""
ACCESS_KEY = "test"  # the example `lab` says its own one; every emulator takes both for the same account
TERRAFORM_SECONDS = 400.0  # several at a time, on a machine of few cores


@dataclass
class Example:
    """One example, in a directory of its own: `apply` and `destroy` run when first asked for, all at once."""

    name: str
    bluegreen: Commands
    directory: Path
    variables: Mapping[str, Any]
    init: Callable[[], Ended]
    apply: Callable[[], Ended]
    destroy: Callable[[], Ended]

    @property
    def contract(self) -> dict[str, Any]:
        """As the apply told it."""
        applied = self.apply()
        assert applied.code == 0, words(applied)
        document: dict[str, Any] = json.loads(applied.out)["deployment"]
        return document

    def infra(self, command: str, *more: str) -> Ended:
        given = {} if command == "output" else self.variables
        return infra(self.bluegreen, self.directory, command, given, *more)

    def client(self, service: str) -> Any:
        """A client in the account of the example."""
        return boto3.client(
            service,
            endpoint_url=self.bluegreen.environ["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
        )

    def balancers(self) -> set[str]:
        """The names of the load balancers there are."""
        return {each["LoadBalancerName"] for each in self.client("elbv2").describe_load_balancers()["LoadBalancers"]}

    def run(self, *line: str) -> Any:
        """What a command that must succeed says, as JSON."""
        ended = self.bluegreen(*line, "-o", "json", timeout=120.0)
        assert ended.code == 0, words(ended)
        return json.loads(ended.out)


def words(ended: Ended) -> str:
    """How a command ended, as a failure should tell it: its last line, and what it printed."""
    last = (ended.err.strip().splitlines() or [""])[-1]
    return f"exit {ended.code}: {last} {ended.out[-2000:]}".strip()


def infra(bluegreen: Commands, directory: Path, command: str, variables: Mapping[str, Any], *more: str) -> Ended:
    given = [word for name, value in variables.items() for word in ("--var", f"{name}={_spelled(value)}")]
    return bluegreen("infra", command, "--dir", str(directory), *given, *more, timeout=TERRAFORM_SECONDS)


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass
class SideBySide:
    """Runs the same for every example at once, when the first one asks for it."""

    pool: ThreadPoolExecutor
    work: dict[str, Callable[[], Ended]] = field(default_factory=dict)
    begun: dict[str, Future[Ended]] = field(default_factory=dict)

    def of(self, name: str) -> Callable[[], Ended]:
        def result() -> Ended:
            if not self.begun:
                self.begun = {each: self.pool.submit(work) for each, work in self.work.items()}
            return self.begun[name].result()

        return result


@pytest.fixture(scope="module")
def examples(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Example]]:
    made = {}
    with ThreadPoolExecutor(max_workers=len(EXAMPLES)) as pool:
        steps = {step: SideBySide(pool) for step in ("init", "apply", "destroy")}
        for name, changed in EXAMPLES.items():
            scratch = tmp_path_factory.mktemp(name)
            directory = copied(TERRAFORM, scratch) / "examples" / name
            variables = {"name": f"matrix-{name}", "targets": world.addresses, **changed}
            bluegreen = Commands(_environ(world, scratch), scratch)
            for step, side_by_side in steps.items():
                side_by_side.work[name] = _step(bluegreen, directory, step, variables)
            own = {step: side_by_side.of(name) for step, side_by_side in steps.items()}
            made[name] = Example(name, bluegreen, directory, variables, **own)
        yield made


def _step(bluegreen: Commands, directory: Path, step: str, variables: Mapping[str, Any]) -> Callable[[], Ended]:
    if step == "init":
        return lambda: infra(bluegreen, directory, "init", {})
    return lambda: infra(bluegreen, directory, step, variables, "--yes", "-o", "json")


def _environ(world: World, scratch: Path) -> dict[str, str]:
    return {
        **world.lab.environ,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "XDG_STATE_HOME": str(scratch / "state"),
        "COLUMNS": "120",
    }


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, examples: Mapping[str, Example]) -> Example:
    return examples[request.param]


def test_infra_init_installs_modules_and_providers(example: Example) -> None:
    ended = example.init()
    assert ended.code == 0, words(ended)


def test_infra_apply_makes_it_and_tells_the_contract(example: Example) -> None:
    assert example.contract["name"] == example.variables["name"]


def test_infra_output_is_the_contract_that_ssm_holds(example: Example) -> None:
    contract = example.contract
    ended = example.infra("output")
    assert ended.code == 0, words(ended)
    parameter = example.client("ssm").get_parameter(Name=f"/bluegreen/{contract['name']}/deployment")["Parameter"]
    assert json.loads(ended.out) == contract == json.loads(parameter["Value"])


def test_infra_plan_is_empty_after_an_apply(example: Example) -> None:
    assert example.contract
    ended = example.infra("plan", "--detailed-exitcode")
    assert ended.code == 0, words(ended)


def test_infra_plan_is_empty_after_a_shift(example: Example) -> None:
    name = example.contract["name"]
    example.run("shift", name, "green=20")
    split = example.run("status", name)["routes"]
    assert {tuple(route["split"].values()) for route in split.values()} == {(80, 20)}
    ended = example.infra("plan", "--detailed-exitcode")
    assert ended.code == 0, words(ended)


def test_infra_destroy_leaves_nothing(example: Example) -> None:
    name = example.contract["name"]
    ended = example.destroy()
    assert ended.code == 0, words(ended)
    assert name not in example.balancers()
    assert f"bluegreen-{name}" not in example.client("dynamodb").list_tables()["TableNames"]
