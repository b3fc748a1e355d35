"""Shift after shift under full load: does a request fail, does a split hold, does an old answer come late?

    python -m tests.benchmarks.zero_downtime [--shifts 200] [--requests 1000000]
    python -m tests.benchmarks.zero_downtime --nlb [--shifts 200] [--flows 600000] [--standing 100]

A lab with two targets a color; clients on kept connections, half of what they send POST, nothing retried. The toolkit
shifts (preflight, journal, write, read-back) among 100/0, 90/10, 50/50 and 0/100, and stays on each split for its part
of the requests. Every tenth shift goes all to one color, and then the idle one's targets are replaced: new ones
registered and healthy, old ones drained, their process ended. The load goes on until both numbers are reached.

Prints one JSON object:
    requests, failed        all that ended; those that failed in any way.
    shifts                  writes that were read back.
    stale_after_verify      answers of a color, complete more than 100 ms after a read-back that gave it weight 0.
    split_p_value           one pooled chi-squared test of all plateaus of 2,000 requests or more on a split that
                            gives both colors some; null without any.
    propagation_ms_p99      from sending the write until the last request began that a color of weight 0 answered.

With --nlb a Network Load Balancer balances flows, and the numbers are of flows instead; see `flows`.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks import flows
from tests.benchmarks.plateaus import Plateau, idle_answers, propagation_ms_p99, splits_kept
from tests.benchmarks.shifting import Replacing, at_work, drive, splits
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult

CONNECTIONS = 16
BUCKET_SECONDS = 0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shifts", type=int, default=200)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--nlb", action="store_true", help="balance flows, not requests")
    parser.add_argument("--flows", type=int, default=600_000, help="new flows, with --nlb")
    parser.add_argument("--standing", type=int, default=100, help="standing flows, with --nlb")
    chosen = parser.parse_args()
    if chosen.nlb:
        document = flows.measure(chosen.shifts, chosen.flows, chosen.standing)
    else:
        document = measure(chosen.shifts, chosen.requests)
    print(json.dumps(document))


def measure(shifts: int, requests: int) -> dict[str, Any]:
    """Run it; the document to print."""
    with tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch, ExitStack() as stack:
        world, service = stack.enter_context(at_work(Path(scratch)))
        plan = LoadPlan(
            world.url,
            connections=CONNECTIONS,
            post_share=0.5,
            expected={color: f"{color}-1" for color in world.addresses},
            bucket_seconds=BUCKET_SECONDS,
        )
        targets = Replacing(world, stack)
        load = stack.enter_context(LoadProcess(plan))
        plateaus = drive(service, load, targets.replace, splits=splits(shifts, random.Random(1)), requests=requests)
        return report(load.stop(), plateaus)


def report(result: LoadResult, plateaus: Sequence[Plateau]) -> dict[str, Any]:
    """What `measure` prints, of what the load met."""
    kept = splits_kept(result, plateaus)
    return {
        "requests": result.requests,
        "failed": result.failed,
        "shifts": len(plateaus),
        "stale_after_verify": sum(idle_answers(result, plateau) for plateau in plateaus),
        "split_p_value": kept.p_value,
        "propagation_ms_p99": propagation_ms_p99(result, plateaus),
        "plateaus_tested": kept.tested,
        "seconds": round(result.seconds, 1),
        "rate": result.rate,
        "latency_ms": dict(result.latency_ms),
        "kinds": {kind: count for kind, count in result.kinds.items() if count},
        "failures": [f"{each.kind}: {each.detail}" for each in result.failures[:3]],
    }


if __name__ == "__main__":
    main()
