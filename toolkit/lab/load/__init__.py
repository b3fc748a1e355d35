"""The load generator: counts every failed, reset or wrong-version request or flow, and retries nothing."""

from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.process import LoadProcess
from toolkit.lab.load.result import LoadResult, LostFlow, Standing

__all__ = ["LoadPlan", "LoadProcess", "LoadResult", "LostFlow", "Standing"]
