"""The cost of data that stay in files: gradient steps per second, streamed over in memory. Run by
`make perf-streaming`, on an idle machine.

Writes `results/perf/streaming.md`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.perf.timing import in_turns, publish, synthetic
from imitbench import algos, data, envs
from imitbench.core.types import Spec
from imitbench.utils import machine, runtime

WHERE = Path("results") / "perf" / "streaming.md"
TASK, STEPS, SEEDS = "HalfCheetah", 200, 1  # STEPS: gradient steps of a measurement
METHODS = ("bc", "td3_bc", "iql", "bcq", "marwil", "offline_awr")


def made_up(spec: Spec, episodes: int) -> data.Demos:
    """Episodes of the task's sizes; the numbers do not matter for speed."""
    rows = jax.tree.map(lambda x: np.asarray(x[0]), synthetic(spec, episodes * spec.horizon, 1))
    header = data.make_header(TASK, [0.0], None, expert="x", engine="x", grade="expert")
    return data.Demos(rows, header, np.full(episodes, spec.horizon))


def work(name: str, demos: data.Demos, stream: bool) -> tuple[Callable[[], Any], int]:
    """An update of a method, and its gradient steps."""
    env = envs.make(TASK)
    config: Any = algos.ALGOS[name].Config()
    if hasattr(config, "data"):
        config = replace(config, data=replace(config.data, steps=STEPS))
    elif hasattr(config, "policy_steps"):
        config = replace(config, policy_steps=STEPS)
    else:
        config = replace(config, steps=STEPS)
    algo = algos.build(name, config, env.spec, env, None)
    rows = data.subset(demos, len(demos), range(SEEDS), same=True, stream=stream)
    key = jax.random.key(0)
    state = jax.jit(algo.init)(key, rows)
    update: Any = jax.jit(algo.update)
    return lambda: update(key, state, rows), algo.cost.grad_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=500, help="of 1,000 steps each")
    parser.add_argument("--methods", nargs="*", default=METHODS)
    args = parser.parse_args()
    runtime.setup()
    whole = made_up(envs.make(TASK).spec, args.episodes)
    mapped = data.memory_mapped(whole)
    text = [
        "# Streaming",
        "",
        "Made by `make perf-streaming`. Gradient steps per second on "
        f"{args.episodes * 1000:,} steps of {TASK}'s sizes, one seed, on {machine.device()}; "
        "median of alternating measurements. The files are in the page cache.",
        "",
        "| Method | in memory | streamed | ratio |",
        "|---|---|---|---|",
    ]
    for name in args.methods:
        (streamed, steps), (memory, _) = (work(name, d, d is mapped) for d in (mapped, whole))
        slow, fast = in_turns(streamed, memory)
        text.append(f"| {name} | {steps / fast:,.0f} | {steps / slow:,.0f} | {fast / slow:.2f} |")
    publish(text, WHERE)


if __name__ == "__main__":
    main()
