"""Policies of any method, trained for an update or two and stored in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from helpers.small_configs import shrink

from imitbench import algos, data, envs, experts
from imitbench.results.cells import policies, policy_files

TASK = "ProbeGoal"
SEEDS = [3, 5]


def trained(method: str, task: str = TASK, settings: Any = None) -> tuple[Any, Any, Any, Any]:
    """Two seeds of a method after an update: method, states, demonstrations, settings (by default
    small ones)."""
    env, expert = envs.make(task), experts.load(task)
    config = settings or shrink(algos.ALGOS[method].Config())
    algo = algos.build(method, config, env.spec, env, expert)
    demos = data.subset(data.collect(env, expert, 8, seed=3, only_success=False), 6, SEEDS)
    keys = jnp.stack([jax.random.key(s) for s in SEEDS])
    states = jax.vmap(algo.init)(keys, demos)
    return algo, jax.vmap(algo.update)(keys, states, demos)[0], demos, config


def store(folder: Path, method: str, task: str = TASK, settings: Any = None) -> tuple[Any, Any]:
    """Stores the two policies of `trained` in a folder; returns the method and its states."""
    algo, states, demos, config = trained(method, task, settings)
    folder.mkdir()
    kept = policies.extract(
        algo, states, demos, envs.make(task), SEEDS,
        method=method, config=config, concurrent=False,
    )  # fmt: skip
    policy_files.write(folder, kept)
    return algo, states
