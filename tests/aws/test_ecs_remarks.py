"""What doctor says of a pair of ECS services: one sentence for each thing that will matter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.ecs_rig import a_container, a_definition, a_deployment, a_service
from toolkit.aws.ecs_remarks import of_color, of_pair
from toolkit.aws.ecs_service import service_of
from toolkit.aws.task_definitions import TaskDefinition
from toolkit.traffic import Color

PLAIN = a_definition()
ROLLBACK = {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}}
WORKER = a_container("worker", "web:1.0", None)


def remarks(definition: TaskDefinition = PLAIN, named: str | None = None, **service: Any) -> list[str]:
    found = [*of_color(Color.GREEN, service_of(a_service(**service)), definition, named)]
    assert all(remark.endswith(".") and "\n" not in remark for remark in found)
    return found


def test_a_service_as_it_should_be_is_not_remarked_on() -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    assert remarks() == remarks(deploymentConfiguration=breaker) == remarks(named="app") == []


@pytest.mark.parametrize(
    ("service", "definition", "named", "remark"),
    [
        (
            {"loadBalancers": []},
            PLAIN,
            None,
            "green's web-green has no load balancer, so its tasks never become targets.",
        ),
        ({}, a_definition(a_container(port=9090)), None, "uses port 8080 of app, and web:7 has none."),
        (ROLLBACK, PLAIN, None, "circuit breaker with rollback"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, PLAIN, None, "is deployed by CODE_DEPLOY, which shifts"),
        ({"deploymentConfiguration": {"strategy": "LINEAR"}}, PLAIN, None, "by the strategy LINEAR, which shifts"),
        ({}, PLAIN, "web", "the contract's workload.container is web, and web:7 of green's web-green has no such"),
        ({}, a_definition(a_container(image="web:latest")), None, "web:latest, a name that may be another image"),
        ({}, a_definition(a_container(), WORKER), None, "has worker without a port beside the web container"),
    ],
)
def test_what_will_matter_is_said_in_one_sentence(
    service: dict[str, Any], definition: TaskDefinition, named: str | None, remark: str
) -> None:
    found = remarks(definition, named, **service)
    assert len(found) == 1
    assert remark in found[0]


def test_several_containers_of_which_nothing_names_one_are_said() -> None:
    found = remarks(a_definition(a_container(), a_container("other", port=81)), loadBalancers=[])
    assert "has several containers (app, other), and the contract names none." in found[1]


def test_helpers_take_no_work_from_a_queue() -> None:
    router = a_container("log", "fluent-bit:3", None, firelensConfiguration={"type": "fluentbit"})
    once = a_container("migrate", "web:1.0", None, essential=False)
    assert remarks(a_definition(a_container(), router, once)) == []


def test_what_the_installed_boto3_does_not_know_is_said() -> None:
    definition = TaskDefinition("web", 7, is_active=True, content=PLAIN.content, unknown=("warpDrive",))
    assert "does not know (warpDrive), so a new revision would lose it; update boto3." in remarks(definition)[0]


def test_of_a_pair_families_of_their_own_and_autoscaling_of_one_alone_are_said() -> None:
    blue, green = service_of(a_service(serviceName="web-blue")), service_of(a_service())
    pair = {Color.BLUE: blue, Color.GREEN: green}
    assert [*of_pair(pair, {"web-blue", "web-green"})] == [*of_pair(pair, set())] == []
    assert "green's web-green has no autoscaling and the other color has" in next(of_pair(pair, {"web-blue"}))
    other = service_of(a_service(a_deployment("shop:1")))
    assert "blue runs web and green runs shop" in next(of_pair({Color.BLUE: blue, Color.GREEN: other}, set()))
