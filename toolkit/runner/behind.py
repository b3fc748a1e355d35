"""What a rollout does behind the colors: note what stands there, hold it, put a release, and let it go in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from toolkit.errors import AwsError, BluegreenError
from toolkit.rollout.effects import PutRelease
from toolkit.rollout.events import (
    Event,
    GateFailed,
    ReleasePut,
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
)
from toolkit.rollout.routes import known_splits
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Deploy, Roll
from toolkit.rollout.workload import Capacity, Release, Side, Workload, let_go_of
from toolkit.runner.attention import Attention
from toolkit.runner.scaling import NO_WORKLOAD, settled, tried
from toolkit.runner.service import Service
from toolkit.traffic import Color


def survey(service: Service, attention: Attention, state: RolloutState) -> Event:
    """What stands behind each color."""
    workload = service.workload
    if workload is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)
    deploys = any(isinstance(step, Deploy | Roll) for step in state.plan.steps)
    found: dict[Color, Side] = {}

    def look() -> None:
        for color in Color:
            found[color] = Side(workload.capacity(color), workload.release(color) if deploys else None)

    problem = tried(look, service, attention, state)
    return GateFailed(state.step, "workload", problem) if problem else WorkloadSeen(found)


def hold(service: Service, attention: Attention, state: RolloutState) -> Event:
    """Suspend what would scale a color in."""
    workload = service.workload
    if workload is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)

    def both() -> None:
        for color in Color:
            workload.hold(color)

    problem = tried(both, service, attention, state)
    return GateFailed(state.step, "workload", problem) if problem else WorkloadHeld()


def put_release(effect: PutRelease, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Make the release and let the color run it; unless it has traffic and should have none, or the other way round."""
    workload, color = service.workload, effect.color
    if workload is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)
    made: list[Release] = []

    def make_and_put() -> None:
        splits = known_splits(service.read(), service.contract)
        carrying = {name: split for name, split in splits.items() if split.share(color)}
        if carrying and not effect.in_place:
            raise _Unfit(WorldDiffers(f"{color} has traffic, so no release is put on it", carrying))
        if effect.in_place and any(split.share(color) < 1 for split in splits.values()):
            raise _Unfit(WorldDiffers(f"{color} has not all of the traffic, so it is not updated in place", splits))
        made[:] = [workload.make(effect.change, color, in_place=effect.in_place)]
        workload.put(color, made[0])

    try:
        problem = tried(make_and_put, service, attention, state)
    except _Unfit as error:
        return error.event
    except BluegreenError as error:
        return GateFailed(state.step, "deploy", error.message)
    return GateFailed(state.step, "deploy", problem) if problem else ReleasePut(state.step, made[0])


class _Unfit(Exception):
    """The traffic is not where a release may be put."""

    def __init__(self, event: WorldDiffers) -> None:
        super().__init__(event.reason)
        self.event = event


def let_go(service: Service, attention: Attention, state: RolloutState) -> WorkloadLetGo:
    """Bind autoscaling as before; a new side that was taken back runs again what it ran, as much of it as before."""
    workload = service.workload
    if workload is None or state.before is None:
        return WorkloadLetGo()
    told = {
        what: tried(write, service, attention, state)
        for color, side in state.before.items()
        for what, write in _restoring(
            color, side, workload, state, lambda: _may_be_scaled_in(service, attention, state)
        )
    }
    problems = [f"{what} is not restored: {problem}" for what, problem in told.items() if problem]
    if problems:
        service.note(f"warning: {service.name}: {'; '.join(problems)}")
    return WorkloadLetGo("; ".join(problems))


Write = Callable[[], None]


def _restoring(
    color: Color, side: Side, workload: Workload, state: RolloutState, may_be_scaled_in: Callable[[], bool]
) -> Iterator[tuple[str, Write]]:
    """What is to be written for one color, and what it is.

    A live color that is updated in place is never scaled here: it may have been scaled out since it was noted. What it
    runs is right by now, whichever way the rollout went.
    """
    is_back = state.back or not state.promoted
    if color is state.plan.to and is_back and not state.plan.in_place and may_be_scaled_in():
        yield f"how many {color} had", partial(workload.scale, color, side.capacity.desired)
        if side.release is not None and state.release is not None:
            yield f"what {color} ran", partial(workload.put, color, side.release)
    yield f"{color}'s autoscaling", partial(workload.let_go, color, _bounds(color, side, state, is_back=is_back))


def _may_be_scaled_in(service: Service, attention: Attention, state: RolloutState) -> bool:
    """Once the last shift has settled, unless somebody will not wait for that."""
    settled(service, attention, state)
    if attention.is_impatient:
        service.note(f"{service.name}: {state.plan.to} is left as it is, because its last shift has not settled")
    return not attention.is_impatient


def _bounds(color: Color, side: Side, state: RolloutState, *, is_back: bool) -> Capacity:
    plan = state.plan
    live = plan.base if is_back else plan.to
    base = state.before[plan.base] if state.before else side
    kept = plan.kept if color is plan.base and not is_back else None
    return let_go_of(side.capacity, base.capacity, kept=kept, is_live=color is live)


def let_go_after(service: Service, state: RolloutState) -> WorkloadLetGo:
    """For a rollback from outside, which ends a rollout that held the colors: restore what can be, at once.

    A new side that had no traffic runs again what it ran, as much as before. One that had some is not brought down: how
    long ago that was is nobody's to wait for here.
    """
    workload = service.workload
    if workload is None or state.before is None:
        return WorkloadLetGo()
    problems = []
    for color, side in state.before.items():
        for what, write in _restoring(color, side, workload, state, lambda: _had_no_traffic(service, state)):
            try:
                write()
            except AwsError as error:
                problems.append(f"{what} is not restored: {error.message}")
    return WorkloadLetGo("; ".join(problems))


def _had_no_traffic(service: Service, state: RolloutState) -> bool:
    if state.touched:
        color = state.plan.to
        release = f" with {state.release}" if state.release else ""
        service.note(
            f"{service.name}: {color} is left up{release}; once the shift has settled, "
            f"`bluegreen retire {service.name}` brings it down"
        )
    return not state.touched
