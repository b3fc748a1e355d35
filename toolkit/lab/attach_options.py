"""What a data plane that is attached to a foreign endpoint can be told when it starts."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import urlsplit

from toolkit.errors import LabError, UsageError
from toolkit.lab.options import LabOptions

ATTACHED_NAME: Final = "attached"
DEFAULT_POLL_INTERVAL: Final = 0.5
_MIN_POLL_INTERVAL, _MAX_POLL_INTERVAL = 0.05, 60.0
_REGION = re.compile(r"[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class AttachOptions:
    """Which endpoint's load balancers are to be served, and how. All times are seconds.

    Attributes:
        endpoint_url: of an AWS endpoint on this machine, without a slash at its end.
        name: tells labs on one machine apart, attached ones among them.
        regions: whose load balancers are served from the start; others join when their target health is asked for.
        time_scale: what health check intervals and deregistration delays are multiplied by.
        poll_interval: from one reading of the endpoint's load balancers to the next.
    """

    endpoint_url: str
    name: str = ATTACHED_NAME
    regions: tuple[str, ...] = ("eu-central-1",)
    time_scale: float = 1.0
    poll_interval: float = DEFAULT_POLL_INTERVAL

    def __post_init__(self) -> None:
        LabOptions(name=self.name, time_scale=self.time_scale)  # refuses what no lab takes
        object.__setattr__(self, "endpoint_url", on_this_machine(self.endpoint_url))
        if not self.regions:
            raise LabError("no region is named.", hint="Name one with --region.")
        for region in self.regions:
            if not is_region(region):
                raise LabError(f"'{region}' is no AWS region.", hint="Name one such as eu-central-1.")
        if not (math.isfinite(self.poll_interval) and _MIN_POLL_INTERVAL <= self.poll_interval <= _MAX_POLL_INTERVAL):
            raise LabError(
                f"poll_interval is {self.poll_interval}.",
                hint=f"Use {_MIN_POLL_INTERVAL} to {_MAX_POLL_INTERVAL:.0f} seconds.",
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"regions": list(self.regions)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(**{**document, "regions": tuple(document["regions"])})


AnyOptions = LabOptions | AttachOptions


def options_from(document: Mapping[str, Any]) -> AnyOptions:
    """What `to_json` of either kind made: only an attached one names an endpoint."""
    return AttachOptions.from_json(document) if "endpoint_url" in document else LabOptions.from_json(document)


def on_this_machine(url: str) -> str:
    """The endpoint without a slash at its end.

    Raises:
        UsageError: it is no address of a web server, or not one on this machine. The data plane knows no credentials
            but dummy ones, and AWS has load balancers of its own.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        has_port = parts.port is None or parts.port > 0
    except ValueError:  # a port that is none
        host, has_port = None, False
    if host is None or not has_port or parts.scheme not in {"http", "https"} or parts.path not in {"", "/"}:
        raise UsageError(f"the endpoint {url!r} is not of the form http://HOST:PORT.")
    if not _is_loopback(host):
        raise UsageError(
            f"the endpoint {url} is not on this machine, and a data plane is attached to emulators on loopback only.",
            hint="Name it by 127.0.0.1 or localhost. AWS has load balancers of its own.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_region(name: str) -> bool:
    """Whether it is written as AWS writes its regions."""
    return _REGION.fullmatch(name) is not None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
