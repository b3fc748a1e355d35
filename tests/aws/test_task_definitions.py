"""Task definitions: a copy loses nothing, and what means the same is known for the same."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.aws.ecs_rig import ARN, Pair, a_container, a_definition, heard, on_moto, some_session
from toolkit.aws.session import Session
from toolkit.aws.task_definitions import TaskDefinitions, family_of, revision_of, task_definition
from toolkit.errors import AwsError, AwsUnreachable

MODEL = botocore.session.get_session().get_service_model("ecs")
TOLD = MODEL.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"]
ASKED = MODEL.operation_model("RegisterTaskDefinition").input_shape


def anything(shape: Any) -> st.SearchStrategy[Any]:
    """Whatever AWS may say in this place."""
    if shape.type_name == "structure":
        needed = {"family", "containerDefinitions", "revision", "key", "name", "image", "namespace", "value"}
        needed |= set(shape.required_members)
        each = {name: anything(member) for name, member in shape.members.items()}
        if getattr(shape, "is_tagged_union", False):  # exactly one of its members is there
            return st.one_of([st.fixed_dictionaries({name: made}) for name, made in each.items()])
        return st.fixed_dictionaries(
            {name: made for name, made in each.items() if name in needed},
            optional={name: made for name, made in each.items() if name not in needed},
        )
    if shape.type_name == "list":
        return st.lists(anything(shape.member), min_size=1, max_size=2)
    if shape.type_name == "map":
        return st.dictionaries(st.sampled_from("abc"), anything(shape.value), min_size=1, max_size=2)
    if shape.type_name == "string":
        return st.sampled_from(shape.enum or ["x", "y", "web:1"])
    plain = {"boolean": st.booleans(), "timestamp": st.datetimes()}
    return plain.get(shape.type_name, st.integers(1, 65535))


TAGS = st.lists(st.fixed_dictionaries({"key": st.sampled_from("ab"), "value": st.just("x")}), max_size=1)


@settings(max_examples=40, deadline=None)
@given(told=anything(TOLD), tags=TAGS)
def test_everything_that_can_be_registered_is_copied_and_nothing_else(told: dict[str, Any], tags: list[Any]) -> None:
    copied = task_definition({"taskDefinition": told, "tags": tags}).content
    assert copied == {key: told[key] for key in told if key in ASKED.members} | ({"tags": tags} if tags else {})
    assert not ParamValidator().validate(dict(copied), ASKED).has_errors()


@settings(max_examples=40, deadline=None)
@given(told=anything(TOLD))
def test_another_image_changes_the_image_of_one_container_alone(told: dict[str, Any]) -> None:
    for index, container in enumerate(told["containerDefinitions"]):
        container["name"] = f"container-{index}"
    definition = task_definition({"taskDefinition": told})
    changed = definition.with_image("container-0", "web:2.0")
    assert changed["containerDefinitions"][0] == {**told["containerDefinitions"][0], "image": "web:2.0"}
    assert changed["containerDefinitions"][1:] == told["containerDefinitions"][1:]
    assert {**changed, "containerDefinitions": None} == {**definition.content, "containerDefinitions": None}
    assert definition.says(definition.content)
    assert definition.says(changed) is (told["containerDefinitions"][0].get("image") == "web:2.0")


def test_every_field_that_aws_tells_and_takes_is_known_to_be_either_copied_or_left_out() -> None:
    everything = {name: [] for name in TOLD.members} | {"family": "web", "revision": 1}
    copied = set(task_definition({"taskDefinition": everything}).content)
    assert copied == set(TOLD.members) & set(ASKED.members)


def test_tags_of_aws_own_are_not_copied_since_nobody_else_may_give_them() -> None:
    told = {"family": "web", "revision": 1, "containerDefinitions": []}
    tags = [{"key": "aws:cloudformation:stack-name", "value": "x"}, {"key": "team", "value": "shop"}]
    assert task_definition({"taskDefinition": told, "tags": tags}).content["tags"] == tags[1:]
    assert "tags" not in task_definition({"taskDefinition": told, "tags": tags[:1]}).content


def test_order_and_emptiness_mean_nothing_but_where_order_decides() -> None:
    one, other = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
    definition = a_definition(a_container(environment=[one, other], mountPoints=[]))
    assert definition.says(a_definition(a_container(environment=[other, one])).content)
    assert not definition.says(a_definition(a_container(environment=[one])).content)
    orders: dict[str, list[Any]] = {"command": ["a", "b"], "entryPoint": ["a", "b"], "environmentFiles": [one, other]}
    for key, values in orders.items():
        ordered, reversed_ = ({**a_container(), key: each} for each in (values, values[::-1]))
        assert not a_definition(ordered).says(a_definition(reversed_).content), key


def test_an_arn_and_a_name_lead_to_the_same_family_and_revision() -> None:
    for name in ("web:7", f"{ARN}:task-definition/web:7"):
        assert (revision_of(name), family_of(name)) == ("web:7", "web")


@pytest.fixture(scope="module")
def clients() -> Iterator[Session]:
    with some_session() as session:
        yield session


@pytest.fixture
def session(clients: Session) -> Iterator[Session]:
    with on_moto():
        yield clients


def test_a_revision_is_found_by_name_or_arn_and_the_newest_by_its_family(session: Session) -> None:
    pair = Pair(session)
    arn = pair.register(a_container(image="web:2.0"), tags=[{"key": "team", "value": "shop"}])
    definitions = TaskDefinitions(session)
    for name in ("web:2", "web", arn):
        found = definitions.find(name)
        assert found is not None
        assert (found.revision, found.is_active) == ("web:2", True)
        assert found.containers["app"]["image"] == "web:2.0"
        assert found.content["tags"] == [{"key": "team", "value": "shop"}]
        assert found.unknown == ()


def test_one_that_is_not_there_is_none_and_no_error(session: Session) -> None:
    definitions = TaskDefinitions(session)
    assert definitions.find("web:9") is None
    assert definitions.find("nobody") is None


def test_any_other_answer_is_an_error_that_says_what_was_asked(clients: Session) -> None:
    with Stubber(clients.client("ecs")) as stub:
        stub.add_client_error("describe_task_definition", "ClientException", "Something else", 400)
        with pytest.raises(AwsError, match="reading the task definition web:9: AWS answered ClientException"):
            TaskDefinitions(clients).find("web:9")


def test_what_is_registered_is_what_is_found_again(session: Session) -> None:
    pair = Pair(session, a_container(environment=[{"name": "MODE", "value": "x"}]), a_container("log", "log:1", None))
    definitions = TaskDefinitions(session)
    before = definitions.find("web:1")
    assert before is not None
    content = before.with_image("app", "web:2.0")
    assert definitions.register(content) == "web:2"
    made = definitions.find("web")
    assert made is not None
    assert made.says(content)
    assert pair.revisions() == ["web:1", "web:2"]


def test_a_registration_whose_answer_is_lost_is_not_sent_again(clients: Session) -> None:
    sent: list[Any] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    client = clients.client("ecs", single=True)
    with heard(client, "before-send.ecs.RegisterTaskDefinition", lose), pytest.raises(AwsUnreachable):
        TaskDefinitions(clients).register(a_definition().content)
    assert len(sent) == 1


def test_a_field_that_boto3_does_not_know_is_told(clients: Session) -> None:
    container = {**a_container(), "warpDrive": {"speed": 9}, "nothing": None}
    told = {"family": "web", "revision": 7, "containerDefinitions": [container], "shields": True, "compatibilities": []}

    class Raw(io.BytesIO):
        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.read()

    def answer(request: Any, **_: Any) -> AWSResponse:
        body = json.dumps({"taskDefinition": told, "tags": []}).encode()
        return AWSResponse(request.url, 200, {}, Raw(body))

    with heard(clients.client("ecs"), "before-send.ecs.DescribeTaskDefinition", answer):
        found = TaskDefinitions(clients).find("web:7")
    assert found is not None
    assert found.unknown == ("shields", "warpDrive")
    assert found.containers["app"]["image"] == "web:1.0"
