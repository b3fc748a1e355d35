"""A new target group for flows as AWS makes it: moto gives every group the defaults of an Application Load Balancer.

Source: API_TargetGroupAttribute, and API_Matcher for the codes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from toolkit.lab.fidelity.attributes import NETWORK_PROTOCOLS, network_attributes

_CODES: Final = "200-399"


def completing(original: Callable[..., None]) -> Callable[..., None]:
    """Wrap the making of moto's target group, so that one for flows gets its own defaults."""

    @wraps(original)
    def init(group: Any, *args: Any, **kwargs: Any) -> None:
        original(group, *args, **kwargs)
        if group.protocol in NETWORK_PROTOCOLS:
            group.attributes = network_attributes(group.protocol, group.target_type, group.attributes)
            if group.health_check_protocol != "TCP" and not kwargs.get("matcher"):
                group.matcher = {"HttpCode": _CODES}

    return init
