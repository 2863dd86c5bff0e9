"""Tasks: `make(name)` gives an environment in Brax's protocol."""

from imitbench.envs.registry import TASKS, make

__all__ = ["TASKS", "make"]
