"""Notifications to a Slack webhook, or one that takes the same (Mattermost, Rocket.Chat, Discord's `/slack`).

The webhook's address is all that it takes to write there, so it is a secret: it comes from the environment and appears
in no message. Source: Slack, "Sending messages using incoming webhooks".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from toolkit.errors import ConfigError
from toolkit.gates.exchange import Answer, Message, Unanswered, exchange
from toolkit.gates.output import readable
from toolkit.gates.waiting import Beat
from toolkit.rollout.notification import Notification, Severity, Unsent, shortened
from toolkit.settings import is_loopback

SECONDS = 10.0
"""For one attempt, connection and answer."""
LONGEST_TEXT = 38_000
"""Slack cuts a text after 40,000 characters. Source: Slack, chat.postMessage, truncating content."""

_MARKS = {Severity.INFO: ":large_green_circle:", Severity.WARNING: ":warning:", Severity.ALERT: ":rotating_light:"}
_READ_LIMIT = 1_000
_OK, _REDIRECT, _SERVER = 200, 300, 500
_NOT_THIS_ONE = {400, 413, 422}
_LATER = {408, 425, 429}


class SlackSink:
    """`variable` of `environ` holds the address: https, or http on this machine.

    Raises:
        ConfigError: it holds none.
    """

    def __init__(self, variable: str, environ: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        self._url = environ.get(variable, "").strip()
        self._seconds = seconds
        fault = _fault(self._url)
        if fault:
            raise ConfigError(
                f"the environment variable {variable} {fault}",
                hint="Put the webhook's address there: https://…, or http:// to this machine.",
            )
        parts = urlsplit(self._url)
        self._secrets = [self._url, *{parts.path, parts.query, parts.password or ""} - {"", "/"}]

    def send(self, notification: Notification) -> None:
        body = json.dumps({"text": text_of(notification)}).encode()
        message = Message("POST", self._url, {"Content-Type": "application/json"}, body, through_proxy=True)
        try:
            answer = exchange(message, seconds=self._seconds, limit=_READ_LIMIT, beat=Beat(lambda: True))
        except Unanswered as error:
            raise Unsent(readable(f"the webhook {error}".encode(), self._secrets)) from None
        if not _OK <= answer.status < _REDIRECT:
            raise self._unsent(answer)

    def _unsent(self, answer: Answer) -> Unsent:
        said = " ".join(readable(answer.body[:200], self._secrets).split())
        reason = f"the webhook answered {answer.status}{f' ({said})' if said else ''}"
        asked = answer.headers.get("retry-after", "")
        return Unsent(
            reason,
            again=answer.status >= _SERVER or answer.status in _LATER,
            after=float(asked) if asked.isascii() and asked.isdigit() else 0.0,
            refused=answer.status in _NOT_THIS_ONE,
        )


def text_of(notification: Notification) -> str:
    """The message: what happened, and below it how things stand and which entry of the journal says so."""
    what = notification.rollout or notification.service
    head = notification.head
    facts = [f"{name} {split}" for name, split in sorted(notification.splits.items())]
    if len(set(notification.splits.values())) == 1:
        facts = [str(next(iter(notification.splits.values())))]
    facts.append(f"entry {head.sequence} `{head.hash[:12]}`")
    if notification.actor:
        facts.append(f"by {notification.actor.rpartition('/')[2]}")
    facts.append(f"{notification.at:%Y-%m-%d %H:%M:%S}Z")
    facts.append(f"{notification.place.account_id} {notification.place.region}")
    said = f"{_MARKS[notification.severity]} *{_escaped(what)}*: {_escaped(notification.line)}"
    return shortened(f"{said}\n{_escaped(' · '.join(facts))}", LONGEST_TEXT)


def _escaped(text: str) -> str:
    """Nothing in it is a link or calls anybody. Source: Slack, "Formatting text for app surfaces", escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _fault(url: str) -> str:
    """What is wrong with a webhook's address, without showing it; empty where nothing is."""
    if not url:
        return "is not set"
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
        _ = parts.port
    except ValueError:
        return "holds no address"
    if not host or not url.isascii() or any(char.isspace() or not char.isprintable() for char in url):
        return "holds no address"
    if scheme == "https" or (scheme == "http" and is_loopback(url)):
        return ""
    return "holds an address that is not https"
