"""What the measurements beside Gymnasium's vector environments share."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import tyro
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

from benchmarks.perf.timing import Work, publish
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine, runtime


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


def row(task: str, peer: str, num: int, ours: Work, options: Options) -> list[str]:
    """The rates of ours and of Gymnasium's two, and their ratios.

    Args:
        task: what the row is called.
        peer: the identifier of Gymnasium's environment.
        num: the number of environments.
        ours: what is compared.
        options: of the program.
    """
    peers = [partial(make_peer, peer)] * num
    # JAX has threads by now, and a fork of such a process may hang.
    vectors = [SyncVectorEnv(peers), AsyncVectorEnv(peers, context="forkserver")]
    works = [ours, *(stepping(env, options.steps) for env in vectors)]
    rates = np.array([[work.rate() for work in works] for _ in range(options.rounds + 1)])
    for env in vectors:
        env.close()
    mine, sync, parallel = np.median(rates[1:], axis=0)
    return [
        task,
        str(num),
        *(f"{rate:,.0f}" for rate in (mine, sync, parallel)),
        f"{mine / sync:.2f}",
        f"{mine / parallel:.2f}",
    ]


def main(
    title: str, target: str, column: str, note: str, rows: Callable[[Options], Sequence[list[str]]]
) -> None:
    """Measures, and prints the table; with `--out` it is written, too.

    Args:
        title: of the page.
        target: the make target.
        column: the name of what is compared.
        note: further conditions of the measurement.
        rows: measures the rows.
    """
    options = tyro.cli(Options)
    runtime.setup()
    # What 64 workers would otherwise import one by one.
    multiprocessing.set_forkserver_preload([__name__, "gymnasium_robotics"])
    header = [
        "task", "environments", f"{column}, env steps/s", "SyncVectorEnv, env steps/s",
        "AsyncVectorEnv, env steps/s", "ratio to Sync", "ratio to Async",
    ]  # fmt: skip
    versions = ", ".join(
        f"{x} {machine.version(x)}" for x in ("jax", "mujoco", "gymnasium", "gymnasium-robotics")
    )
    text = [
        f"# {title}",
        "",
        f"Made by `make {target}` on {machine.device()}; {versions}. Medians of {options.rounds} "
        f"measurements in turns, {note}. Random actions; episodes end and begin anew within the "
        "measurement. Gymnasium's environments run without their checker; those of "
        "`AsyncVectorEnv` have a process each.",
        "",
        markdown_table(header, rows(options)),
        "",
    ]
    if options.out:
        publish(text, options.out)
    else:
        print("\n".join(text))
