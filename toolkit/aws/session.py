"""The one door to boto3: clients with our timeouts, and AWS's errors in our words.

Where an endpoint is local, the door is shut to the real AWS (docs/endpoints.md): every client must be local,
each request is checked again before it is sent, and credentials come from nowhere that would have to be asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, ConfigError, CredentialsError, NotLocal, Throttled
from toolkit.settings import (
    DUMMY_KEY,
    ENDPOINT_VARIABLE,
    AwsSettings,
    Isolation,
    inherited_endpoints,
    is_dummy_key,
    isolation,
)

if TYPE_CHECKING:
    import botocore.session

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 5
ATTEMPTS = 4

_THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "RequestLimitExceeded", "TooManyRequestsException", "ProvisionedThroughputExceededException", "SlowDown",
    "PriorRequestNotComplete", "TransactionInProgressException",
}  # fmt: skip
_CREDENTIALS = {
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
    "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidToken",
}  # fmt: skip
_DENIED = {
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "OptInRequired",
    "UnauthorizedAccess",
}  # fmt: skip


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


class Session:
    """boto3 clients made when first asked for, and the caller's place in AWS."""

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self._clients: dict[str, Any] = {}
        self._making = Lock()  # boto3 sessions may not make two clients at once

    @cached_property
    def _core(self) -> botocore.session.Session:
        import botocore.session

        return botocore.session.Session(profile=self.settings.profile or None)

    @cached_property
    def _boto(self) -> Any:
        import boto3

        with aws_errors("the AWS profile"):
            return boto3.session.Session(
                botocore_session=self._core,
                # boto3 reads AWS_DEFAULT_REGION only; the other AWS SDKs and Terraform read AWS_REGION first.
                region_name=self.settings.region or os.environ.get("AWS_REGION") or None,
            )

    @property
    def region(self) -> str | None:
        return None if self._boto.region_name is None else str(self._boto.region_name)

    @cached_property
    def configured_endpoints(self) -> Mapping[str, str]:
        """The endpoints that botocore finds by itself, in the environment and the AWS profile, by variable.

        Raises:
            CredentialsError: an unknown profile.
        """
        with aws_errors("the AWS profile"):
            return _configured(self._core)

    @cached_property
    def isolation(self) -> Isolation | None:
        """Whether no call may leave for the real AWS.

        Raises:
            CredentialsError: an unknown profile.
        """
        return isolation(self.settings, self.configured_endpoints)

    @cached_property
    def emulator_keys(self) -> Keys:
        """What an emulator is shown: dummy keys of the environment or the AWS profile, never real ones.

        Raises:
            CredentialsError: an unknown profile, half a pair of keys.
        """
        with aws_errors("the AWS credentials"):
            providers = self._core.get_component("credential_provider").providers
            read = (provider.load() for provider in providers if provider.METHOD in _ASKS_NOBODY)
            found = next((keys for keys in read if keys is not None), None)
        if found is None or not is_dummy_key(found.access_key):
            return Keys(DUMMY_KEY, DUMMY_KEY)
        return Keys(found.access_key, found.secret_key, found.token)

    @cached_property
    def access_key(self) -> str | None:
        """The access key id in use, which names the caller; None without credentials."""
        if self.isolation:
            return self.emulator_keys.access_key
        with aws_errors("the AWS credentials"):
            credentials = self._boto.get_credentials()
            return None if credentials is None else str(credentials.get_frozen_credentials().access_key)

    def client(self, service: str) -> Any:
        """The client for `service`, in botocore's spelling; the same one to every thread.

        Raises:
            AwsError: no region, an unknown profile, no local endpoint where calls must stay local.
        """
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        with aws_errors(f"a client for {service}"):
            closed = self.isolation
            client = self._boto.client(
                service,
                endpoint_url=self._chosen_endpoint(service),
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    # Absolute writes are harmless when repeated, so throttling and lost answers are retried alike.
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    # Several threads share one client; nothing here needs more connections than that.
                    max_pool_connections=10,
                    **(_staying(closed) if closed else {}),
                ),
                **(self.emulator_keys.arguments if closed else {}),
            )
            if closed:
                _confine(client, service, closed)
            return client

    def _chosen_endpoint(self, service: str) -> str | None:
        chosen = self.settings.services
        if chosen:
            known = {_identifier(name) for name in self._boto.get_available_services()}
            for name in chosen:
                if name not in known:
                    raise ConfigError(
                        f"the chosen endpoint has services.{name}, and AWS has no service of that identifier",
                        hint=_spelling(name, self._boto.get_available_services()),
                    )
        return self.settings.endpoint_of(_identifier(service))


def _staying(closed: Isolation) -> dict[str, Any]:
    """Options of a client that must ask nobody else on its way."""
    options: dict[str, Any] = {
        "inject_host_prefix": False,  # would put a word before the emulator's host name
        "endpoint_discovery_enabled": False,  # would ask a service where it would rather be called
        "defaults_mode": "legacy",  # `auto` asks the instance metadata where it runs
    }
    # A proxy of the environment has no way to our loopback, and would be told all we say.
    return options if closed.hosts else options | {"proxies": {}}


def _configured(core: botocore.session.Session) -> dict[str, str]:
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


def _identifier(service: str) -> str:
    """AWS's identifier of a service, as its endpoint variable has it, from botocore's name."""
    from botocore.utils import CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES as SPELLED

    return str(SPELLED.get(service, service)).replace("-", "_").lower()


def _spelling(name: str, services: list[str]) -> str:
    if name in services:
        return f"AWS's identifier of {name} is {_identifier(name)}."
    return "Spell it as in AWS_ENDPOINT_URL_NAME, in small letters: elastic_load_balancing_v2, ssm, dynamodb."


def _confine(client: Any, service: str, closed: Isolation) -> None:
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

    variable = f"{ENDPOINT_VARIABLE}_{_identifier(service).upper()}"
    return NotLocal(
        f"{service} has no local endpoint, and calls must stay local ({closed.because}). "
        f"{urlsplit(url).hostname} was not called.",
        hint=f"Set {ENDPOINT_VARIABLE} or {variable} to where it answers, or --endpoint-url for all of AWS; "
        "to work on the real AWS, unset the local endpoints. See docs/endpoints.md.",
    )


def code_of(error: BaseException) -> str:
    """AWS's error code of a botocore ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours; `what` says what was being done.

    Raises:
        CredentialsError, AccessDenied, Throttled, AwsUnreachable, AwsError: by what AWS said.
    """
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as error:
        raise _from_code(error, what) from error
    except (boto.NoCredentialsError, boto.CredentialRetrievalError, boto.PartialCredentialsError) as error:
        raise CredentialsError(f"{what}: no usable AWS credentials ({error})", hint=_SIGN_IN) from error
    except (boto.TokenRetrievalError, boto.SSOError) as error:
        raise CredentialsError(f"{what}: the single sign-on session is over ({error})", hint=_SIGN_IN) from error
    except boto.ProfileNotFound as error:
        raise CredentialsError(f"{what}: {error}", hint="Name an existing one with --profile.") from error
    except boto.NoRegionError as error:
        raise AwsError(
            f"{what}: no AWS region is set",
            hint="Use --region, AWS_REGION, or [aws] region in bluegreen.toml.",
        ) from error
    except (boto.HTTPClientError, boto.ConnectionError) as error:
        raise AwsUnreachable(
            f"{what}: AWS did not answer ({error})",
            hint="Check the network and the endpoint; `bluegreen status` shows what AWS holds.",
        ) from error
    except (boto.BotoCoreError, ValueError) as error:
        raise AwsError(f"{what}: {error}") from error


_SIGN_IN = "Sign in again (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID."


def _from_code(error: Any, what: str) -> AwsError:
    code = code_of(error)
    message = f"{what}: AWS answered {code}: {error.response['Error'].get('Message', '')}"
    if code in _CREDENTIALS:
        return CredentialsError(message, hint=_SIGN_IN)
    if code in _DENIED:
        return AccessDenied(message, hint="Grant the missing permission; docs/permissions.md lists what is needed.")
    if code in _THROTTLED:
        return Throttled(message, hint=f"AWS throttled {ATTEMPTS} attempts in a row; wait a minute and try again.")
    return AwsError(message)
