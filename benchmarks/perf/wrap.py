"""Speed of the vector environments of `imitbench.wrap` beside Gymnasium's of the same task.

Run by `make perf-wrap`, on an idle machine. It prints a table; `--out` writes it, too. What is
compared is measured in turns in one process (Gymnasium's `AsyncVectorEnv` has workers of its own).
"""

from __future__ import annotations

import importlib
import multiprocessing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

import imitbench as ib
from benchmarks.perf.timing import Work, publish
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine
from imitbench.utils.machine import available_cpus

TASKS = {"HalfCheetah": "HalfCheetah-v5", "FetchPush": "FetchPush-v4"}


@dataclass(frozen=True)
class Options:
    """Speed of vector environments beside Gymnasium's."""

    rounds: int = 5
    """Measurements of each; one more before them warms up."""
    steps: int = 2_000
    """Environment steps in a measurement, over all environments."""
    nums: tuple[int, ...] = (1, 16, 64)
    """Numbers of environments."""
    out: Path | None = None
    """Where the table goes; it is always printed."""


def make_peer(name: str) -> gymnasium.Env[Any, Any]:
    """One environment of Gymnasium, without the checker, which costs time."""
    gymnasium.register_envs(importlib.import_module("gymnasium_robotics"))
    return gymnasium.make(name, disable_env_checker=True)


def stepping(env: VectorEnv[Any, Any, Any], steps: int) -> Work:
    """Steps with random actions, ends and beginnings of episodes among them."""
    shape = env.action_space.shape or ()
    actions = np.random.default_rng(0).uniform(-1, 1, (max(2, steps // env.num_envs), *shape))
    actions = actions.astype(np.float32)
    env.reset(seed=0)

    def run() -> None:
        for action in actions:
            env.step(action)

    return Work(run, len(actions) * env.num_envs)


def row(task: str, num: int, options: Options) -> list[str]:
    """The rates of ours and of Gymnasium's two, and their ratios."""
    peers = [partial(make_peer, TASKS[task])] * num
    vectors: list[VectorEnv[Any, Any, Any]] = [
        ib.wrap(ib.make_env(task, "native"), num_envs=num),
        SyncVectorEnv(peers),
        # JAX has threads by now, and a fork of such a process may hang.
        AsyncVectorEnv(peers, context="forkserver"),
    ]
    works = [stepping(env, options.steps) for env in vectors]
    rates = np.array([[work.rate() for work in works] for _ in range(options.rounds + 1)])
    for env in vectors:
        env.close()
    ours, sync, parallel = np.median(rates[1:], axis=0)
    return [
        task,
        str(num),
        *(f"{rate:,.0f}" for rate in (ours, sync, parallel)),
        f"{ours / sync:.2f}",
        f"{ours / parallel:.2f}",
    ]


def main(options: Options) -> None:
    header = [
        "task", "environments", "imitbench, env steps/s", "SyncVectorEnv, env steps/s",
        "AsyncVectorEnv, env steps/s", "ratio to Sync", "ratio to Async",
    ]  # fmt: skip
    rows = [row(task, num, options) for task in TASKS for num in options.nums]
    versions = ", ".join(
        f"{x} {machine.version(x)}" for x in ("jax", "mujoco", "gymnasium", "gymnasium-robotics")
    )
    text = [
        "# Vector environments",
        "",
        f"Made by `make perf-wrap` on {machine.device()}; {versions}. Medians of {options.rounds} "
        f"measurements in turns, native engine, {available_cpus()} threads. Random actions; "
        "episodes end and begin anew within the measurement. Gymnasium's environments run without "
        "their checker; those of `AsyncVectorEnv` have a process each.",
        "",
        markdown_table(header, rows),
        "",
    ]
    if options.out:
        publish(text, options.out)
    else:
        print("\n".join(text))


if __name__ == "__main__":
    chosen = tyro.cli(Options)
    machine.setup()
    # What 64 workers would otherwise import one by one.
    multiprocessing.set_forkserver_preload(["benchmarks.perf.wrap", "gymnasium_robotics"])
    main(chosen)
