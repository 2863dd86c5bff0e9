"""Policy heads and memories against the matrix-product peak. Run by `make perf-heads`, on an idle
machine.

Writes `results/perf/heads.md`: gradient steps and actions a second of BC with every head, for
chunks of eight actions, and with every reader of a history; beside three of them robomimic's BC.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import jax
import numpy as np

from benchmarks.perf.engines import beside_peak, training
from benchmarks.perf.products import product_flops
from benchmarks.perf.timing import ROUNDS, publish, synthetic
from benchmarks.perf.worker import Worker
from imitbench import envs
from imitbench.algos.cloning import bc
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.core import heads
from imitbench.core.types import Env
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine, runtime

TASK, ROWS = "FetchPickAndPlace", 200
WHERE = Path("results") / "perf" / "heads.md"
CHUNK = memory_config.Config(chunk=8, execute=8)
BASE = bc.Config(hidden=(256, 256, 256), lr=3e-4, batch=256, validation=0.0, steps=100)
HEAD = [
    "policy", "passes for a chunk", "gradient steps/s", "share of the peak", "robomimic", "ratio",
    "chunks/s", "share of the peak",
]  # fmt: skip
HISTORY, GRU = 10, "regression, ten observations, gru"
PEER = {"deterministic": "regression", "mixture": "mixture", GRU: "gru"}
"""The names that robomimic's worker gives to the same policies."""
PEER_STEPS = 100  # gradient steps of the peer in a measurement


def configs() -> dict[str, bc.Config]:
    """Settings of BC by name: every head, then every reader of ten observations."""
    kinds = [kind for kind in get_args(heads.Kind) if kind != "default"]
    found = {k: replace(BASE, head=heads.Config(k), memory=CHUNK) for k in kinds}
    for encoder in ("stack", "gru", "transformer"):
        memory = memory_config.Config(history=HISTORY, encoder=encoder)
        found[f"regression, ten observations, {encoder}"] = replace(BASE, memory=memory)
    return found


def start_peer(env: Env) -> Worker:
    """robomimic with our sizes."""
    spec = env.spec
    sizes = spec.obs_size, spec.action_size, CHUNK.chunk * spec.action_size, BASE.batch
    words = (*sizes, HISTORY, memory_config.Config().width, *BASE.hidden)
    return Worker("robomimic", "robomimic_worker.py", *map(str, words))


def peer_rate(peer: Worker, name: str) -> float:
    """Gradient steps a second, the median of several measurements."""
    question = f"{PEER[name]} {PEER_STEPS}"
    peer.seconds(question)
    return PEER_STEPS / float(np.median([peer.seconds(question) for _ in range(ROUNDS)]))


def row(name: str, config: bc.Config, env: Env, peer: Worker) -> list[str]:
    """Below `HEAD`."""
    rate, peak, _ = training(bc.make(config, env.spec), env, 1)
    theirs = peer_rate(peer, name) if name in PEER else None
    learner = bc.supervised_learner(config, env.spec, remembers=True)
    demos = jax.tree.map(lambda x: x[0], synthetic(env.spec, 5000, 1))
    pairs, _ = bc.split(config, env.spec, demos)
    state = learner.init(jax.random.key(0), pairs)
    examples = learner.view.sampler(pairs)(jax.random.key(0), config.batch)
    key = jax.random.key(1)
    step = product_flops(jax.grad(learner.loss, has_aux=True), state.params, state, examples, key)
    tokens = learner.view.inputs_of(state.norm, examples)[:ROWS]
    act = jax.jit(learner.predict)  # with arguments: a network of constants would be folded
    acting = product_flops(learner.predict, key, state, tokens)
    taken, own_peak = beside_peak(lambda: act(key, state, tokens))
    passes = "1" if learner.head is None else str(learner.head.evaluations)
    return [
        name, passes, f"{rate:,.0f}", f"{rate * step / 1e9 / peak:.2f}",
        f"{theirs:,.0f}" if theirs else "-", f"{rate / theirs:.1f}" if theirs else "-",
        f"{ROWS / taken:,.0f}", f"{acting / taken / 1e9 / own_peak:.2f}",
    ]  # fmt: skip


def main() -> None:
    env = envs.make(TASK)
    peer = start_peer(env)
    rows = [row(name, config, env, peer) for name, config in configs().items()]
    peer.close()
    text = [
        "# Speed of policy heads and memories",
        "",
        f"Made by `make perf-heads` on {machine.device()}; jax {machine.version('jax')}. BC on "
        f"{TASK}, hidden layers {BASE.hidden}, batch {BASE.batch}, one seed; medians of {ROUNDS} "
        f"measurements, in turns with a float32 matrix product. Heads predict {CHUNK.chunk} "
        f"actions at once, for {ROWS} observations together; the last rows predict one action. "
        "The share of the peak counts the operations of matrix products alone. robomimic's BC (in "
        "gradient steps/s) has as many threads as torch takes, and one minibatch that stays the "
        "same, so that its time has no drawing of rows. CleanDiffuser is not beside it: it needs "
        "a Python below 3.11 and MuJoCo 2.1.",
        "",
        markdown_table(HEAD, rows),
        "",
    ]
    publish(text, WHERE)


if __name__ == "__main__":
    runtime.setup()
    main()
