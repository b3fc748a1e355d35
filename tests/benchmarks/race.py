"""Two operators on one service: who wins, and whether the loser can do harm unseen.

    python -m tests.benchmarks.race [--rounds 200] [--scale 10] [--workers 2]

A round has two parts. Both operators start a rollout at the same moment: exactly one may. Then one starts alone and is
stopped (SIGSTOP) at a moment by chance: before or after one of its calls to AWS. The other takes over, by force or
after the lease has run out; the first goes on (SIGCONT) while the other works, or after it has ended. What the first
writes then is stale: ELBv2 cannot refuse it, so it must be seen.

Processes, locks and signals are real, and time is scaled. The last line is one JSON object (docs/benchmarks.md).
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.accelerated import Time
from tests.benchmarks.bench import Bench, benches, say, shared_out
from tests.benchmarks.boundaries import Stroke, When
from tests.benchmarks.operators import Ended
from tests.benchmarks.stage import Journal
from tests.support.proxy import Written
from toolkit.errors import Halted, LeaseLost
from toolkit.rollout.events import RolloutEnded, RolloutStarted, RunnerTookOver
from toolkit.rollout.machine import Phase
from toolkit.runner.lease import LEASE_SECONDS

ALICE, BOB = "alice", "bob"
_STRATEGY = "all-at-once"
_HEAD_START_SECONDS = 0.4
"""From telling two operators until they begin: both are wired by then."""
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """What two simultaneous starts showed."""

    both_ran: bool
    none_ran: bool
    fault: str


def started_at_once(bench: Bench, number: int, *, scale: float) -> Start:
    """Round `number` of the first part."""
    bench.reset()
    now = time.monotonic()
    words: dict[str, Any] = {"strategy": _STRATEGY, "time": Time(scale, now), "begin": now + _HEAD_START_SECONDS}
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(bench.run, "start", label, **words) for label in (ALICE, BOB)]
        ended = [each.result() for each in running]
    journal = bench.post.journal()
    fault = _wrong(bench, journal, ended)
    if fault:
        say(f"start {number}: {fault} ({_words(ended)})")
    return Start(both_ran=_overlap(journal), none_ran=not journal.rollouts, fault=fault)


def _overlap(journal: Journal) -> bool:
    """Whether a rollout was started while another one was under way."""
    under_way = False
    for entry in journal.entries:
        if isinstance(entry.event, RolloutStarted):
            if under_way:
                return True
            under_way = True
        elif isinstance(entry.event, RolloutEnded):
            under_way = False
    return False


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Where the holder is stopped, and how it is taken over.

    forced: the lease is broken, else it runs out. goes_on: seconds from the other's begin until the first goes on;
    None after the other has ended.
    """

    number: int
    stroke: Stroke
    forced: bool
    goes_on: float | None

    @classmethod
    def by_chance(cls, number: int, calls: int) -> TakeOver:
        chance = random.Random(number)
        stroke = Stroke(chance.randint(1, calls), chance.choice(list(When)), signal.SIGSTOP)
        goes_on = None if chance.random() < 1 / 3 else chance.uniform(0.0, 1.2)
        return cls(number, stroke, forced=chance.random() < 1 / 2, goes_on=goes_on)

    def __str__(self) -> str:
        how = "forced" if self.forced else "after its lease"
        when = "at the end" if self.goes_on is None else f"after {self.goes_on:.2f} s"
        return f"take-over {self.number}: stopped {self.stroke.when} call {self.stroke.at}, {how}, goes on {when}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a take-over showed. took_over: there was something to take over."""

    took_over: bool
    stale: int
    undetected: int
    both_ran: bool
    none_ran: bool
    fault: str


def taken_over(bench: Bench, case: TakeOver, *, scale: float) -> Taken:
    """The second part."""
    bench.reset()
    clock = Time(scale, time.monotonic())
    alice, bob = bench.warm[ALICE], bench.warm[BOB]
    pid = alice.begin(bench.task("start", ALICE, strategy=_STRATEGY, time=clock, stroke=case.stroke))
    _wait_until_stopped(pid)
    try:
        if not case.forced:
            time.sleep(LEASE_SECONDS / scale)
        bob.begin(bench.task("resume", BOB, time=clock, break_lease=case.forced))
        if case.goes_on is None:
            second = bob.wait()
            alice.signal(signal.SIGCONT)
            first = alice.wait()
        else:
            time.sleep(case.goes_on)
            alice.signal(signal.SIGCONT)
            first, second = alice.wait(), bob.wait()
    finally:
        alice.signal(signal.SIGCONT)
    bench.ledger.settle()
    return _judged(bench, case, first, second)


def _wait_until_stopped(pid: int) -> None:
    """Or until it has ended: a stroke may lie past its last call."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        if status.rpartition(")")[2].split()[0] in "TZX":
            return
        time.sleep(0.002)
    raise TimeoutError(f"process {pid} neither stops nor ends")


def _judged(bench: Bench, case: TakeOver, first: Ended, second: Ended) -> Taken:
    journal = bench.post.journal()
    since = _taken_at(bench)
    stale = [write for write in bench.ledger.writes if _is_stale(write, since)]
    appended = [entry for call, entry in bench.ledger.entries if call.door == ALICE and call.at > since]
    fault = _wrong(bench, journal, [first, second])
    reported = first.error in (LeaseLost.__name__, Halted.__name__)
    undetected = len(stale) if fault and not reported else 0
    if fault or appended:
        say(f"{case}: {fault or 'the first appended after it was taken over'} ({_words([first, second])})")
    return Taken(
        took_over=since < float("inf"),
        stale=len(stale),
        undetected=undetected,
        both_ran=bool(appended) or _overlap(journal),
        none_ran=journal.last is None and not first.error,
        fault="" if stale and reported else fault,
    )


def _taken_at(bench: Bench) -> float:
    """When the journal first said that the other had taken over; never: infinity."""
    times = [
        call.done or call.at
        for call, entry in bench.ledger.entries
        if call.door == BOB and isinstance(entry.event, RunnerTookOver)
    ]
    return min(times, default=float("inf"))


def _is_stale(write: Written, since: float) -> bool:
    return write.call.door == ALICE and write.call.at > since


def _wrong(bench: Bench, journal: Journal, ended: Sequence[Ended]) -> str:
    """What speaks against how it all stands at the end; empty for nothing."""
    for each in ended:
        if each.trace or each.signal:
            return each.trace or f"killed by signal {each.signal}"
    if journal.fault:
        return journal.fault
    state, held = journal.last, bench.post.splits()
    if state is None:
        return "" if all(split.green == 0 for split in held.values()) else f"no rollout, and AWS holds {held}"
    if state.phase is Phase.HALTED:
        return ""
    if not state.is_over:
        return f"it is left {state.phase}"
    wrong = {name: split for name, split in held.items() if state.splits.get(name, split) != split}
    return f"{state.phase}, and AWS holds {wrong}" if wrong else ""


def _words(ended: Sequence[Ended]) -> str:
    return "; ".join(f"{each.error or 'well'} {each.message}".strip() for each in ended)


def main() -> int:
    """Run it and print what it shows; 0 where every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.race")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--scale", type=float, default=10.0, help="how many times as fast time passes")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    numbers = range(options.rounds)
    with tempfile.TemporaryDirectory() as scratch, benches(Path(scratch), options.workers, (ALICE, BOB)) as made:
        starts = shared_out(made, numbers, partial(started_at_once, scale=options.scale), "starts")
        made[0].reset()
        calls = len(made[0].run("start", ALICE, strategy=_STRATEGY).calls)
        cases = [TakeOver.by_chance(number, calls) for number in numbers]
        taken = shared_out(made, cases, partial(taken_over, scale=options.scale), "take-overs")
    figures = {
        "rounds": options.rounds,
        "both_ran": sum(each.both_ran for each in starts) + sum(each.both_ran for each in taken),
        "none_ran": sum(each.none_ran for each in starts) + sum(each.none_ran for each in taken),
        "undetected_stale_writes": sum(each.undetected for each in taken),
        "take_overs": sum(each.took_over for each in taken),
        "stale_writes": sum(each.stale for each in taken),
        "wrong_final_states": sum(bool(each.fault) for each in starts) + sum(bool(each.fault) for each in taken),
    }
    goals = ("both_ran", "none_ran", "undetected_stale_writes", "wrong_final_states")
    print(json.dumps(figures | {"scale": options.scale, "seconds": round(time.monotonic() - began, 1)}))
    return 1 if any(figures[key] for key in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
