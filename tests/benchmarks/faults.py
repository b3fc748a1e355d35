"""Rollouts through a proxy that harms calls to AWS, and whether each ends where its journal says.

    python -m tests.benchmarks.faults [--runs 60] [--scale 10] [--workers 4]

Systematic: each operation that a rollout asks for, each harm, at its first and its second call, once and for ten calls
in a row. Outages: of DynamoDB or of ELBv2 as a whole, for a while. By chance: `--runs` of each strategy, each call
harmed by chance, of fixed seeds. The harms are those of
`tests.support.proxy.Harm`: among them answers that are lost although AWS committed, and calls that AWS commits only
after the operator has given up.

Time is scaled: the operator's clock, its timeouts and its pauses run `--scale` times as fast. The last line is one
JSON object (docs/benchmarks.md).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.accelerated import Time
from tests.benchmarks.bench import Bench, benches, say, shared_out
from tests.benchmarks.operators import Ended
from tests.benchmarks.stage import Journal
from tests.support.proxy import Call, Fault, Harm
from toolkit.aws.session import READ_TIMEOUT_SECONDS
from toolkit.errors import NoRollout
from toolkit.rollout.state import Phase
from toolkit.traffic import Split

_STRATEGIES = ("canary", "failing-gate")
_IN_A_ROW = (1, 10)
_SHARES = (0.03, 0.1, 0.3, 0.5)
_OUTAGE_SECONDS = (20.0, 120.0)
"""Shorter than a lease, and longer than all that is tried again."""
_OUTAGE_EVERY = 9


@dataclass(frozen=True, slots=True)
class Systematic:
    """`harm` for `times` calls of `operation`, from its `first` on (from 1)."""

    strategy: str
    operation: str
    harm: Harm
    first: int
    times: int

    def __str__(self) -> str:
        return f"{self.strategy}: {self.operation} {self.harm}, {self.times} from call {self.first}"


@dataclass(frozen=True, slots=True)
class ByChance:
    """Each call is harmed with probability `share`, by a generator of this seed."""

    strategy: str
    seed: int
    share: float

    def __str__(self) -> str:
        return f"{self.strategy}: each call by chance of {self.share:.0%}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Outage:
    """Every call to one service of AWS from call number `first` of the run on, for `seconds` of the operator's time."""

    strategy: str
    service: str
    harm: Harm
    first: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.strategy}: {self.service} {self.harm} for {self.seconds:g} s, from call {self.first} of all"


Plan = Systematic | ByChance | Outage


class Judge:
    """Says which calls are harmed. scale: how many times as fast the operator's time passes."""

    def __init__(self, plan: Plan, scale: float) -> None:
        self._plan = plan
        self._scale = scale
        self._ends = math.inf
        self._chance = random.Random(str(plan))
        self._seen: Counter[str] = Counter()

    def __call__(self, call: Call) -> Fault | None:
        self._seen[call.operation] += 1
        match self._plan:
            case Systematic(_, operation, harm, first, times):
                number = self._seen[call.operation]
                is_meant = call.operation == operation and first <= number < first + times
                return self._fault(harm) if is_meant else None
            case ByChance(_, _, share):
                return self._fault(self._chance.choice(list(Harm))) if self._chance.random() < share else None
            case Outage(_, service, harm, first, seconds):
                if call.number == first:
                    self._ends = call.at + seconds / self._scale
                is_meant = call.number >= first and call.at < self._ends and call.service == service
                return self._fault(harm) if is_meant else None

    def _fault(self, harm: Harm) -> Fault:
        """A late call is committed between one and two timeouts after it was sent."""
        held = {Harm.SLOW: 2.0, Harm.LATE: self._chance.uniform(1.1, 1.9)}
        return Fault(harm, held.get(harm, 0.0) * READ_TIMEOUT_SECONDS / self._scale)


@dataclass(frozen=True, slots=True)
class Found:
    """How one run ended. fault: why that is wrong, empty where it is not. doubtful: the outcome of a write was unknown.

    phase: after the harms. harmed: how many calls were.
    """

    plan: Plan
    phase: str
    harmed: int
    fault: str
    doubtful: bool


def harmed(bench: Bench, plan: Plan, *, scale: float) -> Found:
    """Carry the rollout out under the plan's harms; then, with none, go on as a person would."""
    bench.reset()
    bench.ledger.judge = Judge(plan, scale)
    clock = Time(scale, time.monotonic())
    ended = bench.run("start", strategy=plan.strategy, time=clock)
    journal = bench.post.journal()
    phase = journal.last.phase if journal.last else "not begun"
    calls = list(bench.ledger.calls)
    bench.ledger.judge = lambda _call: None
    fault = _wrong(bench, journal, ended) or _no_way_out(bench, journal, clock)
    return Found(
        plan,
        str(phase),
        sum(call.fault is not None for call in calls),
        fault and f"{fault} ({ended.error or 'no error'}: {ended.message})",
        any(call.is_write and call.fault is not None and call.fault.harm.commits for call in calls),
    )


def _wrong(bench: Bench, journal: Journal, ended: Ended) -> str:
    """What speaks against how it stands: a journal that does not verify, or that does not explain what AWS holds."""
    if ended.trace or ended.signal:
        return ended.trace or f"killed by signal {ended.signal}"
    if journal.fault:
        return journal.fault
    held, state = bench.post.splits(), journal.last
    if state is None:
        return "" if _is_home(held) else f"never begun, and AWS holds {_words(held)}"
    if state.phase is Phase.HALTED:
        return ""
    meant = None if state.intent is None or state.is_over else state.intent.to
    for route in bench.post.contract.routes:
        known = [state.splits.get(route.name, Split(blue=100, green=0)), *([meant] if meant else [])]
        if held.get(route.name) not in known:
            return f"{state.phase}, and AWS holds {_words(held)}"
    return ""


def _no_way_out(bench: Bench, journal: Journal, clock: Time) -> str:
    """Why a person cannot bring it to an end now that AWS is well: what is paused or dead resumes, else goes back."""
    state = journal.last
    if state is not None and state.is_over:
        return ""
    if state is not None and state.phase is Phase.HALTED:
        ended = bench.run("rollback", time=clock, break_lease=True)
        held = bench.post.splits()
        return "" if _is_home(held) else f"halted, and the rollback leads to {_words(held)} ({ended.message})"
    ended = bench.run("resume", time=clock, break_lease=True)
    after = bench.post.journal()
    if ended.error == NoRollout.__name__ and after.last is None:
        return ""
    said = _wrong(bench, after, ended)
    if said or after.last is None or not (after.last.is_over or after.last.phase is Phase.HALTED):
        return f"{said or 'it does not end'} after a resume ({ended.error}: {ended.message})"
    return ""


def _is_home(held: dict[str, Split]) -> bool:
    return set(held.values()) == {Split(blue=100, green=0)}


def _words(held: dict[str, Split]) -> str:
    return ", ".join(f"{name} {split}" for name, split in sorted(held.items()))


def systematic(strategy: str, operations: Sequence[str]) -> Iterator[Systematic]:
    """Every operation that was asked for, by every harm."""
    counts = Counter(operations)
    for operation in sorted(counts):
        for harm in Harm:
            for first in range(1, min(counts[operation], 2) + 1):
                for times in _IN_A_ROW:
                    yield Systematic(strategy, operation, harm, first, times)


def outages(strategy: str, calls: int) -> Iterator[Outage]:
    """Of the table and of the load balancer, short and long, begun all along the way."""
    for service in ("dynamodb", "elasticloadbalancing"):
        for harm in (Harm.UNAVAILABLE, Harm.LOST, Harm.LATE):
            for seconds in _OUTAGE_SECONDS:
                for first in range(5, calls, _OUTAGE_EVERY):
                    yield Outage(strategy, service, harm, first, seconds)


def by_chance(strategy: str, runs: int) -> Iterator[ByChance]:
    for seed in range(runs):
        yield ByChance(strategy, seed, _SHARES[seed % len(_SHARES)])


def report(found: Sequence[Found]) -> dict[str, object]:
    """The figures; what is wrong is said on the way."""
    for each in found:
        if each.fault:
            say(f"{each.plan}: {each.fault}")
    return {
        "runs": len(found),
        "wrong_final_states": sum(bool(each.fault) and not each.doubtful for each in found),
        "undetected": sum(bool(each.fault) and each.doubtful for each in found),
        "harmed_calls": sum(each.harmed for each in found),
        "doubtful_writes": sum(each.doubtful for each in found),
        "phases": dict(Counter(each.phase for each in found).most_common()),
    }


def main() -> int:
    """Run it and print what it shows; 0 where nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.faults")
    parser.add_argument("--runs", type=int, default=60, help="random ones, of each strategy")
    parser.add_argument("--scale", type=float, default=10.0, help="how many times as fast time passes")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--no-systematic", action="store_true")
    parser.add_argument("--no-outages", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    say(
        f"time passes {options.scale:g} times as fast: AWS is given up after {READ_TIMEOUT_SECONDS / options.scale:g} s"
    )
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as scratch, benches(Path(scratch), options.workers) as made:
        for strategy in _STRATEGIES:
            made[0].reset()
            calls = made[0].run("start", strategy=strategy).calls
            plans: list[Plan] = list(by_chance(strategy, options.runs))
            if not options.no_systematic:
                plans += systematic(strategy, calls)
            if not options.no_outages:
                plans += outages(strategy, len(calls))
            found += shared_out(made, plans, partial(harmed, scale=options.scale), strategy)
    figures = report(found)
    took = round(time.monotonic() - began, 1)
    print(json.dumps(figures | {"scale": options.scale, "seconds": took}))
    return 1 if figures["wrong_final_states"] or figures["undetected"] else 0


if __name__ == "__main__":
    sys.exit(main())
