"""A data plane that serves the traffic of this LocalStack's load balancers, and checks their targets."""

import ipaddress
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from toolkit.lab.fidelity import Health, HealthUnknown

log = logging.getLogger(__name__)
_SECONDS = 2.0  # DescribeTargetHealth waits for the answer


class BadUrl(ValueError):
    """Not the address of a data plane that this LocalStack may call."""


@dataclass(frozen=True, slots=True)
class DataPlane:
    """Where it answers; always on loopback, so that an attachment cannot send LocalStack's requests elsewhere."""

    host: str
    port: int

    @classmethod
    def at(cls, url: object) -> "DataPlane":
        """The data plane at `http://LOOPBACK:PORT`.

        Raises:
            BadUrl: the URL is another's; the message says what to write.
        """
        try:
            parts = urlsplit(url if isinstance(url, str) else "")
            address, port = ipaddress.ip_address(parts.hostname or ""), parts.port
        except ValueError:
            address, port, parts = None, None, urlsplit("")
        alone = parts.path in {"", "/"} and not (parts.query or parts.fragment or "@" in parts.netloc)
        if address is None or not address.is_loopback or not port or parts.scheme != "http" or not alone:
            raise BadUrl(f"{url!r} is no address of a data plane; write http://127.0.0.1:PORT")
        return cls(str(address), port)

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], Health]:
        """What its health checks say of the group's targets.

        Raises:
            HealthUnknown: it does not answer, or nothing that can be understood.
        """
        connection = HTTPConnection(self.host, self.port, timeout=_SECONDS)  # follows neither proxies nor redirects
        try:
            connection.request("GET", f"/health?{urlencode({'target_group': target_group_arn})}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != HTTPStatus.OK:
                raise HealthUnknown(f"the data plane at {self.url} answered {answer.status}: {body[:200]!r}")
            return understood(json.loads(body))
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            log.warning("no health of %s from the data plane at %s: %s", target_group_arn, self.url, error)
            raise HealthUnknown(f"the data plane at {self.url} gave no health: {error}") from error
        finally:
            connection.close()


def understood(targets: list[Mapping[str, Any]]) -> dict[tuple[str, int], Health]:
    """Its answer as fidelity takes it; KeyError, TypeError or ValueError for any other."""
    return {
        (str(one["id"]), int(one["port"])): Health(str(one["state"]), one.get("reason"), one.get("description"))
        for one in targets
    }
