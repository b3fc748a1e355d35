"""Who the credentials belong to. Asked once per access key and machine: a key never changes hands."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from toolkit.aws.session import aws_errors
from toolkit.errors import BluegreenError, CredentialsError
from toolkit.rollout.ports import Identity

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_REMEMBERED = 50


class Caller:
    """Identities on STS, with a small cache by access key, so a rollback does not wait for a call it can spare.

    The cache holds a hash of the access key id and the endpoint, never a secret.
    """

    def __init__(self, session: Session, cache: Path) -> None:
        self._session = session
        self._cache = cache
        self._identity: Identity | None = None
        self._error: BluegreenError | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to find out, in the background where the cache does not know."""
        self._identity = self._remembered()
        if self._identity is None:
            self._thread = Thread(target=self._ask_quietly, name="sts", daemon=True)
            self._thread.start()

    def now(self) -> Identity | None:
        return self._identity

    def resolve(self) -> Identity:
        if self._thread is not None:
            self._thread.join()
        elif self._identity is None:
            self._identity = self._remembered()
            if self._identity is None:
                self._ask_quietly()
        if self._identity is None:
            raise self._error or CredentialsError("AWS did not say who the credentials belong to")
        return self._identity

    def _ask_quietly(self) -> None:
        try:
            with aws_errors("asking who the credentials belong to"):
                answer = self._session.client("sts").get_caller_identity()
            identity = Identity(arn=answer["Arn"], account_id=answer["Account"])
        except BluegreenError as error:
            self._error = error  # raised by `resolve`, to whoever needs to know
            return
        self._identity = identity
        self._remember(identity)

    def _key(self) -> str | None:
        access_key = self._session.access_key
        if access_key is None:
            return None
        configured = self._session.configured_endpoints
        endpoint = (
            self._session.settings.endpoint_of("sts")
            or configured.get("AWS_ENDPOINT_URL_STS")
            or configured.get("AWS_ENDPOINT_URL", "")
        )
        return hashlib.sha256(f"{access_key}|{endpoint}".encode()).hexdigest()

    def _load(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._cache.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # a cache: absent or damaged is the same as empty
        return known if isinstance(known, dict) else {}

    def _remembered(self) -> Identity | None:
        match self._load().get(self._key() or ""):
            case [str(arn), str(account)]:
                return Identity(arn, account)
            case _:
                return None

    def _remember(self, identity: Identity) -> None:
        key = self._key()
        if key is None:
            return
        known = dict(list(self._load().items())[-_REMEMBERED + 1 :]) | {key: [identity.arn, identity.account_id]}
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._cache.parent, delete=False, encoding="utf-8") as file:
                json.dump(known, file)
            Path(file.name).replace(self._cache)
        except OSError:
            pass  # a home that cannot be written costs one call next time, nothing else
