"""`bluegreen notify`: tell what has happened to services to whoever the settings, or the command line, name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.notified import notifier_of
from toolkit.cli.render import note
from toolkit.cli.service import connected, wired
from toolkit.errors import BluegreenError, Interrupted, NotifyFailed, UsageError
from toolkit.settings import NotifyEvents, NotifySettings
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.notification import Unsent
    from toolkit.runner.service import Service

_LOOK_SECONDS = 2.0
"""Between two looks of one that follows."""


@connected
def notify(
    services: Annotated[list[str], typer.Argument(help="Names of the services.", metavar="SERVICE...")],
    *,
    where: Options,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on for ever: beside something else, as a sidecar.")
    ] = False,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Pass over what has happened up to now; also mends a damaged cursor.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="stdout, slack, slack:VARIABLE, sns:ARN or eventbridge:BUS; default: the services' settings.",
            metavar="PLACE",
        ),
    ] = None,
    events: Annotated[
        NotifyEvents | None, typer.Option("--events", help="Of --to: all entries, or the important ones (default).")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Of --to: under which it is remembered how far it has come.")
    ] = None,
) -> None:
    """Tell what has happened to the services and was not told yet, each thing once at least and in order; then end.

    Example: bluegreen notify web --to stdout
    """
    if to is None and (events is not None or name is not None):
        raise UsageError("--events and --name go with --to; without it the settings say them.")
    if len(set(services)) != len(services):
        raise UsageError("a service is named twice.")
    wanted = [
        (ready, each)
        for ready in (wired(service, where) for service in services)
        for each in _of(ready, to, events, name)
    ]
    if from_now:
        for ready, settings in wanted:
            notifier_of(ready, settings, threading.Event().wait).skip()
            note(f"{ready.name}: {settings.name} begins with what happens from now on")
    if follow:
        _follow(wanted)
    elif not from_now:
        _once(wanted)


def _of(service: Service, to: str | None, events: NotifyEvents | None, name: str | None) -> Sequence[NotifySettings]:
    """Who is told of a service."""
    if to is not None:
        from toolkit.rollout.notifiers import notifier_of as notifier_named

        return [notifier_named(to, events=events or NotifyEvents.IMPORTANT, name=name)]
    if not service.settings.notify:
        raise UsageError(
            f"{service.name}: the settings name nobody who is told",
            hint=f"Say it with --to, or in a [[service.{service.name}.notify]] of the settings file.",
        )
    return service.settings.notify


def _once(wanted: Sequence[tuple[Service, NotifySettings]]) -> None:
    """Every one of them, whatever becomes of the others; the first error in the end, the others as remarks.

    Raises:
        AuditFailed: a journal is not what it was.
        BluegreenError: as what went wrong; NotifyFailed where somebody took nothing.
    """
    from toolkit.rollout.notification import Unsent

    errors: list[BluegreenError] = []
    for service, settings in wanted:
        try:
            told = notifier_of(service, settings, threading.Event().wait).catch_up()
        except Unsent as error:
            errors.append(_left(service, settings, error))
        except BluegreenError as error:
            errors.append(error)
        else:
            note(f"{service.name}: {settings.name}: {told} told")
    for other in errors[1:]:
        note(f"{other.message} {other.hint}".strip())
    if errors:
        raise errors[0]


def _left(service: Service, settings: NotifySettings, error: Unsent) -> BluegreenError:
    cause = error.__cause__
    kind = type(cause) if isinstance(cause, BluegreenError) else NotifyFailed
    reason = error.reason.removesuffix(".")
    hint = cause.hint if isinstance(cause, BluegreenError) else ""
    return kind(f"{service.name}: {settings.name}: {reason}. Nothing is lost: the next run begins here", hint=hint)


def _follow(wanted: Sequence[tuple[Service, NotifySettings]]) -> None:
    """Until somebody ends it.

    Raises:
        Interrupted: somebody did.
        BluegreenError: none of them can go on.
    """
    from toolkit.notify.beside import beside

    for service, settings in wanted:
        notifier_of(service, settings, threading.Event().wait)  # what is wrong with one is said at once
    makes = [(service.name, each.name, partial(notifier_of, service, each)) for service, each in wanted]
    following = beside(note, makes, look_seconds=_LOOK_SECONDS)
    try:
        following.wait()
    except KeyboardInterrupt:
        following.close()
        raise Interrupted("interrupted; what is not told yet goes with the next run") from None
    raise NotifyFailed("no notifier can go on; what is wrong is said above")
