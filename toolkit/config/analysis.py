"""`[service.NAME.analysis]`: how a rollout compares the traffic of both colors."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from toolkit.analysis.policy import Metric, Policy, Threshold
from toolkit.rollout.metrics import OwnMetric
from toolkit.settings import AnalysisSettings, Inconclusive, OwnLimit

_Rate = Annotated[float, Field(ge=0, lt=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Threshold(_Strict):
    """A plain limit on the new color's rate of a minute."""

    metric: Literal["errors", "slow"]
    limit: Annotated[_Rate, Field(description="a rate: 0.01 is one request in a hundred")]
    times: Annotated[int, Field(ge=1, description="minutes in a row")] = 1
    minimum_requests: Annotated[int, Field(ge=1, description="minutes with fewer do not count")] = 1


class _OwnMetric(_Strict):
    """A metric of your own, and which of its values fail a rollout."""

    name: Annotated[str, Field(description="as verdicts call it")]
    namespace: str
    metric: Annotated[str, Field(description="CloudWatch's name of it")]
    dimensions: Annotated[
        dict[str, str], Field(description="all it has; {color} or {target_group} tells the colors apart")
    ]
    statistic: str = "Sum"
    above: Annotated[float | None, Field(description="the new color's value of a minute")] = None
    below: float | None = None
    times_live: Annotated[float | None, Field(gt=0, description="its value over the live color's")] = None
    minutes: Annotated[int, Field(ge=1, le=60, description="in a row")] = 2

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.above is None and self.below is None and self.times_live is None:
            raise ValueError("it says none of above, below and times_live, so it could never fail")
        return self

    def limit(self) -> OwnLimit:
        """Raises UsageError: CloudWatch has no such metric, or it does not tell the colors apart."""
        OwnMetric(self.name, self.namespace, self.metric, self.dimensions, self.statistic)
        return OwnLimit(**self.model_dump())


class AnalysisTable(_Strict):
    """The new color against the live one, every minute."""

    alpha: Annotated[float, Field(gt=0, lt=1, description="false alarms of a whole rollout")] = 0.01
    ratio: Annotated[float, Field(ge=1, lt=100, description="smallest factor on the live rate that fails")] = 1.25
    excess: Annotated[_Rate, Field(description="and smallest addition to it")] = 0.00001
    safe_ratio: Annotated[float, Field(gt=1, description="shown to be below it, the new color passes")] = 2.0
    safe_excess: Annotated[_Rate, Field(description="or within this addition to the live rate")] = 0.001
    sick: Annotated[float, Field(gt=0, le=1, description="nothing passes beside a live side with this rate")] = 0.05
    compare: Annotated[bool, Field(description="false: the thresholds alone decide")] = True
    threshold: Annotated[list[_Threshold], Field(default_factory=list)]
    metric: Annotated[list[_OwnMetric], Field(default_factory=list)]
    slow_over: Annotated[float | None, Field(gt=0, le=3600, description="seconds; longer requests are slow")] = None
    websockets: Annotated[bool, Field(description="requests may become WebSockets")] = False
    count_4xx: Annotated[bool, Field(description="answers 4xx are errors")] = False
    count_connection_errors: Annotated[bool, Field(description="failed connections to targets are errors")] = False
    settle_seconds: Annotated[float, Field(ge=0, le=3600, description="how long a minute may still grow")] = 120.0
    warmup_minutes: Annotated[int, Field(ge=0, le=60, description="left out after each shift")] = 1
    inconclusive: Literal["wait", "pause", "fail"] = "wait"
    wait_seconds: Annotated[float, Field(ge=0, le=86_400, description="how long `wait` waits; then it pauses")] = 1800.0

    def settings(self) -> AnalysisSettings:
        """Raises UsageError: the policy contradicts itself."""
        return AnalysisSettings(
            policy=Policy(
                alpha=self.alpha,
                ratio=self.ratio,
                excess=self.excess,
                safe_ratio=self.safe_ratio,
                safe_excess=self.safe_excess,
                sick=self.sick,
                compare=self.compare,
                thresholds=tuple(
                    Threshold(Metric(each.metric), each.limit, each.times, each.minimum_requests)
                    for each in self.threshold
                ),
            ),
            slow_over=self.slow_over,
            websockets=self.websockets,
            count_4xx=self.count_4xx,
            count_connection_errors=self.count_connection_errors,
            settle_seconds=self.settle_seconds,
            warmup_minutes=self.warmup_minutes,
            inconclusive=Inconclusive(self.inconclusive),
            wait_seconds=self.wait_seconds,
            own=tuple(each.limit() for each in self.metric),
        )
