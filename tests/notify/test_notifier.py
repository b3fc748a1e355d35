"""At least once, in order, and never silently past anything: what a notifier promises, whatever breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.notify import (
    IMPORTANT,
    ROLLED_BACK,
    TO_THE_APPROVAL,
    Recording,
    Waits,
    fails,
    follows,
    record,
    rewritten,
)
from toolkit.errors import AuditFailed, JournalError
from toolkit.journal.memory import MemoryStore
from toolkit.journal.sqlite import SqliteStore
from toolkit.rollout.events import Promoted, ShiftVerified, StepPassed, Stuck
from toolkit.rollout.notification import Notification, Severity, Unsent
from toolkit.settings import NotifyEvents
from toolkit.traffic import Color


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    record(store, *ROLLED_BACK)
    return store


class Away:
    """A store that fails for as long as `away` is true."""

    def __init__(self, store: MemoryStore, *, away: bool = True) -> None:
        self._store = store
        self.away = away

    def __getattr__(self, name: str) -> Any:
        if self.away:
            raise JournalError("the table is away")
        return getattr(self._store, name)


class TestWhatIsTold:
    def test_everything_important_in_order_and_once(self, store: MemoryStore) -> None:
        sink = Recording()
        notifier = follows(store, sink)
        assert notifier.catch_up() == len(IMPORTANT)
        assert notifier.catch_up() == 0
        assert sink.events == IMPORTANT
        assert sink.numbers == sorted(sink.numbers)

    def test_every_entry_where_all_are_wanted(self, store: MemoryStore) -> None:
        sink = Recording()
        follows(store, sink, events=NotifyEvents.ALL).catch_up()
        assert sink.numbers == list(range(1, len(ROLLED_BACK) + 1))

    def test_each_carries_the_head_that_the_journal_had_then(self, store: MemoryStore) -> None:
        sink = Recording()
        follows(store, sink, events=NotifyEvents.ALL).catch_up()
        assert [each.head for each in sink.told] == [entry.head for entry in store.since("web", 1)]

    def test_a_first_run_begins_with_the_newest_rollout(self, store: MemoryStore) -> None:
        record(store, *TO_THE_APPROVAL)
        sink = Recording()
        follows(store, sink).catch_up()
        assert sink.numbers[0] == len(ROLLED_BACK) + 1
        assert sink.events == ["started", "shifted", "awaiting-approval"]

    def test_a_first_run_without_a_rollout_begins_with_the_last_shift(self) -> None:
        store = MemoryStore()
        record(store, *ROLLED_BACK[2:4], *ROLLED_BACK[2:4], Promoted(Color.GREEN))
        sink = Recording()
        follows(store, sink, events=NotifyEvents.ALL).catch_up()
        assert sink.numbers == [3, 4, 5]

    def test_a_first_run_on_an_empty_journal_tells_what_comes_after_it(self) -> None:
        store, sink = MemoryStore(), Recording()
        notifier = follows(store, sink)
        notifier.catch_up()
        record(store, Stuck("no way back"))
        notifier.catch_up()
        assert sink.events == ["halted"]

    def test_from_now_passes_over_what_there_is(self, store: MemoryStore) -> None:
        follows(store, Recording()).skip()
        record(store, Promoted(Color.GREEN))
        sink = Recording()
        follows(store, sink).catch_up()
        assert sink.events == ["promoted"]

    def test_a_later_run_knows_what_the_routes_hold_and_where_the_rollout_stands(self, store: MemoryStore) -> None:
        record(store, *TO_THE_APPROVAL[:-1])
        follows(store, Recording()).catch_up()
        record(store, TO_THE_APPROVAL[-1])
        sink = Recording()
        follows(store, sink).catch_up()
        (asks,) = sink.told
        assert asks.event == "awaiting-approval"
        assert "ask the shop" in asks.line
        assert {str(split) for split in asks.splits.values()} == {"blue 95 / green 5"}

    def test_two_names_have_a_cursor_each(self, store: MemoryStore) -> None:
        for name in ("one", "other"):
            sink = Recording()
            follows(store, sink, name=name).catch_up()
            assert sink.events == IMPORTANT


class TestASinkThatFails:
    def test_is_asked_again_after_pauses_that_grow(self, store: MemoryStore) -> None:
        sink, wait = Recording(fails(Unsent("500"), Unsent("500"), Unsent("500"))), Waits()
        follows(store, sink, wait=wait).catch_up()
        assert sink.events == IMPORTANT
        assert wait.seconds == [1, 2, 4]

    def test_that_asks_for_time_gets_it_up_to_a_bound(self, store: MemoryStore) -> None:
        wait = Waits()
        follows(store, Recording(fails(Unsent("429", after=7), Unsent("429", after=9e9))), wait=wait).catch_up()
        assert wait.seconds == [7, 30]

    def test_for_long_is_left_for_the_next_run_which_begins_there(self, store: MemoryStore) -> None:
        def meddle(told: Notification) -> None:
            if told.event == "gate-failed":
                raise Unsent("500")

        broken, wait = Recording(meddle), Waits()
        with pytest.raises(Unsent, match="500"):
            follows(store, broken, wait=wait).catch_up()
        assert broken.events == IMPORTANT[:2]
        assert len(wait.seconds) == 4
        mended = Recording()
        follows(store, mended).catch_up()
        assert mended.events == IMPORTANT[2:]

    def test_until_somebody_mends_it_is_asked_once(self, store: MemoryStore) -> None:
        wait = Waits()
        with pytest.raises(Unsent, match="403"):
            follows(store, Recording(fails(*[Unsent("403", again=False)] * 2)), wait=wait).catch_up()
        assert wait.seconds == []

    def test_is_not_waited_for_once_nothing_shall_be(self, store: MemoryStore) -> None:
        wait = Waits(stops=1)
        with pytest.raises(Unsent):
            follows(store, Recording(fails(*[Unsent("500")] * 9)), wait=wait).catch_up()
        assert len(wait.seconds) == 1

    def test_the_same_notifier_goes_on_after_a_failure(self, store: MemoryStore) -> None:
        sink = Recording(fails(Unsent("403", again=False)))
        notifier = follows(store, sink)
        with pytest.raises(Unsent):
            notifier.catch_up()
        notifier.catch_up()
        assert sink.events == IMPORTANT


class TestAnEntryThatASinkRefuses:
    def test_is_passed_once_a_word_in_its_place_is_taken(self, store: MemoryStore) -> None:
        def meddle(told: Notification) -> None:
            if told.event == "gate-failed":
                raise Unsent("answered 400", refused=True)

        sink = Recording(meddle)
        follows(store, sink).catch_up()
        assert sink.events == [*IMPORTANT[:2], "untold", *IMPORTANT[3:]]
        untold = sink.told[2]
        assert untold.severity is Severity.ALERT
        assert "answered 400" in untold.line
        assert "gate-failed" in untold.line

    def test_stays_where_the_sink_refuses_everything(self, store: MemoryStore) -> None:
        def meddle(_told: Notification) -> None:
            raise Unsent("answered 400", refused=True)

        with pytest.raises(Unsent, match="400"):
            follows(store, Recording(meddle)).catch_up()
        sink = Recording()
        follows(store, sink).catch_up()
        assert sink.events == IMPORTANT


class TestACrash:
    def test_between_taking_and_remembering_tells_twice_and_loses_nothing(self, store: MemoryStore) -> None:
        class Dies:
            """The cursor of the third notification is never kept."""

            kept = 0

            def cursor(self, *words: Any) -> Any:
                return store.cursor(*words)

            def keep_cursor(self, *words: Any) -> None:
                self.kept += 1
                if self.kept == 3:
                    raise KeyboardInterrupt
                store.keep_cursor(*words)

        first, second = Recording(), Recording()
        with pytest.raises(KeyboardInterrupt):
            follows(store, first, cursors=Dies()).catch_up()
        follows(store, second).catch_up()
        assert first.events == IMPORTANT[:3]
        assert second.events == IMPORTANT[2:]

    def test_by_kill_9_loses_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite3"
        store = SqliteStore(path, place="here")
        record(store, *ROLLED_BACK)
        code = (
            "import sys; from pathlib import Path; from tests.support.notify import *; "
            "from toolkit.journal.sqlite import SqliteStore; import os, signal\n"
            "def say(told):\n"
            "    print(told.event, flush=True)\n"
            "    if told.event == 'gate-failed': os.kill(os.getpid(), signal.SIGKILL)\n"
            "store = SqliteStore(Path(sys.argv[1]), place='here')\n"
            "follows(store, Recording(say)).catch_up()\n"
        )
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        killed = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert killed.stdout.split() == IMPORTANT[:3]
        sink = Recording()
        follows(store, sink).catch_up()  # type: ignore[arg-type]
        assert sink.events == IMPORTANT[2:]

    def test_two_at_once_may_tell_twice_and_lose_nothing(self, store: MemoryStore) -> None:
        one, other = Recording(), Recording()
        first, second = follows(store, one), follows(store, other)
        first.catch_up()
        record(store, *TO_THE_APPROVAL)
        one.meddle = lambda told: second.catch_up() if told.event == "started" else None
        first.catch_up()
        record(store, *ROLLED_BACK[4:])
        second.catch_up()
        everything = {entry.sequence for entry in store.since("web", 1)}
        unimportant = {2, 3, 10, 11}
        assert {*one.numbers, *other.numbers} == everything - unimportant


class TestAStoreThatIsAway:
    def test_is_an_error_and_nothing_is_lost(self, store: MemoryStore) -> None:
        sink, away = Recording(), Away(store)
        notifier = follows(store, sink, journal=away, cursors=store)
        with pytest.raises(JournalError, match="away"):
            notifier.catch_up()
        away.away = False
        notifier.catch_up()
        assert sink.events == IMPORTANT

    def test_for_the_cursor_alone_tells_again(self, store: MemoryStore) -> None:
        sink, away = Recording(), Away(store, away=False)
        notifier = follows(store, sink, cursors=away)
        sink.meddle = lambda _told: setattr(away, "away", True)
        with pytest.raises(JournalError, match="away"):
            notifier.catch_up()
        away.away, sink.meddle = False, lambda _told: None
        notifier.catch_up()
        assert sink.events == [IMPORTANT[0], *IMPORTANT]


class TestABrokenJournal:
    def test_that_was_cut_off_is_told_and_ends_as_an_audit_does(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        cut = rewritten(store.since("web", 1)[:5])
        sink = Recording()
        with pytest.raises(AuditFailed, match="cut off") as failed:
            follows(cut, sink, cursors=store).catch_up()
        (alert,) = sink.told
        assert (alert.event, alert.severity) == ("journal-broken", Severity.ALERT)
        assert alert.head == cut.tail("web", 1)[0].head
        assert "audit verify web" in failed.value.hint

    def test_is_told_once(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        cut = rewritten(store.since("web", 1)[:5])
        with pytest.raises(AuditFailed):
            follows(cut, Recording(), cursors=store).catch_up()
        sink = Recording()
        assert follows(cut, sink, cursors=store).catch_up() == 0
        assert sink.told == []

    def test_is_found_again_until_somebody_could_be_told(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        cut = rewritten(store.since("web", 1)[:5])
        with pytest.raises(AuditFailed, match=r"Nobody could be told: 403"):
            follows(cut, Recording(fails(Unsent("403", again=False))), cursors=store).catch_up()
        with pytest.raises(AuditFailed, match="It was told"):
            follows(cut, Recording(), cursors=store).catch_up()

    def test_and_grown_again_is_found_and_what_is_new_is_told(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        cut = rewritten(store.since("web", 1)[:5])
        record(cut, *ROLLED_BACK[5:], Promoted(Color.GREEN), minute=30)
        sink = Recording()
        with pytest.raises(AuditFailed, match="it was changed"):
            follows(cut, sink, cursors=store).catch_up()
        assert sink.events == ["journal-broken", "shifting-back", "shifted-back", "rolled-back", "promoted"]

    def test_that_is_gone_whole_is_found(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        sink = Recording()
        with pytest.raises(AuditFailed):
            follows(MemoryStore(), sink, cursors=store).catch_up()
        assert sink.events == ["journal-broken"]

    @pytest.mark.parametrize("lost", [slice(9, 10), slice(10, 11)], ids=["next to the cursor", "later"])
    def test_with_a_gap_past_the_cursor_is_found_and_the_rest_is_told(self, store: MemoryStore, lost: slice) -> None:
        follows(store, Recording()).catch_up()
        record(store, *[Stuck(str(number)) for number in range(4)])
        entries = store.since("web", 1)
        left = [entry for entry in entries if entry not in entries[lost.start - 1 : lost.stop - 1]]
        sink = Recording()
        with pytest.raises(AuditFailed, match="missing"):
            follows(rewritten(left), sink, cursors=store).catch_up()
        assert sink.events.count("journal-broken") == 1
        assert sink.events.count("halted") == 3

    def test_with_another_chain_past_the_cursor_is_found(self, store: MemoryStore) -> None:
        follows(store, Recording()).catch_up()
        before = list(store.since("web", 1))
        other = MemoryStore()
        record(other, *ROLLED_BACK[:-1], ShiftVerified())
        forged = record(other, StepPassed(0), Stuck("forged"))
        sink = Recording()
        with pytest.raises(AuditFailed, match="another hash"):
            follows(rewritten([*before, *forged]), sink, cursors=store).catch_up()
        assert sink.events == ["journal-broken", "halted"]
