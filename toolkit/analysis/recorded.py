"""Recorded series and their replay: CSV, the header `minute,color,requests,errors`, optionally `slow` and `split`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping

from toolkit.analysis.judge import Analysis
from toolkit.analysis.policy import Metric, Policy
from toolkit.analysis.series import Sample
from toolkit.analysis.verdict import Verdict
from toolkit.errors import UsageError
from toolkit.traffic import Color

_REQUIRED, _OPTIONAL = ("minute", "color", "requests", "errors"), ("slow", "split")
_HOW = "A series is CSV with the header minute,color,requests,errors and optionally slow,split."
_LONGEST = 100_000
"""Minutes from the first to the last, about ten weeks: beyond it a minute is a typing error."""

_MINUTE = re.compile(r"-?[0-9]{1,12}")
_COUNT = re.compile(r"([0-9]{1,13})(?:\.0{1,9})?")
_EXCERPT = 40


def read(text: str) -> list[Sample]:
    """The samples of a series: a row a minute and color, in any order; a missing row means no data.

    Raises:
        UsageError: what is wrong, and in which line.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check(header)
        samples = [
            _sample(dict(zip(header, _row(row, header, reader.line_num), strict=True)), reader.line_num)
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num} of the series is no CSV: {error}", hint=_HOW) from None
    _check_all(samples)
    return samples


def metrics(samples: Iterable[Sample]) -> tuple[Metric, ...]:
    """What the samples tell of: errors, and slow requests where any sample has them."""
    return (Metric.ERRORS, Metric.SLOW) if any(sample.slow is not None for sample in samples) else (Metric.ERRORS,)


def replay(samples: Iterable[Sample], live: Color, policy: Policy) -> Iterator[tuple[int, Verdict]]:
    """The verdict at each minute, from the first to the last that the series has, those without data too."""
    minutes: dict[int, list[Sample]] = {}
    for sample in samples:
        minutes.setdefault(sample.minute, []).append(sample)
    analysis = Analysis(policy, live)
    for minute in range(min(minutes, default=0), max(minutes, default=-1) + 1):
        yield minute, analysis.look(minutes.get(minute, ()), minute)


def _check(header: list[str]) -> None:
    if not header:
        raise UsageError("the series is empty", hint=_HOW)
    wrong = [name for name in header if name not in (*_REQUIRED, *_OPTIONAL)]
    wrong += [name for name in _REQUIRED if name not in header]
    if wrong or len(set(header)) != len(header):
        raise UsageError(f"the first line of the series is {_quoted(','.join(header))}", hint=_HOW)


def _row(row: list[str], header: list[str], line: int) -> list[str]:
    if len(row) != len(header):
        raise UsageError(f"line {line} of the series has {len(row)} fields, its header {len(header)}", hint=_HOW)
    return [cell.strip() for cell in row]


def _sample(row: Mapping[str, str], line: int) -> Sample:
    minute, color = row["minute"], row["color"].lower()
    if not _MINUTE.fullmatch(minute):
        raise UsageError(f"line {line} of the series: minute is {_quoted(minute)}; write a whole number", hint="")
    if color not in tuple(Color):
        raise UsageError(f"line {line} of the series: color is {_quoted(color)}; write blue or green", hint="")
    slow = row.get("slow", "")
    try:
        return Sample(
            int(minute),
            Color(color),
            _count("requests", row["requests"], line),
            _count("errors", row["errors"], line),
            _count("slow", slow, line) if slow else None,
            row.get("split", ""),
        )
    except UsageError as error:
        raise UsageError(error.message if "line" in error.message else f"line {line} of the series: {error}") from None


def _count(name: str, text: str, line: int) -> int:
    found = _COUNT.fullmatch(text)
    if found is None:
        raise UsageError(f"line {line} of the series: {name} is {_quoted(text)}; write a count")
    return int(found[1])


def _check_all(samples: list[Sample]) -> None:
    if not samples:
        raise UsageError("the series has a header and no rows", hint=_HOW)
    seen: set[tuple[int, Color]] = set()
    for sample in samples:
        if (sample.minute, sample.color) in seen:
            raise UsageError(f"the series has two rows for minute {sample.minute} of {sample.color}; leave one")
        seen.add((sample.minute, sample.color))
    first, last = min(minute for minute, _ in seen), max(minute for minute, _ in seen)
    if last - first >= _LONGEST:
        raise UsageError(f"the series goes from minute {first} to {last}; {_LONGEST:,} minutes are the most")


def _quoted(text: str) -> str:
    shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
    return repr(shown)
