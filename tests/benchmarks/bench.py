"""What crash, faults and race are carried out on: a service, the proxy before it, and operators; several at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from tests.benchmarks.operators import Ended, Task, Warm
from tests.benchmarks.stage import Journal, Post, staged
from tests.support.proxy import Door, Ledger, Written, proxied
from toolkit.rollout.events import ShiftIntended

_Work = TypeVar("_Work")
_Found = TypeVar("_Found")
_SAY_EVERY_SECONDS = 10.0


@dataclass
class Bench:
    """One service with a door for each of its operators, by label. warm: their processes, by the same label."""

    post: Post
    ledger: Ledger
    doors: dict[str, Door]
    warm: dict[str, Warm]

    def reset(self) -> None:
        """The stage as at the beginning, and nothing in the ledger."""
        self.ledger.begin(self.post.reset())

    def task(self, doing: str, label: str = "operator", **words: Any) -> Task:
        return Task(doing, self.post.name, self.doors[label].url, str(self.post.scratch), **words)

    def run(self, doing: str, label: str = "operator", **words: Any) -> Ended:
        """One operator to its end, and to the end of every call that it began."""
        ended = self.warm[label].run(self.task(doing, label, **words))
        self.ledger.settle()
        return ended

    def invalid_states(self, journal: Journal) -> list[str]:
        """What must never be seen in AWS, as sentences: now, or in a write since the reset."""
        record, held = journal.record, self.post.splits()
        found = [
            f"route {route.name} holds {held.get(route.name, 'no weight at all')}, which the journal does not explain"
            for route in self.post.contract.routes
            if route.name not in held or not record.may_hold(route.name, held[route.name])
        ]
        if record.base is None and any(split.green for split in held.values()):
            found.append("nobody knows the way back")
        return found + [
            f"call {write.call.number} wrote {dict(write.weights)}, which nobody had meant"
            for write in self.ledger.writes
            if not self._was_meant(write)
        ]

    def _was_meant(self, write: Written) -> bool:
        """Whether the last intent that was recorded before the write says its weights."""
        meant = [
            entry.event.to
            for call, entry in self.ledger.entries
            if isinstance(entry.event, ShiftIntended) and (call.done or 0) <= write.call.at
        ]
        return bool(meant) and dict(self.post.contract.weights(meant[-1])) == dict(write.weights)


@contextmanager
def benches(
    scratch: Path, count: int, labels: Sequence[str] = ("operator",), *, data_plane: bool = False
) -> Iterator[list[Bench]]:
    """`count` of them on one stage (`staged`). All of it ends with the block."""
    with ExitStack() as stack:
        url, posts = stack.enter_context(staged(scratch, count, data_plane=data_plane))
        made = []
        for post in posts:
            ledger, doors = stack.enter_context(proxied(url, labels))
            made.append(Bench(post, ledger, doors, {label: stack.enter_context(Warm()) for label in labels}))
        yield made


def shared_out(
    benches: Sequence[Bench], work: Iterable[_Work], carry_out: Callable[[Bench, _Work], _Found], what: str
) -> list[_Found]:
    """`carry_out` of each piece of work on whichever bench is free; what it found, in the order of the work."""
    free: SimpleQueue[Bench] = SimpleQueue()
    for bench in benches:
        free.put(bench)
    pieces = list(work)
    said = time.monotonic()

    def one(piece: _Work) -> _Found:
        bench = free.get()
        try:
            return carry_out(bench, piece)
        finally:
            free.put(bench)

    found = []
    with ThreadPoolExecutor(max_workers=len(benches)) as pool:
        try:
            for each in pool.map(one, pieces):
                found.append(each)
                if time.monotonic() - said > _SAY_EVERY_SECONDS:
                    said = time.monotonic()
                    say(f"{what}: {len(found)} of {len(pieces)}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # nobody wants to know the rest
            raise
    return found


def say(line: str) -> None:
    """Progress, beside the result."""
    print(line, file=sys.stderr, flush=True)
