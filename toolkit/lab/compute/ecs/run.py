"""One service as the scheduler keeps it: its deployments, its tasks, its events.

Decisions only: `step` returns what is to be done to processes and targets, and the controller does it. Not
thread-safe; the controller holds its lock.
"""

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from toolkit.lab.compute.ecs.deployments import Deployment, Deployments
from toolkit.lab.compute.ecs.model import Health, Phase, Rollout, Stop, Task, Wish
from toolkit.lab.compute.ecs.rolling import Bounds, Standing, next_step
from toolkit.lab.compute.ecs.tasks import (
    Reports,
    checked,
    is_lasting,
    leaving,
    lost_its_address,
    observed,
    self_checked,
    sick_in,
)
from toolkit.lab.compute.ecs.words import NO_INSTANCE, Narrator, failed_checks, failed_own_checks, scaled_in
from toolkit.lab.compute.pool import State

_STOPPED_LISTED: Final = 3600.0  # seconds; ECS keeps stopped tasks for about an hour
_STOPPED_MOST: Final = 200
_EVENTS: Final = 100
_REPEATED: Final = 300.0  # seconds after which the same trouble is told again
_APP_PORT: Final = 8080  # of a task whose definition names no port


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a service's `events`."""

    id: str
    at: float
    message: str


@dataclass(frozen=True, slots=True)
class World:
    """What a step sees of the world.

    Attributes:
        now: seconds since the epoch.
        state: the process of a task, by its key.
        reports: the health of the targets, by target group; a group that is missing says nothing now.
        place: (subnet, address) for a task that listens on these ports, in one of these subnets; None if none is free.
        drain: how long targets of a group drain, in seconds, scaled.
        time_scale: what the waits are multiplied by.
    """

    now: float
    state: Callable[[str], State | None]
    reports: Mapping[str, Reports]
    place: Callable[[Sequence[str], Sequence[int]], tuple[str, str] | None]
    drain: Callable[[str], float]
    time_scale: float = 1.0


@dataclass(slots=True)
class Effects:
    """What is to be done, in this order: free keys, start, register, deregister, stop (in so many seconds)."""

    forget: list[Task] = field(default_factory=list)
    start: list[Task] = field(default_factory=list)
    register: list[Task] = field(default_factory=list)
    deregister: list[Task] = field(default_factory=list)
    stop: list[tuple[Task, float]] = field(default_factory=list)


class ServiceRun:
    """The scheduler's memory of one service."""

    def __init__(self, name: str) -> None:
        self.say = Narrator(name)
        self.deployments = Deployments()
        self.tasks: dict[str, Task] = {}
        self.events: deque[Event] = deque(maxlen=_EVENTS)
        self._steady = False

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way, so that looking seldom will do."""
        return self._steady and all(task.phase in {Phase.RUNNING, Phase.STOPPED} for task in self.tasks.values())

    @property
    def alive(self) -> list[Task]:
        """The tasks that have not ended."""
        return [task for task in self.tasks.values() if task.phase is not Phase.STOPPED]

    def tell(self, message: str, now: float) -> None:
        """Add an event; the newest is first."""
        self.events.appendleft(Event(str(uuid.uuid4()), now, message))

    def stop_task(self, task_id: str, stop: Stop) -> None:
        """Tell a task to stop, from the next step on. One that is stopping already goes on so."""
        if (task := self.tasks[task_id]).is_wanted:
            self.tasks[task_id] = replace(task, stop=stop)

    def step(self, wish: Wish, world: World) -> Effects:
        """Look at everything, and take the next step towards the wish."""
        effects = Effects()
        for task in self.alive:
            self._observe(task, wish, world, effects)
        self._replace_sick(world, effects)
        if wish.breaker is not None:
            for message in self.deployments.break_off(wish, wish.breaker, world.now, self.say):
                self.tell(message, world.now)
        self._roll(wish, world, effects)
        self._conclude(wish, world.now)
        self._forget_old(world.now)
        return effects

    def _observe(self, task: Task, wish: Wish, world: World, effects: Effects) -> None:
        state = world.state(task.key)
        if lost_its_address(task, state):
            self._move(task, wish, world, effects)
            return
        seen = observed(task, state, world.now)
        seen = checked(seen, world.reports, world.now, wish.grace * world.time_scale)
        seen = self_checked(seen, world.now, world.time_scale)
        self.tasks[task.id] = seen
        resets = wish.breaker is None or wish.breaker.resets
        if seen.phase is not task.phase:
            self._note(task, seen, world, effects, resets=resets)
        deployment = self.deployments.get(task.deployment)
        if resets and seen.is_ready and not task.is_ready and deployment is not None:
            deployment.failed = 0
        if seen.stop is not None and seen.phase.is_wanted:
            self._begin_stop([seen], seen.stop, world, effects)

    def _note(self, before: Task, task: Task, world: World, effects: Effects, *, resets: bool) -> None:
        """Act on a new phase."""
        deployment = self.deployments.get(task.deployment)
        match task.phase:
            case Phase.ACTIVATING:
                effects.register.append(task)
            case Phase.RUNNING if deployment is not None:
                deployment.succeeded(resets=resets)
            case Phase.STOPPED:
                effects.forget.append(task)
                if before.phase in {Phase.ACTIVATING, Phase.RUNNING}:
                    effects.deregister.append(task)
                if before.phase.counts_as_pending and before.stop is None and deployment is not None:
                    self._failed(deployment, world)

    def _failed(self, deployment: Deployment, world: World) -> None:
        """Count a task that never ran."""
        if deployment.failed_to_start(world.now, world.time_scale):
            self.tell(self.say.impaired(), world.now)

    def _move(self, task: Task, wish: Wish, world: World, effects: Effects) -> None:
        """Give a task another address, for its own was taken."""
        if (found := world.place(wish.subnets, task.ports)) is not None:
            moved = replace(task, subnet=found[0], address=found[1])
            self.tasks[task.id] = moved
            effects.forget.append(moved)
            effects.start.append(moved)

    def _replace_sick(self, world: World, effects: Effects) -> None:
        """Stop each task that its load balancer or its own check finds unhealthy; the next steps start others."""
        for task in self.alive:
            if task.phase is not Phase.RUNNING or not task.is_wanted:
                continue
            sick = sick_in(task, world.reports) if is_lasting(task, world.now) else None
            if sick is not None:
                group, port, why = sick
                message, stop = self.say.unhealthy(task.id, port, group, why), failed_checks(group)
            elif task.own_health is Health.UNHEALTHY:
                message, stop = self.say.sick(task.id), failed_own_checks()
            else:
                continue
            self.tell(message, world.now)
            deployment = self.deployments.get(task.deployment)
            if deployment is not None and deployment.rollout is Rollout.IN_PROGRESS:
                deployment.failed += 1
            self._begin_stop([task], stop, world, effects)

    def _begin_stop(self, tasks: Sequence[Task], stop: Stop, world: World, effects: Effects) -> None:
        registered = [task for task in tasks if task.targets and task.phase is not Phase.PENDING]
        for task in tasks:
            delay = max((world.drain(arn) for arn, _ in task.targets), default=0.0) if task in registered else 0.0
            self.tasks[task.id] = leaving(task, stop, world.now, delay)
            effects.stop.append((task, delay))
        effects.deregister.extend(registered)
        if registered:
            self.tell(self.say.draining(len(registered)), world.now)
        self.tell(self.say.stopped([task.id for task in tasks]), world.now)

    def _roll(self, wish: Wish, world: World, effects: Effects) -> None:
        primary = self.deployments.primary
        if primary is None:
            return
        primary.desired = wish.desired
        wanted = [task for task in self.tasks.values() if task.is_wanted]
        standings = [
            Standing(one.id, one.deployment == primary.id, one.is_ready, one.phase is Phase.RUNNING, one.created)
            for one in wanted
        ]
        bounds = Bounds.of(wish.desired, wish.minimum_percent, wish.maximum_percent)
        step = next_step(bounds, standings)
        if bounds.is_stuck and any(not one.is_primary for one in standings):
            self._tell_once(self.say.stuck(), world.now)
        if step.stop:
            self._begin_stop([self.tasks[one] for one in step.stop], scaled_in(primary.id), world, effects)
        if step.start and primary.may_launch(world.now):
            self._launch(step.start, primary, wish, world, effects)

    def _launch(self, count: int, deployment: Deployment, wish: Wish, world: World, effects: Effects) -> None:
        launched = []
        for _ in range(count):
            task = self._placed(deployment, wish, world)
            if task is None:
                break
            self.tasks[task.id] = task
            effects.start.append(task)
            launched.append(task.id)
        if launched:
            deployment.launched()
            self.tell(self.say.started(launched), world.now)

    def _placed(self, deployment: Deployment, wish: Wish, world: World) -> Task | None:
        """A new task with an address; None, and an event, where there is no place for it."""
        definition = deployment.definition
        if definition.network_mode != "awsvpc":
            self._tell_once(self.say.unplaced(NO_INSTANCE), world.now)
            return None
        attached = [one for one in wish.attachments if any(c.name == one.container for c in definition.containers)]
        essential = next((one for one in definition.containers if one.essential), definition.containers[0])
        played = attached[0].container if attached else essential.name
        ports = (
            sorted({one.port for one in attached if one.container == played}) or [*essential.ports[:1], _APP_PORT][:1]
        )
        found = world.place(wish.subnets, ports)
        if found is None:
            self._tell_once(self.say.no_address(ports), world.now)
            return None
        return Task(
            id=uuid.uuid4().hex,
            deployment=deployment.id,
            definition=definition,
            container=played,
            subnet=found[0],
            address=found[1],
            ports=tuple(ports),
            targets=tuple((one.target_group, one.port) for one in attached),
            created=world.now,
        )

    def _tell_once(self, message: str, now: float) -> None:
        """Add an event, unless it was told a while ago."""
        if not any(event.message == message and now - event.at < _REPEATED for event in self.events):
            self.tell(message, now)

    def _conclude(self, wish: Wish, now: float) -> None:
        """Let go of deployments that are over; say when all is as wished."""
        self.deployments.retire({task.deployment for task in self.alive})
        primary = self.deployments.primary
        mine = [task for task in self.tasks.values() if primary and task.deployment == primary.id and task.is_wanted]
        is_there = primary is not None and len(mine) == wish.desired and all(task.is_ready for task in mine)
        if primary is not None and is_there and self.deployments.complete(now):
            self.tell(self.say.completed(primary.id), now)
        was, self._steady = self._steady, is_there and self.deployments.is_settled
        if self._steady and not was:
            self.tell(self.say.steady(), now)

    def _forget_old(self, now: float) -> None:
        ended = sorted(
            (one for one in self.tasks.values() if one.stopped is not None), key=lambda one: one.stopped or 0
        )
        for index, task in enumerate(reversed(ended)):
            if index >= _STOPPED_MOST or now - (task.stopped or now) > _STOPPED_LISTED:
                del self.tasks[task.id]
