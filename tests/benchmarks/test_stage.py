"""What is said against a journal."""

from __future__ import annotations

from datetime import timedelta

from tests.benchmarks.accelerated import EPOCH
from tests.benchmarks.stage import Journal
from toolkit.rollout.codec import encode, seal
from toolkit.rollout.events import Ending, Entry, Event, Head, RolloutEnded


def entries(*events: Event) -> Journal:
    head, made = Head(), list[Entry]()
    for number, event in enumerate(events):
        entry = seal("web", head, event, at=EPOCH + timedelta(seconds=number), actor=None, rollout="web-1")
        made.append(entry)
        head = entry.head
    return Journal.of("web", [(entry.sequence, encode(entry)) for entry in made])


def test_a_journal_with_a_gap_or_another_past_is_at_fault() -> None:
    ended = RolloutEnded(Ending.PROMOTED)
    whole = [(entry.sequence, encode(entry)) for entry in entries(ended, ended, ended).entries]
    assert Journal.of("web", whole).fault == ""
    assert "entry 2 is missing" in Journal.of("web", [whole[0], whole[2]]).fault
    changed = whole[0][1].replace("promoted", "refused")
    assert "entry 2 does not follow" in Journal.of("web", [(1, changed), *whole[1:]]).fault
