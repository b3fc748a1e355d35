"""ECS's own rolling update in memory: blue is live, and its tasks are replaced one after the other as time passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.support.fakes import FakeClock, FakeWorld, a_world
from tests.support.workload import FakeWorkload
from toolkit.rollout.events import Word
from toolkit.rollout.ports import Command
from toolkit.rollout.rolling_plan import RollingStrategy
from toolkit.rollout.workload import Capacity, Change, Progress, Release, Replacement
from toolkit.runner.rollout import RolloutOutcome, Wanted, start
from toolkit.settings import OnFailure, ServiceSettings
from toolkit.traffic import Color, Split

LIVE = Color.BLUE
SECONDS_A_TASK = 10.0
THRESHOLD = 3
"""Failed tasks after which the circuit breaker ends a deployment."""
BREAKER = "ECS deployment circuit breaker: tasks failed to start"
NEW = Change(image="web:2.0")
BAKE = 20.0
TAKES_BACK = RollingStrategy(bake_seconds=BAKE)
PAUSES = RollingStrategy(bake_seconds=BAKE, on_failure=OnFailure.PAUSE)
BREAKS = Replacement(0, gives_up=True)
GOES_BACK = Replacement(0, gives_up=True, goes_back=True)
HOME = Split(blue=100, green=0)


@dataclass
class Deployed:
    """A deployment. failed: when its tasks did."""

    revision: str
    began: datetime
    state: str = "IN_PROGRESS"
    failed: list[datetime] = field(default_factory=list)


@dataclass
class RollingEcs(FakeWorkload):
    """bad: images whose tasks do not start. stalls: those of which ECS starts none and does not say why.

    updates: every UpdateService with the revision that it named, and whether it forced a new deployment. tasks: how
    many run of each revision. wanted: the primary deployment. went_back: when ECS did so by itself. seconds: what a
    task takes.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    bad: set[str] = field(default_factory=set)
    stalls: set[str] = field(default_factory=set)
    updates: list[tuple[str, bool]] = field(default_factory=list)
    went_back: list[datetime] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)
    seconds: float = SECONDS_A_TASK
    wanted: Deployed = field(init=False)
    _at: datetime = field(init=False)
    _good: str = "web:1"

    def __post_init__(self) -> None:
        self._at = self.clock.now()
        self.tasks = {"web:1": self.held[LIVE].desired}
        self.wanted = Deployed("web:1", self._at, "COMPLETED")

    def release(self, color: Color) -> Release:
        self._advance()
        return super().release(color)

    def make(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        self._advance()
        return super().make(change, color, in_place=in_place)

    def put(self, color: Color, release: Release) -> None:
        assert color is LIVE, "nothing is put on the other color"
        self._advance()
        super().put(color, release)
        anew = self.wanted.revision == release.revision and self.wanted.state == "FAILED"
        self.updates.append((release.revision, anew))
        if anew or self.wanted.revision != release.revision:
            self._begin(release.revision)

    def deploy_by_hand(self, revision: str, image: str) -> None:
        """As somebody else does."""
        self._advance()
        self.images[revision] = image
        self._begin(revision)

    def progress(self, color: Color, release: Release, since: datetime) -> Progress:
        self.before("progress")
        self._advance()
        revision, wanted = release.revision, self.wanted
        running = self.tasks.get(revision, 0)
        failures = [at for at in wanted.failed if at >= since] if wanted.revision == revision else []
        return Progress(
            running,
            sum(self.tasks.values()) - running,
            len(failures),
            tuple(f"task {number} stopped: exit code 1" for number, _ in enumerate(failures)),
            self._given_up(revision, since),
            wanted.revision == revision and wanted.state == "COMPLETED",
        )

    def _given_up(self, revision: str, since: datetime) -> str:
        wanted = self.wanted
        if wanted.revision == revision:
            return BREAKER if wanted.state == "FAILED" else ""
        if any(at >= since for at in self.went_back):
            return f"ECS went back to {wanted.revision} by itself: {revision} failed"
        return f"somebody else deployed {wanted.revision} in place of {revision}" if wanted.began >= since else ""

    def _begin(self, revision: str) -> None:
        self.wanted = Deployed(revision, self.clock.now())
        self.runs[LIVE] = revision
        self._at = self.clock.now()

    def _advance(self) -> None:
        took = timedelta(seconds=self.seconds)
        while self._at + took <= self.clock.now():
            self._at += took
            if self.wanted.state == "IN_PROGRESS":
                self._replace_one()

    def _replace_one(self) -> None:
        wanted, image = self.wanted, self.images[self.wanted.revision]
        if image in self.bad:
            wanted.failed.append(self._at)
            if self.how is not None and self.how.gives_up and len(wanted.failed) >= THRESHOLD:
                self._break_off(self.how)
            return
        others = [revision for revision, count in self.tasks.items() if count and revision != wanted.revision]
        if not others:
            wanted.state, self._good = "COMPLETED", wanted.revision
        elif image not in self.stalls:
            self.tasks[others[0]] -= 1
            self.tasks[wanted.revision] = self.tasks.get(wanted.revision, 0) + 1

    def _break_off(self, how: Replacement) -> None:
        self.wanted.state = "FAILED"
        if how.goes_back:
            self.went_back.append(self._at)
            self.wanted = Deployed(self._good, self._at)
            self.runs[LIVE] = self._good


def a_live_service(
    *, count: int = 3, how: Replacement | None = None, settings: ServiceSettings | None = None
) -> tuple[FakeWorld, RollingEcs]:
    """Blue has all of the traffic and `count` healthy targets, each a task of `web:1`; both colors have autoscaling."""
    world = a_world(blue=count, green=0, settings=settings)
    held = {color: Capacity(number, number, number, 20) for color, number in ((LIVE, count), (LIVE.other, 0))}
    ecs = RollingEcs(held, clock=world.clock, how=how or Replacement(count))
    world.service.workload = ecs
    return world, ecs


def bounds_of(workload: FakeWorkload) -> dict[Color, Capacity]:
    """Of the autoscaling of each color."""
    return {color: replace(held, running=0) for color, held in workload.held.items()}


def wanted(strategy: RollingStrategy = TAKES_BACK, change: Change = NEW, *, force: bool = False) -> Wanted:
    return Wanted(strategy=strategy, change=change, force=force)


def roll(
    world: FakeWorld, strategy: RollingStrategy = TAKES_BACK, change: Change = NEW, *, force: bool = False
) -> RolloutOutcome:
    return start(world.service, wanted(strategy, change, force=force))


def said(world: FakeWorld, word: Word, *, after: float) -> None:
    """Bob says the word so many seconds from now."""
    due, before = world.clock.now() + timedelta(seconds=after), world.clock.on_sleep
    told: list[Word] = []

    def speak() -> None:
        before()
        rollout = world.service.record().rollout
        if rollout is not None and not told and world.clock.now() >= due:
            told.append(word)
            world.store.put("web", Command(f"bob-{word}", word, rollout, "bob", world.clock.now()))

    world.clock.on_sleep = speak


def of(world: FakeWorld, *kinds: type) -> list[object]:
    return [event for event in world.events() if isinstance(event, kinds)]


def untouched(world: FakeWorld, before: Mapping[Color, object]) -> None:
    """No weight was written, the live color was never scaled, and its autoscaling is bound as before."""
    workload = world.service.workload
    assert isinstance(workload, RollingEcs)
    assert (world.split(), world.router.writes, workload.scaled) == (HOME, [], [])
    assert bounds_of(workload) == before
