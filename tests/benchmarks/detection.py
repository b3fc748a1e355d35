"""How soon the shipped analysis sees a bad canary, and how often it takes a good one for bad, beside other rules.

    python -m tests.benchmarks.detection [--runs 1000] [--scenario TEXT] [--seed 1] [--plot PNG]

Simulated traffic, one look a minute for 60 minutes. Each scenario looks at one of two metrics, with its half of α.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.detection_rules import RIVALS, Looks, oracle
from tests.benchmarks.detection_traffic import LOOKS, Scenario, Traffic, scenarios, simulate
from toolkit.analysis.judge import Analysis
from toolkit.analysis.policy import Metric, Policy
from toolkit.analysis.series import Sample
from toolkit.analysis.verdict import Outcome
from toolkit.traffic import Color

BOTH = Policy(metrics=(Metric.ERRORS, Metric.SLOW))
ALPHA = BOTH.share_of_alpha
SETTLE_MINUTES = 2
SOON, FACTOR, LOOKS_MORE = 30, 1.7, 1
TICK_MS = 1.0
Row = dict[str, Any]


def sample(metric: Metric, minute: int, color: Color, requests: float, bad: float) -> Sample:
    errors, slow = (int(bad), None) if metric is Metric.ERRORS else (0, int(bad))
    return Sample(minute, color, int(requests), errors, slow)


def ours(scenario: Scenario, traffic: Traffic) -> Looks:
    """The look of the first fail, each run for itself, minute by minute, by the code that is shipped."""
    policy = Policy(alpha=ALPHA, metrics=(scenario.metric,))
    return np.array([_one(scenario, policy, traffic, run) for run in range(len(traffic.new))])


def _one(scenario: Scenario, policy: Policy, traffic: Traffic, run: int) -> float:
    metric = scenario.metric
    past = [
        sample(
            metric, minute - scenario.past, Color.BLUE, traffic.past_requests[run, minute], traffic.past[run, minute]
        )
        for minute in range(scenario.past)
    ]
    analysis = Analysis(policy, Color.BLUE, past)
    for minute in range(LOOKS):
        new = sample(metric, minute, Color.GREEN, traffic.new_requests[run, minute], traffic.new[run, minute])
        live = sample(metric, minute, Color.BLUE, traffic.live_requests[run, minute], traffic.live[run, minute])
        if analysis.look((new, live), minute).outcome is Outcome.FAIL:
            return minute + 1
    return math.inf


def measure(scenario: Scenario, runs: int, seed: int) -> Row:
    rng = np.random.default_rng([seed, *scenario.name.encode()])
    traffic = simulate(scenario, runs, rng)
    looks = {"ours": ours(scenario, traffic)} | {name: rule(traffic) for name, rule in RIVALS.items()}
    if not scenario.healthy:
        looks["oracle"] = oracle(traffic, scenario.ratio, BOTH.ratio, ALPHA)
    row: Row = {
        "scenario": scenario.name,
        "kind": scenario.kind,
        "metric": scenario.metric.value,
        "baseline": scenario.baseline,
        "rate": scenario.rate,
        "share": scenario.share,
        "past": scenario.past,
        "healthy": scenario.healthy,
    }
    if scenario.healthy:
        return row | {"false_alarms": {name: float(np.isfinite(each).mean()) for name, each in looks.items()}}
    return row | {"median": {name: _median(each) for name, each in looks.items()}}


def _median(looks: Looks) -> float | None:
    """Minutes; None where at least half of the runs saw nothing."""
    middle = float(np.median(np.where(np.isinf(looks), 1e9, looks)))
    return middle if middle <= LOOKS else None


def judged(rows: list[Row]) -> Row:
    """The goals, and which scenarios miss them."""
    healthy = [row for row in rows if row["healthy"] and row["past"]]
    loud = [row["scenario"] for row in healthy if row["false_alarms"]["ours"] > BOTH.alpha]
    bad = [row for row in rows if not row["healthy"]]
    slow = [row["scenario"] for row in bad if _too_slow(row["median"])]
    plain = [row for row in healthy if row["kind"] in ("equal", "x1.2")]
    noisy = {_cell(row) for row in plain if row["false_alarms"]["mann-whitney"] > BOTH.alpha}
    quiet = {_cell(row) for row in plain} - noisy
    later = [row["scenario"] for row in bad if _cell(row) in quiet and _later(row["median"])]
    return {
        "false_alarms_within_alpha": not loud,
        "near_the_oracle": not slow,
        "not_later_than_mann_whitney": not later,
        "missed": {"false_alarms": loud, "oracle": slow, "mann_whitney": later},
        "judged": {
            "healthy": len(healthy),
            "oracle": sum((row["median"]["oracle"] or math.inf) < SOON for row in bad),
            "mann_whitney": sum(_cell(row) in quiet for row in bad),
        },
    }


def _cell(row: Row) -> tuple[Any, ...]:
    return row["metric"], row["baseline"], row["rate"], row["share"]


def _too_slow(median: Row) -> bool:
    best = median["oracle"]
    if best is None or best >= SOON:
        return False
    return bool((median["ours"] or math.inf) > max(FACTOR * best, best + LOOKS_MORE))


def _later(median: Row) -> bool:
    return bool((median["ours"] or math.inf) > (median["mann-whitney"] or math.inf))


def worst(rows: list[Row]) -> Row:
    """The highest false-alarm rate of each rule, by kind of healthy release."""
    found: Row = {}
    for row in rows:
        if row["healthy"]:
            kind = row["kind"] + ("" if row["past"] else ", no past")
            held = found.setdefault(kind, dict.fromkeys(row["false_alarms"], 0.0))
            for name, rate in row["false_alarms"].items():
                held[name] = max(held[name], rate)
    return found


def tick_ms(seed: int) -> float:
    """What the analysis of one tick costs, two metrics, the median of looks near the end of an hour."""
    rng, taken = np.random.default_rng(seed), []
    for _ in range(20):
        analysis = Analysis(BOTH, Color.BLUE)
        for minute in range(LOOKS):
            samples = [
                Sample(minute, color, requests, int(rng.binomial(requests, 0.001)), int(rng.binomial(requests, 0.01)))
                for color, requests in ((Color.BLUE, 57_000), (Color.GREEN, 3_000))
            ]
            began = time.perf_counter()
            analysis.look(samples, minute)
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", default="", help="only scenarios with this text in their name")
    parser.add_argument("--plot", type=Path, help="write the plot here")
    asked = parser.parse_args()
    began = time.perf_counter()
    rows = []
    for scenario in scenarios():
        if asked.scenario in scenario.name:
            rows.append(measure(scenario, asked.runs, asked.seed))
            figures = rows[-1].get("false_alarms") or rows[-1]["median"]
            print(scenario.name, json.dumps(figures), file=sys.stderr, flush=True)
    if asked.plot:
        from tests.benchmarks.detection_plot import plot

        plot(rows, asked.plot, alpha=BOTH.alpha)
    tick = tick_ms(asked.seed)
    print(
        json.dumps(
            {
                "runs": asked.runs,
                "seed": asked.seed,
                "alpha": BOTH.alpha,
                "alpha_of_the_metric": ALPHA,
                "delay_of_the_metrics_minutes": SETTLE_MINUTES,
                "tick_ms": round(tick, 3),
                "goals": judged(rows) | {"tick_under_a_millisecond": tick < TICK_MS},
                "worst_false_alarms": worst(rows),
                "scenarios": rows,
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
