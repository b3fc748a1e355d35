"""CloudWatch: how many flows a Network Load Balancer carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from toolkit.aws.session import aws_errors
from toolkit.contract import LoadBalancer
from toolkit.rollout.ports import FlowCount

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_LOOK_BACK = timedelta(minutes=10)  # minutes arrive late, and a quiet load balancer publishes none
_PERIOD_SECONDS = 60


class Cloudwatch:
    """Flows on CloudWatch's metrics."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def active(self, balancer: LoadBalancer) -> FlowCount | None:
        """`ActiveFlowCount`, which AWS publishes per load balancer, not per target group."""
        now = datetime.now(UTC)
        with aws_errors(f"reading the flow count of {balancer.arn_suffix}"):
            answer = self._session.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/NetworkELB",
                MetricName="ActiveFlowCount",
                Dimensions=[{"Name": "LoadBalancer", "Value": balancer.arn_suffix}],
                StartTime=now - _LOOK_BACK,
                EndTime=now,
                Period=_PERIOD_SECONDS,
                Statistics=["Maximum"],
            )
        points = answer["Datapoints"]
        if not points:
            return None
        last = max(points, key=lambda point: point["Timestamp"])
        return FlowCount(int(last["Maximum"]), last["Timestamp"].astimezone(UTC))
