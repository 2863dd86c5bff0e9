"""MJX by batch size, and seeds trained together, on whatever device JAX sees. Run by
`make perf-accelerator`, on an idle machine with a GPU or a TPU.

Writes `results/perf/accelerator.md`: environment steps a second of MJX beside those of the native
engine on the same machine's CPUs, which tells which engine `auto` should take there; and gradient
steps of BC for one seed up to a thousand.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.perf.engines import BC, bc_task, products, still_rollout, training
from benchmarks.perf.timing import in_turns, publish
from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.utils import machine, runtime
from imitbench.utils.machine import available_cpus

OUT = Path("results") / "perf" / "accelerator.md"
TASKS = ("Hopper", "HalfCheetah", "FetchReach", "FetchPush")
BATCHES = (64, 256, 1_024, 4_096, 16_384)
SEEDS = (1, 10, 100, 1_000)


def engine_row(task: str, num: int, steps: int) -> str:
    """Steps a second of both engines, measured in turns."""
    (on_mjx, step_mjx), (on_native, step_native) = (
        still_rollout(envs.make(task, engine), num, steps) for engine in ("mjx", "native")
    )
    mjx, native = in_turns(lambda: step_mjx(on_mjx), lambda: step_native(on_native))
    total = num * steps
    return (
        f"| {task} | {num:,} | {total / mjx:,.0f} | {total / native:,.0f} | {native / mjx:.2f} | "
        f"{'mjx' if mjx < native else 'native'} |"
    )


def seeds_row(seeds: int) -> str:
    """Gradient steps of BC over all seeds beside the matrix-product peak."""
    env, sizes = bc_task()
    rate, peak, _ = training(bc.make(BC, env.spec), env, seeds)
    used = rate * products(sizes, BC.batch) / 1e9
    return f"| {seeds:,} | {rate:,.0f} | {used:,.0f} | {peak:,.0f} | {used / peak:.2f} |"


def page(
    tasks: Sequence[str], batches: Sequence[int], seeds: Sequence[int], steps: int
) -> list[str]:
    """The lines of the page."""
    rows = [engine_row(task, num, steps) for task in tasks for num in batches]
    return [
        "# Engines and seeds on an accelerator",
        "",
        f"Made by `make perf-accelerator` on {machine.device()}; jax {machine.version('jax')}, "
        f"mujoco {machine.version('mujoco')}. Medians, both engines in turns; the native one runs "
        f"on {available_cpus()} threads of the machine's CPUs. Actions are 0 in {steps} steps from "
        "the start of an episode. `auto` takes MJX wherever JAX sees a GPU or a TPU.",
        "",
        "| task | environments | MJX, env steps/s | native, env steps/s | ratio | faster |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "BC, 256-256, batch 256, by the number of seeds that are trained together:",
        "",
        "| seeds | gradient steps/s over all seeds | GFLOP/s | matrix product, GFLOP/s | ratio |",
        "|---|---|---|---|---|",
        *map(seeds_row, seeds),
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(".")[0])
    parser.add_argument("--tasks", nargs="+", default=TASKS, help="tasks of the engines")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, help="environments")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS, help="seeds of BC")
    parser.add_argument("--steps", type=int, default=20, help="environment steps of a rollout")
    parser.add_argument("--out", type=Path, default=OUT, help="the page")
    args = parser.parse_args()
    publish(page(args.tasks, args.batches, args.seeds, args.steps), args.out)


if __name__ == "__main__":
    runtime.setup()
    main()
