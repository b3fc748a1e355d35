"""CloudWatch: how many flows a Network Load Balancer carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors
from toolkit.contract import LoadBalancer, TargetGroup
from toolkit.rollout.ports import FlowCount

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_LOOK_BACK = timedelta(minutes=10)  # minutes arrive late, and what is quiet may publish none
_PERIOD_SECONDS = 60


class Cloudwatch:
    """Flows on CloudWatch's metrics."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def active(self, balancer: LoadBalancer, group: TargetGroup) -> FlowCount | None:
        """`ActiveFlowCount`, both ways in one call.

        Source of the dimensions: "CloudWatch metrics for your Network Load Balancer", ELB user guide. Older editions
        know `LoadBalancer` only, so a count of the target group may not be there everywhere.
        """
        now = datetime.now(UTC)
        with aws_errors(f"reading the flow count of {balancer.arn_suffix}"):
            answer = self._session.client("cloudwatch").get_metric_data(
                MetricDataQueries=[
                    _query("group", "TargetGroup", group.arn_suffix),
                    _query("balancer", "LoadBalancer", balancer.arn_suffix),
                ],
                StartTime=(now - _LOOK_BACK).replace(second=0, microsecond=0),
                EndTime=now,
            )
        counts = {result["Id"]: _latest(result) for result in answer["MetricDataResults"]}
        for name in ("group", "balancer"):
            if found := counts.get(name):
                at, count = found
                return FlowCount(int(count), at.astimezone(UTC), of_group=name == "group")
        return None


def _query(name: str, dimension: str, value: str) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/NetworkELB",
                "MetricName": "ActiveFlowCount",
                "Dimensions": [{"Name": dimension, "Value": value}],
            },
            "Period": _PERIOD_SECONDS,
            "Stat": "Maximum",
        },
    }


def _latest(result: Mapping[str, Any]) -> tuple[datetime, float] | None:
    return max(zip(result["Timestamps"], result["Values"], strict=True), default=None)
