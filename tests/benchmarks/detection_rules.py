"""The rules that the shipped analysis is measured beside, each for many runs at once.

Each gives, a run, the number of the look at which it first alarms (from 1), or infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.detection_traffic import LOOKS, Array, Traffic

LIMIT = 0.01
"""The error rate that thresholds are written for."""

KAYENTA_Z, KAYENTA_TOLERANCE = 2.326, 0.25
"""The normal quantile of a 98 % confidence interval, whose lower end must pass this part of the estimated shift.

Source: spinnaker/kayenta, NetflixACAJudge (confLevel 0.98, tolerance 0.25), MannWhitneyClassifier, MannWhitney.
"""

Looks = NDArray[np.float64]


def first(alarms: NDArray[np.bool_]) -> Looks:
    return np.where(alarms.any(axis=1), alarms.argmax(axis=1) + 1.0, math.inf)


def rates(bad: Array, requests: Array) -> Array:
    return np.divide(bad, requests, out=np.zeros_like(bad), where=requests > 0)


def threshold_once(traffic: Traffic) -> Looks:
    """Above 1 % in one minute."""
    return first(rates(traffic.new, traffic.new_requests) > LIMIT)


def threshold_thrice(traffic: Traffic) -> Looks:
    """Above 1 % in three minutes in a row, as Argo Rollouts' and Flagger's failure limits are written."""
    over = rates(traffic.new, traffic.new_requests) > LIMIT
    three = np.zeros_like(over)
    three[:, 2:] = over[:, 2:] & over[:, 1:-1] & over[:, :-2]
    return first(three)


def cloudwatch(traffic: Traffic) -> Looks:
    """An alarm on the rate above 1 %, in three of the last five minutes; a minute without requests is not breaching."""
    over = (rates(traffic.new, traffic.new_requests) > LIMIT).astype(int)
    sums = np.cumsum(np.pad(over, ((0, 0), (5, 0))), axis=1)
    return first(sums[:, 5:] - sums[:, :-5] >= 3)


def mann_whitney(traffic: Traffic) -> Looks:
    """Kayenta's comparison of the minutes' rates, made at every look: normal approximation, ties, continuity."""
    new, live = rates(traffic.new, traffic.new_requests), rates(traffic.live, traffic.live_requests)
    found = np.full(len(new), math.inf)
    for look in range(3, LOOKS + 1):
        waiting = np.flatnonzero(np.isinf(found))
        here, there = new[waiting, :look], live[waiting, :look]
        # The shift is never negative, so only what passes without it can pass with it.
        suspect = standardized(here, there) > KAYENTA_Z
        here, there, waiting = here[suspect], there[suspect], waiting[suspect]
        if len(waiting):
            shift = np.abs(np.median(here[:, :, None] - there[:, None, :], axis=(1, 2)))
            high = standardized(here - KAYENTA_TOLERANCE * shift[:, None], there) > KAYENTA_Z
            found[waiting[high & (here.mean(axis=1) >= there.mean(axis=1))]] = look
    return found


def standardized(here: Array, there: Array) -> Array:
    """The Mann-Whitney statistic of "values of `here` are larger", less its mean, in standard deviations."""
    size = here.shape[1]
    above = (here[:, :, None] > there[:, None, :]).sum(axis=(1, 2))
    equal = (here[:, :, None] == there[:, None, :]).sum(axis=(1, 2))
    pooled = np.sort(np.concatenate((here, there), axis=1), axis=1)
    number = 2 * size
    variance = size * size / 12 * (number + 1 - _ties(pooled) / (number * (number - 1)))
    beyond: Array = above + equal / 2 - size * size / 2
    return np.where(variance > 0, (beyond - 0.5 * np.sign(beyond)) / np.sqrt(np.maximum(variance, 1e-12)), 0.0)


def _ties(ordered: Array) -> Array:
    """The sum of t³ − t over groups of t equal values, a row a run."""
    total = np.zeros(len(ordered))
    length = np.ones(len(ordered))
    for column in range(1, ordered.shape[1]):
        same = ordered[:, column] == ordered[:, column - 1]
        total += np.where(same, 0, length**3 - length)
        length = np.where(same, length + 1, 1)
    return total + length**3 - length


def oracle(traffic: Traffic, ratio: float, null: float, alpha: float) -> Looks:
    """The conditional sequential probability ratio test of the true ratio, known, against `null`; baseline unknown."""
    odds = rates(traffic.new_requests, traffic.live_requests)
    logs = traffic.new * math.log(ratio / null) - (traffic.new + traffic.live) * (
        np.log1p(ratio * odds) - np.log1p(null * odds)
    )
    return first(np.cumsum(logs, axis=1) >= -math.log(alpha))


RIVALS: dict[str, Callable[[Traffic], Looks]] = {
    "threshold once": threshold_once,
    "threshold thrice": threshold_thrice,
    "cloudwatch": cloudwatch,
    "mann-whitney": mann_whitney,
}
