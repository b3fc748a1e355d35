"""Keeping secrets out of what is shown: the environment's credentials, and what Terraform marks sensitive."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "(sensitive)"

# Real credentials are longer; shorter ones are the dummies of emulators ("test"), which are ordinary words.
_MIN_CREDENTIAL = 8
# A sensitive value shorter than this would black out unrelated text.
_MIN_SENSITIVE = 4
_CREDENTIAL_NAMES = re.compile(
    r"AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_SECURITY_TOKEN|AWS_ACCESS_KEY_ID"
    r"|AWS_CONTAINER_AUTHORIZATION_TOKEN|TF_TOKEN_\w+|VAULT_TOKEN|TF_VAR_\w*(?:password|secret|token)\w*",
    re.IGNORECASE,
)
_SHAPES = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # access key ids, wherever they come from
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password in an address
)


class Scrubber:
    """Masks every secret it knows in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one secret may be part of another.
        self._secrets = tuple(sorted(set(secrets), key=lambda secret: (-len(secret), secret)))

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text

    def knowing(self, secrets: Iterable[str]) -> "Scrubber":
        return Scrubber((*self._secrets, *secrets))


def of_environment(environ: Mapping[str, str]) -> Scrubber:
    """A scrubber that knows the credentials in `environ`."""
    return Scrubber(
        value for name, value in environ.items() if len(value) >= _MIN_CREDENTIAL and _CREDENTIAL_NAMES.fullmatch(name)
    )


def sensitive_values(plan: object) -> frozenset[str]:
    """The texts and numbers that the decoded JSON of a plan marks sensitive. Never raises."""
    return frozenset(text for text in _marked_in(plan) if len(text) >= _MIN_SENSITIVE)


def _marked_in(plan: object) -> Iterator[str]:
    document = _mapping(plan)
    lists = (document.get("resource_changes"), document.get("resource_drift"))
    changes = [_mapping(entry).get("change") for entries in lists if isinstance(entries, list) for entry in entries]
    for told in (*changes, *_mapping(document.get("output_changes")).values()):
        change = _mapping(told)
        for side in ("before", "after"):
            yield from _marked(change.get(side), change.get(f"{side}_sensitive"))
    declared = _mapping(_mapping(_mapping(document.get("configuration")).get("root_module")).get("variables"))
    for name, given in _mapping(document.get("variables")).items():
        if _mapping(declared.get(name)).get("sensitive") is True:
            yield from _leaves(_mapping(given).get("value"))


def _marked(value: object, marks: object) -> Iterator[str]:
    if marks is True:
        yield from _leaves(value)
    elif isinstance(value, dict) and isinstance(marks, dict):
        for key, mark in marks.items():
            yield from _marked(value.get(key), mark)
    elif isinstance(value, list) and isinstance(marks, list):
        for element, mark in zip(value, marks, strict=False):
            yield from _marked(element, mark)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            yield from _leaves(element)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
