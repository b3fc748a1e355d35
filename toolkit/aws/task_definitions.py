"""ECS task definitions: what a revision says, and the revision that says the same with another image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_DESCRIBED_ONLY = frozenset({
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
    "deregisteredAt", "deleteRequestedAt",
})  # fmt: skip
"""What AWS adds to a revision and takes from nobody. Source: ECS API reference, TaskDefinition, RegisterTaskDefinition.
Everything else is copied, so that a field of tomorrow is not lost."""
_AWS_TAG = "aws:"  # such tags are AWS's own: nobody else may give them. Source: ECS API reference, Tag
_ORDERED = frozenset({"environmentFiles", "command", "entryPoint"})
"""Lists whose order means something; of the others AWS promises none."""
_UNKNOWN = "bluegreen-unknown"


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A revision. content: what RegisterTaskDefinition takes to make the same again.

    unknown: fields that AWS has told and the installed boto3 does not know: a copy would lose them.
    """

    family: str
    number: int
    is_active: bool
    content: Mapping[str, Any]
    unknown: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """As `web:7`."""
        return f"{self.family}:{self.number}"

    @property
    def containers(self) -> Mapping[str, Mapping[str, Any]]:
        """By name, in the order in which they stand."""
        return {str(each["name"]): each for each in self.content["containerDefinitions"]}

    def with_image(self, container: str, image: str) -> Mapping[str, Any]:
        """The content with another image for `container`, and nothing else changed."""
        containers = [
            {**each, "image": image} if each["name"] == container else each
            for each in self.content["containerDefinitions"]
        ]
        return {**self.content, "containerDefinitions": containers}

    def says(self, content: Mapping[str, Any]) -> bool:
        """Whether the revision is just what registering `content` would make."""
        return bool(_normal(self.content) == _normal(content))


def revision_of(name: str) -> str:
    """`web:7`, of that or of the ARN."""
    return name.rpartition("/")[2]


def family_of(name: str) -> str:
    """`web`, of `web:7` or of the ARN."""
    return revision_of(name).partition(":")[0]


class TaskDefinitions:
    """The task definitions of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        client = self._session.client("ecs")
        client.meta.events.register("after-call.ecs.DescribeTaskDefinition", _note_unknown, unique_id=_UNKNOWN)
        return client

    @property
    def _single_client(self) -> Any:
        """Sends once: a lost answer to a registration must not make a second revision of the same."""
        return self._session.client("ecs", single=True)

    def find(self, name: str) -> TaskDefinition | None:
        """The revision `web:7`, or the newest active one of the family `web`; None where AWS knows none.

        Raises:
            AwsError: and its children.
        """
        from botocore.exceptions import ClientError

        with aws_errors(f"reading the task definition {revision_of(name)}"):
            try:
                answer = self._client.describe_task_definition(taskDefinition=name, include=["TAGS"])
            except ClientError as error:
                # AWS has no code of its own for it: "Unable to describe task definition."
                if code_of(error) == "ClientException" and "Unable to describe" in str(error):
                    return None
                raise
        return task_definition(answer)

    def register(self, content: Mapping[str, Any]) -> str:
        """Make a revision, and give its name, as `web:8`.

        Raises:
            AwsUnreachable: it may have been made; `find` the family to see.
            AwsError: and its children: it was not made.
        """
        with aws_errors(f"registering a revision of the task definition {content['family']}"):
            made = self._single_client.register_task_definition(**content)["taskDefinition"]
        return revision_of(str(made["taskDefinitionArn"]))


def task_definition(answer: Mapping[str, Any]) -> TaskDefinition:
    """Of what DescribeTaskDefinition has answered."""
    told = answer["taskDefinition"]
    content = {key: value for key, value in told.items() if key not in _DESCRIBED_ONLY}
    tags = [tag for tag in answer.get("tags", ()) if not str(tag["key"]).startswith(_AWS_TAG)]
    return TaskDefinition(
        family=str(told["family"]),
        number=int(told["revision"]),
        is_active=told.get("status", "ACTIVE") == "ACTIVE",
        content={**content, "tags": tags} if tags else content,
        unknown=tuple(answer.get("ResponseMetadata", {}).get(_UNKNOWN, ())),
    )


def _normal(value: Any, key: str = "") -> Any:
    """The same for everything that means the same: empty is absent, and order counts only where it means something."""
    if isinstance(value, Mapping):
        each = {name: _normal(held, name) for name, held in value.items()}
        return {name: held for name, held in each.items() if held is not None and held not in ([], {})}
    if isinstance(value, list):
        items = [_normal(item) for item in value]
        return items if key in _ORDERED else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _note_unknown(http_response: Any, parsed: Any, **_: Any) -> None:
    """boto3 drops what it does not know, so it is looked for in what AWS has sent."""
    if getattr(http_response, "raw", None) is None or "taskDefinition" not in parsed:
        return
    try:
        sent = json.loads(http_response.content)
    except ValueError:
        return
    unknown = sorted(set(_missing(sent.get("taskDefinition"), parsed["taskDefinition"])))
    parsed.setdefault("ResponseMetadata", {})[_UNKNOWN] = unknown


def _missing(sent: Any, parsed: Any) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(parsed, dict):
        for name, value in sent.items():
            if name in parsed:
                yield from _missing(value, parsed[name])
            elif value is not None:
                yield str(name)
    elif isinstance(sent, list) and isinstance(parsed, list):
        for one, other in zip(sent, parsed, strict=False):
            yield from _missing(one, other)
