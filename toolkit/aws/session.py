"""The one door to boto3: clients with our timeouts, and AWS's errors in our words.

Where an endpoint is local, the door is shut to the real AWS (docs/endpoints.md): `confinement` does it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from toolkit.aws.confinement import Keys, configured_endpoints, confine, dummy_keys, identifier, staying
from toolkit.aws.pace import Budget
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, ConfigError, CredentialsError, Throttled
from toolkit.settings import AwsSettings, Isolation, isolation

if TYPE_CHECKING:
    import botocore.session

CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS = 3, 5
ATTEMPTS = 4
SINGLE_CONNECT_SECONDS, SINGLE_READ_SECONDS = 2, 3
"""Of a single attempt; together WRITE_TIMEOUT_SECONDS."""
_CONNECTIONS, _SINGLE_CONNECTIONS = 10, 50
"""Kept open for the threads that share a client. A fleet is rolled back by many more of them."""

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


class Session:
    """boto3 clients made when first asked for, and the caller's place in AWS."""

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self._clients: dict[tuple[str, bool], Any] = {}
        self._making = Lock()  # boto3 sessions may not make two clients at once

    @cached_property
    def _core(self) -> botocore.session.Session:
        import botocore.session

        core = botocore.session.Session(profile=self.settings.profile or None)
        if self.settings.role_arn:
            from toolkit.aws.roles import take_on

            take_on(self.settings.role_arn, core, through=Session(replace(self.settings, role_arn=None)))
        return core

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
            return configured_endpoints(self._core)

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
            return dummy_keys(self._core)

    @cached_property
    def access_key(self) -> str | None:
        """The access key id in use, which names the caller; None without credentials."""
        if self.isolation and not self.settings.role_arn:
            return self.emulator_keys.access_key
        with aws_errors("the AWS credentials"):
            credentials = self._boto.get_credentials()
            return None if credentials is None else str(credentials.get_frozen_credentials().access_key)

    @cached_property
    def budget(self) -> Budget:
        """The rate of calls to ELBv2, shared by everything that is made of this session."""
        return Budget()

    @cached_property
    def single_attempts(self) -> SingleAttempts:
        """Clients for calls that the SDK may not repeat."""
        return SingleAttempts(self)

    def client(self, service: str, *, single: bool = False) -> Any:
        """The client for `service`, in botocore's spelling; the same one to every thread.

        single: see `SingleAttempts`.

        Raises:
            AwsError: no region, an unknown profile, no local endpoint where calls must stay local.
        """
        with self._making:
            if (service, single) not in self._clients:
                self._clients[service, single] = self._make(service, single=single)
            return self._clients[service, single]

    def _make(self, service: str, *, single: bool) -> Any:
        from botocore.config import Config

        with aws_errors(f"a client for {service}"):
            closed = self.isolation
            client = self._boto.client(
                service,
                endpoint_url=self._chosen_endpoint(service),
                config=Config(
                    connect_timeout=SINGLE_CONNECT_SECONDS if single else CONNECT_TIMEOUT_SECONDS,
                    read_timeout=SINGLE_READ_SECONDS if single else READ_TIMEOUT_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 1 if single else ATTEMPTS},
                    max_pool_connections=_SINGLE_CONNECTIONS if single else _CONNECTIONS,
                    **(staying(closed) if closed else {}),
                ),
                **(self.emulator_keys.arguments if closed and not self.settings.role_arn else {}),
            )
            if closed:
                confine(client, service, closed)
            return client

    def _chosen_endpoint(self, service: str) -> str | None:
        chosen = self.settings.services
        if chosen:
            known = {identifier(name) for name in self._boto.get_available_services()}
            for name in chosen:
                if name not in known:
                    raise ConfigError(
                        f"the chosen endpoint has services.{name}, and AWS has no service of that identifier",
                        hint=_spelling(name, self._boto.get_available_services()),
                    )
        return self.settings.endpoint_of(identifier(service))


class SingleAttempts:
    """Clients of a session that send a request once: whoever calls decides whether to repeat it, and when.

    A request that was lost may still arrive, and no later than its timeout: `WRITE_TIMEOUT_SECONDS` of `routes`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._of_thread = local()
        self._watched: set[int] = set()
        self._watching = Lock()

    def client(self, service: str) -> Any:
        """As `Session.client`."""
        client = self._session.client(service, single=True)
        with self._watching:
            if id(client) not in self._watched:
                self._watched.add(id(client))
                client.meta.events.register("before-send", self._ask)
        return client

    @contextmanager
    def guarded(self, guard: Callable[[], None]) -> Iterator[None]:
        """Call `guard` when a request of this thread is about to be sent; if it raises, the request is not.

        Credentials have been renewed and the request is signed by then, which may have taken its time.
        """
        self._of_thread.guard = guard
        try:
            yield
        finally:
            del self._of_thread.guard

    def _ask(self, **_: Any) -> None:
        guard = getattr(self._of_thread, "guard", None)
        if guard is not None:
            guard()


def _spelling(name: str, services: list[str]) -> str:
    if name in services:
        return f"AWS's identifier of {name} is {identifier(name)}."
    return "Spell it as in AWS_ENDPOINT_URL_NAME, in small letters: elastic_load_balancing_v2, ssm, dynamodb."


def code_of(error: BaseException) -> str:
    """AWS's error code of a botocore ClientError; empty for anything else."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours; `what` says what was being done.

    Raises:
        AwsUnreachable: no answer, one that cannot be read, or a fault of AWS's own (5xx): what was asked for may
            have been done, or may yet be.
        CredentialsError, AccessDenied, Throttled, AwsError: by what AWS said; what was asked for was not done.
    """
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

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
    except (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, ResponseParserError) as error:
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
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, hint="AWS throttled every attempt; wait a minute and try again.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
        return AwsUnreachable(message, hint="`bluegreen status` shows what AWS holds.")
    return AwsError(message)
