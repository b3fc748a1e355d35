"""What hooks and strategies of bluegreen.toml are written in: durations, commands, webhooks."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from toolkit.errors import BluegreenError
from toolkit.rollout.strategy import parse_duration
from toolkit.settings import is_loopback

DURATION = r"^(0|(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?)$"
MOST = 1000
_COMMAND = "write a command as a list of words, as ['./smoke.sh', '--fast'], or an https:// address"


def said(error: BluegreenError) -> ValueError:
    """An error of ours as pydantic takes it, for the complaint that names the place."""
    return ValueError(" ".join(filter(None, (f"{error.message}.", error.hint))))


def seconds_of(value: Any) -> float:
    """A duration with its units, in seconds."""
    if not isinstance(value, str):
        raise ValueError(f"write a duration with its units, as '90s', '5m' or '1h30m', not {value!r}")  # noqa: TRY004
    try:
        return parse_duration(value)
    except BluegreenError as error:
        raise said(error) from None


def _positive(value: Any) -> float:
    seconds = seconds_of(value)
    if not seconds:
        raise ValueError("0 leaves no time at all; write a duration such as '5s' or '2h'")
    return seconds


def _hook(value: Any) -> tuple[str, ...] | str:
    if isinstance(value, str):
        return _webhook(value)
    if isinstance(value, list) and all(isinstance(word, str) and "\0" not in word for word in value) and any(value[:1]):
        return tuple(value)
    raise ValueError(_COMMAND)


def _webhook(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http") or any(letter.isspace() for letter in url):
        raise ValueError(_COMMAND)
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("a webhook goes over https://; http:// is for this machine alone")
    return url


A_DURATION = WithJsonSchema({"type": "string", "pattern": DURATION, "minLength": 1, "examples": ["5m", "90s", "1h30m"]})
Duration = Annotated[float, PlainValidator(seconds_of), A_DURATION]
Positive = Annotated[float, PlainValidator(_positive), A_DURATION]
Command = Annotated[
    tuple[str, ...] | str,
    PlainValidator(_hook),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "string", "format": "uri"},
            ],
            "examples": [["./migrate.sh", "--expand"], "https://hooks.example.com/bluegreen"],
        }
    ),
]
Name = Annotated[
    str,
    # Without control characters, the end of a text among them: it is given to commands in their environment.
    Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$", description="the hook's name in the history"),
]


def name_of(hook: tuple[str, ...] | str) -> str:
    """What a hook is called that has no name: its address, or its program without the directory."""
    return hook if isinstance(hook, str) else PurePath(hook[0]).name
