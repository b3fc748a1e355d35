"""The analysis of one rollout: takes in the samples of each minute once, and gives a verdict at every look."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.analysis import words
from toolkit.analysis.comparison import Comparison
from toolkit.analysis.policy import Policy
from toolkit.analysis.series import Pair, Sample, paired
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.traffic import Color

SOONEST_PASS = 3
"""Compared minutes before which nothing passes: fewer say nothing about time."""


class Analysis:
    """What is known of a release so far. Feed it minutes with `look`; a verdict of fail is final.

    Nothing of it need be stored: the same samples, looked at again in the same order, give the same verdicts.

    live: the color the new one is compared with. past: samples of the live side from before the new one had traffic,
    from which is known whether its errors come in bursts; an hour at least, three hours are better.
    """

    def __init__(self, policy: Policy, live: Color, past: Iterable[Sample] = ()) -> None:
        self._policy, self._live, self._new = policy, live, live.other
        self._metrics = {metric: Comparison(policy) for metric in policy.metrics}
        self._over = dict.fromkeys(policy.thresholds, 0)
        self._newest: int | None = None
        self._compared: int | None = None
        self._heard: int | None = None
        self._split: str | None = None
        self._count = 0
        self._failed: Verdict | None = None
        for sample in sorted((each for each in past if each.color is live), key=lambda each: each.minute):
            self._see_live(sample)

    @property
    def newest(self) -> int | None:
        """The newest minute that has been taken in; older ones are ignored from now on."""
        return self._newest

    def look(self, samples: Iterable[Sample], until: int) -> Verdict:
        """Take in every minute up to `until` that has not been taken in yet, and say what is known.

        samples: any order; those of minutes taken in before, or after `until`, are ignored. until: the newest minute
        that no longer grows (`series.last_settled`).
        """
        minutes: dict[int, dict[Color, Sample]] = {}
        for sample in samples:
            if sample.minute <= until and (self._newest is None or sample.minute > self._newest):
                minutes.setdefault(sample.minute, {})[sample.color] = sample
        for minute in sorted(minutes):
            self._take(minutes[minute].get(self._new), minutes[minute].get(self._live))
        if self._newest is None or until > self._newest:
            self._newest = until
        return self._failed or self._say()

    def _take(self, new: Sample | None, live: Sample | None) -> None:
        if live is not None:
            self._see_live(live)
        if self._failed:
            return
        if new is not None and new.requests:
            self._heard = new.minute
            self._limit(new)
        pair = paired(new, live, self._policy.metrics) if self._policy.compare else None
        if pair is not None:
            self._compare(pair)
        if self._failed is None and pair is not None:
            self._decide()

    def _see_live(self, sample: Sample) -> None:
        for metric, comparison in self._metrics.items():
            count = sample.count(metric)
            if count is not None and sample.requests:
                comparison.see_live(sample.minute, sample.requests, count)

    def _compare(self, pair: Pair) -> None:
        new_split = self._split is not None and pair.split != self._split
        self._split, self._compared = pair.split, pair.minute
        self._count += 1
        for metric, counts in pair.counts.items():
            self._metrics[metric].add(counts, new_split=new_split)

    def _decide(self) -> None:
        """Fail for good where a metric is shown to be worse; the newest minute counts, whoever looks at it when."""
        shown = [(metric, comparison) for metric, comparison in self._metrics.items() if comparison.worse]
        if shown:
            reasons = [words.worse(metric, self._new, comparison, self._policy) for metric, comparison in shown]
            self._fail("; ".join((*reasons, *self._sickness())))

    def _fail(self, reason: str) -> None:
        self._failed = Verdict(Outcome.FAIL, reason)

    def _limit(self, new: Sample) -> None:
        """Plain thresholds, minute by minute."""
        for threshold in self._policy.thresholds:
            bad = new.count(threshold.metric)
            if bad is None or new.requests < threshold.minimum_requests:
                continue
            self._over[threshold] = self._over[threshold] + 1 if bad > threshold.limit * new.requests else 0
            if self._over[threshold] >= threshold.times and self._failed is None:
                self._fail(words.above(threshold, self._new, bad, new.requests))

    def _sickness(self) -> list[str]:
        return [
            words.sick(metric, self._live, comparison.totals)
            for metric, comparison in self._metrics.items()
            if comparison.totals.live > self._policy.sick * comparison.totals.live_requests
        ]

    def _say(self) -> Verdict:
        missing = self._missing()
        if missing:
            return Verdict(Outcome.INCONCLUSIVE, missing)
        if not self._policy.compare:
            return Verdict(Outcome.PASS, f"{self._new} passed no threshold")
        told = [
            (words.safe if comparison.safe else words.undecided)(metric, self._new, comparison, self._policy)
            for metric, comparison in self._metrics.items()
        ]
        sick = self._sickness()
        passes = not sick and all(comparison.safe for comparison in self._metrics.values())
        if passes and self._count >= SOONEST_PASS:
            return Verdict(Outcome.PASS, "; ".join(told))
        if passes:
            told.append(f"but {SOONEST_PASS} minutes are the least to pass on")
        return Verdict(Outcome.INCONCLUSIVE, "; ".join((*sick, *told)))

    def _missing(self) -> str:
        """Why nothing can be said, or nothing recent; empty where there are data."""
        compare = self._policy.compare
        who = f"{self._new} and {self._live} have not both had" if compare else f"{self._new} has not had"
        last = self._compared if compare else self._heard
        if last is None:
            return f"{who} requests{' under one split' if compare else ''} in any minute yet"
        absent = [metric.value for metric, each in self._metrics.items() if not each.minutes]
        if compare and absent:
            return f"there are no data on {' and '.join(absent)}, which the policy asks for"
        silent = (self._newest or 0) - last
        if silent >= self._policy.stale_minutes:
            return f"for {silent} minutes, {who} requests"
        return ""


def judge(samples: Iterable[Sample], policy: Policy, live: Color, *, past: Iterable[Sample] = ()) -> Verdict:
    """The verdict on a whole series at its last minute."""
    series = list(samples)
    analysis = Analysis(policy, live, past)
    if not series:
        return analysis.look((), 0)
    return analysis.look(series, max(sample.minute for sample in series))
