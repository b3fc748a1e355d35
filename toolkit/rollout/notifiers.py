"""What a notifier is, of the words with which one is asked for: the same in the settings and on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from toolkit.errors import UsageError
from toolkit.settings import NotifyEvents, NotifySettings, NotifyTo

SLACK_VARIABLE = "SLACK_WEBHOOK_URL"
"""Where the address of a Slack webhook stands, unless another variable is named."""

TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?"
"""Source: SNS API reference, CreateTopic."""
BUS = r"(arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/)?[A-Za-z0-9/._-]{1,256}"
"""Source: EventBridge API reference, PutEventsRequestEntry."""
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"

_WANTED = {
    NotifyTo.SNS: (TOPIC, "the ARN of a topic, as arn:aws:sns:eu-central-1:123456789012:releases"),
    NotifyTo.EVENTBRIDGE: (BUS, "the name or ARN of an event bus, as default"),
    NotifyTo.SLACK: (VARIABLE, f"the environment variable that holds the webhook's URL, as {SLACK_VARIABLE}"),
}
_DEFAULTS = {NotifyTo.SLACK: SLACK_VARIABLE, NotifyTo.EVENTBRIDGE: "default"}


def notifier(
    to: NotifyTo, place: str = "", *, events: NotifyEvents = NotifyEvents.IMPORTANT, name: str | None = None
) -> NotifySettings:
    """The notifier that goes `to` a place; without a name, one that says where.

    Raises:
        UsageError: the place or the name is none.
    """
    place = place or _DEFAULTS.get(to, "")
    if to not in _WANTED:
        if place:
            raise UsageError(f"{to} takes no place, and {place!r} is one")
    else:
        pattern, wanted = _WANTED[to]
        if not re.fullmatch(pattern, place):
            # What was written may be the webhook's address itself, which is a secret.
            said = "that is none" if to is NotifyTo.SLACK else f"{place!r} is none"
            raise UsageError(f"{to} wants {wanted}; {said}")
    name = name or _name(to, place)
    if not re.fullmatch(NAME, name):
        raise UsageError(f"{name!r} is no name of a notifier: letters, digits, and _ . - after the first, at most 100")
    return NotifySettings(to=to, name=name, place=place, events=events)


def notifier_of(text: str, *, events: NotifyEvents = NotifyEvents.IMPORTANT, name: str | None = None) -> NotifySettings:
    """The notifier that `stdout`, `slack`, `slack:VARIABLE`, `sns:ARN` or `eventbridge:BUS` means.

    Raises:
        UsageError: none of them.
    """
    word, _, place = text.partition(":")
    try:
        to = NotifyTo(word)
    except ValueError:
        raise UsageError(
            "notifications go to stdout, slack, slack:VARIABLE, sns:ARN or eventbridge:BUS, and to nothing else"
        ) from None
    return notifier(to, place, events=events, name=name)


def distinct(notifiers: Iterable[NotifySettings]) -> tuple[NotifySettings, ...]:
    """The same, no two of one name, for each has one cursor.

    Raises:
        UsageError: two have the same.
    """
    found: dict[str, NotifySettings] = {}
    for each in notifiers:
        if each.name in found:
            raise UsageError(f"two notifiers have the name {each.name}", hint="Give one of them a name of its own.")
        found[each.name] = each
    return tuple(found.values())


def _name(to: NotifyTo, place: str) -> str:
    if to is NotifyTo.STDOUT or place == SLACK_VARIABLE:
        return to.value
    last = re.split(r"[:/]", place)[-1]
    return f"{to.value}-{last}"[:100]
