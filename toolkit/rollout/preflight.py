"""The checks before a write: an observation and an intent go in, findings come out. Nothing is read or written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from toolkit.contract import Contract
from toolkit.errors import BluegreenError, NoBase, PreflightRefused, RouteUnusable, WrongAccount
from toolkit.rollout.ports import Identity, LiveRoute, TargetHealth
from toolkit.rollout.record import Record
from toolkit.rollout.routes import live_color, split_of_route, split_of_service, splits_of_service
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `mend` says what to do about it; `error` is raised by a command that is refused."""

    check: str
    level: Level
    reason: str
    mend: str = ""
    error: type[BluegreenError] = PreflightRefused

    @property
    def is_about_capacity(self) -> bool:
        """Whether it says how many healthy targets a color has, which `--force` goes past."""
        return self.check.endswith("capacity")


@dataclass(frozen=True, slots=True)
class Observation:
    """The world as it was read, at one time.

    routes: by name; a route that is gone is absent. health: by color. identity None: nobody asked.
    """

    contract: Contract
    routes: Mapping[str, LiveRoute]
    health: Mapping[Color, Sequence[TargetHealth]]
    record: Record
    identity: Identity | None = None

    def healthy(self, color: Color) -> int:
        return sum(target.is_healthy for target in self.health.get(color, ()))


def idle_color(observation: Observation) -> Color:
    """The color that a cutover goes to: the one that is not live.

    Raises:
        NoBase: both carry traffic and no base is on record.
        RouteUnusable: a route is gone or is not of this pair.
    """
    split = split_of_service(observation.routes, observation.contract)
    live = live_color(split, observation.record)
    if live is None:
        name = observation.contract.name
        raise NoBase(
            f"{name}: both colors carry traffic and no base is on record, so neither is the idle one. "
            "Nothing was changed.",
            hint=f"Say where to go: bluegreen cutover {name} --to green (or blue).",
        )
    return live.other


def needed_targets(giving_healthy: int, next_share: Fraction, settings: ServiceSettings) -> int:
    """Healthy targets a color needs to carry `next_share` of the traffic.

    max(minimum, min(giving healthy, ceil(giving healthy x share x headroom))): the other color's healthy targets
    carry the traffic now, so they say what the whole of it takes; and headroom never asks for more of them than
    that, or two equal sides could not take turns.
    """
    capacity = math.ceil(giving_healthy * next_share * Fraction(str(settings.headroom)))
    return max(settings.minimum_healthy, min(giving_healthy, capacity))


def preflight(
    observation: Observation, to: Split, settings: ServiceSettings, *, accept_drift: bool = False
) -> list[Finding]:
    """Every check for putting `to` on all routes, in the order an operator would ask them."""
    findings = [_account(observation), *_routes(observation)]
    if any(finding.level is Level.REFUSED for finding in findings):
        return findings
    splits = splits_of_service(observation.routes, observation.contract)
    findings += _drift(observation, splits, accept_drift=accept_drift)
    findings += _attached(observation)
    findings += capacity(observation, to, settings)
    findings += _stickiness(observation)
    if observation.contract.is_network:
        findings.append(_flows(settings))
    return findings


def refuse(findings: Sequence[Finding], service: str) -> None:
    """Raise what the first refusal names.

    Raises:
        PreflightRefused, WrongAccount, RouteUnusable: nothing was written.
    """
    for finding in findings:
        if finding.level is Level.REFUSED:
            raise finding.error(
                f"{service}: {finding.reason}. Nothing was changed.",
                hint=" ".join(filter(None, (finding.mend, f"See `bluegreen doctor {service}`."))),
            )


def _account(observation: Observation) -> Finding:
    contract, identity = observation.contract, observation.identity
    if identity is None:
        return Finding("account", Level.WARNING, "nobody asked AWS who the credentials belong to")
    if identity.account_id != contract.account_id:
        return Finding(
            "account",
            Level.REFUSED,
            f"the credentials belong to account {identity.account_id} ({identity.arn}), "
            f"the contract is of account {contract.account_id}",
            "Choose the right profile with --profile or AWS_PROFILE.",
            WrongAccount,
        )
    return Finding("account", Level.OK, f"{identity.arn} in account {contract.account_id}, {contract.region}")


def _routes(observation: Observation) -> list[Finding]:
    findings = []
    for route in observation.contract.routes:
        try:
            split = split_of_route(route, observation.routes, observation.contract)
        except RouteUnusable as error:
            mend = error.hint.removeprefix("Nothing was changed. ")
            findings.append(Finding(f"route {route.name}", Level.REFUSED, error.message, mend, RouteUnusable))
        else:
            findings.append(Finding(f"route {route.name}", Level.OK, f"forwards to the pair, {split}"))
    return findings


_WHO_WROTE = "Somebody else wrote the weights: find out who, or take what AWS holds as the truth with --accept-drift."


def _drift(observation: Observation, splits: Mapping[str, Split], *, accept_drift: bool) -> list[Finding]:
    record = observation.record
    if not record.splits:
        return [Finding("drift", Level.OK, "nothing is recorded yet, so nothing can differ")]
    findings = []
    for name, split in splits.items():
        if record.may_hold(name, split):
            continue
        by = record.actor or "an unknown actor"
        at = record.at.isoformat(timespec="seconds") if record.at else "an unknown time"
        reason = f"route {name} holds {split}, but {record.splits[name]} was recorded by {by} at {at}"
        if accept_drift:
            findings.append(Finding("drift", Level.WARNING, reason, "What AWS holds is taken as the truth."))
        else:
            findings.append(Finding("drift", Level.REFUSED, reason, _WHO_WROTE))
    if not findings:
        last = "is in doubt: a command ended between writing and recording" if record.in_doubt else "agrees with AWS"
        findings = [Finding("drift", Level.WARNING if record.in_doubt else Level.OK, f"the record {last}")]
    return findings


def _attached(observation: Observation) -> list[Finding]:
    findings = []
    for color in Color:
        targets = observation.health.get(color, ())
        if targets and all(target.state == "unused" for target in targets):
            findings.append(
                Finding(
                    f"{color} attached",
                    Level.REFUSED,
                    f"{color}'s targets are unused: no listener uses target group "
                    f"{observation.contract.target_groups[color].name}, or their zone is not enabled, "
                    "so AWS checks no health",
                    "Keep both groups in the forward action, one of them at weight 0.",
                )
            )
    return findings or [Finding("attached", Level.OK, "both target groups are in use, so AWS checks their health")]


def capacity(observation: Observation, to: Split, settings: ServiceSettings) -> list[Finding]:
    """Whether each color has the healthy targets for what `to` gives it beyond what it has.

    Raises:
        RouteUnusable: a route is gone or is not of this pair.
    """
    splits = splits_of_service(observation.routes, observation.contract)
    receiving = [color for color in Color if any(to.share(color) > split.share(color) for split in splits.values())]
    if not receiving:
        return [Finding("capacity", Level.OK, f"every route holds {to} already")]
    return [_capacity_of(observation, color, to.share(color), settings) for color in receiving]


def _capacity_of(observation: Observation, color: Color, share: Fraction, settings: ServiceSettings) -> Finding:
    healthy, registered = observation.healthy(color), len(observation.health.get(color, ()))
    giving = observation.healthy(color.other)
    needed = needed_targets(giving, share, settings)
    percent = f"{float(share) * 100:g} %"
    why = f"{percent} of {color.other}'s {giving}, headroom {settings.headroom:g}, minimum {settings.minimum_healthy}"
    if healthy >= needed:
        return Finding(
            f"{color} capacity",
            Level.OK,
            f"{color} has {healthy} healthy of {registered}, needs {needed} ({why})",
        )
    states = ", ".join(
        sorted({_state(target) for target in observation.health.get(color, ()) if not target.is_healthy})
    )
    return Finding(
        f"{color} capacity",
        Level.REFUSED,
        f"{color} has {healthy} healthy {'target' if healthy == 1 else 'targets'} of {registered}"
        f"{f' ({states})' if states else ''}, and this shift needs {needed} ({why})",
        f"Wait until {color}'s targets are healthy, add targets, or shift a smaller share.",
    )


def _state(target: TargetHealth) -> str:
    return f"{target.state}: {target.reason}" if target.reason else target.state


def _flows(settings: ServiceSettings) -> Finding:
    return Finding(
        "flows",
        Level.OK,
        "a Network Load Balancer: new flows follow the weights, standing ones stay on their targets until they end, so "
        f"allow {settings.settle_of(network=True):g} s before a verdict",
    )


def _stickiness(observation: Observation) -> list[Finding]:
    findings = [
        Finding(
            "stickiness",
            Level.WARNING,
            f"route {live.route.name} has target-group stickiness of {live.stickiness.duration_seconds} s: "
            "clients with a cookie stay where they are until it expires, whatever the weights say",
        )
        for live in observation.routes.values()
        if live.stickiness.enabled
    ]
    findings += [
        Finding(
            "stickiness",
            Level.WARNING,
            f"route {name}: a rollback switched off stickiness of {held.stickiness.duration_seconds} s; "
            f"the first shift after {held.until.isoformat(timespec='seconds')} restores it",
            f"bluegreen restore-stickiness {observation.contract.name} does so without a shift.",
        )
        for name, held in observation.record.suspended.items()
    ]
    return findings or [Finding("stickiness", Level.OK, "no route has target-group stickiness")]
