"""What a store says to whoever comes second, in one place, so that every store says it alike."""

from __future__ import annotations

from toolkit.errors import JournalConflict, LeaseLost, Locked
from toolkit.rollout.plain import plain
from toolkit.rollout.ports import Lease


def conflict(service: str, sequence: int) -> JournalConflict:
    """An entry of that number stands already."""
    return JournalConflict(
        f"{service}: somebody else recorded entry {sequence} at the same moment",
        hint=f"See `bluegreen status {service}`, then try again.",
    )


def locked(lease: Lease) -> Locked:
    """`lease` is held by another."""
    since, until = (when.isoformat(timespec="seconds") for when in (lease.since, lease.expires))
    service = lease.service
    return Locked(
        f"{service}: {plain(str(lease.holder))} holds the lease since {since}, until {until} unless it is renewed; "
        "nothing was written",
        hint=f"Wait for it, or take it over with `bluegreen resume {service} --break-lease`; "
        f"to take the traffic back now, `bluegreen rollback {service} --break-lease`.",
    )


def lease_lost(lease: Lease, now_held: Lease | None) -> LeaseLost:
    """`lease` is not the current one any more. now_held: the one that is, where there is one."""
    who = f"{plain(str(now_held.holder))} took it over" if now_held else "it was taken over or given back"
    return LeaseLost(
        f"{lease.service}: the lease is lost ({who}); nothing more was recorded",
        hint=f"See `bluegreen status {lease.service}`: whoever holds it now decides.",
    )
