"""The journal in DynamoDB: one item an entry, added only where no entry of that number stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import AwsError, JournalConflict, JournalError
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.events import Entry, Event

if TYPE_CHECKING:
    from toolkit.aws.session import Session


class DynamoJournal:
    """Items: `pk` = service#NAME, `sk` = entry#NNNNNNNNNNNN, `entry` = the JSON of rollout.codec."""

    def __init__(self, session: Session, table: str) -> None:
        self._session = session
        self._table = table

    @property
    def _client(self) -> Any:
        return self._session.client("dynamodb")

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        try:
            with aws_errors(f"reading the record of {service} from table {self._table}"):
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :service AND begins_with(sk, :entries)",
                    ExpressionAttributeValues={
                        ":service": {"S": _partition(service)},
                        ":entries": {"S": "entry#"},
                    },
                    ScanIndexForward=False,
                    ConsistentRead=True,
                    Limit=limit,
                )
        except AwsError as error:
            raise JournalError(error.message, hint=error.hint) from error
        source = f"table {self._table}"
        return [decode(item.get("entry", {}).get("S", ""), source=source) for item in reversed(answer["Items"])]

    def append(self, service: str, event: Event, *, at: datetime, after: int) -> Entry:
        from botocore.exceptions import ClientError

        entry = Entry(after + 1, at, event)
        item = {"pk": _partition(service), "sk": f"entry#{entry.sequence:012d}", "entry": encode(entry)}
        try:
            with aws_errors(f"recording in table {self._table}"):
                self._client.put_item(
                    TableName=self._table,
                    Item={key: {"S": value} for key, value in item.items()},
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except AwsError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and code_of(cause) == "ConditionalCheckFailedException":
                raise conflict(service, entry.sequence) from error
            raise JournalError(error.message, hint=error.hint) from error
        return entry


def conflict(service: str, sequence: int) -> JournalConflict:
    return JournalConflict(
        f"{service}: somebody else recorded entry {sequence} at the same moment",
        hint=f"See `bluegreen status {service}`, then try again.",
    )


def _partition(service: str) -> str:
    return f"service#{service}"
