"""imitbench: imitation-learning methods compared honestly and fast, in JAX and MuJoCo.

    import imitbench as ib

    env = ib.make_env("FetchReach")
    demos = ib.collect(env, episodes=40)
    run = ib.train("bc", env, demos, num_demos=10, seeds=5, grad_steps=5_000)
    print(run)
    policy = run.policy(seed=0)

The names below are loaded when they are used first; importing the package loads neither JAX nor
MuJoCo.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imitbench.algos.registry import register
    from imitbench.api.comparison import Comparison, compare
    from imitbench.api.datasets import collect, load_data, make_demos, save_data
    from imitbench.api.environments import list_tasks, make_env, register_task
    from imitbench.api.evaluation import evaluate, load_policy
    from imitbench.api.policy import Policy
    from imitbench.api.run import Run
    from imitbench.api.to_gymnasium.wrap import wrap
    from imitbench.api.training import list_methods, train
    from imitbench.utils.errors import UserError

__version__ = "0.3.0"
__all__ = [
    "Comparison",
    "Policy",
    "Run",
    "UserError",
    "collect",
    "compare",
    "evaluate",
    "list_methods",
    "list_tasks",
    "load_data",
    "load_policy",
    "make_demos",
    "make_env",
    "register",
    "register_task",
    "save_data",
    "train",
    "wrap",
]

_MODULES = {
    "Comparison": "api.comparison",
    "Policy": "api.policy",
    "Run": "api.run",
    "UserError": "utils.errors",
    "collect": "api.datasets",
    "compare": "api.comparison",
    "evaluate": "api.evaluation",
    "list_methods": "api.training",
    "list_tasks": "api.environments",
    "load_data": "api.datasets",
    "load_policy": "api.evaluation",
    "make_demos": "api.datasets",
    "make_env": "api.environments",
    "register": "algos.registry",
    "register_task": "api.environments",
    "save_data": "api.datasets",
    "train": "api.training",
    "wrap": "api.to_gymnasium.wrap",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'imitbench' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"imitbench.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
