"""Speed of `gymnasium/ID` tasks in compiled rollouts beside `gymnasium.vector`.

Run by `make perf-gymnasium`, on an idle machine. It prints a table; `--out` writes it, too. What is
compared is measured in turns in one process (`AsyncVectorEnv` has workers of its own).
"""

from __future__ import annotations

import jax

from benchmarks.perf import vector_envs
from benchmarks.perf.timing import Work
from imitbench import envs
from imitbench.core import unrolling
from imitbench.core.types import Env, Key
from imitbench.utils.machine import available_cpus

TASKS = ("HalfCheetah-v5", "FetchPush-v4", "AdroitHandDoor-v1", "Pendulum-v1")


def rollouts(env: Env, num: int, steps: int) -> Work:
    """Random actions in a compiled program, ends and beginnings of episodes among them."""
    length = max(2, steps // num)

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], env.spec.action_size), minval=-1.0)

    running = jax.jit(lambda key: unrolling.start_episodes(env, key, num))(jax.random.key(0))
    unroll = jax.jit(lambda key, r: unrolling.unroll(env, policy, key, r, length)[1].reward)
    key = jax.random.key(1)
    return Work(lambda: unroll(key, running), length * num)


def rows(options: vector_envs.Options) -> list[list[str]]:
    """A row for each task and number of environments."""
    found = []
    for name in TASKS:
        env = envs.make(f"gymnasium/{name}")
        for num in options.nums:
            ours = rollouts(env, num, options.steps)
            found.append(vector_envs.row(env.name, name, num, ours, options))
    return found


if __name__ == "__main__":
    note = f"{available_cpus()} threads"
    vector_envs.main("Gymnasium tasks", "perf-gymnasium", "compiled rollout", note, rows)
