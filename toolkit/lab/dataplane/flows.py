"""TCP flows per minute, load balancer and target group, from Envoy's log of connections.

A flow is one client's connection through a Network Load Balancer. Source for what is counted: CloudWatch metrics
for your Network Load Balancer.
"""

from dataclasses import dataclass

MINUTE = 60
GROUP_NAMESPACE, GROUP_KEY = "lab", "target_group"
"""Where each target's metadata says which group it is in."""
LOG_FIELDS = (
    "%EMIT_TIME(%s)%",
    "%ACCESS_LOG_TYPE%",
    "%CONNECTION_ID%",
    "%RESPONSE_FLAGS%",
    "%DOWNSTREAM_DETECTED_CLOSE_TYPE%",
    "%UPSTREAM_DETECTED_CLOSE_TYPE%",
    "%BYTES_RECEIVED%",
    "%BYTES_SENT%",
    f"%UPSTREAM_METADATA({GROUP_NAMESPACE}:{GROUP_KEY})%",
)
"""Fields of one line of the flow log, separated by single spaces; the load balancer's suffix follows as the last."""


@dataclass(slots=True)
class MinuteFlows:
    """One minute of one target group's flows through one load balancer.

    `target_group` is "" for flows that found no target. `new` counts the flows that reached a target in this
    minute, `active` those open at its end (now, for the minute that runs). A reset is counted for the side that
    sent it. `bytes` are those of both directions, without headers.
    """

    minute: float
    """Epoch seconds at which the minute began."""
    load_balancer: str
    """`net/NAME/ID`"""
    target_group: str
    """`targetgroup/NAME/ID`"""
    new: int = 0
    active: int = 0
    client_resets: int = 0
    target_resets: int = 0
    balancer_resets: int = 0
    bytes: int = 0
