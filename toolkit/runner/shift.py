"""Shift: one weight change on all routes of a service. And bringing back stickiness, which is a shift to the same."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import PreflightRefused
from toolkit.rollout.events import Kind
from toolkit.rollout.preflight import Finding, Observation, preflight
from toolkit.rollout.routes import split_of_service
from toolkit.runner.checked import Outcome, checked_move, move_to
from toolkit.runner.lease import leased
from toolkit.runner.move import Move
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.traffic import Split


def plan_shift(service: Service, to: Split, *, accept_drift: bool = False) -> tuple[Move, list[Finding]]:
    """The move that `shift` would make, and every finding. Nothing is written, nothing refused.

    Raises:
        AwsError, JournalError: the world could not be read.
    """
    observation = service.observe()
    move = move_to(observation, to, kind=Kind.SHIFT, now=service.clock.now())
    return move, preflight(observation, to, service.settings, accept_drift=accept_drift)


def shift(service: Service, to: Split, *, accept_drift: bool = False) -> Outcome:
    """Put `to` on all routes of the service.

    Raises:
        Locked, PreflightRefused, WrongAccount, RouteUnusable: nothing was written.
        ShiftFailed, VerifyFailed, AwsError, JournalError, Interrupted: as `carry_out` says.
    """
    with leased(service, f"shift to {to}") as keeper:
        observation = service.observe()
        move = move_to(observation, to, kind=Kind.SHIFT, now=service.clock.now())
        recorder = Recorder(service, observation.record.head, keeper)
        return checked_move(service, observation, move, recorder, accept_drift=accept_drift)


def restore_stickiness(service: Service, *, wait: bool = False) -> Outcome:
    """Write back the stickiness that a rollback switched off, once its cookies have expired; the weights stay.

    Raises:
        PreflightRefused: the cookies have not expired yet (`wait` sleeps until they have), or the routes differ.
        others as `shift`.
    """
    if wait:
        _wait_for_cookies(service)
    with leased(service, "restoring stickiness") as keeper:
        observation = service.observe()
        move = _restoring(service, observation)
        return checked_move(service, observation, move, Recorder(service, observation.record.head, keeper))


def _restoring(service: Service, observation: Observation) -> Move:
    now = service.clock.now()
    split = split_of_service(observation.routes, service.contract)
    if split is None:
        raise PreflightRefused(
            f"{service.name}: the routes hold different splits. Nothing was changed.",
            hint=f"Bring them together first: a shift, or bluegreen rollback {service.name}.",
        )
    early = [held.until for held in observation.record.suspended.values() if held.until > now]
    if early:
        raise PreflightRefused(
            f"{service.name}: cookies of before the rollback are valid until "
            f"{max(early).isoformat(timespec='seconds')}, and a cookie beats weights. Nothing was changed.",
            hint=f"bluegreen restore-stickiness {service.name} --wait does it then.",
        )
    move = move_to(observation, split, kind=Kind.RESTORE_STICKINESS, now=now)
    return replace(move, base=observation.record.base or move.base)


def _wait_for_cookies(service: Service) -> None:
    suspended = service.record().suspended.values()
    seconds = max(((held.until - service.clock.now()).total_seconds() for held in suspended), default=0)
    if seconds > 0:
        service.note(f"{service.name}: waiting {seconds:.0f} s for the last cookies to expire")
        service.clock.sleep(seconds)
