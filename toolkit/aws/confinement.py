"""Keeping calls on this machine: where endpoints come from, what an emulator is shown, and a look at each request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.errors import NotLocal
from toolkit.settings import DUMMY_KEY, ENDPOINT_VARIABLE, Isolation, inherited_endpoints, is_dummy_key

if TYPE_CHECKING:
    import botocore.session

_ASKS_NOBODY = {"env", "shared-credentials-file", "config-file"}
"""botocore's credential providers that only read; the others call AWS, an agent or a program."""


_KEY_NAMES = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class Keys(NamedTuple):
    """Credentials, as the SDKs spell them."""

    access_key: str
    secret_key: str
    token: str | None = None

    @property
    def arguments(self) -> dict[str, str | None]:
        """As boto3 takes them."""
        return dict(zip(_KEY_NAMES, self, strict=True))

    @property
    def variables(self) -> dict[str, str]:
        """As the environment spells them."""
        return {name.upper(): value for name, value in self.arguments.items() if value}


def dummy_keys(core: botocore.session.Session) -> Keys:
    """Dummy keys of the environment or the AWS profile; never real ones, and nobody is asked for any."""
    providers = core.get_component("credential_provider").providers
    read = (provider.load() for provider in providers if provider.METHOD in _ASKS_NOBODY)
    found = next((keys for keys in read if keys is not None), None)
    if found is None or not is_dummy_key(found.access_key):
        return Keys(DUMMY_KEY, DUMMY_KEY)
    return Keys(found.access_key, found.secret_key, found.token)


def staying(closed: Isolation) -> dict[str, Any]:
    """Options of a client that must ask nobody else on its way."""
    options: dict[str, Any] = {
        "inject_host_prefix": False,  # would put a word before the emulator's host name
        "endpoint_discovery_enabled": False,  # would ask a service where it would rather be called
        "defaults_mode": "legacy",  # `auto` asks the instance metadata where it runs
    }
    # A proxy of the environment has no way to our loopback, and would be told all we say.
    return options if closed.hosts else options | {"proxies": {}}


def configured_endpoints(core: botocore.session.Session) -> dict[str, str]:
    """In botocore's order: a service's variable, the variable for all, a service of the profile, the profile's."""
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return {}
    inherited = inherited_endpoints(os.environ)
    if ENDPOINT_VARIABLE in inherited:
        return inherited
    profile = core.get_scoped_config()
    services = core.full_config.get("services", {}).get(profile.get("services"), {})
    found = {
        f"{ENDPOINT_VARIABLE}_{name.upper()}": words["endpoint_url"]
        for name, words in services.items()
        if isinstance(words, dict) and words.get("endpoint_url")
    }
    if profile.get("endpoint_url"):
        found[ENDPOINT_VARIABLE] = profile["endpoint_url"]
    return found | inherited


def identifier(service: str) -> str:
    """AWS's identifier of a service, as its endpoint variable has it, from botocore's name."""
    from botocore.utils import CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES as SPELLED

    return str(SPELLED.get(service, service)).replace("-", "_").lower()


def confine(client: Any, service: str, closed: Isolation) -> None:
    """Let `client` call local hosts only.

    Raises:
        AwsError: its endpoint is not local.
    """

    def require_local(request: Any, **_: Any) -> None:
        if not closed.admits(request.url):
            raise _not_local(service, request.url, closed)

    if not closed.admits(client.meta.endpoint_url):
        raise _not_local(service, client.meta.endpoint_url, closed)
    client.meta.events.register("before-send", require_local)


def _not_local(service: str, url: str, closed: Isolation) -> NotLocal:
    from urllib.parse import urlsplit

    variable = f"{ENDPOINT_VARIABLE}_{identifier(service).upper()}"
    return NotLocal(
        f"{service} has no local endpoint, and calls must stay local ({closed.because}). "
        f"{urlsplit(url).hostname} was not called.",
        hint=f"Set {ENDPOINT_VARIABLE} or {variable} to where it answers, or --endpoint-url for all of AWS; "
        "to work on the real AWS, unset the local endpoints. See docs/endpoints.md.",
    )
