"""What an operator may set, as plain values; `config` reads them from bluegreen.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

NETWORK_SETTLE_SECONDS = 600.0
"""Weights and routing of a Network Load Balancer may disagree for a while, and standing flows stay where they are.
Ten minutes is what ECS waits. Source: ECS developer guide, blue/green deployments with a Network Load Balancer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """Where AWS is. None leaves the decision to the SDK: environment, profile, instance role."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How one service is released.

    contract: where its deployment contract is: `ssm:NAME` or `file:PATH`; None is `ssm:/bluegreen/SERVICE/deployment`.
    minimum_healthy: targets that must be healthy on a color before it gets more traffic.
    headroom: factor on the capacity that the next share asks for: 1.2 wants a fifth more targets.
    terraform: the Terraform configuration that provisions the service, for `drift` to compare with.
    bake_seconds: how long `cutover` watches the new side.
    settle_seconds: how long after a write nothing is judged or scaled down; None is 600 behind a Network Load
        Balancer and 0 behind an Application Load Balancer.
    poll_seconds: how often it looks.
    verify_seconds: how long a read-back may take to show what was written.
    """

    contract: str | None = None
    terraform: str | None = None
    minimum_healthy: int = 1
    headroom: float = 1.2
    bake_seconds: float = 60.0
    settle_seconds: float | None = None
    poll_seconds: float = 2.0
    verify_seconds: float = 10.0

    def settle_of(self, *, network: bool) -> float:
        """Seconds to wait after a write before a verdict, by the type of the load balancer."""
        if self.settle_seconds is not None:
            return self.settle_seconds
        return NETWORK_SETTLE_SECONDS if network else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    aws: AwsSettings = field(default_factory=AwsSettings)
    service: dict[str, ServiceSettings] = field(default_factory=dict)

    def of(self, service: str) -> ServiceSettings:
        """The settings of `service`; the defaults where the file says nothing of it."""
        return self.service.get(service, ServiceSettings())
