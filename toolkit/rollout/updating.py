"""What the update of one target is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.rollout.rolling import Member


def told(member: Member, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, and which target is meant."""
    return {
        **environment,
        "BLUEGREEN_TARGET_ID": member.id,
        "BLUEGREEN_TARGET_PORT": "" if member.port is None else str(member.port),
        "BLUEGREEN_TARGET_ZONE": member.zone or "",
    }
