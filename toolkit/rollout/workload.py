"""What runs behind a color: how much of it, which release, and what the core needs to change both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from toolkit.errors import UsageError
from toolkit.traffic import Color

TOO_MANY_FAILURES = 3
"""So many targets of a new release that ended or could not start mean that it does not run."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """desired: what was asked for. running: what runs. minimum, maximum: bounds of its autoscaling, None without.

    suspended: what of its autoscaling is switched off, in AWS's words, sorted.
    """

    desired: int
    running: int
    minimum: int | None = None
    maximum: int | None = None
    suspended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """What a color runs, or is to run.

    revision: the task definition, as `web:7`, or the launch template and its version, as `lt-0123:7`; empty where it
    is yet to be made. image: the container's image, or the AMI's id. digest: of that image, where AWS tells it.
    """

    revision: str
    image: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.image} ({self.revision})" if self.revision else self.image


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is asked of a new release; all else stays as it is.

    image: of `container`, or of the one that serves the target group. task_definition: `family:revision` to go by in
    place of the live color's. ami: an AMI's id. template_version: of the idle color's launch template, to go by.
    """

    image: str | None = None
    container: str | None = None
    task_definition: str | None = None
    ami: str | None = None
    template_version: int | None = None

    def __post_init__(self) -> None:
        of_ecs = self.image is not None or self.task_definition is not None
        of_asg = self.ami is not None or self.template_version is not None
        if of_ecs == of_asg:
            raise UsageError(
                "an image and an AMI are for different kinds of workload"
                if of_ecs
                else "it is not said what to deploy",
                hint="Say --image or --task-definition for ECS services, --ami or --launch-template-version for "
                "Auto Scaling groups.",
            )
        if self.container is not None and self.image is None:
            raise UsageError("--container names the container whose --image is meant, and there is none")

    @property
    def is_for_ecs(self) -> bool:
        """Whether it is about ECS services; else about Auto Scaling groups."""
        return self.image is not None or self.task_definition is not None

    def __str__(self) -> str:
        parts = (
            ("image", self.image),
            ("task definition", self.task_definition),
            ("AMI", self.ami),
            ("launch template version", self.template_version),
        )
        return ", ".join(f"{name} {value}" for name, value in parts if value is not None)


@dataclass(frozen=True, slots=True)
class Side:
    """What stood at a color before a rollout touched it. release: None where the rollout changes none."""

    capacity: Capacity
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How a color comes to run a release.

    running: of the release. older: of another one, not gone yet. failures: of the release, ended or not started since.
    lines: what AWS says has happened since, oldest first, in its words. given_up: why AWS tries no more. is_settled:
    AWS itself holds it for done, so that it does not go back any more; also where AWS keeps no such account.
    """

    running: int
    older: int = 0
    failures: int = 0
    lines: tuple[str, ...] = ()
    given_up: str = ""
    is_settled: bool = True

    @property
    def hopeless(self) -> str:
        """Why it is not worth waiting for; empty while it is."""
        if self.given_up:
            return self.given_up
        if self.failures < TOO_MANY_FAILURES:
            return ""
        last = self.lines[-1] if self.lines else "AWS does not say why"
        return f"{self.failures} of them ended or could not start: {last}"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Within which bounds AWS replaces the tasks of a color by its own rolling update.

    minimum_percent, maximum_percent: of `desired`, how many stay healthy and how many run or start meanwhile. gives_up:
    AWS ends an update whose tasks fail; else it tries for ever. goes_back: then it puts the release before back itself.
    """

    desired: int
    minimum_percent: int = 100
    maximum_percent: int = 200
    gives_up: bool = False
    goes_back: bool = False

    @property
    def least(self) -> int:
        """So many stay healthy. AWS rounds up. Source: ECS API reference, DeploymentConfiguration."""
        return -(-self.desired * self.minimum_percent // 100)

    @property
    def most(self) -> int:
        """So many run or start at most. AWS rounds down. Source: as `least`."""
        return self.desired * self.maximum_percent // 100

    @property
    def is_stuck(self) -> bool:
        """Whether no task may be stopped and none started."""
        return self.least >= self.desired and 0 < self.most <= self.desired


def let_go_of(before: Capacity, live_before: Capacity, *, kept: int | None = None, is_live: bool) -> Capacity:
    """How a color's autoscaling is bound once a rollout is over; `desired` and `running` say nothing.

    before: its own, live_before: the base's, both from before the rollout. is_live: it carries the traffic now, so it
    takes over the minimum that the base had. kept: how many stay of one that was retired: its minimum must allow it.
    """
    if is_live:
        minimum = before.minimum if live_before.minimum is None else live_before.minimum
        return replace(before, minimum=before.minimum if before.minimum is None else minimum)
    if kept is not None and before.minimum is not None:
        return replace(before, minimum=min(kept, before.minimum))
    return before


class Workload(Protocol):
    """What runs behind a color. Raises AwsError and its children.

    Every write is absolute: asked again it does no harm.
    """

    def capacity(self, color: Color) -> Capacity: ...

    def scale(self, color: Color, targets: int) -> None:
        """Ask for `targets` to run, and let its autoscaling go no lower; returns when AWS has taken it.

        Raises:
            AwsError: among others: `targets` is above its maximum; nothing was changed.
        """

    def hold(self, color: Color) -> None:
        """Let nothing scale it in: its autoscaling goes no lower than what is asked for now, nor by a schedule."""

    def let_go(self, color: Color, bounds: Capacity) -> None:
        """Bind its autoscaling as `bounds` says: minimum and what is suspended; how many are asked for stays."""

    def release(self, color: Color) -> Release:
        """What the color runs, or would run if it were scaled up."""

    def foresee(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """The release that `make` would give; its `revision` is empty where it would make one. Nothing is written.

        in_place: `color` is live and is updated as it is, so it goes by its own release and not by the other color's.

        Raises:
            UsageError: the change is for another kind of workload, or does not say which container it means; or what
                runs there cannot be updated in place.
            PreflightRefused: it cannot be: no such revision, version or AMI, or one of another family.
        """

    def make(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """The release that differs from what it goes by in what was asked, and in nothing else.

        It is made unless the newest one is just that, so that nothing is made twice. Raises as `foresee`.
        """

    def put(self, color: Color, release: Release) -> None:
        """Let `color` run `release`, and nothing older; returns when AWS has taken it, not when they run."""

    def progress(self, color: Color, release: Release, since: datetime) -> Progress:
        """How it goes since then."""

    def replacement(self, color: Color) -> Replacement:
        """How AWS would replace what `color` runs, in place.

        Raises:
            PreflightRefused: nothing there is replaced by a rolling update of AWS's own.
        """

    def remarks(self) -> Sequence[str]:
        """What a person should know of how the workload is set up, a sentence each: what `doctor` warns of."""
