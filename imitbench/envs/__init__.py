"""Tasks by name: `make(name)` builds an environment in Brax's protocol."""

from imitbench.envs.registry import GRAPHICS_TASKS, TASKS, make

__all__ = ["GRAPHICS_TASKS", "TASKS", "make"]
