"""What the update of a target is told, and what became of a batch in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.rollout.rolling import Member

STOPPED = "stopped"
"""The reason where the pulse said so."""
_ID = "BLUEGREEN_HOOK_ID"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try at one target ended. again: another may end otherwise."""

    passed: bool
    reason: str
    output: str = ""
    again: bool = True


def told(member: Member, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, and which target is meant; the id under which an update may be remembered is the target's own."""
    return {
        **environment,
        **({_ID: f"{environment[_ID]}/{member}"} if _ID in environment else {}),
        "BLUEGREEN_TARGET_ID": member.id,
        "BLUEGREEN_TARGET_PORT": "" if member.port is None else str(member.port),
        "BLUEGREEN_TARGET_ZONE": member.zone or "",
    }


def reason_of(
    *, done: Sequence[Member], failed: Sequence[tuple[Member, str]], unbegun: Sequence[Member], back: bool
) -> str:
    """One sentence about a batch: `i-0a:8080: deploy.sh ended with exit code 3; i-0b:8080 updated; 2 not begun`."""
    parts = [f"{member}: {reason}" for member, reason in failed[:_NAMED]]
    if len(failed) > _NAMED:
        parts.append(f"{len(failed) - _NAMED} more failed")
    if done:
        parts.append(f"{_names(done)} {'taken back' if back else 'updated'}")
    if unbegun:
        parts.append(f"{len(unbegun)} not begun")
    return "; ".join(parts)


def _names(members: Sequence[Member]) -> str:
    shown = ", ".join(map(str, members[:_NAMED]))
    return shown if len(members) <= _NAMED else f"{shown} and {len(members) - _NAMED} more"
