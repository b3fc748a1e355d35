"""A service as its scheduler keeps it, in a world that does as it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.lab.compute.ecs.model import Attachment, Container, Definition, Phase, Task, Wish
from toolkit.lab.compute.ecs.run import Effects, ServiceRun, World
from toolkit.lab.compute.images import behaviour_of
from toolkit.lab.compute.pool import Exited, Running, State
from toolkit.lab.fidelity import Health

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-blue/1"
GOOD, BAD = "registry.example/web:1.4.2", "registry.example/web:1.4.3"


WISH = Wish("web-blue", 2, (Attachment(GROUP, "web", 8080),), ("subnet-1",))


def definition(image: str, revision: int = 1, mode: str = "awsvpc", found_sick: float | None = None) -> Definition:
    arn = f"arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{revision}"
    return Definition(arn, (Container("web", image, ports=(8080,), found_sick=found_sick),), mode)


@dataclass
class Sim:
    """One service behind one target group; a tick is a quarter of a second.

    `sick` are images whose targets fail their checks; other tasks follow their images.
    """

    wish: Wish = WISH
    drain: float = 10.0
    now: float = 1000.0
    sick: set[str] = field(default_factory=set)
    places: int = 1 << 30
    states: dict[str, State] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)
    stops: dict[str, float] = field(default_factory=dict)
    run: ServiceRun = field(init=False)

    def __post_init__(self) -> None:
        self.run = ServiceRun(self.wish.name)

    def deploy(self, image: str, **more: Any) -> None:
        self.run.deployments.begin(definition(image, **more), self.wish.desired, self.now)

    def scale(self, desired: int) -> None:
        self.wish = replace(self.wish, desired=desired)

    def tick(self, count: int = 1, seconds: float = 0.25) -> None:
        for _ in range(count):
            self.now += seconds
            self._carry_out(self.run.step(self.wish, self._world()))

    def until(self, holds: Callable[[], bool], seconds: float = 600.0) -> None:
        end = self.now + seconds
        while not holds():
            assert self.now < end, self.messages
            self.tick()

    def die(self, task: Task, code: int) -> None:
        """The process of a task ends by itself."""
        self.states[task.key] = Exited(code, listened=True, said="")

    def tasks(self, *phases: Phase) -> list[Task]:
        return [task for task in self.run.tasks.values() if task.phase in phases]

    @property
    def running(self) -> list[Task]:
        return self.tasks(Phase.RUNNING)

    @property
    def is_done(self) -> bool:
        return self.run.deployments.is_settled and len(self.running) == self.wish.desired

    @property
    def messages(self) -> list[str]:
        """What the events say, the oldest first."""
        return [event.message for event in reversed(self.run.events)]

    def _world(self) -> World:
        for key, at in self.stops.items():
            if self.now >= at and isinstance(self.states.get(key), Running):
                self.states[key] = Exited(0, listened=True, said="")
        known = {task.address: task for task in self.run.tasks.values()}
        reports = {
            (address, 8080): Health("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed")
            if known[address].definition.containers[0].image in self.sick
            else Health("healthy")
            for address in self.registered
        }
        return World(self.now, self.states.get, {GROUP: reports}, self._place, lambda _arn: self.drain)

    def _place(self, subnets: Sequence[str], _ports: Sequence[int]) -> tuple[str, str] | None:
        taken = {task.address for task in self.run.alive}
        free = (f"10.0.0.{host}" for host in range(4, min(250, 4 + self.places)) if f"10.0.0.{host}" not in taken)
        address = next(free, None)
        return None if address is None else (subnets[0], address)

    def _carry_out(self, effects: Effects) -> None:
        for task in effects.forget:
            self.states.pop(task.key, None)
        for task in effects.start:
            behaviour = behaviour_of(task.definition.containers[0].image)
            if behaviour.pulls:
                self.states[task.key] = Exited(1, listened=False, said="") if behaviour.crashes else Running(1)
        self.registered |= {task.address for task in effects.register}
        self.registered -= {task.address for task in effects.deregister}
        self.stops |= {task.key: self.now + delay for task, delay in effects.stop}
