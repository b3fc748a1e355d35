"""Changing the listeners of a Network Load Balancer: moto refuses TLS and UDP there, with the change half made."""

from collections.abc import Callable
from functools import wraps
from typing import Any

_KNOWN = (None, "HTTP", "HTTPS", "TCP")
_WITH_CERTIFICATES = {"TLS": "HTTPS"}  # the same checks of certificates


def modifying(original: Callable[..., Any]) -> Callable[..., Any]:
    """`modify_listener` for every protocol that `create_listener` takes."""

    @wraps(original)
    def modify_listener(
        backend: Any, arn: str, port: Any = None, protocol: Any = None, *rest: Any, **named: Any
    ) -> Any:
        listener = backend.describe_listeners(load_balancer_arn=None, listener_arns=[arn])[0]
        wanted = protocol or listener.protocol
        if wanted in _KNOWN:
            return original(backend, arn, port, protocol, *rest, **named)
        before = listener.protocol
        try:
            modified = original(backend, arn, port, _WITH_CERTIFICATES.get(wanted), *rest, **named)
        except BaseException:
            listener.protocol = before
            raise
        modified.protocol = wanted
        return modified

    return modify_listener
