"""Speed and memory as ratios to what the machine can do. Run by `make perf-engines`, on an idle
machine.

Writes `results/perf/README.md`. Limits are measured in the same run, in turns with what is compared
with them, because a shared machine's speed drifts.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from benchmarks.perf.timing import ROUNDS, in_turns, publish, raw_engine, seconds, synthetic
from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.core.types import Algorithm, Env, EnvState
from imitbench.envs import fetch, locomotion
from imitbench.results.figures import drawing, palette
from imitbench.training import loop
from imitbench.utils import machine, runtime
from imitbench.utils.machine import available_cpus

ROOT = Path("results") / "perf"


SEEDS = (1, 2, 5, 10, 20, 50)
NATIVE_AIM = 0.95
ONE_SEED_AIM, SEEDS_AIM = 0.6, 0.7  # of the matrix-product peak, in training
FIRST_UPDATE_AIM, MEMORY_AIM = 4.0, 1024.0  # seconds with a filled cache, MiB


def still_rollout(
    env: Env, num: int, steps: int
) -> tuple[EnvState, Callable[[EnvState], jax.Array]]:
    """Initial states of so many environments, and a compiled function that steps them with actions
    of 0 and returns the last observations."""
    state = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(0), num))
    still = jnp.zeros((num, env.spec.action_size))
    step = jax.vmap(env.step)
    rollout = jax.jit(
        lambda s: jax.lax.scan(lambda s, _: (step(s, still), None), s, None, steps)[0].obs
    )
    return state, rollout


def native_engine(task: str, num: int, substeps: int, steps: int = 5) -> str:
    """Environment steps in a jitted rollout against `mujoco.rollout` with the same threads."""
    env = cast(fetch.Fetch | locomotion.Locomotion, envs.make(task, "native"))
    model = env.physics.model
    state, rollout = still_rollout(env, num, steps)
    mocap = ()
    if model.nmocap:
        hand = fetch.settle(model, fetch.TASKS[task]).body("robot0:gripper_link")
        mocap = np.concatenate([hand.xpos, hand.xquat + np.array([1, 0, 1, 0])])
    raw = raw_engine(model, state.pipeline_state, substeps, steps, mocap)
    mine, limit = in_turns(lambda: rollout(state), raw)
    total = num * steps
    return (
        f"| native engine in a jitted rollout, {task}, {num:,} environments, "
        f"{available_cpus()} threads | "
        f"{total / mine:,.0f} env steps/s | {total / limit:,.0f} env steps/s (mujoco.rollout) | "
        f"{limit / mine:.2f} | {NATIVE_AIM} |"
    )


def matmul_peak() -> Callable[[], float]:
    """A function that measures the float32 matrix-product peak, in GFLOP/s, over several sizes."""
    square = jax.jit(lambda a: a @ a)
    inputs = [jnp.ones((n, n)) for n in (512, 1024, 2048)]
    for a in inputs:
        square(a).block_until_ready()

    def measure() -> float:
        rates = [
            2 * len(a) ** 3 / min(seconds(lambda a=a: square(a)) for _ in range(4)) for a in inputs
        ]
        return max(rates) / 1e9

    return measure


def beside_peak(work: Callable[[], Any]) -> tuple[float, float]:
    """Median seconds of a call and the peak in GFLOP/s, measured in turns; it is called once
    before."""
    measure = matmul_peak()
    seconds(work)
    found = np.array([(seconds(work), measure()) for _ in range(ROUNDS)])
    return float(np.median(found[:, 0])), float(np.median(found[:, 1]))


def bare_products(batch: int, sizes: Sequence[int], steps: int = 400) -> Callable[[], float]:
    """A function that measures seconds per gradient step of its matrix products alone.

    Forward, gradients of the weights, and of the inputs but for the first layer's: no bias, no
    activation, no sampling, no optimiser. What the shapes cost, however the rest is written.
    """
    inputs = jnp.zeros((batch, sizes[0]))

    def step(weights: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
        seen = [inputs]
        for w in weights:
            seen.append(seen[-1] @ w)
        back, grads = seen[-1], []
        for x, w in zip(reversed(seen[:-1]), reversed(weights), strict=True):
            grads.append(x.T @ back)
            if x is not inputs:
                back = back @ w.T
        return grads[::-1], None

    run = jax.jit(lambda w: jax.lax.scan(step, w, None, steps)[0])
    weights = [jnp.zeros(pair) for pair in itertools.pairwise(sizes)]
    jax.block_until_ready(run(weights))
    return lambda: seconds(lambda: run(weights)) / steps


def weights(sizes: Sequence[int]) -> int:
    """Of the layers' matrices."""
    return sum(a * b for a, b in itertools.pairwise(sizes))


def products(sizes: Sequence[int], batch: int) -> int:
    """Operations of a gradient step's matrix products: forward, gradient of the weights, and
    gradient of the inputs but for the first layer's."""
    each = [a * b for a, b in itertools.pairwise(sizes)]
    return 2 * batch * (3 * sum(each) - each[0])


def training(
    algo: Algorithm, env: Env, seeds: int, also: Callable[[], float] | None = None
) -> tuple[float, float, float]:
    """Gradient steps per second over all seeds and the peak in GFLOP/s, measured in turns; and the
    median of `also`, in turns with them."""
    measure = matmul_peak()
    rates, peaks, others, marks = [], [], [], [0.0]
    updates = max(400 // algo.cost.grad_steps, 1)

    def on_eval(state: loop.TrainState, ev: loop.Eval) -> None:
        rates.append(updates * algo.cost.grad_steps * seeds / (ev.seconds["train"] - marks[-1]))
        marks.append(ev.seconds["train"])
        peaks.append(measure())
        others.append(also() if also else 0.0)

    loop.train(
        algo,
        synthetic(env.spec, 5000, seeds),
        jnp.stack([jax.random.key(s) for s in range(seeds)]),
        env=env,
        num_updates=updates * ROUNDS,
        num_evals=ROUNDS,
        eval_episodes=1,
        on_eval=on_eval,
    )
    return float(np.median(rates)), float(np.median(peaks)), float(np.median(others))


def training_row(name: str, seeds: int, rate: float, flops: int, peak: float) -> str:
    used, aim = rate * flops / 1e9, ONE_SEED_AIM if seeds == 1 else SEEDS_AIM
    return (
        f"| {name}, {seeds} seed{'s' * (seeds > 1)} | "
        f"{rate:,.0f} gradient steps/s over all seeds = {used:.0f} GFLOP/s | "
        f"{peak:.0f} GFLOP/s (matrix product) | {used / peak:.2f} | {aim} |"
    )


BC = bc.Config(hidden=(256, 256), batch=256, validation=0.0, steps=100)


def bc_task() -> tuple[Env, tuple[int, ...]]:
    """Where `BC` is measured, and the sizes of its layers."""
    env = envs.make("FetchPush")
    return env, (env.spec.obs_size, *BC.hidden, env.spec.action_size)


def bc_core(seeds: int) -> tuple[str, float]:
    """Gradient steps of `BC` against the float32 matrix-product peak: a row, and gradient steps per
    second over all seeds."""
    env, sizes = bc_task()
    flops = products(sizes, BC.batch)
    bare = bare_products(BC.batch, sizes)
    rate, peak, bare = training(bc.make(BC, env.spec), env, seeds, bare)
    row = training_row("BC core, 256-256, batch 256", seeds, rate, flops, peak)
    if seeds > 1:
        return row, rate
    alone = flops / bare / 1e9
    products_row = (
        f"| the matrix products of that step and nothing else | {alone:.0f} GFLOP/s | "
        f"{peak:.0f} GFLOP/s (matrix product) | {alone / peak:.2f} | - |"
    )
    return f"{row}\n{products_row}", rate


FIRST_UPDATE = """
import sys, time
begun = time.perf_counter()
import jax, jax.numpy as jnp
from benchmarks.perf import timing
from imitbench import envs
from imitbench.algos import bc
from imitbench.training import loop
from imitbench.utils import runtime
runtime.setup()
runtime.collect_less_garbage()  # as commands do
env = envs.make("FetchPush")
seeds = int(sys.argv[1])
algo = bc.make(bc.Config(validation=0.0, steps=1), env.spec)
keys = jnp.stack([jax.random.key(s) for s in range(seeds)])
demos = timing.synthetic(env.spec, 5000, seeds)
loop.train(algo, demos, keys, env=env, num_updates=int(sys.argv[2]), num_evals=1, eval_episodes=1)
took = time.perf_counter() - begun
# Not ru_maxrss, which begins with the memory of the process that started this one.
peak = next(x for x in open("/proc/self/status") if x.startswith("VmHWM:"))
print(took, int(peak.split()[1]) / 2**10)
"""


def process(cache: str, seeds: int, updates: int) -> tuple[float, float]:
    """Seconds from the start to the end of a fresh process that trains BC, and its peak MiB."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_UPDATE, str(seeds), str(updates)],
        env={**os.environ, "XDG_CACHE_HOME": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    took, memory = map(float, done.stdout.split())
    return took, memory


def draw_seeds(rates: Sequence[float]) -> None:
    """What a gradient step of `SEEDS` seeds costs, in gradient steps of one seed."""
    cost = [s * rates[0] / rate for s, rate in zip(SEEDS, rates, strict=True)]
    figure, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
    axis.plot(SEEDS, cost, marker="o", color=palette.COLOURS[0], label="measured")
    axis.plot(SEEDS, SEEDS, linestyle=":", color=palette.GREY, label="one after the other")
    axis.set(xscale="log", yscale="log", xlabel="seeds trained together", ylabel="time, 1 seed = 1")
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter("{x:g}")
    axis.set_title(f"BC core, {machine.device()}")
    axis.legend(frameon=False)
    drawing.save(figure, ROOT / "seeds", ["png"])


def main() -> None:
    cores = [bc_core(s) for s in SEEDS]
    rows = [
        native_engine("FetchPush", 256, fetch.SUBSTEPS),
        native_engine("Hopper", 1024, 4),
        *(row for row, _ in cores),
    ]
    draw_seeds([rate for _, rate in cores])
    with tempfile.TemporaryDirectory() as cache:
        cold, _ = process(cache, 1, 1)
        warm, _ = process(cache, 1, 1)
        _, memory = process(cache, 10, 1000)
    text = [
        "# Speed",
        "",
        f"Made by `make perf-engines` on {machine.device()}; jax {machine.version('jax')}, "
        f"mujoco {machine.version('mujoco')}. Medians of {ROUNDS} measurements, each in turns with "
        "the limit it is compared with. Ratio: measured / limit, so that higher is better. Aim: "
        "the ratio that we want; a row below it has not reached it.",
        "",
        "| what | measured | limit, same run | ratio | aim |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"BC on FetchPush, one seed: a new process needs {cold:.1f} s with an empty compile cache "
        f"and {warm:.1f} s with a filled one from its start to the first update and its evaluation "
        f"(imports, model, compilation included). Aim: {FIRST_UPDATE_AIM:g} s with a filled one.",
        "",
        f"Peak memory of a 10-seed run of BC on FetchPush (5,000 rows a seed): {memory:,.0f} MiB. "
        f"Aim: at most {MEMORY_AIM:,.0f}.",
        "",
        "![time against seeds](seeds.png)",
        "",
        "`make perf` makes this and the other tables: [learners](learners.md) beside "
        "Stable-Baselines3, [offline learners](offline.md) beside d3rlpy, [GAIL](adversarial.md) "
        "beside imitation, [VINS](vins.md), [vector environments](wrap.md) and "
        "[tasks of Gymnasium](gymnasium.md) beside Gymnasium's, [streaming](streaming.md), "
        "[policy heads](heads.md) and [rendering](rendering.md).",
        "",
    ]
    publish(text, ROOT / "README.md")


if __name__ == "__main__":
    runtime.setup()
    main()
