"""`bluegreen rolling`: the live color updated in place, a batch at a time or by ECS itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.deploy import asked_change
from toolkit.cli.rollout import How, start_all, starting
from toolkit.cli.rollout_run import parse_seconds
from toolkit.cli.service import ServiceArgument, wired
from toolkit.errors import PreflightRefused, UsageError
from toolkit.settings import OnFailure

if TYPE_CHECKING:
    from toolkit.rollout.rolling_plan import RollingStrategy
    from toolkit.rollout.workload import Change
    from toolkit.runner.service import Service
    from toolkit.settings import RollingSettings, Update


@partial(starting, in_place=True)
def rolling(
    service: ServiceArgument,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            help="After --: the command that updates one target; default: the settings' rolling.update.",
            metavar="[-- COMMAND...]",
        ),
    ] = None,
    *,
    how: How,
    batch: Annotated[
        str | None, typer.Option("--batch", help="Targets that are out at a time: 1, 25%; default: 1.", metavar="N|%")
    ] = None,
    min_healthy: Annotated[
        str | None,
        typer.Option(
            "--min-healthy",
            help="Targets that stay healthy meanwhile: 2, 50%; default: all that are, but a batch.",
            metavar="N|%",
        ),
    ] = None,
    bake: Annotated[
        str | None,
        typer.Option(
            "--bake", help="How long the gates watch after each batch: 90s, 5m; default: 60s.", metavar="TIME"
        ),
    ] = None,
    on_failure: Annotated[
        OnFailure | None,
        typer.Option("--on-failure", help="Of a failing batch: it and those done go back, or all wait for a person."),
    ] = None,
    version: Annotated[
        str, typer.Option("--version", help="What the update is told to bring: BLUEGREEN_VERSION.", metavar="WORD")
    ] = "",
    image: Annotated[
        str | None, typer.Option("--image", help="ECS: the image that the container is to run.", metavar="REF")
    ] = None,
    container: Annotated[
        str | None,
        typer.Option("--container", help="ECS: the container whose image that is; default: the contract's."),
    ] = None,
    task_definition: Annotated[
        str | None,
        typer.Option("--task-definition", help="ECS: the revision to run, or to go by.", metavar="FAMILY:REV"),
    ] = None,
) -> None:
    """Update the live color in place: targets out, drained, updated, put back, a batch at a time; for ECS, by itself.

    It needs no second side, and has none to go back to: a failing batch and those done are updated back.

    Example: bluegreen rolling web --batch 25% --version 1.4.2 -- ./update.sh
    """
    change = None
    if image is not None or task_definition is not None or container is not None:
        change = asked_change(image, container, task_definition, None, None)
    said = _Said(
        batch=_amount("--batch", batch, least=1),
        min_healthy=_amount("--min-healthy", min_healthy),
        bake_seconds=None if bake is None else parse_seconds(bake),
        on_failure=on_failure,
        version=version,
        command=tuple(command or ()),
    )
    ready = wired(service, how.where)
    _start(ready, change, _strategy(ready.settings.rolling, said), how, said)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the command line says; None leaves it to the settings."""

    batch: float | None
    min_healthy: float | None
    bake_seconds: float | None
    on_failure: OnFailure | None
    version: str
    command: tuple[str, ...]


def _amount(option: str, text: str | None, *, least: int = 0) -> float | None:
    from toolkit.rollout.rolling import parse_amount

    try:
        return None if text is None else parse_amount(text, least=least)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from None


def _strategy(settings: RollingSettings, said: _Said) -> RollingStrategy:
    """As the settings have it, and the command line over that."""
    from toolkit.rollout.rolling_plan import RollingStrategy

    return RollingStrategy(
        batch=settings.batch if said.batch is None else said.batch,
        min_healthy=settings.min_healthy if said.min_healthy is None else said.min_healthy,
        bake_seconds=settings.bake_seconds if said.bake_seconds is None else said.bake_seconds,
        on_failure=said.on_failure or settings.on_failure,
        update=_update(settings.update, said.command),
        version=said.version,
        gates=settings.gates,
        gate_seconds=settings.gate_seconds,
    )


def _update(settings: Update | None, command: tuple[str, ...]) -> Update | None:
    from toolkit.settings import Update

    if not command:
        return settings
    if settings is None or settings.document:
        return Update(command=command)
    return replace(settings, command=command)


def _start(service: Service, change: Change | None, strategy: RollingStrategy, how: How, said: _Said) -> None:
    from toolkit.runner.rollout import Wanted

    if change is not None:
        _require_ecs(service, said)
        strategy = replace(strategy, update=None)
    else:
        _require_an_update(service, strategy)
    wanted = Wanted(
        strategy=strategy,
        change=change,
        force=how.force,
        accept_drift=how.accept_drift,
        ignore_freeze=how.ignore_freeze,
    )
    start_all([service], wanted, how)


def _require_ecs(service: Service, said: _Said) -> None:
    """ECS goes by the service's own deployment configuration, so what is said of batches would say nothing."""
    if service.workload is None:
        raise PreflightRefused(
            f"{service.name}: the contract names no workload, so there is no ECS service to update. "
            "Nothing was changed.",
            hint="Leave the image out, and say how a target is updated: -- ./update.sh.",
        )
    useless = {"--batch": said.batch, "--min-healthy": said.min_healthy, "the command": said.command or None}
    for what, value in useless.items():
        if value is not None:
            raise UsageError(
                f"ECS replaces its tasks by the service's own deployment configuration, so {what} would say nothing",
                hint="Leave it out; minimumHealthyPercent and maximumPercent are set in Terraform.",
            )


def _require_an_update(service: Service, strategy: RollingStrategy) -> None:
    if service.workload is not None:
        raise PreflightRefused(
            f"{service.name}: its targets come and go by themselves (the contract names a workload), so what is taken "
            "out would be put in again. Nothing was changed.",
            hint=f"ECS updates them by itself: bluegreen rolling {service.name} --image REF. An Auto Scaling group's "
            f"are replaced by bluegreen deploy {service.name} --ami ID.",
        )
    if strategy.update is None:
        raise UsageError(
            "it is not said how a target is updated",
            hint=f"bluegreen rolling {service.name} -- ./update.sh, or [service.{service.name}.rolling] update = "
            '["./update.sh"] in the settings file.',
        )
