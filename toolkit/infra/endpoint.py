"""Whether anything listens where AWS is said to be, asked before the provider asks for a minute."""

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from toolkit.errors import AwsUnreachable, UsageError

_TIMEOUT = 3.0  # seconds; a port of this machine answers or refuses at once
_DEFAULT_PORTS = {"http": 80, "https": 443}


def require_listener(environ: Mapping[str, str]) -> None:
    """Refuse an AWS_ENDPOINT_URL on this machine where nothing listens.

    The AWS provider would try it nine times, for more than a minute. Endpoints elsewhere are left to the
    provider: the way there may lead through a proxy.

    Raises:
        AwsUnreachable: nothing listens there.
        UsageError: it is no address of a web server.
    """
    url = environ.get("AWS_ENDPOINT_URL")
    if not url:
        return
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:  # a port that is none
        host = port = None
    if host is None or port is None:
        raise UsageError(f"the endpoint {url!r} is not of the form http://HOST:PORT.")
    if not _is_this_machine(host):
        return
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT).close()
    except OSError as error:
        raise AwsUnreachable(
            f"nothing answers at the endpoint {url} ({error.strerror or error}). Nothing was changed.",
            hint="Correct AWS_ENDPOINT_URL or --endpoint-url, or start what should listen there.",
        ) from error


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
