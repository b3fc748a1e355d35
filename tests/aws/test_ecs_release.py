"""What may be released to an ECS service, and whose image is meant."""

from __future__ import annotations

import pytest

from tests.aws.ecs_rig import a_container, a_definition, a_deployment, a_service
from toolkit.aws.ecs_release import (
    check_family,
    check_image,
    check_ports,
    check_revision,
    check_service,
    container_of,
    image_of,
    meant,
    says_no_version,
)
from toolkit.aws.ecs_service import service_of
from toolkit.errors import PreflightRefused, UsageError

DIGEST = "sha256:" + "0a" * 32
TWO = a_definition(a_container(), a_container("log", "log:1", None))
SERVICE = service_of(a_service())
WITHOUT = service_of(a_service(loadBalancers=[]))


@pytest.mark.parametrize(
    "image",
    [
        "web",
        "web:1.4.2",
        "registry.example/web:1.4.2",
        "registry.example:5000/shop/web_front/x--y:1.4.2-errors",
        "localhost/web",
        f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@{DIGEST}",
        f"registry.example/web:1.4.2@{DIGEST}",
    ],
)
def test_a_reference_to_an_image_is_taken(image: str) -> None:
    check_image(image)


@pytest.mark.parametrize(
    "image",
    ["", "Web", "web:", "web 1", "web:1:2", "registry.example/Web:1", "web@sha256:12", "https://x/web:1", "-x", "wéb"],
)
def test_what_is_no_reference_to_an_image_is_refused(image: str) -> None:
    with pytest.raises(UsageError, match="is no reference to an image"):
        check_image(image)


def test_only_a_tag_or_digest_that_is_not_latest_says_a_version() -> None:
    assert [says_no_version(image) for image in ("web", "host:5000/web", "web:latest")] == [True] * 3
    assert [says_no_version(image) for image in ("web:1", f"web@{DIGEST}", f"web:latest@{DIGEST}")] == [False] * 3


def test_a_revision_is_named_with_its_number() -> None:
    for name in ("web:42", "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:42"):
        check_revision(name)
    for name in ("web", "web:", "web:x", "web:1 ", "a/b:1"):
        with pytest.raises(UsageError, match="is no revision"):
            check_revision(name)


def test_a_service_that_shifts_traffic_itself_is_refused() -> None:
    check_service(SERVICE)
    for controller in ("CODE_DEPLOY", "EXTERNAL"):
        with pytest.raises(PreflightRefused, match=f"web-green is deployed by {controller}"):
            check_service(service_of(a_service(deploymentController={"type": controller})))
    for strategy in ("BLUE_GREEN", "CANARY", "LINEAR"):
        with pytest.raises(PreflightRefused, match=strategy):
            check_service(service_of(a_service(deploymentConfiguration={"strategy": strategy})))


def test_another_family_is_refused_and_both_are_named() -> None:
    check_family("web:9", SERVICE, asked=True)
    for asked, mend in ((True, "Name a revision of web"), (False, "--task-definition web:7")):
        with pytest.raises(
            PreflightRefused, match=r"shop:9 is of the family shop, .*web-green runs the family web"
        ) as no:
            check_family("shop:9", SERVICE, asked=asked)
        assert mend in no.value.hint


def test_a_revision_without_the_port_of_the_target_group_is_refused() -> None:
    check_ports(TWO, SERVICE)
    for container in (a_container(port=9090), a_container(port=None), a_container("other")):
        with pytest.raises(PreflightRefused, match="web:7 has no container app with port 8080"):
            check_ports(a_definition(container), SERVICE)


def test_the_image_is_for_the_container_that_is_named_then_the_one_behind_the_target_group_then_the_only_one() -> None:
    assert container_of(TWO, SERVICE, "log") == "log"
    assert container_of(TWO, SERVICE, None) == "app"
    assert container_of(TWO, WITHOUT, None) is None
    assert container_of(a_definition(a_container("x")), WITHOUT, None) == "x"
    assert container_of(TWO, SERVICE, "gone") == "app"
    assert meant(TWO, SERVICE, asked="log", named="app") == "log"
    assert meant(TWO, SERVICE, asked=None, named="log") == "log"
    assert meant(TWO, SERVICE, asked=None, named=None) == "app"


def test_a_container_that_is_not_there_or_not_said_is_refused_with_those_that_are() -> None:
    asked = {"--container is web": ("web", None), "workload.container is web": (None, "web")}
    for problem, (typed, named) in asked.items():
        with pytest.raises(UsageError, match=problem) as refused:
            meant(TWO, SERVICE, asked=typed, named=named)
        assert refused.value.hint == "There are: app, log."
    with pytest.raises(UsageError, match="several containers") as refused:
        meant(TWO, WITHOUT, asked=None, named=None)
    assert "app, log" in refused.value.hint


def test_where_nobody_knows_which_container_counts_the_first_is_shown() -> None:
    assert [image_of(TWO, name) for name in ("log", None, "gone")] == ["log:1", "web:1.0", "web:1.0"]


def test_what_a_service_runs_is_its_newest_deployment_wherever_it_stands() -> None:
    told = a_service(a_deployment("web:6", 2, "ACTIVE"), a_deployment("web:7"), taskDefinition="web:6")
    service = service_of(told)
    assert (service.revision, service.family, service.running) == ("web:7", "web", 2)
    assert [each.revision for each in service.deployments] == ["web:7", "web:6"]


def test_a_service_without_deployments_runs_its_task_definition() -> None:
    told = {**a_service(), "deployments": [], "taskDefinition": "arn:aws:ecs:eu:1:task-definition/web:3"}
    assert service_of(told).revision == "web:3"
