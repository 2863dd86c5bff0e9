"""GAIL beside the package imitation and the engine by itself, and where its time goes.

Run by `make perf-adversarial`, on an idle machine. Writes `results/perf/adversarial.md`. imitation
runs in an environment of its own, in turns with ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import jax
import numpy as np

from benchmarks.perf.learners import TASK, compare, engine_alone, header
from benchmarks.perf.timing import Work, publish, seconds, synthetic
from benchmarks.perf.worker import Worker
from imitbench import envs
from imitbench.algos.adversarial import gail
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import pair_input
from imitbench.algos.rl import ppo
from imitbench.core import buffer, unrolling
from imitbench.envs.locomotion import Locomotion
from imitbench.results.tables.formatting import markdown_table
from imitbench.utils import machine, runtime
from imitbench.utils.machine import available_cpus

WHERE = Path("results") / "perf" / "adversarial.md"
AIM, ROUNDS, UPDATES = 5.0, 3, 4  # UPDATES: of ours in a measurement
OWN = ppo.Config(envs=8, length=256, minibatches=32, epochs=10)
STEPS = OWN.envs * OWN.length


def discriminator_config(penalty: float) -> DiscriminatorConfig:
    return DiscriminatorConfig(hidden=(100, 100), batch=256, steps=8, penalty=penalty)


def parts(env: Locomotion, engine: Work) -> list[tuple[str, float]]:
    """Seconds of the parts of an update of one seed, without the penalty."""
    config, spec = discriminator_config(0.0), env.spec
    learner = ppo.learner(OWN, spec)
    net, encode, rows_of, _ = pair_input(config, spec)
    classifier = Discriminator(config, net, encode)
    demos = jax.tree.map(lambda x: x[0], synthetic(spec, 1000, 1))
    key = jax.random.key(0)
    core = learner.init(key)
    seen = classifier.init(key, demos.obs, demos.weight)
    running = unrolling.start_episodes(env, key, OWN.envs)

    @jax.jit
    def collect(running: unrolling.RunningEpisodes):
        return unrolling.unroll(env, learner.explore(core), key, running, OWN.length)

    _, steps, _ = collect(running)
    rows = rows_of(core, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps))
    expert = rows_of(core, demos)

    @jax.jit
    def fit():
        draws = (buffer.real_row_sampler(x, jax.numpy.ones(len(x.obs))) for x in (expert, rows))
        return classifier.fit(key, seen, *draws)

    learn = jax.jit(lambda steps: learner.learn(key, core, steps))
    found = {}
    for name, work in (
        ("the policy and the environment around the engine", lambda: collect(running)[1]),
        ("PPO's gradient steps", lambda: learn(steps)),
        ("the discriminator's gradient steps", fit),
    ):
        seconds(work)
        found[name] = float(np.median([seconds(work) for _ in range(2 * ROUNDS + 1)]))
    alone = STEPS / float(np.median([engine.rate() for _ in range(2 * ROUNDS + 1)]))
    first = next(iter(found))
    return [("the engine", alone), (first, found.pop(first) - alone), *found.items()]


def main() -> None:
    env = cast(Locomotion, envs.make(TASK, "native"))
    workers = {n: Worker("imitation", "imitation_worker.py", str(n)) for n in {1, available_cpus()}}
    rounds = max(1, UPDATES // 2)
    steps = rounds * STEPS
    peers = {n: Work(lambda w=w: w.seconds(str(rounds)), steps) for n, w in workers.items()}
    for peer in peers.values():
        peer.rate()
    threads = max(peers, key=lambda n: peers[n].rate())
    rows = []
    for penalty, about in ((0.0, "the same work"), (10.0, "with our gradient penalty")):
        algo = gail.make(
            gail.Config(discriminator=discriminator_config(penalty), ppo=OWN), env.spec, env
        )
        for seeds in (1, 5):
            engine = engine_alone(env, OWN.envs * seeds)
            r = compare(algo, env, seeds, UPDATES, peers[threads], engine, ROUNDS)
            rows.append(r.row(f"GAIL, {about}", seeds, AIM))
            print(rows[-1], flush=True)
    for worker in workers.values():
        worker.close()
    found = parts(env, engine_alone(env, OWN.envs))
    whole = sum(x for _, x in found)
    share = [[name, f"{1000 * x:.0f}", f"{x / whole:.0%}"] for name, x in found]
    versions = ", ".join(f"{x} {machine.version(x)}" for x in ("jax", "mujoco"))
    text = [
        "# Training speed of GAIL",
        "",
        f"Made by `make perf-adversarial` on {machine.device()}; {versions}; imitation 1.0.1 in an "
        f"environment of its own, with {threads} torch thread{'s' * (threads > 1)}, which is "
        f"faster. {TASK} here and Hopper-v4 there. Medians of {ROUNDS} measurements, ours, "
        "imitation and the engine in turns; warm: compilation, without a cache, is in its own "
        "column.",
        "",
        markdown_table(header("what", "imitation"), rows),
        "",
        "Both: 8 environments, rounds of 2,048 steps, PPO with 64-64 tanh networks, minibatches "
        "of 64 and 10 epochs, a discriminator of 100-100 ReLU with 8 steps of 256 rows from each "
        "side. imitation trains one seed; several run there one after the other. Ours also "
        "standardises observations and rewards. The penalty on the discriminator's gradient, our "
        "default, is not in imitation.",
        "",
        f"Where an update of one seed spends its {1000 * whole:.0f} ms (parts measured by "
        "themselves, the same work):",
        "",
        markdown_table(["part", "ms", "share"], share),
        "",
    ]
    publish(text, WHERE)


if __name__ == "__main__":
    runtime.setup()
    jax.config.update("jax_enable_compilation_cache", False)
    main()
