"""The data plane of the lab: Envoy, programmed from the emulated ELBv2."""

from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.dataplane.health import TargetHealth
from toolkit.lab.dataplane.plane import DataPlane
from toolkit.lab.dataplane.traffic import MinuteTraffic

__all__ = ["DataPlane", "MinuteFlows", "MinuteTraffic", "TargetHealth"]
