"""Where a rollout stands, by its journal."""

from __future__ import annotations

from toolkit.errors import NoRollout
from toolkit.rollout.events import start_of
from toolkit.rollout.machine import fold_rollout
from toolkit.rollout.state import RolloutState
from toolkit.runner.service import Service


def state_of(service: Service, rollout: str | None) -> RolloutState:
    """Where a rollout stands, by its id.

    Raises:
        NoRollout: None, or none of that id.
        JournalError: the journal cannot be read.
    """
    start_entry = start_of(rollout) if rollout else None
    if start_entry is None or start_entry[0] != service.name:
        raise NoRollout(
            f"{service.name}: no rollout is under way",
            hint=f"See `bluegreen history {service.name}`; start one with `bluegreen rollout start {service.name}`.",
        )
    entries = service.store.since(service.name, start_entry[1])
    if not entries:
        raise NoRollout(
            f"{service.name}: there is no rollout {rollout}", hint=f"See `bluegreen history {service.name}`."
        )
    return fold_rollout(entries)
