"""Training speed of the learners beside the engine by itself and Stable-Baselines3.

Run by `make perf-learners`, on an idle machine: about ten minutes on two CPUs. Writes
`results/perf/learners.md`. What is compared is measured in turns in one process. IQ-Learn and SLBO,
which no package that installs here has, stand beside the matrix-product peak alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from benchmarks.perf.engines import training
from benchmarks.perf.products import product_flops
from benchmarks.perf.stable_baselines import best_threads, modules, peer
from benchmarks.perf.timing import Work, publish, raw_engine, synthetic
from imitbench import envs
from imitbench.algos.common import off_policy
from imitbench.algos.inverse import iq_learn
from imitbench.algos.model_based.slbo import slbo
from imitbench.algos.rl import ddpg, ppo, sac, td3
from imitbench.core.types import Algorithm, Env
from imitbench.envs.locomotion import TASKS, Locomotion
from imitbench.results.tables.formatting import markdown_table
from imitbench.training import loop
from imitbench.utils import machine, runtime
from imitbench.utils.machine import available_cpus

TASK, PEER_TASK = "Hopper", "Hopper-v5"
OFF_POLICY = {"sac": sac, "td3": td3, "ddpg": ddpg}
KNOWN_REWARD = "HalfCheetah-known-reward"
AIM = 4.0  # times the throughput of Stable-Baselines3
ENGINE_STEPS = 20  # before a robot without control lies on the ground
WITHOUT_PEER = [
    "learner", "seeds", "all seeds, gradient steps/s", "GFLOP/s of matrix products",
    "matrix-product peak, GFLOP/s", "share of the peak",
]  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Training speed beside the engine by itself and Stable-Baselines3."""

    rounds: int = 3
    """Measurements of each; one more before them warms up."""
    ppo_updates: int = 4
    """Updates of PPO, 2,048 steps each, in a measurement; half as many of SB3's."""
    off_steps: int = 400
    """Steps of the off-policy learners in a measurement; half as many of SB3's."""
    seeds: tuple[int, ...] = (1, 5)
    """Seeds that are trained together."""
    out: Path = Path("results") / "perf" / "learners.md"
    """Where the table goes."""


def engine_alone(env: Locomotion, num: int) -> Work:
    """The engine on `num` environments from fresh starts, about half a second of it."""
    keys = jax.random.split(jax.random.key(0), num)
    start = jax.jit(jax.vmap(env.reset))(keys).pipeline_state
    substeps = TASKS[TASK].frame_skip
    once = raw_engine(env.physics.model, start, substeps, ENGINE_STEPS)
    repeats = max(1, 5000 // (num * ENGINE_STEPS))

    def run() -> None:
        for _ in range(repeats):
            once()

    return Work(run, repeats * num * ENGINE_STEPS)


@dataclass(frozen=True)
class Result:
    """Median environment steps per second, and seconds of compilation."""

    mine: float
    theirs: float
    engine: float
    compile: float

    def row(self, what: str, seeds: int, aim: float) -> list[str]:
        """Below `header`."""
        return [
            what,
            str(seeds),
            f"{self.mine:,.0f}",
            f"{self.theirs:,.0f}",
            f"{self.mine / self.theirs:.1f}",
            f"{aim:g}",
            f"{self.engine:,.0f}",
            f"{self.mine / self.engine:.2f}",
            f"{self.compile:.1f}",
        ]


def header(what: str, peer: str) -> list[str]:
    return [
        what, "seeds", "all seeds, env steps/s", f"{peer}, env steps/s", "ratio", "aim",
        "engine alone, env steps/s", "share of the engine", "compilation, s",
    ]  # fmt: skip


def compare(
    algo: Algorithm,
    env: Locomotion,
    seeds: int,
    updates: int,
    theirs: Work,
    engine: Work,
    rounds: int,
) -> Result:
    """Ours on all seeds, SB3 on one and the engine, one after the other in each round."""
    marks: list[float] = []
    rates: list[tuple[float, float]] = []

    def on_eval(state: loop.TrainState, ev: loop.Eval) -> None:
        marks.append(ev.seconds["train"])
        rates.append((theirs.rate(), engine.rate()))

    _, ev = loop.train(
        algo,
        synthetic(env.spec, 1, seeds),
        jnp.stack([jax.random.key(s) for s in range(seeds)]),
        env=env,
        num_updates=updates * (rounds + 1),
        num_evals=rounds + 1,
        eval_episodes=1,
        on_eval=on_eval,
    )
    steps = updates * algo.cost.env_steps * seeds
    mine = float(np.median(steps / np.diff(marks)))
    peer_rate, engine_rate = np.median(np.array(rates[1:]), axis=0)
    return Result(mine, float(peer_rate), float(engine_rate), ev.seconds["compile"])


def rows(method: str, options: Options) -> tuple[list[list[str]], int]:
    """The table's rows for one learner, and torch's threads in it."""
    env = cast(Locomotion, envs.make(TASK, "native"))
    if method == "ppo":
        config, updates = ppo.Config(), options.ppo_updates
        algo, num = ppo.make(config, env.spec, env), config.envs
        theirs = peer(PEER_TASK, method, config, max(1, updates // 2) * algo.cost.env_steps)
    else:
        # A smaller replay than the default: the state is copied between two evaluations, and here
        # they follow upon each other.
        replay = off_policy.Config(rounds=options.off_steps, warmup=0, capacity=100_000)
        module = OFF_POLICY[method]
        config, updates = module.Config(hidden=(256, 256), replay=replay), 1
        algo, num = module.make(config, env.spec, env), replay.envs
        theirs = peer(PEER_TASK, method, config, max(1, options.off_steps // 2))
    threads, found = best_threads(theirs), []
    for seeds in options.seeds:
        engine = engine_alone(env, num * seeds)
        r = compare(algo, env, seeds, updates, theirs, engine, options.rounds)
        found.append(r.row(f"{method.upper()}, {num} environment{'s' * (num > 1)}", seeds, AIM))
    return found, threads


def without_peer(seeds: tuple[int, ...]) -> list[list[str]]:
    """Rows below `WITHOUT_PEER`."""
    hopper, known = envs.make(TASK, "native"), envs.make(KNOWN_REWARD, "native")
    replay = off_policy.Config(rounds=200, warmup=0, batch=256, capacity=100_000)
    soft = iq_learn.Config(replay=replay, hidden=(256, 256))
    model = slbo.Config(length=500, rounds=2)
    made = (
        ("IQ-Learn, 1 environment", hopper, iq_learn.make(soft, hopper.spec, hopper)),
        (f"SLBO, {model.rounds} rounds", known, slbo.make(model, known.spec, known)),
    )
    return [share_of_peak(name, algo, env, n) for name, env, algo in made for n in seeds]


def share_of_peak(name: str, algo: Algorithm, env: Env, seeds: int) -> list[str]:
    """Gradient steps per second, with all that an update does, against the peak."""
    rate, peak, _ = training(algo, env, seeds)
    demos = jax.tree.map(lambda x: x[0], synthetic(env.spec, 5000, 1))
    key = jax.random.key(0)
    state = jax.eval_shape(algo.init, key, demos)
    flops = product_flops(algo.update, key, state, demos) / algo.cost.grad_steps
    used = rate * flops / 1e9
    return [name, str(seeds), f"{rate:,.0f}", f"{used:.0f}", f"{peak:.0f}", f"{used / peak:.2f}"]


def main(options: Options) -> None:
    modules()
    table: list[list[str]] = []
    threads: dict[str, int] = {}
    for method in ("ppo", *OFF_POLICY):
        found, threads[method] = rows(method, options)
        table += found
    versions = ", ".join(
        f"{x} {machine.version(x)}"
        for x in ("jax", "mujoco", "gymnasium", "stable-baselines3", "torch")
    )
    text = [
        "# Training speed of the learners",
        "",
        f"Made by `make perf-learners` on {machine.device()}; {versions}. {TASK} here and "
        f"{PEER_TASK} there. Medians of {options.rounds} measurements, ours, SB3 and the engine in "
        "turns; warm: compilation, without a cache, is in its own column.",
        "",
        markdown_table(header("learner", "SB3"), table),
        "",
        "Both have the same networks, minibatches, environments and gradient steps for each step. "
        "PPO: 64-64 tanh, 2,048 steps, minibatches of 64, 10 epochs; ours also standardises "
        "observations and rewards, SB3 does not. SAC, TD3 and DDPG: 256-256 ReLU, batch 256, one "
        "gradient step for each step, from the first step on, replay of 100,000.",
        "",
        "SB3 trains one seed, in a `DummyVecEnv`; several seeds run there one after the other, so "
        "the ratio is that of the times for the same number of seeds. torch has one thread or one "
        "for each CPU, whichever is faster: "
        + ", ".join(f"{n} for {method.upper()}" for method, n in threads.items())
        + ". Engine alone: `mujoco.rollout` on as many environments as all seeds have, called for "
        f"each environment step, on {available_cpus()} threads.",
        "",
        "## Without a peer",
        "",
        markdown_table(WITHOUT_PEER, without_peer(options.seeds)),
        "",
        "IQ-Learn: 256-256, 256 own and 256 demonstrated rows, one gradient step for each step. "
        "SLBO: 500-500 model, 32-32 policy and 64-64 value; gradient steps are those of all three. "
        "Its virtual steps count in the time and in the products.",
        "",
    ]
    publish(text, options.out)


if __name__ == "__main__":
    chosen = tyro.cli(Options)
    runtime.setup()
    jax.config.update("jax_enable_compilation_cache", False)
    main(chosen)
