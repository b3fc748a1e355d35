"""`[[service.NAME.notify]]`: who is told what happens to a service."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from toolkit.errors import UsageError
from toolkit.rollout.notifiers import BUS, NAME, SLACK_VARIABLE, TOPIC, VARIABLE, distinct, notifier
from toolkit.settings import NotifyEvents, NotifySettings, NotifyTo

_PLACES = {NotifyTo.SNS: "arn", NotifyTo.EVENTBRIDGE: "bus", NotifyTo.SLACK: "url_env"}


def _to(value: object) -> NotifyTo:
    if isinstance(value, str) and value in list(NotifyTo):
        return NotifyTo(value)
    raise ValueError(f"notifications cannot go there; write one of {', '.join(NotifyTo)}")


def _events(value: object) -> NotifyEvents:
    if isinstance(value, str) and value in list(NotifyEvents):
        return NotifyEvents(value)
    raise ValueError(f"write one of {', '.join(NotifyEvents)}")


class NotifyTable(BaseModel):
    """One place that is told what happens to the service."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Annotated[NotifyTo, PlainValidator(_to), WithJsonSchema({"enum": [*NotifyTo]}), Field(description="where to")]
    arn: Annotated[str | None, Field(description="of the SNS topic", json_schema_extra={"pattern": f"^{TOPIC}$"})] = (
        None
    )
    bus: Annotated[
        str | None,
        Field(
            description="of EventBridge, by name or ARN; default: default", json_schema_extra={"pattern": f"^{BUS}$"}
        ),
    ] = None
    url_env: Annotated[
        str | None,
        Field(
            description=f"the environment variable with the Slack webhook's URL; default: {SLACK_VARIABLE}",
            json_schema_extra={"pattern": f"^{VARIABLE}$"},
        ),
    ] = None
    events: Annotated[
        NotifyEvents,
        PlainValidator(_events),
        WithJsonSchema({"enum": [*NotifyEvents], "default": NotifyEvents.IMPORTANT.value}),
        Field(description="all entries of the journal, or the important ones"),
    ] = NotifyEvents.IMPORTANT
    name: Annotated[
        str | None,
        Field(
            description="under which it is remembered how far it has come", json_schema_extra={"pattern": f"^{NAME}$"}
        ),
    ] = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for to, key in _PLACES.items():
            if to is not self.to and getattr(self, key) is not None:
                raise ValueError(f"{key} is for {to}, and this goes to {self.to}")
        if self.to is NotifyTo.SNS and self.arn is None:
            raise ValueError("sns wants the arn of a topic")
        try:
            self.settings()
        except UsageError as error:
            raise ValueError(error.message) from None
        return self

    def settings(self) -> NotifySettings:
        place = getattr(self, _PLACES[self.to]) if self.to in _PLACES else None
        return notifier(self.to, place or "", events=self.events, name=self.name)


def _of_distinct_names(tables: list[NotifyTable]) -> list[NotifyTable]:
    try:
        distinct(table.settings() for table in tables)
    except UsageError as error:
        raise ValueError(f"{error.message}. {error.hint}") from None
    return tables


NotifyTables = Annotated[
    list[NotifyTable], AfterValidator(_of_distinct_names), Field(default_factory=list, description="who is told")
]
