"""`bluegreen status`: how a service stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import split_document, splits_document
from toolkit.cli.render import print_json, style
from toolkit.cli.rollout_words import how_it_stands, lease_words, print_next, sides_words, state_document, what_next
from toolkit.cli.service import OptionalService, connected, wired_all
from toolkit.cli.workload import (
    held_words,
    left_suspended,
    release_words,
    side_document,
    side_lines,
    switched_on,
    upkeep_document,
    upkeep_words,
)
from toolkit.rollout.plain import plain
from toolkit.rollout.preflight import Observation
from toolkit.rollout.routes import known_splits, live_color
from toolkit.traffic import Color, Split
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.ports import Lease
    from toolkit.rollout.record import Record
    from toolkit.rollout.state import RolloutState
    from toolkit.rollout.upkeep import Upkeep
    from toolkit.runner.service import Service
    from toolkit.runner.sides import SideSeen
    from toolkit.settings import PriceSettings

_NAMES = {Color.BLUE: 34, Color.GREEN: 32}


@connected
def status(service: OptionalService = None, *, where: Options, output: OutputOption = Output.TEXT) -> None:
    """Who is live, the split of each route, the health of each target, and what was last recorded by whom.

    Where the contract names a workload: what each color runs, how much of it, and what the second color costs.

    Example: bluegreen status web
    """
    looks = [_look(ready) for ready in wired_all(service, where)]
    if output is Output.JSON:
        documents = [_document(look) for look in looks]
        print_json(documents[0] if service else {"services": documents})
        return
    for look in looks:
        _show(look)


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is to see of a service, at `at`. rollout: the one under way; lease: whose it is, expired or not.

    sides: what runs behind each color; None: the contract names no workload.
    """

    observation: Observation
    rollout: RolloutState | None
    lease: Lease | None
    at: datetime
    sides: Mapping[Color, SideSeen] | None = None
    price: PriceSettings | None = None

    @property
    def is_held(self) -> bool:
        return self.lease is not None and self.lease.is_held(self.at)

    @property
    def upkeep(self) -> Upkeep | None:
        """What the side without traffic is kept at; None where there is none, or nobody knows how much of it."""
        if self.sides is None:
            return None
        from toolkit.rollout.upkeep import upkeep

        splits = set(known_splits(self.observation.routes, self.observation.contract).values())
        held = splits.pop() if len(splits) == 1 else None
        live = next((color for color in Color if held is not None and held.share(color) == 1), None)
        capacity = self.sides[live.other].capacity if live is not None else None
        if live is None or capacity is None:
            return None
        return upkeep(self.observation.record, live, capacity.desired)

    @property
    def left_suspended(self) -> Mapping[Color, tuple[str, ...]]:
        """Autoscaling that is switched off while no rollout is under way that would switch it on again."""
        return left_suspended(self.sides) if self.sides is not None and self.rollout is None else {}


def _look(service: Service) -> _Look:
    observation = service.observe(ask_identity=False)
    rollout = None
    if observation.record.rollout is not None:
        from toolkit.runner.states import state_of

        rollout = state_of(service, observation.record.rollout)
    seen = None
    if service.workload is not None:
        from toolkit.runner.sides import sides

        seen = sides(service)
    lease = service.store.holder(service.name)
    return _Look(observation, rollout, lease, service.clock.now(), seen, service.settings.price)


def _live(observation: Observation, splits: Mapping[str, Split]) -> Color | None:
    shared = set(splits.values())
    return live_color(shared.pop() if len(shared) == 1 else None, observation.record)


def _document(look: _Look) -> dict[str, Any]:
    observation = look.observation
    contract, record = observation.contract, observation.record
    splits = known_splits(observation.routes, contract)
    live = _live(observation, splits)
    return {
        "service": contract.name,
        "live": live.value if live else None,
        "routes": {
            route.name: {
                "arn": route.arn,
                "split": split_document(splits[route.name]) if route.name in splits else None,
                "state": _route_state(observation, splits, route.name),
            }
            for route in contract.routes
        },
        "colors": {
            color.value: {
                **(side_document(look.sides[color]) if look.sides is not None else {}),
                "target_group": contract.target_groups[color].name,
                "healthy": observation.healthy(color),
                "targets": [
                    {"id": target.id, "port": target.port, "state": target.state, "reason": target.reason}
                    for target in observation.health[color]
                ],
            }
            for color in Color
        },
        "record": _record_document(record),
        "rollout": _rollout_document(look),
        "upkeep": upkeep_document(look.upkeep, look.price, look.at) if look.upkeep else None,
        "left_suspended": {color.value: list(names) for color, names in look.left_suspended.items()},
        "lease": _lease_document(look),
        "load_balancer": contract.load_balancer.dns_name,
    }


def _rollout_document(look: _Look) -> dict[str, Any] | None:
    if look.rollout is None:
        return None
    may = [{"command": command, "does": does} for command, does in what_next(look.rollout, held=look.is_held)]
    return {**state_document(look.rollout), "may": may}


def _lease_document(look: _Look) -> dict[str, Any] | None:
    lease = look.lease
    if lease is None:
        return None
    return {
        "holder": {
            "name": lease.holder.name,
            "host": lease.holder.host,
            "pid": lease.holder.pid,
            "doing": lease.holder.doing,
        },
        "since": lease.since.isoformat(),
        "expires": lease.expires.isoformat(),
        "held": look.is_held,
    }


def _record_document(record: Record) -> dict[str, Any] | None:
    if not record.sequence:
        return None
    return {
        "sequence": record.sequence,
        "kind": record.kind.value if record.kind else None,
        "base": record.base.value if record.base else None,
        "splits": splits_document(record.splits),
        "meant": split_document(record.meant) if record.meant else None,
        "in_doubt": record.in_doubt,
        "actor": record.actor,
        "at": record.at.isoformat() if record.at else None,
        "promoted": record.promoted.value if record.promoted else None,
        "stickiness_suspended_until": {name: held.until.isoformat() for name, held in record.suspended.items()},
    }


def _route_state(observation: Observation, splits: Mapping[str, Split], name: str) -> str:
    if name not in observation.routes:
        return "gone"
    if name not in splits:
        return "unusable"
    return "ok" if observation.record.may_hold(name, splits[name]) else "drifted"


def _show(look: _Look) -> None:
    observation = look.observation
    contract = observation.contract
    splits = known_splits(observation.routes, contract)
    live = _live(observation, splits)
    title = style(str(live), 1, _NAMES[live]) + " is live" if live else "both colors carry traffic, no base on record"
    print(f"{style(contract.name, 1)}: {title}   ({contract.load_balancer.dns_name})")
    for route in contract.routes:
        split = str(splits[route.name]) if route.name in splits else "-"
        state = _route_state(observation, splits, route.name)
        print(f"  route {route.name}: {split}{'' if state == 'ok' else '   ' + style(state, 33)}")
    for color in Color:
        targets = observation.health[color]
        print(f"  {style(f'{color:5}', _NAMES[color])} {observation.healthy(color)} healthy of {len(targets)}")
        for target in targets:
            place = f"{target.id}:{target.port}" if target.port else target.id
            reason = f" ({target.reason})" if target.reason else ""
            print(f"        {place}  {style(target.state, 32 if target.is_healthy else 33)}{reason}")
        for line in side_lines(look.sides[color]) if look.sides is not None else ():
            print(f"        {line}")
    _show_behind(look)
    _show_record(observation.record)
    if look.rollout is not None:
        _show_rollout(look, look.rollout)
    elif look.is_held:
        print(f"  lease: {lease_words(look.lease, look.at)}")


def _show_behind(look: _Look) -> None:
    if look.upkeep is not None:
        print(f"  {upkeep_words(look.upkeep, look.price, look.at)}")
    for color, names in look.left_suspended.items():
        off = f"{color}'s autoscaling is switched off ({', '.join(names)}) and no rollout is under way to restore it"
        command = switched_on(look.observation.contract, color, names)
        print(style(f"  WARNING: {off}.", 1, 31) + (f" Switch it on: {command}" if command else ""))


def _show_rollout(look: _Look, state: RolloutState) -> None:
    until = f", until {_seconds(state.deadline)}" if state.deadline and look.is_held else ""
    print(f"  rollout {style(state.id, 1)}: {state.plan.strategy}, {sides_words(state.plan)}")
    print(f"    {how_it_stands(state)}, since {_seconds(state.began)}{until}")
    if state.reason:
        print(f"    why: {plain(state.reason)}")
    if state.release is not None:
        print(f"    puts: {release_words(state.release)} on {state.plan.to}")
    if held := held_words(state):
        print(f"    holds: {held}")
    print(f"    lease: {lease_words(look.lease, look.at)}")
    print_next(state, held=look.is_held)


def _seconds(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _show_record(record: Record) -> None:
    if not record.sequence or record.at is None or record.kind is None:
        print("  nothing is recorded yet")
        return
    what = "began, end unknown" if record.in_doubt else "ended"
    meant = f" to {record.meant}" if record.meant else ""
    by = record.actor or "an unknown actor"
    print(f"  last: {record.kind}{meant} {what} {record.at.isoformat(timespec='seconds')} by {by}; base {record.base}")
    for name, held in record.suspended.items():
        print(f"  route {name}: stickiness is off until {held.until.isoformat(timespec='seconds')}")
