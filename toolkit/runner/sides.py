"""What stands behind each color, for those who only look: a read that fails is told in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from toolkit.errors import BluegreenError
from toolkit.rollout.workload import Capacity, Release
from toolkit.runner.service import Service
from toolkit.traffic import Color

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SideSeen:
    """How much of what runs at a color. None: it could not be read, and `problems` say why."""

    capacity: Capacity | None
    release: Release | None
    problems: tuple[str, ...] = ()


def sides(service: Service) -> Mapping[Color, SideSeen] | None:
    """Both colors, read side by side; None where the contract names no workload, and nothing is asked."""
    workload = service.workload
    if workload is None:
        return None
    with ThreadPoolExecutor(max_workers=4) as pool:
        capacities = {color: pool.submit(_told, workload.capacity, color) for color in Color}
        releases = {color: pool.submit(_told, workload.release, color) for color in Color}
        return {color: _side(capacities[color].result(), releases[color].result()) for color in Color}


def _told(read: Callable[[Color], _T], color: Color) -> tuple[_T | None, str]:
    try:
        return read(color), ""
    except BluegreenError as error:
        return None, error.message


def _side(capacity: tuple[Capacity | None, str], release: tuple[Release | None, str]) -> SideSeen:
    problems = tuple(dict.fromkeys(problem for _, problem in (capacity, release) if problem))
    return SideSeen(capacity[0], release[0], problems)
