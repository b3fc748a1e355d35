"""The statistics CloudWatch offers and moto does not: percentiles and trimmed counts. Pure.

Source: CloudWatch statistics definitions. Values come as a table: value -> number of samples.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

_PERCENTILE = re.compile(r"[pP](\d{1,2}(?:\.\d{1,10})?|100)")
_TRIMMED_COUNT = re.compile(r"TC\((\d*\.?\d*):(\d*\.?\d*)\)")


def statistic(name: str, tables: Iterable[Mapping[float, int]]) -> float | None:
    """The statistic `name` (`p99`, `TC(0.5:)`) of all samples; None for other names or no samples."""
    values: Counter[float] = Counter()
    for table in tables:
        values.update(table)
    if not values:
        return None
    if found := _PERCENTILE.fullmatch(name):
        return percentile(values, float(found[1]))
    if found := _TRIMMED_COUNT.fullmatch(name):
        low = float(found[1]) if found[1] else -math.inf
        high = float(found[2]) if found[2] else math.inf
        return float(trimmed_count(values, low, high))
    return None


def percentile(values: Mapping[float, int], percent: float) -> float:
    """The smallest value that at least `percent` (0 to 100) of the samples do not exceed (nearest rank)."""
    rank = max(1, math.ceil(sum(values.values()) * percent / 100))
    seen = 0
    for value, count in sorted(values.items()):
        seen += count
        if seen >= rank:
            return value
    raise ValueError("there are no samples")


def trimmed_count(values: Mapping[float, int], low: float, high: float) -> int:
    """How many samples lie above `low` and not above `high`."""
    return sum(count for value, count in values.items() if low < value <= high)
