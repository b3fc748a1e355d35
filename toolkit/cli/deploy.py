"""`bluegreen deploy`: a new version on the idle side, traffic to it by a strategy, and the old side retired."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.rollout import How, start_all, starting, wanted_of
from toolkit.cli.service import ServiceArgument, wired
from toolkit.errors import PreflightRefused, UsageError
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.strategy import Strategy
    from toolkit.rollout.workload import Change
    from toolkit.runner.service import Service
    from toolkit.settings import RetireSettings

_TASK_DEFINITION = re.compile(r"(arn:\S+:task-definition/)?[A-Za-z0-9_-]{1,255}:[1-9][0-9]*")
"""Source: ECS API reference, RegisterTaskDefinition: family."""
_AMI = re.compile(r"ami-[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the command line says of how the release is brought up, and of the old side. None leaves it to settings."""

    strategy: str | None
    full_capacity: bool
    retire: str | None
    keep: int | None


@starting
def deploy(
    service: ServiceArgument,
    *,
    how: How,
    image: Annotated[
        str | None, typer.Option("--image", help="ECS: the image that the container is to run.", metavar="REF")
    ] = None,
    container: Annotated[
        str | None,
        typer.Option(
            "--container", help="ECS: the container whose image that is; default: the contract's.", metavar="NAME"
        ),
    ] = None,
    task_definition: Annotated[
        str | None,
        typer.Option(
            "--task-definition",
            help="ECS: the revision to run, or, with --image, to go by; default: the live side's.",
            metavar="FAMILY:REV",
        ),
    ] = None,
    ami: Annotated[
        str | None, typer.Option("--ami", help="Auto Scaling groups: the AMI that instances start from.", metavar="ID")
    ] = None,
    launch_template_version: Annotated[
        int | None,
        typer.Option(
            "--launch-template-version",
            min=1,
            help="Auto Scaling groups: the version of the idle side's launch template to run; with --ami, to go by.",
            metavar="N",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            help="A [strategy.NAME] of the settings file, or a preset such as Canary10Percent5Minutes; default: the "
            "service's setting, else all at once.",
            metavar="NAME",
        ),
    ] = None,
    full_capacity: Annotated[
        bool,
        typer.Option("--full-capacity", help="Bring up at once what all of the traffic takes, not share by share."),
    ] = False,
    retire: Annotated[
        str | None,
        typer.Option(
            "--retire",
            help="When the old side goes down: 10m, 'at once', never; default: the settings' retire.after, else never.",
            metavar="TIME|never",
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", min=0, help="Targets that stay of it then; default: the settings' retire.keep.", metavar="N"
        ),
    ] = None,
) -> None:
    """Bring a new version to the idle side, scale it up, shift traffic to it by a strategy, and retire the old side.

    It ends promoted, or with the old side as it was. What is live already is not deployed again.

    Example: bluegreen deploy web --image registry.example/web:1.4.2 --strategy Canary10Percent5Minutes
    """
    change = asked_change(image, container, task_definition, ami, launch_template_version)
    _deploy(service, change, _Said(strategy, full_capacity, retire, keep), how)


def _deploy(name: str, change: Change, said: _Said, how: How) -> None:
    after = _after(said)
    chosen = _named(said.strategy, how.where)
    ready = wired(name, how.where)
    if ready.workload is None:
        raise PreflightRefused(
            f"{name}: the contract names no workload, so there is nothing to deploy to. Nothing was changed.",
            hint=f"Give the deployment contract a `workload`; `bluegreen rollout start {name}` shifts traffic without.",
        )
    strategy = chosen or _default(ready, how.where)
    _require_room_for(said, strategy)
    wanted = replace(
        wanted_of(strategy, how),
        change=change,
        full_capacity=said.full_capacity,
        retire=_retired(ready, said, after),
    )
    start_all([ready], wanted, how)


def asked_change(
    image: str | None, container: str | None, task_definition: str | None, ami: str | None, version: int | None
) -> Change:
    """What is asked for. Raises UsageError."""
    from toolkit.rollout.workload import Change

    for option, word in (("--image", image), ("--container", container)):
        if word is not None and (not word or re.search(r"\s", word)):
            raise UsageError(f"{option} has no spaces in it and is not empty, and this one is {word!r}")
    if task_definition is not None and not _TASK_DEFINITION.fullmatch(task_definition):
        raise UsageError(f"--task-definition is a family and a revision, as web:42, not {task_definition!r}")
    if ami is not None and not _AMI.fullmatch(ami):
        raise UsageError(f"--ami is an AMI's id, as ami-0123456789abcdef0, not {ami!r}")
    return Change(image=image, container=container, task_definition=task_definition, ami=ami, template_version=version)


def _after(said: _Said) -> float | None:
    """When the old side is retired, as --retire has it. Raises UsageError."""
    from toolkit.rollout.upkeep import parse_after

    try:
        return None if said.retire is None else parse_after(said.retire)
    except UsageError as error:
        raise UsageError(f"--retire: {error.message}", hint=error.hint) from None


def _named(name: str | None, where: Options) -> Strategy | None:
    from toolkit.rollout.strategy import strategy_named
    from toolkit.wiring import settings_for

    return None if name is None else strategy_named(name, settings_for(where))


def _default(service: Service, where: Options) -> Strategy:
    """The one that the settings name, else all at once."""
    from toolkit.rollout.strategy import all_at_once

    named = _named(service.settings.strategy, where)
    return named or all_at_once(service.settings.bake_seconds, "cutover")


def _require_room_for(said: _Said, strategy: Strategy) -> None:
    """A strategy that scales or retires by itself is left to do so, and then options on that would say nothing."""
    from toolkit.rollout.steps import Retire, Scale

    scales = any(isinstance(step, Scale) for step in strategy.steps)
    retires = any(isinstance(step, Retire) for step in strategy.steps)
    for option, is_said, does, what in (
        ("--full-capacity", said.full_capacity, scales, "scales"),
        ("--retire", said.retire is not None, retires, "retires"),
        ("--keep", said.keep is not None, retires, "retires"),
    ):
        if is_said and does:
            raise UsageError(
                f"strategy {strategy.name} {what} by steps of its own, so {option} would say nothing",
                hint="Leave it out, or take a strategy without such steps.",
            )


def _retired(service: Service, said: _Said, after: float | None) -> RetireSettings:
    """What becomes of the old side: as the settings have it, and the command line over that. Raises UsageError."""
    settings = service.settings.retire
    if said.retire is not None:
        settings = replace(settings, after_seconds=after)
    if said.keep is None:
        return settings
    if settings.after_seconds is None:
        raise UsageError(
            "--keep says how much stays of a side that is retired, and this one is not",
            hint="Say when: --retire 10m.",
        )
    return replace(settings, keep=said.keep)
