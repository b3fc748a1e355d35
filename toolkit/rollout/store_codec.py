"""Who holds a lease, commands and cursors, as JSON texts and back: the same in every store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from toolkit.errors import JournalError
from toolkit.rollout.events import Word
from toolkit.rollout.ports import Command, Cursor, Holder, Lease


def holder_out(holder: Holder) -> str:
    return _text({"name": holder.name, "host": holder.host, "pid": holder.pid, "doing": holder.doing})


def lease_in(service: str, token: int | str, holder: str, since: str, expires: str, *, source: str) -> Lease:
    """The lease that a store keeps in these words: `holder` as `holder_out` wrote it, the times in ISO 8601.

    Raises:
        JournalError: they are no such words; `source` is named.
    """
    with _readable(f"{source}: the lease of {service}", f"`bluegreen resume {service} --break-lease` writes it anew."):
        who = json.loads(holder)
        return Lease(
            service,
            int(token),
            Holder(str(who["name"]), str(who["host"]), int(who["pid"]), str(who["doing"])),
            _time(since),
            _time(expires),
        )


def command_out(command: Command) -> str:
    return _text(
        {
            "id": command.id,
            "word": command.word.value,
            "rollout": command.rollout,
            "actor": command.actor,
            "at": command.at.isoformat(),
            "reason": command.reason,
        }
    )


def command_in(text: str, *, source: str) -> Command:
    """The command that `command_out` wrote.

    Raises:
        JournalError: no such text; `source` is named.
    """
    with _readable(f"{source}: a command in the inbox", "It was put there by another release or by hand; remove it."):
        document = json.loads(text)
        said = {key: str(document[key]) for key in ("id", "rollout", "actor", "reason")}
        return Command(word=Word(document["word"]), at=_time(document["at"]), **said)


def cursor_out(cursor: Cursor) -> str:
    return _text({"sequence": cursor.sequence, "hash": cursor.hash, "at": cursor.at.isoformat()})


def cursor_in(service: str, text: str, *, source: str) -> Cursor:
    """The cursor that `cursor_out` wrote.

    Raises:
        JournalError: no such text; `source` is named.
    """
    with _readable(f"{source}: a notifier's cursor", f"`bluegreen notify {service} --from-now` writes it anew."):
        document = json.loads(text)
        return Cursor(int(document["sequence"]), str(document["hash"]), _time(document["at"]))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at


@contextmanager
def _readable(what: str, hint: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
        raise JournalError(f"{what} cannot be read ({type(error).__name__}: {error})", hint=hint) from None
