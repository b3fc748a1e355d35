"""`bluegreen ab --report`: both variants in a table, each rate with its interval, and what the difference shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.cli.render import note, print_json

if TYPE_CHECKING:
    from toolkit.analysis.variants import Interval, Rate
    from toolkit.runner.service import Service
    from toolkit.runner.variants import Compared, Variants


def show(service: Service, *, as_json: bool) -> None:
    """Raises as `runner.variants.variants`."""
    from toolkit.runner.variants import variants

    found = variants(service)
    if as_json:
        print_json(_document(service.name, found))
        return
    for remark in found.remarks:
        note(f"warning: {remark}")
    print(f"{service.name}: {found.rollout}, {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC")
    requests = found.requests
    print(f"  requests: {requests[found.live]:,} on {found.live}, {requests[found.new]:,} on {found.new}")
    for each in found.compared:
        print(f"  {each.name}: {_told(each, found)}")


def _told(each: Compared, found: Variants) -> str:
    if each.difference is None:
        return f"{each.live:g} on {found.live}, {each.new:g} on {found.new}"
    live, new, interval = each.difference.live, each.difference.new, each.difference.interval
    sides = f"{_rate(live)} on {found.live}, {_rate(new)} on {found.new}"
    if each.difference.value is None:
        return f"{sides}; nothing to compare"
    points = f"{each.difference.value * 100:+.3g} points ({interval.low * 100:+.3g} to {interval.high * 100:+.3g})"
    return f"{sides}; {points}{'' if each.difference.is_told else ', which tells nothing yet'}"


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return "no requests"
    interval = rate.interval
    return f"{rate.value * 100:.3g} % ({interval.low * 100:.3g} to {interval.high * 100:.3g})"


def _document(name: str, found: Variants) -> dict[str, Any]:
    return {
        "service": name,
        "rollout": found.rollout,
        "live": found.live.value,
        "new": found.new.value,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "confidence": 0.95,
        "requests": {color.value: count for color, count in found.requests.items()},
        "compared": [_compared(each) for each in found.compared],
        "remarks": list(found.remarks),
    }


def _compared(each: Compared) -> dict[str, Any]:
    document: dict[str, Any] = {"name": each.name, "live": each.live, "new": each.new, "rates": None}
    difference = each.difference
    if difference is not None:
        document["rates"] = {
            "live": {"value": difference.live.value, **_ends(difference.live.interval)},
            "new": {"value": difference.new.value, **_ends(difference.new.interval)},
            "difference": {"value": difference.value, **_ends(difference.interval), "is_told": difference.is_told},
        }
    return document


def _ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high}
