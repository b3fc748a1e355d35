"""ECS services of the lab: tasks that are processes, and the scheduler that keeps them."""

from toolkit.lab.compute.ecs.controller import EcsController

__all__ = ["EcsController"]
