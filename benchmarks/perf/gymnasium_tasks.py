"""Speed of `gymnasium/ID` tasks in compiled rollouts beside `gymnasium.vector`.

Run by `make perf-gymnasium`, on an idle machine. It prints a table; `--out` writes it, too. What is
compared is measured in turns in one process (`AsyncVectorEnv` has workers of its own).
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import numpy as np
import tyro
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from benchmarks.perf.timing import Work, publish
from benchmarks.perf.wrap import make_peer, stepping
from imitbench import envs
from imitbench.core import unrolling
from imitbench.core.types import Env, Key
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine
from imitbench.utils.machine import available_cpus

TASKS = ("HalfCheetah-v5", "FetchPush-v4", "AdroitHandDoor-v1", "Pendulum-v1")


@dataclass(frozen=True)
class Options:
    """Speed of Gymnasium tasks beside Gymnasium's vector environments."""

    rounds: int = 5
    """Measurements of each; one more before them warms up."""
    steps: int = 2_000
    """Environment steps in a measurement, over all environments."""
    nums: tuple[int, ...] = (1, 16, 64)
    """Numbers of environments."""
    out: Path | None = None
    """Where the table goes; it is always printed."""


def rollouts(env: Env, num: int, steps: int) -> Work:
    """Random actions in a compiled program, ends and beginnings of episodes among them."""
    length = max(2, steps // num)

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], env.spec.action_size), minval=-1.0)

    running = jax.jit(lambda key: unrolling.start_episodes(env, key, num))(jax.random.key(0))
    unroll = jax.jit(lambda key, r: unrolling.unroll(env, policy, key, r, length)[1].reward)
    key = jax.random.key(1)
    return Work(lambda: unroll(key, running), length * num)


def row(name: str, num: int, options: Options) -> list[str]:
    """The rates of ours and of Gymnasium's two, and their ratios."""
    peers = [partial(make_peer, name)] * num
    # JAX has threads by now, and a fork of such a process may hang.
    vectors = [SyncVectorEnv(peers), AsyncVectorEnv(peers, context="forkserver")]
    works = [rollouts(envs.make(f"gymnasium/{name}"), num, options.steps)]
    works += [stepping(env, options.steps) for env in vectors]
    rates = np.array([[work.rate() for work in works] for _ in range(options.rounds + 1)])
    for env in vectors:
        env.close()
    ours, sync, parallel = np.median(rates[1:], axis=0)
    return [
        f"gymnasium/{name}",
        str(num),
        *(f"{rate:,.0f}" for rate in (ours, sync, parallel)),
        f"{ours / sync:.2f}",
        f"{ours / parallel:.2f}",
    ]


def main(options: Options) -> None:
    header = [
        "task", "environments", "compiled rollout, env steps/s", "SyncVectorEnv, env steps/s",
        "AsyncVectorEnv, env steps/s", "ratio to Sync", "ratio to Async",
    ]  # fmt: skip
    rows = [row(task, num, options) for task in TASKS for num in options.nums]
    versions = ", ".join(
        f"{x} {machine.version(x)}" for x in ("jax", "mujoco", "gymnasium", "gymnasium-robotics")
    )
    text = [
        "# Gymnasium tasks",
        "",
        f"Made by `make perf-gymnasium` on {machine.device()}; {versions}. Medians of "
        f"{options.rounds} measurements in turns, {available_cpus()} threads. Random actions; "
        "episodes end and begin anew within the measurement. The environments run without their "
        "checker; those of `AsyncVectorEnv` have a process each.",
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
