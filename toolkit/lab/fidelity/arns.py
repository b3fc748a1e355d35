"""The ARNs of load balancers: AWS names the kind in them, moto 5.2.5 writes `app` for every kind.

Source: Service Authorization Reference, resource types of Elastic Load Balancing V2.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

_KINDS: Final = {"application": "app", "network": "net", "gateway": "gwy"}
_wanted: ContextVar[str] = ContextVar("_wanted", default="app")


def naming(create: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap moto's `create_load_balancer`, so that it makes an ARN of the kind it is asked for."""

    @wraps(create)
    def create_load_balancer(*args: Any, **kwargs: Any) -> Any:
        token = _wanted.set(_KINDS.get(kwargs.get("loadbalancer_type") or "application", "app"))
        try:
            return create(*args, **kwargs)
        finally:
            _wanted.reset(token)

    return create_load_balancer


def of_kind(make: Callable[..., str]) -> Callable[..., str]:
    """Wrap moto's `make_arn_for_load_balancer`, so that it names the kind that is being created."""

    @wraps(make)
    def make_arn_for_load_balancer(*args: Any, **kwargs: Any) -> str:
        return make(*args, **kwargs).replace(":loadbalancer/app/", f":loadbalancer/{_wanted.get()}/", 1)

    return make_arn_for_load_balancer
