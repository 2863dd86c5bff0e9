"""mujoco is a C extension without type information: everything is Any."""

from typing import Any

def __getattr__(name: str) -> Any: ...
