"""Offline learners against d3rlpy and the matrix-product peak. Run by `make perf-offline`, on an
idle machine.

Writes `results/perf/offline.md`. d3rlpy runs in an environment of its own, in turns with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.perf.engines import matmul_peak, products, weights
from benchmarks.perf.timing import ROUNDS, publish, seconds, synthetic
from benchmarks.perf.worker import Worker
from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.algos.offline import bcq, fixed_data, iql, td3_bc
from imitbench.core.types import Algorithm
from imitbench.utils import machine, runtime
from imitbench.utils.machine import available_cpus

WHERE = Path("results") / "perf" / "offline.md"
TASK, STEPS, WIDE = "HalfCheetah", 50, (256, 256)  # STEPS: gradient steps of a measurement


class Case(NamedTuple):
    text: str
    algo: Algorithm
    flops: int  # of a gradient step's matrix products
    aim: float | None  # ratio to d3rlpy


def cases() -> dict[str, Case]:
    spec = envs.make(TASK).spec
    obs, action = spec.obs_size, spec.action_size
    policy, critic = (obs, *WIDE, action), (obs + action, *WIDE, 1)
    latent = 2 * action
    encoder, decoder = (obs + action, *WIDE, 2 * latent), (obs + latent, *WIDE, action)
    perturb = (obs + action, *WIDE, action)

    def bcq_flops(n: int, batch: int = 100) -> int:
        proposing = weights(decoder) + weights(perturb) + 2 * weights(critic)
        return (
            products(encoder, batch)
            + products(decoder, batch)
            + 2 * n * batch * proposing
            + 2 * products(critic, batch)
            # Proposals, their perturbation, and the critic with the gradient of its input.
            + 2 * batch * weights(decoder)
            + products(perturb, batch)
            + 4 * batch * weights(critic)
        )

    def td3_flops(batch: int = 256) -> int:
        target = 2 * batch * (weights(policy) + 2 * weights(critic))
        move = products(policy, batch) + 4 * batch * weights(critic)  # every second step
        return target + 2 * products(critic, batch) + move // 2

    def iql_flops(batch: int = 256) -> int:
        values = (obs, *WIDE, 1)
        asked = 2 * batch * (weights(values) + 2 * weights(critic))
        return (
            asked + products(values, batch) + 2 * products(critic, batch) + products(policy, batch)
        )

    def fixed(batch: int) -> fixed_data.Config:
        return fixed_data.Config(batch=batch, steps=STEPS)

    def bcq_of(n: int) -> Algorithm:
        config = bcq.Config(data=fixed(100), hidden=WIDE, vae_hidden=WIDE, proposals=n)
        return bcq.make(config, spec)

    clone = bc.Config(hidden=WIDE, batch=256, validation=0.0, steps=STEPS)
    both = td3_bc.make(td3_bc.Config(data=fixed(256), hidden=WIDE), spec)
    expectile = iql.make(iql.Config(data=fixed(256), hidden=WIDE), spec)
    return {
        "bcq-100": Case("BCQ, batch 100, 100 proposals", bcq_of(100), bcq_flops(100), 2.4),
        "bcq-10": Case("BCQ, batch 100, 10 proposals", bcq_of(10), bcq_flops(10), 2.4),
        "td3_bc": Case("TD3+BC, batch 256", both, td3_flops(), 6.0),
        "iql": Case("IQL, batch 256", expectile, iql_flops(), None),
        "bc": Case("BC, batch 256", bc.make(clone, spec), products(policy, 256), 6.0),
    }


def rate(worker: Worker, name: str) -> float:
    """d3rlpy's gradient steps per second."""
    return STEPS / worker.seconds(f"{name} {STEPS}")


def ours(algo: Algorithm, seeds: int) -> Callable[[], float]:
    """A function that measures gradient steps per second over all seeds: seeds in threads, as in
    training on a CPU."""
    spec = envs.make(TASK).spec
    rows = synthetic(spec, 5000, seeds)
    keys = [jax.random.key(s) for s in range(seeds)]
    each = [jax.tree.map(lambda x, s=s: x[s], rows) for s in range(seeds)]
    states = [jax.jit(algo.init)(k, d) for k, d in zip(keys, each, strict=True)]
    update = jax.jit(algo.update)

    def all_seeds() -> list[Any]:
        def one(s: int) -> Any:
            return jax.block_until_ready(update(keys[s], states[s], each[s]))

        with ThreadPoolExecutor(available_cpus()) as pool:
            return list(pool.map(one, range(seeds)))

    all_seeds()
    return lambda: seeds * algo.cost.grad_steps / seconds(all_seeds)


def main() -> None:
    threads = sorted({1, available_cpus()})
    peers = [Worker("d3rlpy", "d3rlpy_worker.py", str(n)) for n in threads]
    peak = matmul_peak()
    rows = []
    for name, case in cases().items():
        for peer in peers:
            rate(peer, name)
        best = max(peers, key=lambda p: rate(p, name))
        for seeds in (1, 5):
            mine = ours(case.algo, seeds)
            found = np.array([(mine(), rate(best, name), peak()) for _ in range(ROUNDS)])
            own, theirs, limit = (float(x) for x in np.median(found, axis=0))
            used = own * case.flops / 1e9
            rows.append(
                f"| {case.text}, {seeds} seed{'s' * (seeds > 1)} | {own:,.0f} | {theirs:,.0f} | "
                f"{own / theirs:.1f} | {case.aim or '-'} | {used:.0f} | {limit:.0f} | "
                f"{used / limit:.2f} |"
            )
            print(rows[-1], flush=True)
    for peer in peers:
        peer.close()
    text = [
        "# Speed of offline learners",
        "",
        f"Made by `make perf-offline` on {machine.device()}; jax {machine.version('jax')}, d3rlpy "
        f"2.8.1 with as many torch threads as are fastest. Networks 256-256, sizes of {TASK}. "
        f"Medians of {ROUNDS} measurements of {STEPS} gradient steps, in turns. Rates are gradient "
        "steps per second over all seeds; d3rlpy trains one. Aim of the last column: 0.5.",
        "",
        "| what | here | d3rlpy | ratio | aim | GFLOP/s | matrix product | share of it |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    publish(text, WHERE)


if __name__ == "__main__":
    runtime.setup()
    main()
