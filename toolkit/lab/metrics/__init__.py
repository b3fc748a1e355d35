"""AWS/ApplicationELB and AWS/NetworkELB as CloudWatch shows it: late, at first incomplete, and later revised."""

from toolkit.lab.metrics.hosts import HostCounts
from toolkit.lab.metrics.lateness import Lateness
from toolkit.lab.metrics.provider import MetricsSource, published

__all__ = ["HostCounts", "Lateness", "MetricsSource", "published"]
