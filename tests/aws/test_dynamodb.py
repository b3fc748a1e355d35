"""What only the store in DynamoDB does: lost answers, transactions in the way, items that others wrote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contracts.test_store import command, dynamodb, later, take
from tests.support.journals import NOON, chained, holder
from toolkit.aws.dynamodb import DynamoStore
from toolkit.errors import JournalConflict, JournalError, LeaseLost, Locked
from toolkit.rollout.events import ShiftVerified, Stuck
from toolkit.rollout.ports import Cursor

pytestmark = pytest.mark.lab
WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")
(FIRST,) = chained([ShiftVerified()])


class Between:
    """A DynamoDB client with `meddle` between it and the store: it gets the name of a call and the call itself."""

    def __init__(self, client: Any, meddle: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._client = client
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return lambda **words: self._meddle(name, lambda: getattr(self._client, name)(**words))


@pytest.fixture
def store(request: pytest.FixtureRequest) -> DynamoStore:
    return dynamodb(request)


def meddling(store: DynamoStore, meddle: Callable[[str, Callable[[], Any]], Any]) -> DynamoStore:
    """`store` with its client behind `meddle`, and no pauses."""

    class Session:
        client = staticmethod(lambda _service: Between(store._client, meddle))

    return DynamoStore(Session(), store._table, pause=lambda _seconds: None)  # type: ignore[arg-type]


def twice(name: str, call: Callable[[], Any]) -> Any:
    """What botocore does where the answer to a write was lost: the same again."""
    if name in WRITES:
        call()
    return call()


def test_a_write_whose_answer_was_lost_counts_as_done(store: DynamoStore) -> None:
    unlucky = meddling(store, twice)
    lease = take(unlucky)
    assert store.holder("web") == lease
    first, second = chained([ShiftVerified(), Stuck("so")])
    unlucky.append("web", first)
    unlucky.append("web", second, lease=lease)
    assert list(store.tail("web", 8)) == [first, second]
    assert unlucky.renew(lease, now=later(20), seconds=30) == store.holder("web")
    unlucky.put("web", command("a"))
    assert list(store.pending("web")) == [command("a")]
    unlucky.remove("web", ["a"])
    unlucky.release(lease)
    assert store.holder("web") is None


def test_an_entry_that_was_written_before_the_lease_was_lost_counts_as_done(store: DynamoStore) -> None:
    lease = take(store)

    def taken_over_after_the_write(name: str, call: Callable[[], Any]) -> Any:
        if name == "transact_write_items":
            call()
            take(store, "bob", force=True)
        return call()

    meddling(store, taken_over_after_the_write).append("web", FIRST, lease=lease)
    assert list(store.tail("web", 8)) == [FIRST]


def test_a_refusal_that_is_not_our_own_doing_stays_one_though_answers_are_lost(store: DynamoStore) -> None:
    lost = take(store, "alice")
    take(store, "bob", force=True)
    store.append("web", FIRST)
    unlucky = meddling(store, twice)
    with pytest.raises(Locked, match="bob"):
        take(unlucky, "carol")
    (other,) = chained([Stuck("so")])
    with pytest.raises(JournalConflict):
        unlucky.append("web", other)
    with pytest.raises(LeaseLost, match="bob"):
        unlucky.append("web", other, lease=lost)


def test_a_lease_given_back_between_the_refusal_and_the_look_is_taken(store: DynamoStore) -> None:
    held = take(store, "alice")

    def given_back_before_the_look(name: str, call: Callable[[], Any]) -> Any:
        if name == "query":
            store.release(held)
        return call()

    assert take(meddling(store, given_back_before_the_look), "bob").holder == holder("bob")


class InTheWay:
    """Another transaction that is at work on the same item for the first `times` writes."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.writes = 0

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        if name not in WRITES:
            return call()
        self.writes += 1
        self.left -= 1
        if self.left < 0:
            return call()
        if name == "transact_write_items":
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            raise ClientError(
                {"Error": {"Code": "TransactionCanceledException", "Message": "x"}, "CancellationReasons": reasons},
                "TransactWriteItems",
            )
        raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": "x"}}, "PutItem")


def test_a_write_goes_again_where_another_transaction_was_in_its_way(store: DynamoStore) -> None:
    lease = take(meddling(store, InTheWay(2)))
    meddling(store, InTheWay(2)).append("web", FIRST, lease=lease)
    meddling(store, InTheWay(2)).put("web", command("a"))
    assert list(store.tail("web", 8)) == [FIRST]
    assert list(store.pending("web")) == [command("a")]


def test_a_transaction_that_stays_in_the_way_is_an_error_in_the_end(store: DynamoStore) -> None:
    lease, stays = take(store), InTheWay(10**6)
    with pytest.raises(JournalError, match="TransactionCanceled") as refused:
        meddling(store, stays).append("web", FIRST, lease=lease)
    assert type(refused.value) is JournalError
    assert stays.writes > 1
    assert list(store.texts("web")) == []


def test_a_missing_table_is_a_clear_error_for_every_use(store: DynamoStore) -> None:
    lease = take(store)
    store._table = "no-such-table"
    uses: list[Callable[[], object]] = [
        lambda: store.tail("web", 8),
        lambda: store.since("web", 1),
        lambda: store.texts("web"),
        lambda: store.append("web", FIRST),
        lambda: store.append("web", FIRST, lease=lease),
        lambda: store.holder("web"),
        lambda: take(store),
        lambda: store.renew(lease, now=NOON, seconds=30),
        lambda: store.release(lease),
        lambda: store.put("web", command("a")),
        lambda: store.pending("web"),
        lambda: store.remove("web", ["a"]),
    ]
    for use in uses:
        with pytest.raises(JournalError, match="no-such-table"):
            use()


def items(store: DynamoStore) -> dict[str, dict[str, Any]]:
    """Every item of the table, by its sort key."""
    return {item["sk"]["S"]: item for item in store._client.scan(TableName=store._table)["Items"]}


def test_every_item_is_found_where_the_layout_says(store: DynamoStore) -> None:
    lease = take(store)
    store.append("web", FIRST, lease=lease)
    store.put("web", command("a"))
    store.keep_cursor("web", "sns", Cursor(1, FIRST.hash, NOON))
    found = items(store)
    assert sorted(found) == ["cursor#sns", "entry#000000000001", "inbox#a", "lease"]
    assert {item["pk"]["S"] for item in found.values()} == {"service#web"}
    assert found["lease"]["until"]["S"] == (NOON + timedelta(seconds=30)).isoformat()
    assert float(found["lease"]["expires"]["N"]) == (NOON + timedelta(seconds=30)).timestamp() * 1000
    store.release(lease)
    assert items(store)["lease"]["token"] == {"N": "1"}


@pytest.mark.parametrize(
    "item",
    [{"sk": {"S": "entry#000000000001"}}, {"sk": {"S": "entry#000000000001"}, "entry": {"S": "{}"}}],
    ids=["empty", "other"],
)
def test_an_entry_of_another_making_is_a_clear_error_and_its_text_can_still_be_had(
    store: DynamoStore, item: dict[str, Any]
) -> None:
    store._client.put_item(TableName=store._table, Item={"pk": {"S": "service#web"}, **item})
    with pytest.raises(JournalError, match="holds an entry"):
        store.tail("web", 8)
    assert [number for number, _ in store.texts("web")] == [1]


def test_a_key_that_is_no_entrys_is_a_clear_error(store: DynamoStore) -> None:
    store._client.put_item(TableName=store._table, Item={"pk": {"S": "service#web"}, "sk": {"S": "entry#one"}})
    with pytest.raises(JournalError, match="entry#one"):
        store.texts("web")


def test_a_damaged_lease_is_a_clear_error_and_can_be_broken(store: DynamoStore) -> None:
    take(store)
    store._client.update_item(
        TableName=store._table,
        Key={"pk": {"S": "service#web"}, "sk": {"S": "lease"}},
        UpdateExpression="SET #until = :x",
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={":x": {"S": "tomorrow"}},
    )
    with pytest.raises(JournalError, match="lease of web"):
        store.holder("web")
    with pytest.raises(JournalError, match="lease of web"):
        take(store, "bob")
    assert take(store, "bob", force=True).token == 2
