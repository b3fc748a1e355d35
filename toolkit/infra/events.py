"""What terraform says while it works: lines of its `-json` stream as typed values. Pure and total.

Source: Terraform, "Machine-Readable UI" (major version 1). Lines that are no JSON, and messages of a type
not known here, become a `Log`: some Terraform versions mix plain text in, and later ones add types.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """How far the work on one resource is."""

    REFRESHED = "refreshed"
    STARTED = "started"
    GOING = "going"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Work on one resource: `action` in Terraform's words (create, update, delete, refresh); seconds."""

    address: str
    action: str
    stage: Stage
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """One change that the plan will make."""

    address: str
    action: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts at the end of an operation: plan, apply or destroy."""

    operation: str
    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a warning in Terraform's own words. `address` is empty where it concerns no resource."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    place: str = ""  # file:line
    code: str = ""  # what stands there

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


@dataclass(frozen=True, slots=True)
class Log:
    """Anything else, as text on one line."""

    text: str


Event = Progress | Planned | Summary | Diagnostic | Log

_STAGES = {
    "refresh_complete": Stage.REFRESHED,
    "apply_start": Stage.STARTED,
    "apply_progress": Stage.GOING,
    "apply_complete": Stage.DONE,
    "apply_errored": Stage.FAILED,
}
# Said again by other events, or of no use to anybody who watches (resource_drift counts computed values too).
_SILENT = frozenset({"version", "outputs", "refresh_start", "provision_start", "provision_complete", "resource_drift"})


def parse(line: str) -> Event | None:
    """The event of one line of the stream; None for one that says nothing new. Never raises."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return _log(line)
    if not isinstance(message, dict):
        return _log(line)
    kind = message.get("type")
    if not isinstance(kind, str):
        return _log(message.get("@message"))
    if kind in _SILENT:
        return None
    return _typed(kind, message) or _log(message.get("@message"))


def _typed(kind: str, message: Mapping[str, Any]) -> Event | None:
    if kind in _STAGES:
        hook = _mapping(message.get("hook"))
        action = _text(hook.get("action")) or "refresh"
        return Progress(_address(hook), action, _STAGES[kind], _count(hook.get("elapsed_seconds")))
    match kind:
        case "planned_change":
            change = _mapping(message.get("change"))
            return Planned(_address(change), _text(change.get("action")))
        case "change_summary":
            counts = _mapping(message.get("changes"))
            added, changed, removed = (_count(counts.get(key)) for key in ("add", "change", "remove"))
            return Summary(_text(counts.get("operation")), added, changed, removed)
        case "diagnostic":
            return _diagnostic(_mapping(message.get("diagnostic")))
        case _:
            return None


def _diagnostic(told: Mapping[str, Any]) -> Diagnostic:
    where = _mapping(told.get("range"))
    line = _count(_mapping(where.get("start")).get("line"))
    filename = _text(where.get("filename"))
    return Diagnostic(
        severity=_text(told.get("severity")) or "error",
        summary=_text(told.get("summary")),
        detail=_text(told.get("detail")),
        address=_text(told.get("address")),
        place=f"{filename}:{line}" if filename else "",
        code=_text(_mapping(told.get("snippet")).get("code")).strip(),
    )


def _address(holder: Mapping[str, Any]) -> str:
    return _text(_mapping(holder.get("resource")).get("addr"))


def _log(text: object) -> Log | None:
    words = " ".join(_text(text).split())
    return Log(words) if words else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    if isinstance(value, float):
        value = int(value) if value == value and abs(value) < float("inf") else 0  # noqa: PLR0124 - NaN
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
