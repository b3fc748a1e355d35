"""Where the provider finds AWS: the endpoints it inherits, and whether anything listens there.

Where an endpoint is local, a child gets nothing that leads to the real AWS or opens it (docs/endpoints.md).
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from toolkit.errors import AwsUnreachable, NotLocal, UsageError
from toolkit.settings import (
    DUMMY_KEY,
    ENDPOINT_VARIABLE,
    IGNORE_VARIABLE,
    AwsSettings,
    Isolation,
    inherited_endpoints,
    is_dummy_key,
    is_loopback,
    isolation,
)

_HARMLESS = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"}
"""All that a child with local endpoints keeps of the caller's AWS settings."""
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_TIMEOUT = 3.0  # seconds; a port of this machine answers or refuses at once
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsPlace:
    """Where AWS is for a child.

    configured: the endpoints that the SDKs find by themselves, by environment variable.
    region, keys: what a child needs where its AWS profile is taken away; keys by environment variable.
    """

    settings: AwsSettings
    configured: Mapping[str, str]
    region: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str], endpoint_url: str | None) -> "AwsPlace":
        """As the environment says, and an endpoint for everything if there is one."""
        configured = {} if _is_ignored(environ) else inherited_endpoints(environ)
        keys = {name: environ[name] for name in _KEYS if environ.get(name)}
        return cls(settings=AwsSettings(endpoint_url=endpoint_url), configured=configured, keys=keys)


class AwsEnvironment(dict[str, str]):
    """An environment for a child in which it is settled where AWS is: nothing may be read into it once more."""


def aws_environment(environ: Mapping[str, str], place: AwsPlace) -> AwsEnvironment:
    """`environ` for a child that finds AWS in `place`, and nowhere else where calls must stay local.

    Raises:
        AwsError: calls must stay local, and there is no endpoint for all services, or one is elsewhere.
    """
    settings, chosen = place.settings, place.settings.endpoint_variables
    closed = isolation(settings, place.configured)
    if not closed and not chosen:
        return AwsEnvironment(environ)
    endpoints = ({} if settings.endpoint_url else dict(place.configured)) | chosen
    bare = {name: value for name, value in environ.items() if name not in inherited_endpoints(environ)}
    if not closed:
        return AwsEnvironment(bare | endpoints | {IGNORE_VARIABLE: "false"})
    _require_local(endpoints, closed)
    harmless = {
        name: value for name, value in bare.items() if name in _HARMLESS or not name.startswith(("AWS_", "TF_AWS_"))
    }
    region = {"AWS_REGION": place.region} if place.region else {}
    return AwsEnvironment(region | harmless | endpoints | _shown(place.keys) | _NOWHERE)


_NOWHERE = {
    # Not merely unset: the files in the home directory would be read then, and a provider may name a profile.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _shown(keys: Mapping[str, str]) -> dict[str, str]:
    """The keys that an emulator is shown: these if they are no real ones, else its own."""
    if keys.get("AWS_SECRET_ACCESS_KEY") and is_dummy_key(keys.get("AWS_ACCESS_KEY_ID") or "x" * 20):
        return dict(keys)
    return {"AWS_ACCESS_KEY_ID": DUMMY_KEY, "AWS_SECRET_ACCESS_KEY": DUMMY_KEY}


def _require_local(endpoints: Mapping[str, str], closed: Isolation) -> None:
    if ENDPOINT_VARIABLE not in endpoints:
        raise NotLocal(
            f"the AWS provider has no local endpoint for every service, and calls must stay local ({closed.because}). "
            "Nothing was changed.",
            hint=f"Set {ENDPOINT_VARIABLE} or --endpoint-url, or unset the local endpoints to work on the real AWS. "
            "See docs/endpoints.md.",
        )
    for name, url in endpoints.items():
        if not closed.admits(url):
            raise NotLocal(
                f"{name} is {url}, which is not local, and calls must stay local ({closed.because}). "
                "Nothing was changed.",
                hint="Unset it, or unset the local endpoints to work on the real AWS. See docs/endpoints.md.",
            )


def _is_ignored(environ: Mapping[str, str]) -> bool:
    return environ.get(IGNORE_VARIABLE, "").lower() == "true"


def require_listener(environ: Mapping[str, str]) -> None:
    """Refuse an AWS_ENDPOINT_URL on this machine where nothing listens.

    The AWS provider would try it nine times, for more than a minute. Endpoints elsewhere are left to the
    provider: the way there may lead through a proxy.

    Raises:
        AwsUnreachable: nothing listens there.
        UsageError: it is no address of a web server.
    """
    url = environ.get(ENDPOINT_VARIABLE)
    if not url or _is_ignored(environ):
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # a port that is none
        host = port = None
    if host is None or port is None:
        raise UsageError(f"the endpoint {url!r} is not of the form http://HOST:PORT.")
    if not is_loopback(url):
        return
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT).close()
    except OSError as error:
        raise AwsUnreachable(
            f"nothing answers at the endpoint {url} ({error.strerror or error}). Nothing was changed.",
            hint="Correct AWS_ENDPOINT_URL or --endpoint-url, or start what should listen there.",
        ) from error
