"""A store in DynamoDB: an item for each entry, command and notifier, one for the lease, all under the service's key.

Items: `pk` = service#NAME; `sk` and what else they hold:

    entry#NNNNNNNNNNNN   entry: the JSON of rollout.codec
    lease                token, holder (JSON), since, until (ISO 8601), expires (the same as `until`, in milliseconds
                         since 1970, to be compared), released, claim (a word of the taking, to know it again)
    inbox#ID             command: the JSON of rollout.store_codec
    cursor#NAME          cursor: the same, of the notifier NAME

No attribute is ever named as the table's TTL: entries stay, and a lease is compared with its taker's clock.

A lost answer makes botocore repeat a call whose first try was carried out, and the repetition then fails the
condition that its own first try made false. So after a refusal the item is read: what stands there tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import AwsError, JournalError, LeaseLost
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.contention import conflict, lease_lost, locked
from toolkit.rollout.events import Entry
from toolkit.rollout.ports import Command, Cursor, Holder, Lease
from toolkit.rollout.store_codec import command_in, command_out, cursor_in, cursor_out, holder_out, lease_in

if TYPE_CHECKING:
    from toolkit.aws.session import Session

Item = dict[str, Any]

_LEASE = "lease"
_ENTRY = "entry#"
_COMMAND = "inbox#"
_CURSOR = "cursor#"
_PAST_EVERY_ENTRY = f"{_ENTRY}~"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO = {"BOOL": False}
_YES = {"BOOL": True}
_TRIES = 6
_PAUSE_SECONDS = 0.05
"""Before the second try of a write that met another; doubled with each."""
_AGAIN = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
"""Why a write was refused that may just be repeated; as reasons inside a transaction, botocore does not see them."""
_REFUSED = "ConditionalCheckFailed"
_ALONE = {"ConditionalCheckFailedException": _REFUSED, "TransactionConflictException": "TransactionConflict"}
"""The same of a write of one item."""


class _Refused(Exception):
    """A condition of a write failed. reasons: AWS's word for each item of it, `None` where the item was in order."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


class DynamoStore:
    """Store in one table for any number of services. Several threads may use it."""

    def __init__(self, session: Session, table: str, *, pause: Callable[[float], None] = sleep) -> None:
        self._session = session
        self._table = table
        self._source = f"table {table}"
        self._pause = pause

    @property
    def _client(self) -> Any:
        return self._session.client("dynamodb")

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        items = list(self._entries(service, 0, limit=max(limit, 0)))
        return [decode(_text(item, "entry"), source=self._source) for item in reversed(items)]

    def since(self, service: str, sequence: int) -> Sequence[Entry]:
        return [decode(_text(item, "entry"), source=self._source) for item in self._entries(service, sequence)]

    def texts(self, service: str) -> Sequence[tuple[int, str]]:
        return [(self._number(item), _text(item, "entry")) for item in self._entries(service, 0)]

    def append(self, service: str, entry: Entry, *, lease: Lease | None = None) -> None:
        text = encode(entry)
        put = {
            "TableName": self._table,
            "Item": {**_key(service, _entry_key(entry.sequence)), "entry": {"S": text}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        try:
            if lease is None:
                self._call("recording", lambda: self._client.put_item(**put))
            else:
                items = [{"ConditionCheck": self._still(lease)}, {"Put": put}]
                self._call("recording", lambda: self._client.transact_write_items(TransactItems=items))
        except _Refused as refused:
            stands = self._item(service, _entry_key(entry.sequence))
            if stands is not None and _text(stands, "entry") == text:
                return  # our own first try, whose answer was lost
            if lease is not None and refused.reasons[0] == _REFUSED:
                raise self._lost(lease) from None
            raise conflict(service, entry.sequence) from None

    def holder(self, service: str) -> Lease | None:
        item = self._item(service, _LEASE)
        return None if item is None or _is_released(item) else self._lease(service, item)

    def acquire(
        self,
        service: str,
        holder: Holder,
        *,
        now: datetime,
        seconds: float,
        over: Lease | None = None,
        force: bool = False,
    ) -> Lease:
        claim = uuid4().hex
        update = self._taking(service, holder, claim, now=now, seconds=seconds)
        if not force:
            update["ConditionExpression"] = "attribute_not_exists(pk) OR #released = :yes OR #expires <= :now"
            update["ExpressionAttributeValues"] |= {":yes": _YES, ":now": {"N": _milliseconds(now)}}
            if over is not None:
                update["ConditionExpression"] += " OR #token = :over"
                update["ExpressionAttributeValues"] |= {":over": {"N": str(over.token)}}
        for _ in range(_TRIES):
            try:
                answer = self._call("taking the lease", lambda: self._client.update_item(**update))
                return self._lease(service, answer["Attributes"])
            except _Refused:
                item = self._item(service, _LEASE)
            if item is None or _is_released(item):
                continue  # it was given back meanwhile
            if item.get("claim") == {"S": claim}:
                return self._lease(service, item)  # our own first try, whose answer was lost
            raise locked(self._lease(service, item))
        raise JournalError(f"{service}: the lease changes hands faster than it can be taken", hint="Try again.")

    def renew(self, lease: Lease, *, now: datetime, seconds: float) -> Lease:
        expires = now + timedelta(seconds=seconds)
        update = self._still(lease)
        update["UpdateExpression"] = "SET #until = :until, #expires = :expires"
        update["ExpressionAttributeNames"] |= _names("until", "expires")
        update["ExpressionAttributeValues"] |= _until(expires)
        try:
            self._call("renewing the lease", lambda: self._client.update_item(**update))
        except _Refused:
            raise self._lost(lease) from None
        return replace(lease, expires=expires)

    def release(self, lease: Lease) -> None:
        update = self._still(lease)
        update["UpdateExpression"] = "SET #released = :yes"
        update["ExpressionAttributeValues"] |= {":yes": _YES}
        with suppress(_Refused):  # it was lost, or this is our second try
            self._call("giving the lease back", lambda: self._client.update_item(**update))

    def put(self, service: str, command: Command) -> None:
        item = {**_key(service, _COMMAND + command.id), "command": {"S": command_out(command)}}
        self._call("putting a command", lambda: self._client.put_item(TableName=self._table, Item=item))

    def pending(self, service: str) -> Sequence[Command]:
        items = self._query(service, "begins_with(sk, :first)", {":first": {"S": _COMMAND}})
        commands = [command_in(_text(item, "command"), source=self._source) for item in items]
        return sorted(commands, key=lambda command: (command.at, command.id))

    def remove(self, service: str, ids: Sequence[str]) -> None:
        for each in ids:
            self._call("removing a command", partial(self._delete, _key(service, _COMMAND + each)))

    def cursor(self, service: str, name: str) -> Cursor | None:
        item = self._item(service, _CURSOR + name)
        return None if item is None else cursor_in(service, _text(item, "cursor"), source=self._source)

    def keep_cursor(self, service: str, name: str, cursor: Cursor) -> None:
        item = {**_key(service, _CURSOR + name), "cursor": {"S": cursor_out(cursor)}}
        self._call("keeping a notifier's cursor", lambda: self._client.put_item(TableName=self._table, Item=item))

    def _delete(self, key: Item) -> None:
        self._client.delete_item(TableName=self._table, Key=key)

    def _page(self, question: Item) -> Item:
        return dict(self._client.query(**question))

    def _taking(self, service: str, holder: Holder, claim: str, *, now: datetime, seconds: float) -> Item:
        """The update that takes the lease, whoever holds it."""
        return {
            "TableName": self._table,
            "Key": _key(service, _LEASE),
            "UpdateExpression": "SET #token = if_not_exists(#token, :zero) + :one, #holder = :holder, "
            "#since = :since, #until = :until, #expires = :expires, #released = :no, #claim = :claim",
            "ExpressionAttributeNames": _names("token", "holder", "since", "until", "expires", "released", "claim"),
            "ExpressionAttributeValues": {
                ":zero": {"N": "0"},
                ":one": {"N": "1"},
                ":holder": {"S": holder_out(holder)},
                ":since": {"S": now.isoformat()},
                ":no": _NO,
                ":claim": {"S": claim},
                **_until(now + timedelta(seconds=seconds)),
            },
            "ReturnValues": "ALL_NEW",
        }

    def _still(self, lease: Lease) -> Item:
        """The condition that `lease` is the one in force."""
        return {
            "TableName": self._table,
            "Key": _key(lease.service, _LEASE),
            "ConditionExpression": "#token = :token AND #released = :no",
            "ExpressionAttributeNames": _names("token", "released"),
            "ExpressionAttributeValues": {":token": {"N": str(lease.token)}, ":no": _NO},
        }

    def _lost(self, lease: Lease) -> LeaseLost:
        try:
            return lease_lost(lease, self.holder(lease.service))
        except JournalError:
            return lease_lost(lease, None)

    def _lease(self, service: str, item: Item) -> Lease:
        token, *texts = (item.get(name, {}).get(kind, "") for name, kind in _LEASE_ATTRIBUTES)
        return lease_in(service, token, *texts, source=self._source)

    def _number(self, item: Item) -> int:
        key = _text(item, "sk")
        try:
            return int(key.removeprefix(_ENTRY))
        except ValueError:
            raise JournalError(f"{self._source} holds {key!r}, which is no entry's key") from None

    def _item(self, service: str, key: str) -> Item | None:
        """One item. A query, so that whoever may read entries may see the lease too."""
        return next(self._query(service, "sk = :key", {":key": {"S": key}}), None)

    def _entries(self, service: str, first: int, *, limit: int | None = None) -> Iterator[Item]:
        """Entries from number `first` on; with a `limit`, the last ones, newest first."""
        between = {":first": {"S": _entry_key(first)}, ":last": {"S": _PAST_EVERY_ENTRY}}
        return self._query(service, "sk BETWEEN :first AND :last", between, limit=limit)

    def _query(self, service: str, which: str, values: Item, *, limit: int | None = None) -> Iterator[Item]:
        """The items of a service, page by page: an answer of DynamoDB ends at 1 MB."""
        question: Item = {
            "TableName": self._table,
            "KeyConditionExpression": f"pk = :service AND {which}",
            "ExpressionAttributeValues": {":service": _key(service, "")["pk"], **values},
            "ConsistentRead": True,
        }
        left = limit
        while left is None or left > 0:
            if left is not None:
                question |= {"ScanIndexForward": False, "Limit": left}
            answer = self._call("reading", partial(self._page, question))
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            question["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            left = None if left is None else left - len(answer["Items"])

    def _call(self, doing: str, call: Callable[[], Any]) -> Any:
        """What `call` gives, repeated while other transactions stand in its way.

        Raises:
            _Refused: a condition of it failed.
            JournalError: AWS failed.
        """
        for attempt in range(_TRIES):
            if attempt:
                self._pause(_PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                with aws_errors(f"{doing} in table {self._table}"):
                    return call()
            except AwsError as error:
                failed, reasons = error, _reasons(error)
            if not _AGAIN.intersection(reasons):
                break
        if _REFUSED in reasons:
            raise _Refused(reasons) from failed
        raise JournalError(failed.message, hint=failed.hint) from failed


def _reasons(error: AwsError) -> Sequence[str]:
    """Why DynamoDB refused a write, for each of its items; empty where it is about no item."""
    cause = error.__cause__
    code = code_of(cause) if cause else ""
    if code == "TransactionCanceledException":
        return [str(reason.get("Code")) for reason in cause.response.get("CancellationReasons", ())]  # type: ignore[union-attr]
    return [_ALONE[code]] if code in _ALONE else []


_LEASE_ATTRIBUTES = (("token", "N"), ("holder", "S"), ("since", "S"), ("until", "S"))


def _key(service: str, key: str) -> Item:
    return {"pk": {"S": f"service#{service}"}, "sk": {"S": key}}


def _entry_key(sequence: int) -> str:
    return f"{_ENTRY}{sequence:012d}"


def _names(*attributes: str) -> Item:
    """Names as expressions want those that DynamoDB might reserve."""
    return {f"#{name}": name for name in attributes}


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _is_released(item: Item) -> bool:
    return bool(item.get("released") == _YES)


def _until(expires: datetime) -> Item:
    return {":until": {"S": expires.isoformat()}, ":expires": {"N": _milliseconds(expires)}}


def _milliseconds(at: datetime) -> str:
    """Since 1970, to the microsecond that a datetime has, so that no rounding moves an expiry."""
    whole, rest = divmod((at - _EPOCH) // timedelta(microseconds=1), 1000)
    return f"{whole}.{rest:03d}"
