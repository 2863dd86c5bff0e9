"""The methods by name. Each is a module with a frozen `Config` and a `make` whose parameters say
what the method may touch: (config, spec), and after them `env` and `expert` where it needs them."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from imitbench.algos import (
    awr,
    bc,
    bcq,
    dagger,
    ddpg,
    ddpg_demos,
    iql,
    marwil,
    offline_awr,
    offline_ddpg,
    offline_rwr,
    offline_td3,
    ppo,
    rwr,
    sac,
    sil,
    td3,
    td3_bc,
    vins,
    vins_rl,
    vins_true,
)
from imitbench.core.types import Algorithm, Env, Policy, Spec

ALGOS: dict[str, ModuleType] = {
    "bc": bc,
    "dagger": dagger,
    "vins": vins,
    "vins_true": vins_true,
    "vins_rl": vins_rl,
    # From fixed data with rewards.
    "bcq": bcq,
    "td3_bc": td3_bc,
    "iql": iql,
    "marwil": marwil,
    "offline_awr": offline_awr,
    "offline_rwr": offline_rwr,
    "offline_td3": offline_td3,
    "offline_ddpg": offline_ddpg,
    # By trial and error.
    "ppo": ppo,
    "sac": sac,
    "td3": td3,
    "ddpg": ddpg,
    "ddpg_demos": ddpg_demos,  # and from demonstrations
    "awr": awr,
    "rwr": rwr,
    "sil": sil,
}


def needs(name: str) -> tuple[str, ...]:
    """What a method touches beyond the demonstrations: `env`, `expert`, both or neither."""
    return tuple(inspect.signature(ALGOS[name].make).parameters)[2:]


def online(name: str) -> bool:
    """Whether a method learns by itself, from the task's reward, without demonstrations."""
    return getattr(ALGOS[name], "ONLINE", False)


def rewarded(name: str) -> bool:
    """Whether a method learns from the rewards of the demonstrations' steps."""
    return getattr(ALGOS[name], "REWARDED", False)


def anchored(name: str) -> bool:
    """Whether a method needs demonstrations that reach the goal."""
    return getattr(ALGOS[name], "ANCHORED", False)


def build(name: str, config: Any, spec: Spec, env: Env, expert: Policy | None) -> Algorithm:
    """The method, given what it declares and nothing else."""
    given = {"env": env, "expert": expert}
    return ALGOS[name].make(config, spec, **{k: given[k] for k in needs(name)})
