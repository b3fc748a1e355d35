"""Carrying an adoption out: a second target group at weight 0 where one is wanted, read back, then the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.adoption.places import Group, Place
from toolkit.errors import (
    AdoptionRefused,
    AwsError,
    AwsUnreachable,
    ConfigError,
    ContractError,
    Interrupted,
    RouteUnusable,
    VerifyFailed,
)
from toolkit.runner.adopt import Plan, Surroundings, weights_after
from toolkit.runner.adopt_files import Files
from toolkit.runner.interrupts import deferred_interrupts

_READ_BACK_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.5


def carry_out(decided: Plan, around: Surroundings, files: Files) -> None:
    """Write the second group into every route that lacks it, read it back, then write the files.

    Ctrl-C is held back until all of it is done.

    Raises:
        AdoptionRefused, RouteUnusable: a route is no longer what was decided on.
        AwsError: a write failed; says which routes have the group by now.
        VerifyFailed: a route does not show what was written.
        ContractError, ConfigError: a file cannot be written.
        Interrupted: somebody pressed Ctrl-C meanwhile; the adoption is complete.
    """
    name = decided.adoption.contract.name
    with deferred_interrupts("bluegreen: finishing the adoption under way; then it stops") as interrupts:
        _add_all(decided, around)
        try:
            files.write()
        except (ContractError, ConfigError) as error:
            if decided.second is not None:
                error.message += f"; {decided.second.name} stands at weight 0 in {', '.join(decided.additions)} by now"
            raise
    if interrupts.asked:
        raise Interrupted(f"{name}: interrupted, after it was adopted", hint=f"See `bluegreen status {name}`.")


def _add_all(decided: Plan, around: Surroundings) -> None:
    if decided.second is None:
        return
    done: list[str] = []
    for name, place in decided.additions.items():
        try:
            _add(name, place, decided.second, around)
        except (AdoptionRefused, RouteUnusable, AwsError, VerifyFailed) as error:
            by_now = f"added to {', '.join(done)}" if done else "added to no other route"
            here = f", and whether {name} has it is not known" if isinstance(error, AwsUnreachable) else ""
            error.message = (
                f"{error.message.rstrip('.')}; target group {decided.second.name} was {by_now}{here}. No traffic moved."
            )
            raise
        done.append(name)


def _add(name: str, place: Place, second: Group, around: Surroundings) -> None:
    now = around.inventory.places([place.arn])
    if now != [place]:
        raise AdoptionRefused(
            f"route {name} ({place.title}) was changed by somebody else meanwhile", hint="Look again: adopt once more."
        )
    around.inventory.add_group(place, name, second.arn)
    wanted = replace(place, weights=weights_after(place, second))
    until = around.clock.now().timestamp() + _READ_BACK_SECONDS
    while not _holds(around.inventory.places([place.arn]), wanted):
        if around.clock.now().timestamp() >= until:
            raise VerifyFailed(
                f"route {name} does not show the weights that were written",
                hint="Somebody else may be writing it; adopt once more.",
            )
        around.clock.sleep(_LOOK_AGAIN_SECONDS)


def _holds(places: Sequence[Place], wanted: Place) -> bool:
    return [(each.weights, each.stickiness, each.preceding) for each in places] == [
        (wanted.weights, wanted.stickiness, wanted.preceding)
    ]
