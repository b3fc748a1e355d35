"""The built-in pair with a workload: what the contract says is there, and answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.benchmarks.deploy import wait_until_there
from tests.support.provision import Provisioned
from tests.support.world import World
from toolkit.contract import AsgPair, EcsPair, parse
from toolkit.lab.rehearsal.traffic import answers
from toolkit.lab.rehearsal.workload import HEADER, ami, provision_workload
from toolkit.traffic import Color

pytestmark = pytest.mark.lab
IMAGES = {"ecs": "registry.example/web:1.0.0", "asg": "web-1.0.0"}


@pytest.mark.parametrize("kind", ["ecs", "asg"])
def test_a_pair_with_a_workload_answers_as_its_image_says_and_each_color_by_its_header(
    world: World, pair: Callable[..., Provisioned], kind: str
) -> None:
    assert pair is not None, "which empties the lab"
    made = provision_workload(
        world.lab.endpoint_url, kind, IMAGES[kind], counts={"blue": 1, "green": 0}, port=20_080, test_routes=True
    )
    contract = parse(json.dumps(made.contract), source="the test")
    assert isinstance(contract.workload, EcsPair if kind == "ecs" else AsgPair)
    assert {route.color for route in contract.test_routes} == set(Color)
    stored = made.client("ssm").get_parameter(Name="/bluegreen/web/deployment")["Parameter"]["Value"]
    assert json.loads(stored) == made.contract

    wait_until_there(made, "blue", 1)
    url = world.lab.listeners()[made.listener_arn]
    assert answers(url, 5, path="/", headers={}, by="X-Version") == {"1.0.0": 5}
    assert answers(url, 5, path="/", headers={HEADER: "blue"}, by="X-Color") == {"blue": 5}
    assert answers(url, 5, path="/", headers={HEADER: "green"}, by="X-Color") == {"failed": 5}, "it has no target"


def test_an_ami_of_a_name_is_made_once(world: World, pair: Callable[..., Provisioned]) -> None:
    made = pair()
    assert made.endpoint_url == world.lab.endpoint_url
    assert ami(made, "web-2.0.0") == ami(made, "web-2.0.0") != ami(made, "web-2.0.1")
