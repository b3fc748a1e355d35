"""Whoever the settings name is told of a rollout while this machine runs it, without holding it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from toolkit.cli.options import Output
from toolkit.cli.render import note
from toolkit.settings import NotifySettings, NotifyTo

if TYPE_CHECKING:
    from toolkit.notify.beside import Beside
    from toolkit.notify.notifier import Notifier, Wait
    from toolkit.rollout.events import Entry
    from toolkit.rollout.state import RolloutState
    from toolkit.runner.service import Service

Watch = Callable[["Entry", "RolloutState"], None]


@contextmanager
def notified(services: Sequence[Service], output: Output) -> Iterator[Callable[[], None]]:
    """Have notifiers follow `services` for the length of the body; what it gives is called when there is something new.

    Lines on stdout would spoil a JSON document there, so with it that notifier waits for its next run.
    """
    wanted = [
        (service, settings)
        for service in services
        for settings in service.settings.notify
        if not (output is Output.JSON and settings.to is NotifyTo.STDOUT)
    ]
    if not wanted:
        yield lambda: None
        return
    started = _started(wanted)
    try:
        yield started.wake
    finally:
        started.close()


def tell_the_rest(services: Sequence[Service], output: Output) -> None:
    """Whatever was not told yet, in a few seconds at most for all of them."""
    with notified(services, output):
        pass


def _started(wanted: Sequence[tuple[Service, NotifySettings]]) -> Beside:
    from toolkit.notify.beside import beside

    return beside(note, [(service.name, each.name, partial(notifier_of, service, each)) for service, each in wanted])


def also(heard: Callable[[], None], watch: Watch) -> Watch:
    """`watch`, and the notifiers hear that there is something new."""

    def both(entry: Entry, state: RolloutState) -> None:
        heard()
        watch(entry, state)

    return both


def notifier_of(service: Service, settings: NotifySettings, wait: Wait) -> Notifier:
    """The notifier that `settings` mean, of a service.

    Raises:
        ConfigError, AwsError: its sink cannot be had.
    """
    from toolkit.errors import ConfigError
    from toolkit.notify.notifier import Followed, Notifier
    from toolkit.rollout.notification import Place

    if service.sinks is None or service.cursors is None:
        raise ConfigError(f"{service.name}: nothing here keeps how far a notifier has come")
    contract = service.contract
    followed = Followed(
        service.name, Place(contract.account_id, contract.region), settings.name, service.store, service.cursors
    )
    return Notifier(followed, service.sinks.sink(settings), service.clock, wait=wait, events=settings.events)
