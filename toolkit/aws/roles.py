"""A role that is taken on for a service's calls: keys for an hour, renewed before they end."""

from __future__ import annotations

import getpass
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import botocore.session

    from toolkit.aws.session import Session


def take_on(role_arn: str, core: botocore.session.Session, *, through: Session) -> None:
    """Let `core` find the role's keys and no others. They are asked for when first needed, with those of `through`."""
    from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials

    def keys() -> dict[str, Any]:
        answer = through.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=_session_name())
        given = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    class Assumed(CredentialProvider):  # type: ignore[misc]
        METHOD = "assume-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(keys, self.METHOD)

    core.register_component("credential_provider", CredentialResolver([Assumed()]))


def _session_name() -> str:
    """Who it is, as CloudTrail shows it. Source: STS API reference, AssumeRole: 2 to 64 of these characters."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return re.sub(r"[^\w+=,.@-]", "-", f"bluegreen-{name}", flags=re.ASCII)[:64]
