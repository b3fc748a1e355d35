"""Shift after shift on a Network Load Balancer: does a new flow fail, does a standing one end, does a split hold?

    python -m tests.benchmarks.zero_downtime --nlb [--shifts 200] [--flows 600000] [--standing 100]

Standing flows are opened on a split of 50/50, so that they stand on both colors, and are kept to the end, each with a
message a second that its first target must answer. Then each color gets as many targets again, which no standing flow
is on. Beside them new flows are opened as fast as they end: a connection, a request, the answer, the target's close;
nothing is retried. The toolkit shifts among the same splits as with an Application Load Balancer. Every tenth shift
leaves a color idle; then those of its targets that came later are replaced: new ones registered and healthy, old ones
drained, their process ended. After the last shift every standing flow must be answered once more.

The JSON object:
    new_flows, failed       all that ended; those that failed in any way: refused, reset, timed out, no or a wrong
                            answer, no orderly close after it.
    standing_flows          those that were opened and answered, `standing` by color.
    lost_flows              those that ended too early, or that another target answered; the first `losses` in words.
    shifts                  writes that were read back.
    stale_after_verify      new flows begun more than 100 ms after a read-back that gave their color weight 0.
    split_p_value           one pooled chi-squared test of all plateaus of 2,000 new flows or more on a split that gives
                            both colors some; null without any.
    propagation_ms_p99      from sending the write until the last new flow began that a color of weight 0 answered.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks.plateaus import Plateau, idle_starts, propagation_ms_p99, splits_kept
from tests.benchmarks.shifting import Replacing, at_work, drive, splits
from tests.support.nlb import NLB, flow_plan, wait_until_all_stand, wait_until_heard
from toolkit.lab.load import LoadProcess, LoadResult
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

START = Split(50, 50)
_BUCKET_SECONDS = 0.005


def measure(shifts: int, flows: int, standing: int) -> dict[str, Any]:
    """Run it; the document to print."""
    with tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch, ExitStack() as stack:
        world, service = stack.enter_context(at_work(Path(scratch), **NLB))
        shift(service, START)
        expected = {color: f"{color}-1" for color in world.addresses}
        targets = Replacing(world, stack, keeps_first=True)
        plan = flow_plan(world.url, standing=standing, expected=expected, bucket_seconds=_BUCKET_SECONDS)
        load = stack.enter_context(LoadProcess(plan))
        wait_until_all_stand(load, standing)
        for color in Color:
            targets.replace(color)
        order = splits(shifts, random.Random(1), start=START)
        plateaus = drive(service, load, targets.replace, splits=order, requests=flows)
        wait_until_heard(load, since=plateaus[-1].verified)
        return report(load.stop(), plateaus)


def report(result: LoadResult, plateaus: Sequence[Plateau]) -> dict[str, Any]:
    """What `measure` gives, of what the load met."""
    kept = splits_kept(result, plateaus)
    standing = result.standing
    return {
        "new_flows": result.requests,
        "failed": result.failed,
        "standing_flows": sum(standing.opened.values()),
        "lost_flows": len(standing.lost),
        "shifts": len(plateaus),
        "stale_after_verify": sum(idle_starts(result, plateau) for plateau in plateaus),
        "split_p_value": kept.p_value,
        "propagation_ms_p99": propagation_ms_p99(result, plateaus),
        "plateaus_tested": kept.tested,
        "standing": dict(standing.opened),
        "messages": standing.messages,
        "seconds": round(result.seconds, 1),
        "rate": result.rate,
        "latency_ms": dict(result.latency_ms),
        "kinds": {kind: count for kind, count in result.kinds.items() if count},
        "failures": [f"{each.kind}: {each.detail}" for each in result.failures[:3]],
        "losses": [f"{each.color} {each.target}, {each.kind}: {each.detail}" for each in standing.lost[:3]],
    }
