"""Tasks by name: `make(name)` builds an environment in Brax's protocol."""

from imitbench.envs.registry import TASKS, make

__all__ = ["TASKS", "make"]
