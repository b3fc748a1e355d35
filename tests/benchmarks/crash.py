"""Kill the operator at every call to AWS, before it and after it, and see whether `resume` ends where it should.

    python -m tests.benchmarks.crash [--strategy canary] [--every 1] [--back-every 3] [--twice 20] [--workers 2]

A boundary is an HTTP request of the operator's process: of ELBv2, of DynamoDB (journal, lease, inbox), of SSM, of STS.
They are counted inside, by botocore, and outside, by a proxy. Each is a case twice: the process kills itself before
the request goes out, or after its answer is in. Then another process resumes. At every third boundary, once more from
the same crash, one rolls back. `--twice` cases of each strategy are killed a second time, during the resume.

Time is virtual: it passes when the engine sleeps. The last line is one JSON object (docs/benchmarks.md).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.accelerated import Time
from tests.benchmarks.bench import Bench, benches, say, shared_out
from tests.benchmarks.boundaries import Stroke, When
from tests.benchmarks.operators import Ended
from tests.benchmarks.rollouts import STRATEGIES
from tests.benchmarks.stage import Journal
from tests.support.endings import HowItEnded
from toolkit.errors import NoRollout
from toolkit.traffic import Split

_HOUR = 3600.0
"""Between one operator and the next: every lease has run out."""


@dataclass(frozen=True, slots=True)
class Case:
    """Where the operator is killed. again: where the one who resumes is. back: a rollback follows, not a resume."""

    strategy: str
    stroke: Stroke
    again: Stroke | None = None
    back: bool = False
    flaw: str = ""

    def __str__(self) -> str:
        then = f", then {self.again}" if self.again else ", then rollback" if self.back else ""
        return f"{self.strategy} killed {self.stroke}{then}"


@dataclass(frozen=True, slots=True)
class Final:
    """What AWS holds at the end, and how the last rollout ended, if there was one."""

    held: dict[str, Split]
    state: HowItEnded | None

    @classmethod
    def of(cls, bench: Bench, journal: Journal) -> Final:
        return cls(bench.post.splits(), HowItEnded.of(journal.last))


@dataclass(frozen=True, slots=True)
class Uncrashed:
    """The run that nobody disturbs. calls: its operations, in order; outside: how many the proxy saw."""

    final: Final
    calls: tuple[str, ...]
    outside: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one case showed. fault: why it did not converge, empty where it did. hit: it was killed where it should."""

    case: Case
    hit: bool
    fault: str
    invalid: tuple[str, ...]
    double_writes: int


def uncrashed(bench: Bench, strategy: str) -> Uncrashed:
    """Raises RuntimeError where it is not even right without a crash."""
    bench.reset()
    ended = bench.run("start", strategy=strategy)
    journal = bench.post.journal()
    final = Final.of(bench, journal)
    wrong = ended.trace or journal.fault or bench.invalid_states(journal)
    if wrong or final.state is None or not final.state.is_over:
        raise RuntimeError(f"{strategy} is wrong without any crash: {ended}, {wrong}")
    return Uncrashed(final, ended.calls, len(bench.ledger.calls))


def crashed(bench: Bench, case: Case, *, references: Mapping[str, Uncrashed]) -> Found:
    """Kill, look, resume (or roll back), look again. references: by the name of the service."""
    reference = references[bench.post.name]
    bench.reset()
    first = bench.run("start", strategy=case.strategy, stroke=case.stroke, flaw=case.flaw)
    invalid = bench.invalid_states(bench.post.journal())
    last = _carried_on(bench, case, hour=1)
    journal = bench.post.journal()
    invalid += bench.invalid_states(journal)
    final = Final.of(bench, journal)
    fault = last.trace or journal.fault
    if not fault and case.back:
        fault = _not_home(final, last)
    elif not fault and final != reference.final:
        fault = f"{_difference(final, reference.final)} ({last.error}: {last.message})"
    return Found(case, first.was_killed, fault, tuple(invalid), len(bench.ledger.double_writes))


def _carried_on(bench: Bench, case: Case, hour: int) -> Ended:
    """The other operators, one after the other, until one was left alone."""
    if case.back:
        return bench.run("rollback", time=Time(at=hour * _HOUR), flaw=case.flaw)
    words: dict[str, Any] = {"time": Time(at=hour * _HOUR), "flaw": case.flaw, "stroke": case.again}
    ended = bench.run("resume", **words)
    if ended.error == NoRollout.__name__ and bench.post.journal().last is None:
        ended = bench.run("start", **words, strategy=case.strategy)  # it had not begun
    if ended.was_killed:
        return _carried_on(bench, replace(case, again=None), hour + 1)
    return ended


def _not_home(final: Final, last: Ended) -> str:
    """Why a rollback did not lead home; empty where it did."""
    if set(final.held.values()) != {Split(blue=100, green=0)}:
        return f"rolled back to {_summary(final)} ({last.error}: {last.message})"
    if final.state is not None and not final.state.is_over:
        return f"rolled back, and still {final.state.phase} ({last.error}: {last.message})"
    return ""


def _difference(found: Final, wanted: Final) -> str:
    """In what they differ."""
    if found.state is None or wanted.state is None or found.held != wanted.held:
        return f"{_summary(found)} instead of {_summary(wanted)}"
    pairs = [
        (each.name, getattr(found.state, each.name), getattr(wanted.state, each.name)) for each in fields(found.state)
    ]
    return ", ".join(f"{name} is {one} instead of {other}" for name, one, other in pairs if one != other)


def _summary(final: Final) -> str:
    state = final.state
    held = ", ".join(sorted({str(split) for split in final.held.values()}))
    return f"{held}, no rollout" if state is None else f"{held}, {state.phase} at step {state.step} ({state.reason})"


def cases(strategy: str, boundaries: int, *, every: int, twice: int, back_every: int) -> Iterator[Case]:
    """Every boundary before and after; some once more, rolled back; and `twice` pairs, by chance of a fixed seed."""
    strokes = [Stroke(at, when) for at in range(1, boundaries + 1, every) for when in When]
    for stroke in strokes:
        yield Case(strategy, stroke)
    for stroke in strokes:
        if back_every and stroke.at % back_every == 0:
            yield Case(strategy, stroke, back=True)
    chance = random.Random(strategy)
    for _ in range(twice):
        again = Stroke(chance.randint(1, boundaries), chance.choice(list(When)))
        yield Case(strategy, chance.choice(strokes), again=again)


def report(strategy: str, reference: Uncrashed, found: Sequence[Found]) -> dict[str, Any]:
    """What one strategy showed; what is wrong is said on the way."""
    resumed = [each for each in found if not each.case.back and each.case.again is None]
    for each in found:
        for fault in filter(None, (each.fault, *each.invalid, "" if each.hit else "it was not killed")):
            say(f"{each.case}: {fault}")
        if each.double_writes:
            say(f"{each.case}: {each.double_writes} double writes")
    return {
        "strategy": strategy,
        "boundaries": len(reference.calls),
        "boundaries_outside": reference.outside,
        "runs": len(resumed),
        "converged": _good(resumed),
        "rollbacks": len([each for each in found if each.case.back]),
        "went_home": _good([each for each in found if each.case.back]),
        "crashed_twice": len([each for each in found if each.case.again]),
        "converged_twice": _good([each for each in found if each.case.again]),
        "invalid_states": sum(len(each.invalid) for each in found),
        "double_writes": sum(each.double_writes for each in found),
        "not_killed": sum(not each.hit for each in found),
    }


def _good(found: Sequence[Found]) -> int:
    return sum(not each.fault and each.hit for each in found)


def total(shown: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sums over the strategies, and each of them."""
    sums = {key: sum(each[key] for each in shown) for key in shown[0] if key != "strategy"}
    return sums | ({"strategies": list(shown)} if len(shown) > 1 else {"strategy": shown[0]["strategy"]})


def is_good(figures: dict[str, Any]) -> bool:
    """Whether every goal is met."""
    pairs = (("runs", "converged"), ("rollbacks", "went_home"), ("crashed_twice", "converged_twice"))
    return (
        figures["boundaries"] == figures["boundaries_outside"]
        and all(figures[cases] == figures[good] for cases, good in pairs)
        and not figures["invalid_states"] + figures["double_writes"] + figures["not_killed"]
    )


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.crash", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--strategy", choices=[*STRATEGIES, "all"], default="all")
    parser.add_argument("--every", type=int, default=1, help="take every n-th boundary only")
    parser.add_argument("--twice", type=int, default=20, help="cases that are killed during the resume too")
    parser.add_argument("--back-every", type=int, default=3, help="roll back too at every n-th boundary; 0: nowhere")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data-plane", action="store_true", help="on the whole lab, not on its control plane alone")
    return parser


def main() -> int:
    """Run it and print what it shows; 0 where everything converged."""
    options = _options().parse_args()
    chosen = list(STRATEGIES) if options.strategy == "all" else [options.strategy]
    began = time.monotonic()
    shown = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        benches(Path(scratch), options.workers, data_plane=options.data_plane) as made,
    ):
        for strategy in chosen:
            references = {bench.post.name: uncrashed(bench, strategy) for bench in made}
            reference = references[made[0].post.name]
            count = len(reference.calls)
            work = list(cases(strategy, count, every=options.every, twice=options.twice, back_every=options.back_every))
            say(f"{strategy}: {count} boundaries, {len(work)} cases")
            found = shared_out(made, work, partial(crashed, references=references), strategy)
            shown.append(report(strategy, reference, found))
    print(json.dumps(total(shown) | {"seconds": round(time.monotonic() - began, 1)}))
    return 0 if all(is_good(each) for each in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
