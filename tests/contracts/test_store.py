"""What every Store does: in memory, in SQLite, and in DynamoDB in the lab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import pytest

from tests.support.journals import NOON, chained, holder
from tests.support.provision import CREDENTIALS, REGION, client
from tests.support.world import World
from toolkit.aws.dynamodb import DynamoStore
from toolkit.aws.session import Session
from toolkit.contract import Stickiness
from toolkit.errors import BluegreenError, JournalConflict, LeaseLost, Locked
from toolkit.journal.memory import MemoryStore
from toolkit.journal.sqlite import SqliteStore
from toolkit.rollout.codec import encode, seal
from toolkit.rollout.events import (
    Event,
    Head,
    Kind,
    Promoted,
    ShiftIntended,
    ShiftVerified,
    Stuck,
    SuspendedStickiness,
    Word,
)
from toolkit.rollout.ports import Command, Lease, Store
from toolkit.settings import AwsSettings
from toolkit.traffic import Color, Split

INTENT = ShiftIntended(
    Kind.SHIFT,
    Color.BLUE,
    {"web": Split(blue=100, green=0)},
    Split(blue=80, green=20),
    suspended={"web": SuspendedStickiness(Stickiness(enabled=True, duration_seconds=60), NOON)},
)


def memory(_request: pytest.FixtureRequest) -> Store:
    return MemoryStore()


def sqlite(request: pytest.FixtureRequest) -> Store:
    path: Path = request.getfixturevalue("tmp_path")
    return SqliteStore(path / "deep" / "journal.sqlite3", place="123456789012/eu-central-1")


def dynamodb(request: pytest.FixtureRequest) -> DynamoStore:
    """On a table of its own: nothing else that a pair has is asked for."""
    world: World = request.getfixturevalue("world")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    endpoint_url, table = world.lab.endpoint_url, f"bluegreen-{uuid4().hex}"
    tables = client(endpoint_url, "dynamodb")
    tables.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    request.addfinalizer(lambda: tables.delete_table(TableName=table))
    tables.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    return DynamoStore(Session(AwsSettings(region=REGION, endpoint_url=endpoint_url)), table)


@pytest.fixture(params=[memory, sqlite, pytest.param(dynamodb, marks=pytest.mark.lab)])
def store(request: pytest.FixtureRequest) -> Store:
    made: Store = request.param(request)
    return made


def record(store: Store, *events: Event, service: str = "web", lease: Lease | None = None) -> None:
    for entry in chained(events, service=service):
        store.append(service, entry, lease=lease)


def take(store: Store, who: str = "alice", *, at: float = 0, seconds: float = 30, force: bool = False) -> Lease:
    now = NOON + timedelta(seconds=at)
    return store.acquire("web", holder(who), now=now, seconds=seconds, force=force)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class TestJournal:
    def test_nothing_was_recorded_at_first(self, store: Store) -> None:
        assert list(store.tail("web", 8)) == []
        assert list(store.since("web", 1)) == []
        assert list(store.texts("web")) == []

    def test_entries_come_back_whole_numbered_and_oldest_first(self, store: Store) -> None:
        events = (INTENT, ShiftVerified(), Promoted(Color.GREEN))
        record(store, *events)
        entries = store.tail("web", 8)
        assert list(entries) == chained(events)
        assert [entry.sequence for entry in entries] == [1, 2, 3]
        assert [entry.previous for entry in entries] == ["", entries[0].hash, entries[1].hash]

    def test_the_tail_is_the_newest_part_also_past_ten(self, store: Store) -> None:
        record(store, *[Stuck(str(number)) for number in range(12)])
        assert [entry.sequence for entry in store.tail("web", 3)] == [10, 11, 12]
        assert list(store.tail("web", 0)) == []

    def test_since_gives_every_entry_from_a_number_on(self, store: Store) -> None:
        record(store, *[Stuck(str(number)) for number in range(12)])
        assert [entry.sequence for entry in store.since("web", 10)] == [10, 11, 12]
        assert [entry.sequence for entry in store.since("web", 0)] == list(range(1, 13))
        assert list(store.since("web", 13)) == []

    def test_texts_are_what_was_encoded(self, store: Store) -> None:
        entries = chained([INTENT, ShiftVerified()])
        record(store, INTENT, ShiftVerified())
        assert [tuple(each) for each in store.texts("web")] == [(n, encode(e)) for n, e in enumerate(entries, 1)]

    def test_an_entry_stands_and_a_second_of_its_number_conflicts(self, store: Store) -> None:
        record(store, INTENT)
        with pytest.raises(JournalConflict, match="entry 1"):
            record(store, ShiftVerified())
        assert [entry.event for entry in store.tail("web", 8)] == [INTENT]

    def test_services_do_not_meet(self, store: Store) -> None:
        record(store, INTENT, service="web")
        record(store, ShiftVerified(), service="web2")
        assert [entry.event for entry in store.tail("web", 8)] == [INTENT]

    def test_many_long_entries_are_all_read(self, store: Store) -> None:
        record(store, *[Stuck("x" * 60_000) for _ in range(40)])  # 2.4 MB: more than one answer of DynamoDB
        assert [number for number, _ in store.texts("web")] == list(range(1, 41))
        assert [entry.sequence for entry in store.since("web", 3)] == list(range(3, 41))
        assert [entry.sequence for entry in store.tail("web", 30)] == list(range(11, 41))

    def test_of_two_who_append_the_same_number_exactly_one_wins(self, store: Store) -> None:
        head = Head()
        for number in range(1, 11):
            entries = [seal("web", head, Stuck(who), at=NOON, actor=who, rollout=None) for who in ("a", "b")]
            outcomes = at_once([partial(store.append, "web", entry) for entry in entries])
            (stands,) = store.tail("web", 1)
            assert stands.sequence == number
            assert [type(outcome) for outcome in outcomes if outcome] == [JournalConflict]
            assert entries[outcomes.index(None)] == stands
            head = stands.head


class TestLease:
    def test_nobody_holds_it_at_first(self, store: Store) -> None:
        assert store.holder("web") is None

    def test_who_took_it_holds_it_until_it_expires(self, store: Store) -> None:
        lease = take(store, "alice", seconds=30)
        assert (lease.service, lease.holder, lease.since, lease.expires) == ("web", holder("alice"), NOON, later(30))
        assert store.holder("web") == lease
        assert store.holder("web2") is None

    def test_another_is_refused_while_it_is_held_and_told_who_holds_it(self, store: Store) -> None:
        lease = take(store, "alice", seconds=30)
        with pytest.raises(Locked) as refused:
            take(store, "bob", at=29.999)
        for word in ("alice", "desk", "process 4711", "canary", "2026-01-02T12:00:00", "2026-01-02T12:00:30"):
            assert word in refused.value.message
        assert "bluegreen resume web --break-lease" in refused.value.hint
        assert "bluegreen rollback web --break-lease" in refused.value.hint
        assert store.holder("web") == lease

    def test_the_holder_itself_is_refused_a_second_one(self, store: Store) -> None:
        take(store, "alice")
        with pytest.raises(Locked):
            take(store, "alice")

    def test_an_expired_one_may_be_taken_in_that_moment(self, store: Store) -> None:
        first = take(store, "alice", seconds=30)
        second = take(store, "bob", at=30)
        assert second.token > first.token
        assert store.holder("web") == second

    def test_an_expired_one_is_still_shown(self, store: Store) -> None:
        lease = take(store, "alice", seconds=30)
        held = store.holder("web")
        assert held == lease
        assert not lease.is_held(later(30))

    def test_a_held_one_may_be_broken(self, store: Store) -> None:
        first = take(store, "alice")
        second = take(store, "bob", at=1, force=True)
        assert second.token > first.token
        assert store.holder("web") == second

    def test_the_token_grows_also_over_a_release(self, store: Store) -> None:
        tokens = []
        for _ in range(3):
            lease = take(store)
            tokens.append(lease.token)
            store.release(lease)
        assert tokens == sorted(set(tokens))

    def test_nobody_holds_a_released_one_and_anybody_may_take_it(self, store: Store) -> None:
        store.release(take(store, "alice"))
        assert store.holder("web") is None
        assert store.holder("web") is None
        assert take(store, "bob").holder == holder("bob")

    def test_who_lost_it_cannot_give_it_back(self, store: Store) -> None:
        lost = take(store, "alice")
        held = take(store, "bob", force=True)
        store.release(lost)
        assert store.holder("web") == held

    def test_releasing_twice_is_no_error(self, store: Store) -> None:
        lease = take(store)
        store.release(lease)
        store.release(lease)
        assert store.holder("web") is None

    def test_renewing_moves_the_expiry_alone(self, store: Store) -> None:
        lease = take(store, seconds=30)
        renewed = store.renew(lease, now=later(20), seconds=30)
        assert renewed == replace(lease, expires=later(50))
        assert store.holder("web") == renewed
        with pytest.raises(Locked):
            take(store, "bob", at=49)

    def test_an_expired_one_that_nobody_took_can_be_renewed(self, store: Store) -> None:
        lease = take(store, seconds=30)
        assert store.renew(lease, now=later(100), seconds=30).expires == later(130)
        with pytest.raises(Locked):
            take(store, "bob", at=120)

    def test_one_that_is_named_may_be_broken_and_only_that_one(self, store: Store) -> None:
        named = take(store, "alice")
        now = later(1)
        second = store.acquire("web", holder("bob"), now=now, seconds=30, over=named)
        assert second.token > named.token
        with pytest.raises(Locked, match="bob"):
            store.acquire("web", holder("carol"), now=now, seconds=30, over=named)

    def test_a_lost_one_cannot_be_renewed(self, store: Store) -> None:
        lost = take(store, "alice")
        held = take(store, "bob", force=True)
        with pytest.raises(LeaseLost, match="bob"):
            store.renew(lost, now=later(1), seconds=30)
        assert store.holder("web") == held

    def test_a_released_one_cannot_be_renewed(self, store: Store) -> None:
        lease = take(store)
        store.release(lease)
        with pytest.raises(LeaseLost):
            store.renew(lease, now=later(1), seconds=30)
        assert store.holder("web") is None

    def test_microseconds_count(self, store: Store) -> None:
        lease = take(store, seconds=1.000001)
        assert lease.expires == NOON + timedelta(seconds=1, microseconds=1)
        with pytest.raises(Locked):
            take(store, "bob", at=1)
        assert take(store, "bob", at=1.000001).since == lease.expires

    def test_of_two_who_take_it_at_once_exactly_one_gets_it(self, store: Store) -> None:
        for round_ in range(20):
            names = (f"a{round_}", f"b{round_}")
            outcomes = at_once([partial(take, store, name) for name in names])
            held = store.holder("web")
            assert held is not None
            assert [type(outcome) for outcome in outcomes if outcome] == [Locked]
            assert held.holder.name == names[outcomes.index(None)]
            store.release(held)

    def test_of_two_who_take_an_expired_one_at_once_exactly_one_gets_it(self, store: Store) -> None:
        for round_ in range(10):
            take(store, at=round_ * 100, seconds=10)
            outcomes = at_once([partial(take, store, who, at=round_ * 100 + 50) for who in ("a", "b")])
            assert [type(outcome) for outcome in outcomes if outcome] == [Locked]


class TestAppendUnderALease:
    def test_the_holder_appends(self, store: Store) -> None:
        record(store, INTENT, ShiftVerified(), lease=take(store))
        assert len(store.tail("web", 8)) == 2

    def test_an_expired_one_that_nobody_took_is_no_hindrance(self, store: Store) -> None:
        record(store, INTENT, lease=take(store, seconds=0))
        assert len(store.tail("web", 8)) == 1

    def test_a_renewed_one_counts_as_the_same(self, store: Store) -> None:
        lease = take(store)
        store.renew(lease, now=later(10), seconds=30)
        record(store, INTENT, lease=lease)
        assert len(store.tail("web", 8)) == 1

    def test_who_lost_it_appends_nothing_and_is_told_who_has_it(self, store: Store) -> None:
        lost = take(store, "alice")
        take(store, "bob", force=True)
        with pytest.raises(LeaseLost, match="bob"):
            record(store, INTENT, lease=lost)
        assert list(store.texts("web")) == []

    def test_a_released_one_appends_nothing(self, store: Store) -> None:
        lease = take(store)
        store.release(lease)
        with pytest.raises(LeaseLost):
            record(store, INTENT, lease=lease)
        assert list(store.texts("web")) == []

    def test_a_conflict_is_told_from_a_lost_lease(self, store: Store) -> None:
        lease = take(store)
        record(store, INTENT)
        with pytest.raises(JournalConflict, match="entry 1"):
            record(store, ShiftVerified(), lease=lease)
        assert [entry.event for entry in store.tail("web", 8)] == [INTENT]

    def test_a_lost_lease_goes_before_a_conflict(self, store: Store) -> None:
        lost = take(store, "alice")
        take(store, "bob", force=True)
        record(store, INTENT)
        with pytest.raises(LeaseLost):
            record(store, ShiftVerified(), lease=lost)

    def test_without_a_lease_an_entry_is_added_past_its_holder(self, store: Store) -> None:
        take(store)
        record(store, INTENT)
        assert len(store.tail("web", 8)) == 1


class TestInbox:
    def test_it_is_empty_at_first(self, store: Store) -> None:
        assert list(store.pending("web")) == []

    def test_commands_come_back_whole_oldest_first(self, store: Store) -> None:
        commands = [command("z", at=0), command("a", at=1, reason="deploy \N{SNOWMAN}"), command("m", at=1.5)]
        for each in (commands[2], commands[0], commands[1]):
            store.put("web", each)
        assert list(store.pending("web")) == commands

    def test_looking_takes_nothing(self, store: Store) -> None:
        store.put("web", command("a"))
        assert list(store.pending("web")) == list(store.pending("web")) == [command("a")]

    def test_removing_takes_those_named_and_again_is_no_error(self, store: Store) -> None:
        for each in ("a", "b", "c"):
            store.put("web", command(each))
        store.remove("web", ["a", "c"])
        store.remove("web", ["a", "never"])
        store.remove("web", [])
        assert list(store.pending("web")) == [command("b")]

    def test_services_do_not_meet(self, store: Store) -> None:
        store.put("web", command("a"))
        store.put("web2", command("b"))
        store.remove("web", ["b"])
        assert list(store.pending("web")) == [command("a")]
        assert list(store.pending("web2")) == [command("b")]

    def test_neither_lease_nor_command_is_an_entry(self, store: Store) -> None:
        take(store)
        store.put("web", command("a"))
        record(store, INTENT)
        assert [number for number, _ in store.texts("web")] == [1]
        assert [entry.event for entry in store.since("web", 0)] == [INTENT]


def command(id_: str, *, at: float = 0, reason: str = "") -> Command:
    return Command(id_, Word.PAUSE, "web-1", "bob", later(at), reason)


def at_once(calls: Sequence[Callable[[], object]]) -> list[BluegreenError | None]:
    """Call each in a thread of its own, all begun together: what each raised, None where it raised nothing."""
    outcomes: list[BluegreenError | None] = [None] * len(calls)
    barrier = Barrier(len(calls))

    def run(index: int) -> None:
        barrier.wait(timeout=30)
        try:
            calls[index]()
        except BluegreenError as error:
            outcomes[index] = error

    threads = [Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes
