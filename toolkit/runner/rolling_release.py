"""A rolling update that ECS carries out by itself: following it until it is done, and going back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from toolkit.errors import AwsError, BluegreenError
from toolkit.rollout.events import Event, GateFailed, ReleaseRestored, RunnerPaused, StepPassed, Stuck
from toolkit.rollout.preflight import needed_targets
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import duration
from toolkit.rollout.workload import Capacity, Progress, Release, Workload
from toolkit.runner.attention import Attention
from toolkit.runner.scaling import NO_WORKLOAD, tried
from toolkit.runner.service import Service
from toolkit.traffic import Color

Look = Callable[[RolloutState], Event | None]
"""Asks the gates once, of a rollout that stands so; the event says what fails, or what must be heeded."""
_DELAY_SECONDS = 300.0
"""A target's deregistration delay where it cannot be read: AWS's default."""


def await_release(color: Color, service: Service, attention: Attention, state: RolloutState, look: Look) -> Event:
    """Wait until every task runs the release and ECS itself is done, the gates watching.

    A pause waits for that: ECS cannot be paused. Where somebody goes on with what ECS has given up, it is asked anew.
    """
    workload, release = service.workload, state.release
    if workload is None or release is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)
    if state.watched > state.began:
        problem = _asked_anew(color, release, service, attention, state)
        if problem:
            return GateFailed(state.step, "workload", problem)
    asked = _as_ecs_may(color, workload, state)
    watch = _Watch(color, release, service, workload, since=state.watched)
    while True:
        watch.look()
        event = (
            watch.outcome(state.step)
            or look(asked)
            or attention.wait(service.settings.poll_seconds, state, only_urgent=True)
        )
        if event is not None:
            return event


def restore_release(color: Color, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Put what was noted before, unless ECS has gone back by itself, and wait until every task runs it."""
    workload = service.workload
    release = state.before[color].release if state.before else None
    if workload is None or release is None:
        return Stuck(f"what {color} ran before is not known")
    if _went_back(color, release, workload, state):
        service.note(f"{service.name}: ECS has gone back to {release} by itself; it is waited for")
    else:
        problem = tried(lambda: workload.put(color, release), service, attention, state)
        if problem:
            return Stuck(f"{color} cannot be given back {release}: {problem}")
    watch = _Watch(color, release, service, workload, since=service.clock.now())
    while True:
        watch.look()
        if watch.serves:
            return ReleaseRestored(f"{watch.in_words()} after {watch.took()}")
        if watch.given_up:
            return Stuck(f"{color} was given back {release}: {watch.given_up}; {watch.in_words()}")
        if watch.is_late:
            return Stuck(watch.too_late())
        attention.wait(service.settings.poll_seconds, state)
        if attention.is_impatient:
            return RunnerPaused(f"nobody waits for the way back any more, which ECS goes on with; {watch.in_words()}")


def _asked_anew(color: Color, release: Release, service: Service, attention: Attention, state: RolloutState) -> str:
    """Ask again for what ECS has given up; why that cannot be, empty where it can or need not."""
    workload, before = service.workload, state.before[color].release if state.before else None
    assert workload is not None  # noqa: S101 - its caller has seen it
    problem: list[str] = []

    def again() -> None:
        given_up = workload.progress(color, release, state.began).given_up
        if not given_up:
            return
        now = workload.release(color).revision
        if now not in {release.revision, before.revision if before else ""}:
            problem.append(given_up)
            return
        service.note(f"{service.name}: {color}: {given_up}; {release} is asked for again")
        workload.put(color, release)

    unasked = tried(again, service, attention, state)
    return unasked or "".join(problem)


def _as_ecs_may(color: Color, workload: Workload, state: RolloutState) -> RolloutState:
    """The rollout as the gates are to see it: no health is asked for where ECS itself may stop all tasks first.

    The findings before the start have said so.
    """
    try:
        how = workload.replacement(color)
    except (
        BluegreenError
    ):  # somebody changed the service meanwhile, or it cannot be seen: the gates are as strict as ever
        return state
    return state if how.least else replace(state, plan=replace(state.plan, force=True))


def _went_back(color: Color, release: Release, workload: Workload, state: RolloutState) -> bool:
    """Whether ECS has put `release` back itself.

    Not by what the service names alone: AWS may tell what was a moment ago, so something has to show that what was put
    was taken back.
    """
    if state.release is None or state.release.revision == release.revision:
        return False
    try:
        if workload.release(color).revision != release.revision:
            return False
        taken_back = workload.progress(color, state.release, state.watched).given_up
        return bool(taken_back) and not workload.progress(color, release, state.began).given_up
    except AwsError:
        return False


class _Watch:
    """How far ECS is with one release; what it says meanwhile is told once.

    It is late once nothing has come nearer for as long as targets may take to come up and to drain.
    """

    def __init__(self, color: Color, release: Release, service: Service, workload: Workload, since: datetime) -> None:
        self._color = color
        self._release = release
        self._service = service
        self._workload = workload
        self._since = since
        self._began = self._nearer = service.clock.now()
        self._told: tuple[str, ...] = ()
        self._said = ""
        self._best: tuple[int, int] | None = None
        self._progress: Progress | None = None
        self._capacity = Capacity(0, 0)
        self._healthy = 0
        self._patience = timedelta(seconds=service.settings.ready_seconds + self._drains())
        self.unseen = ""

    def look(self) -> None:
        """One that fails leaves what was seen before."""
        service, color = self._service, self._color
        try:
            self._capacity = self._workload.capacity(color)
            progress = self._workload.progress(color, self._release, self._since)
            self._healthy = service.healthy(color)
        except AwsError as error:
            if error.message != self.unseen:
                service.note(f"warning: {service.name}: {error.message}")
            self.unseen = error.message
            return
        self.unseen, self._progress = "", progress
        self._tell(progress)
        now = (progress.running, -progress.older)
        if self._best is None or now > self._best:
            self._best, self._nearer = now, service.clock.now()

    def outcome(self, step: int) -> Event | None:
        """How the update has ended: well where all run it and are healthy, and ECS says so too. None: not yet."""
        if self._all_run and self._healthy >= self._capacity.desired and self._is_settled:
            return StepPassed(step, f"{self.in_words()} after {self.took()}")
        hopeless = "" if self.unseen or self._progress is None else self._progress.hopeless
        if hopeless:
            return GateFailed(step, "workload", f"{self._color} does not come to run {self._release}: {hopeless}")
        if self.is_late and self.unseen:
            return RunnerPaused(f"it cannot be seen how far ECS is, which goes on by itself: {self.unseen}")
        return GateFailed(step, "workload", self.too_late()) if self.is_late else None

    @property
    def serves(self) -> bool:
        """Whether all run it, and nothing else, and somebody is healthy who may be asked for more than ECS does."""
        least = min(self._capacity.desired, needed_targets(1, Fraction(1), self._service.settings))
        return self._all_run and self._healthy >= least

    @property
    def given_up(self) -> str:
        return "" if self.unseen or self._progress is None else self._progress.given_up

    @property
    def is_late(self) -> bool:
        return self._service.clock.now() >= self._nearer + self._patience

    def took(self) -> str:
        return duration(round((self._service.clock.now() - self._began).total_seconds()))

    def in_words(self) -> str:
        """`2 of 4 tasks run web:2.0 (web:8), 3 something else; blue has 4 healthy targets`."""
        progress, desired = self._progress, self._capacity.desired
        if progress is None:
            return f"how {self._color} stands cannot be seen: {self.unseen}"
        tasks = "task runs" if desired == 1 else "tasks run"
        older = f", {progress.older} something else" if progress.older else ""
        targets = "target" if self._healthy == 1 else "targets"
        counts = f"{progress.running} of {desired} {tasks} {self._release}{older}"
        return f"{counts}; {self._color} has {self._healthy} healthy {targets}"

    def too_late(self) -> str:
        last = f"; ECS says last: {self._told[-1]}" if self._told else ""
        waits = "; ECS is not done with it yet" if self._all_run and not self._is_settled else ""
        unseen = f" ({self.unseen})" if self.unseen else ""
        stalls = duration(self._patience.total_seconds())
        return f"nothing came nearer for {stalls}: {self.in_words()}{waits}{last}{unseen}"

    @property
    def _all_run(self) -> bool:
        progress = self._progress
        if self.unseen or progress is None or progress.given_up:
            return False
        return progress.running >= self._capacity.desired and not progress.older

    @property
    def _is_settled(self) -> bool:
        return self._progress is not None and self._progress.is_settled

    def _tell(self, progress: Progress) -> None:
        name = self._service.name
        for line in progress.lines:
            if line not in self._told:
                self._service.note(f"{name}: {self._color}: {line}")
        self._told = (*self._told, *(line for line in progress.lines if line not in self._told))
        stands = self.in_words()
        if stands != self._said:
            self._service.note(f"{name}: {stands}")
        self._said = stands

    def _drains(self) -> float:
        group = self._service.contract.target_groups[self._color]
        try:
            return float(self._service.targets.draining(group).delay_seconds)
        except AwsError:
            return _DELAY_SECONDS
