"""Two operators on one service: who wins, and whether the loser can do harm unseen.

    python -m tests.benchmarks.race [--rounds 200] [--scale 10] [--workers 4]

A round has two parts. Both operators start a rollout at the same moment: exactly one may. In every fourth round one is
killed in the middle of a rollout, and both resume it at the same moment: again one may. Then one starts alone and is
stopped (SIGSTOP) before or after one of its calls to AWS, by chance, half the time right before a write. The other
takes over, by force or after the lease has run out, and goes on or goes back; the first continues (SIGCONT) while the
other works, or after it has ended. What it writes then is stale: ELBv2 cannot refuse it, so it must be seen. Some are
not stopped at all, and taken over while they run.

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
from enum import StrEnum
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
from toolkit.rollout.events import RolloutEnded, RolloutStarted, RunnerTookOver, ShiftIntended
from toolkit.rollout.state import Phase
from toolkit.runner.lease import LEASE_SECONDS

ALICE, BOB = "alice", "bob"
_STRATEGY = "all-at-once"
_TAKEN_OVER = ("canary", "all-at-once", "failing-gate")
_RESUMES_EVERY = 4
_WRITE = "ModifyRule"
_FIRST_STROKE = 8
"""Nothing has been begun before the call that starts the rollout."""
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


def resumed_at_once(bench: Bench, number: int, *, scale: float) -> Start:
    """The third part: the holder is killed, and both pick its rollout up at the same moment."""
    bench.reset()
    clock = Time(scale, time.monotonic())
    chance = random.Random(number)
    stroke = Stroke(chance.randint(_FIRST_STROKE + 1, 20), chance.choice(list(When)))
    bench.run("start", ALICE, strategy=_STRATEGY, time=clock, stroke=stroke)
    before = len(bench.ledger.calls)
    words: dict[str, Any] = {"time": clock, "begin": time.monotonic() + _HEAD_START_SECONDS}
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(bench.run, "resume", label, **words) for label in (ALICE, BOB)]
        ended = [each.result() for each in running]
    journal = bench.post.journal()
    fault = _wrong(bench, journal, ended)
    who = {call.door for call, _ in bench.ledger.entries if call.number > before}
    if fault or len(who) != 1:
        say(f"resume {number}, killed {stroke}: {fault or sorted(who)} ({_words(ended)})")
    return Start(both_ran=len(who) > 1, none_ran=not who, fault=fault)


class How(StrEnum):
    """How the second operator takes over: once the lease has run out, or by force; going on, or going back."""

    RESUME = "resumed once the lease has run out"
    FORCED = "resumed by force"
    ROLLBACK = "rolled back by force"


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Where the holder is stopped, and how it is taken over.

    stroke: None where it is not stopped, and taken over while it runs. pause: seconds from the other's begin until the
    first goes on, or from the first's until the other begins; None: after the other has ended.
    """

    number: int
    strategy: str
    stroke: Stroke | None
    how: How
    pause: float | None

    @classmethod
    def by_chance(cls, number: int, strategy: str, calls: Sequence[str]) -> TakeOver:
        """Half of the strokes are right before a write, which is stale then."""
        chance = random.Random(number)
        how = chance.choice(list(How))
        pause = None if chance.random() < 1 / 3 else chance.uniform(0.0, 1.2)
        if how is not How.RESUME and chance.random() < 1 / 4:
            return cls(number, strategy, None, how, chance.uniform(0.0, 1.5))
        at, when, operation = chance.randint(_FIRST_STROKE, len(calls)), chance.choice(list(When)), ""
        if chance.random() < 1 / 2:
            at, when, operation = chance.randint(1, calls.count(_WRITE)), When.BEFORE, _WRITE
        return cls(number, strategy, Stroke(at, when, signal.SIGSTOP, operation), how, pause)

    def __str__(self) -> str:
        where = f"stopped {self.stroke}" if self.stroke else "running"
        when = "at the end" if self.pause is None else f"{self.pause:.2f} s"
        return f"take-over {self.number}: {self.strategy} {where}, {self.how}, {when}"


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
    pid = alice.begin(bench.task("start", ALICE, strategy=case.strategy, time=clock, stroke=case.stroke))
    try:
        if case.stroke is None:
            time.sleep(case.pause or 0.0)
        else:
            _wait_until_stopped(pid)
        if case.how is How.RESUME:
            time.sleep(LEASE_SECONDS / scale)
        doing = "rollback" if case.how is How.ROLLBACK else "resume"
        bob.begin(bench.task(doing, BOB, time=clock, break_lease=case.how is not How.RESUME))
        if case.pause is None:
            second = bob.wait()
            alice.signal(signal.SIGCONT)
            first = alice.wait()
        else:
            time.sleep(0.0 if case.stroke is None else case.pause)
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
        if call.door == BOB and isinstance(entry.event, RunnerTookOver | ShiftIntended)
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
    state, held, record = journal.last, bench.post.splits(), journal.record
    if state is None:
        return "" if all(split.green == 0 for split in held.values()) else f"no rollout, and AWS holds {held}"
    if state.phase is Phase.HALTED:
        return ""
    if not state.is_over:
        return f"it is left {state.phase}"
    # A rollback after the end is no part of the rollout, so what the journal as a whole says counts.
    wrong = {name: split for name, split in held.items() if not record.may_hold(name, split)}
    return f"{state.phase}, and AWS holds {wrong}" if wrong else ""


def _words(ended: Sequence[Ended]) -> str:
    return "; ".join(f"{each.error or 'well'} {each.message}".strip() for each in ended)


def main() -> int:
    """Run it and print what it shows; 0 where every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.race")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--scale", type=float, default=10.0, help="how many times as fast time passes")
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    began = time.monotonic()
    numbers = range(options.rounds)
    with tempfile.TemporaryDirectory() as scratch, benches(Path(scratch), options.workers, (ALICE, BOB)) as made:
        starts = shared_out(made, numbers, partial(started_at_once, scale=options.scale), "starts")
        resumes = shared_out(made, numbers[::_RESUMES_EVERY], partial(resumed_at_once, scale=options.scale), "resumes")
        calls = {}
        for strategy in _TAKEN_OVER:
            made[0].reset()
            calls[strategy] = made[0].run("start", ALICE, strategy=strategy).calls
        chosen = [_TAKEN_OVER[number % len(_TAKEN_OVER)] for number in numbers]
        cases = [TakeOver.by_chance(number, each, calls[each]) for number, each in zip(numbers, chosen, strict=True)]
        taken = shared_out(made, cases, partial(taken_over, scale=options.scale), "take-overs")
    at_once = (*starts, *resumes)
    figures = {
        "rounds": options.rounds,
        "both_ran": sum(each.both_ran for each in at_once) + sum(each.both_ran for each in taken),
        "none_ran": sum(each.none_ran for each in at_once) + sum(each.none_ran for each in taken),
        "undetected_stale_writes": sum(each.undetected for each in taken),
        "take_overs": sum(each.took_over for each in taken),
        "stale_writes": sum(each.stale for each in taken),
        "wrong_final_states": sum(bool(each.fault) for each in at_once) + sum(bool(each.fault) for each in taken),
    }
    goals = ("both_ran", "none_ran", "undetected_stale_writes", "wrong_final_states")
    print(json.dumps(figures | {"scale": options.scale, "seconds": round(time.monotonic() - began, 1)}))
    return 1 if any(figures[key] for key in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
