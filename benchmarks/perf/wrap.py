"""Speed of the vector environments of `imitbench.wrap` beside Gymnasium's of the same task.

Run by `make perf-wrap`, on an idle machine. It prints a table; `--out` writes it, too. What is
compared is measured in turns in one process (Gymnasium's `AsyncVectorEnv` has workers of its own).
"""

from __future__ import annotations

import imitbench as ib
from benchmarks.perf import vector_envs
from imitbench.utils.machine import available_cpus

TASKS = {"HalfCheetah": "HalfCheetah-v5", "FetchPush": "FetchPush-v4"}


def rows(options: vector_envs.Options) -> list[list[str]]:
    """A row for each task and number of environments."""
    found = []
    for task, peer in TASKS.items():
        for num in options.nums:
            env = ib.wrap(ib.make_env(task, "native"), num_envs=num)
            ours = vector_envs.stepping(env, options.steps)
            found.append(vector_envs.row(task, peer, num, ours, options))
            env.close()
    return found


if __name__ == "__main__":
    note = f"native engine, {available_cpus()} threads"
    vector_envs.main("Vector environments", "perf-wrap", "imitbench", note, rows)
