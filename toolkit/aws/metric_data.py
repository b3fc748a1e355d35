"""GetMetricData: many series of whole minutes in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

MINUTE: Final = 60
MOST_QUERIES: Final = 500  # of one call. Source: CloudWatch API reference, GetMetricData
_COMPLETE: Final = "Complete"
_MOST_PAGES: Final = 100  # each has up to 100,800 values; more come only where AWS fails again and again


@dataclass(frozen=True, slots=True)
class Query:
    """One statistic of one metric. dimensions: the metric's whole set."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Sum"

    def of(self, identifier: str) -> dict[str, Any]:
        """In the words of the API."""
        return {
            "Id": identifier,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": self.metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
                },
                "Period": MINUTE,
                "Stat": self.statistic,
            },
        }


@dataclass(slots=True)
class Series:
    """What came of a query. points: minute (Unix time // 60) -> value. status: AWS's word; `Complete` is all of it."""

    points: dict[int, float] = field(default_factory=dict)
    status: str = "Absent"

    @property
    def is_complete(self) -> bool:
        return self.status == _COMPLETE


@dataclass(frozen=True, slots=True)
class Answer:
    """The series of all queries, and what CloudWatch said besides."""

    series: Mapping[Query, Series]
    messages: tuple[str, ...] = ()


def ask(client: Any, queries: Sequence[Query], first: int, end: int) -> Answer:
    """The minutes from `first` to before `end`, each Unix time // 60. Its pages are put together by query.

    AWS calls a series `PartialData`, or `InternalError`, while a further page may have the rest of it: its last word
    counts. Raises botocore's errors.
    """
    identifiers = {f"q{index}": query for index, query in enumerate(queries)}
    series = {query: Series() for query in queries}
    messages: list[str] = []
    asked: dict[str, Any] = {
        "MetricDataQueries": [query.of(identifier) for identifier, query in identifiers.items()],
        "StartTime": datetime.fromtimestamp(first * MINUTE, UTC),
        "EndTime": datetime.fromtimestamp(end * MINUTE, UTC),
    }
    for _ in range(_MOST_PAGES):
        page = client.get_metric_data(**asked)
        for result in page["MetricDataResults"]:
            found = series[identifiers[result["Id"]]]
            found.status = result.get("StatusCode", _COMPLETE)
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                found.points[int(at.timestamp()) // MINUTE] = value
            messages += _said(result.get("Messages", ()))
        messages += _said(page.get("Messages", ()))
        if not page.get("NextToken"):
            break
        asked["NextToken"] = page["NextToken"]
    return Answer(series, tuple(dict.fromkeys(messages)))


def _said(messages: Sequence[Mapping[str, str]]) -> list[str]:
    return [f"CloudWatch says {message.get('Code', '')}: {message.get('Value', '')}" for message in messages]
