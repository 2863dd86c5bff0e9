"""VINS against the matrix-product peak. Run by `make perf-vins`, on an idle machine.

Writes `results/perf/vins.md`: training (prior, value and model together) and acting.
"""

from __future__ import annotations

from pathlib import Path

import jax

from benchmarks.perf.engines import beside_peak, products, training, training_row, weights
from benchmarks.perf.timing import ROUNDS, publish, synthetic
from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins
from imitbench.utils import machine, runtime

TASK, K = "FetchPickAndPlace", 500
WHERE = Path("results") / "perf" / "vins.md"


def sizes(
    config: vins.Config, learner: vins.VINSLearner, actions: int
) -> dict[str, tuple[int, ...]]:
    """Widths of the layers of value and model."""
    state = sum(learner.feature_map.sizes)
    return {
        "value": (learner.feature_map.size, *config.hidden, 1),
        "model": (state + actions, *config.model_hidden, state),
    }


def main() -> None:
    env = envs.make(TASK)
    spec = env.spec
    clone = bc.Config(hidden=(256, 256, 256), lr=3e-4, validation=0.0, steps=100)
    config = vins.Config(clone=clone, k=K)
    learner = vins.learner(config, spec)
    own = sizes(config, learner, spec.action_size)
    seen = config.batch * (config.interpolations + config.samples)
    forward = 2 * config.batch * weights(own["value"])
    flops = (
        products((spec.obs_size, *clone.hidden, spec.action_size), clone.batch)
        + products(own["value"], seen)
        + products(own["model"], config.batch)
        + forward  # of the target network
    )
    rows = []
    for seeds in (1, 10):
        rate, peak, _ = training(vins.make(config, spec), env, seeds)
        rows.append(training_row("VINS, all networks, batch 64", seeds, rate, flops, peak))
    one = jax.tree.map(lambda x: x[0], synthetic(spec, 5000, 1))
    state = learner.init(jax.random.key(0), one)
    obs = one.obs[:200]
    act = jax.jit(lambda key: learner.act(key, state, obs))
    mine, peak = beside_peak(lambda: act(jax.random.key(1)))
    work = 2 * len(obs) * K * sum(weights(s) for s in own.values())
    used = work / mine / 1e9
    done, limit = f"{len(obs) / mine:,.0f} actions/s", f"{peak:.0f} GFLOP/s (matrix product)"
    name = f"acting, k = {K}, {len(obs)} observations"
    rows.append(f"| {name} | {done} = {used:.0f} GFLOP/s | {limit} | {used / peak:.2f} | - |")
    text = [
        "# Speed of VINS",
        "",
        f"Made by `make perf-vins` on {machine.device()}; jax {machine.version('jax')}. Medians of "
        f"{ROUNDS} measurements. A gradient step is one of each network: prior, value (with "
        f"{config.interpolations} interpolations and {config.samples} negative), model.",
        "",
        "| what | measured | limit, same run | ratio | aim |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
    publish(text, WHERE)


if __name__ == "__main__":
    runtime.setup()
    main()
