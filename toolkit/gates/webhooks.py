"""One POST of a webhook: signed, over HTTPS, and its answer read as a yes, a no or a veto."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import urlsplit

from toolkit.gates.exchange import Answer, Message, Unanswered, exchange
from toolkit.gates.output import Kept, readable
from toolkit.gates.waiting import Beat, Try, in_words
from toolkit.rollout.steps import Hook
from toolkit.settings import is_loopback

WEBHOOK_SECRET = "BLUEGREEN_WEBHOOK_SECRET"  # noqa: S105 - the name of the variable that holds it
"""The key that webhooks are signed with."""

_PREFIX = "BLUEGREEN_"
_READ_LIMIT = 1024 * 1024
_REASON_LENGTH = 300
_OK, _REDIRECT, _CLIENT, _SERVER = 200, 300, 400, 500
_TOO_MANY = 429


def body_of(environment: Mapping[str, str]) -> bytes:
    """The JSON that is sent: `BLUEGREEN_SERVICE` is `service`."""
    told = {name.removeprefix(_PREFIX).lower(): value for name, value in environment.items()}
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC, in hexadecimal, of timestamp, a full stop and the body."""
    return f"sha256={hmac.new(secret.encode(), f'{timestamp}.'.encode() + body, sha256).hexdigest()}"


def post(
    hook: Hook,
    environment: Mapping[str, str],
    *,
    secret: str | None,
    now: datetime,
    beat: Beat,
    secrets: Iterable[str] = (),
) -> Try:
    """Send it once. `now` (UTC) is signed with the body, so that a copy of the request is worthless later.

    Raises:
        Stopped: the pulse said so.
    """
    scheme = urlsplit(hook.url).scheme
    if scheme != "https" and not (scheme == "http" and is_loopback(hook.url)):
        return Try(
            False, f"{_shown(hook.url)} was not called: a webhook is https, or http on this machine", again=False
        )
    body, timestamp = body_of(environment), str(int(now.timestamp()))
    headers = {"Content-Type": "application/json", "X-Bluegreen-Timestamp": timestamp}
    if secret:
        headers["X-Bluegreen-Signature"] = signature(secret, timestamp, body)
    if identity := environment.get(f"{_PREFIX}HOOK_ID"):
        headers["Idempotency-Key"] = identity
    message = Message("POST", hook.url, headers, body, through_proxy=True)
    place = f"POST {_shown(hook.url)}"
    try:
        answer = exchange(message, seconds=hook.timeout_seconds, limit=_READ_LIMIT, beat=beat)
    except Unanswered as error:
        return Try(False, f"{place} {error}")
    kept = Kept()
    kept.add(answer.body)
    made = _judged(place, answer, now, longest_pause=hook.timeout_seconds)
    return Try(made.passed, readable(made.reason.encode(), secrets), kept.text(secrets), made.again, made.after)


def _judged(place: str, answer: Answer, now: datetime, *, longest_pause: float) -> Try:
    told = f"{place} answered {answer.status} in {in_words(answer.seconds)}"
    if _OK <= answer.status < _REDIRECT:
        if answer.cut:
            return Try(False, f"{told}, with more than a webhook may say (1 MB)", again=False)
        veto = _veto(answer.body)
        return Try(True, told) if veto is None else Try(False, f"{told}, and says no: {veto}", again=False)
    if _REDIRECT <= answer.status < _CLIENT:
        where = answer.headers.get("location", "nowhere")[:_REASON_LENGTH]
        return Try(False, f"{told}, to {where}: redirects are not followed", again=False)
    again = answer.status >= _SERVER or answer.status == _TOO_MANY
    pause = min(_asked_pause(answer.headers.get("retry-after", ""), now), longest_pause) if again else 0.0
    return Try(False, told, again=again, after=pause)


def _veto(body: bytes) -> str | None:
    """The reason of `{"ok": false, "reason": …}`; None where it is anything else."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("ok") is not False:
        return None
    reason = said.get("reason")
    return (
        " ".join(reason.split())[:_REASON_LENGTH] if isinstance(reason, str) and reason.strip() else "no reason given"
    )


def _asked_pause(text: str, now: datetime) -> float:
    """Seconds that `Retry-After` asks for, as a number or a date; 0 without."""
    if text.isascii() and text.isdigit():
        return float(text)
    with suppress(ValueError, TypeError):
        at = parsedate_to_datetime(text)
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    return 0.0


def _shown(url: str) -> str:
    """The address without what may be a secret in it: chat services have theirs in the path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{'/…' if parts.path.strip('/') or parts.query else ''}"
