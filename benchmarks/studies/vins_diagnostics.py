"""What VINS learns, in pictures: its value on and off a demonstration, how far rollouts stray from
the demonstrated states, and its model's error there.

`python -m benchmarks.studies.vins_diagnostics [folder]` trains one seed with and one without
negative samples on 100 learned demonstrations of FetchPush, and writes diagnostics.png and .svg.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from imitbench import data, envs
from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins
from imitbench.core import rollout
from imitbench.core.actor import noisy
from imitbench.core.types import Env, Policy, Transition
from imitbench.results.figures import drawing, palette
from imitbench.suites import vins as vins_suite
from imitbench.training import loop
from imitbench.utils import runtime

TASK, DEMOS, EPISODES, SEED = "FetchPush", 100, 100, 0
NOISE = 0.3  # standard deviation of the noise that leads off the demonstrations


class Trained(NamedTuple):
    learner: vins.VINSLearner
    state: vins.State
    policy: Policy
    clone: Policy


def fit(env: Env, config: vins.Config, demos: Transition, steps: int) -> Trained:
    """One seed of VINS, and its BC prior."""
    learner = vins.learner(config, env.spec)
    keys = jnp.stack([jax.random.key(SEED)])
    updates = steps // config.clone.steps
    options: Any = {"num_updates": updates, "num_evals": 1, "eval_episodes": 1}
    done, _ = loop.train(vins.make(config, env.spec), demos, keys, env=env, **options)
    state = jax.tree.map(lambda x: x[0], done.algo)
    clone = bc.supervised_learner(config.clone, env.spec)
    return Trained(
        learner,
        state,
        lambda key, obs: learner.act(key, state, obs),
        lambda key, obs: clone.act(key, state.clone, obs),
    )


def nearest(trained: Trained, demos: Transition, obs: jax.Array) -> np.ndarray:
    """Distance [N] of observations to the nearest demonstrated state, over the normalised fields
    that the value sees: root mean square, in standard deviations of the demonstrations."""
    feature_map, norm = trained.learner.feature_map, trained.state.model_norms.state

    def scaled(x: jax.Array) -> jax.Array:
        return norm(feature_map.state(x), jnp.inf)

    shown = scaled(demos.obs)
    far = jax.lax.map(
        lambda x: jnp.sqrt(jnp.min(jnp.mean((shown - x) ** 2, axis=-1))), scaled(obs), batch_size=64
    )
    return np.asarray(far)


def slices(axes: Any, runs: dict[str, Trained], demos: Transition, env: Env) -> None:
    """The value where only the gripper is moved, on the table's plane, around a demonstrated
    state."""
    episode = jax.tree.map(lambda x: x[: env.spec.horizon], demos)
    hand, here = env.spec.fields["grip_pos"], episode.obs[6]
    path = np.asarray(episode.obs[:, hand])
    grid = np.linspace(-0.15, 0.15, 61)
    dx, dy = np.meshgrid(grid, grid)
    obs = jnp.broadcast_to(here, (*dx.shape, env.spec.obs_size))
    moved = obs.at[..., hand].add(jnp.stack([dx, dy, np.zeros_like(dx)], axis=-1))
    for axis, (name, t) in zip(axes, runs.items(), strict=True):
        feature_map = t.learner.feature_map
        values = np.asarray(
            t.learner.value(t.state, feature_map.state(moved), feature_map.desired(moved))
        )
        x0, y0 = (float(v) for v in here[hand][:2])
        drawn = axis.contourf(100 * (x0 + dx), 100 * (y0 + dy), values, levels=14, cmap="cividis")
        axis.plot(100 * path[:, 0], 100 * path[:, 1], color="white", linewidth=1.2)
        axis.plot(100 * x0, 100 * y0, marker="o", color="white", markersize=6)
        axis.set_xlim(100 * (x0 - 0.15), 100 * (x0 + 0.15))
        axis.set_ylim(100 * (y0 - 0.15), 100 * (y0 + 0.15))
        axis.set_title(f"value, {name}", fontsize=10)
        axis.set_xlabel("gripper x, cm")
        axis.set_ylabel("gripper y, cm")
        axis.figure.colorbar(drawn, ax=axis, label="minus steps to the goal")


def straying(axis: Any, t: Trained, demos: Transition, env: Env) -> None:
    """Distance to the demonstrated states along rollouts from equal starts."""
    for (name, policy), style in zip(
        (("bc", t.clone), ("vins", t.policy)), palette.STYLES[:2], strict=True
    ):
        run = jax.jit(lambda k, p=policy: rollout.episodes(env, p, k, EPISODES))
        steps = run(jax.random.key(1))
        far = nearest(t, demos, steps.obs.reshape(-1, env.spec.obs_size))
        far = far.reshape(steps.obs.shape[:2])
        low, middle, high = np.quantile(far, [0.25, 0.5, 0.75], axis=1)
        when = np.arange(len(far))
        axis.plot(when, middle, label=name, markevery=7, markersize=4, **style)
        axis.fill_between(when, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axis.set_title("distance to the nearest demonstrated state", fontsize=10)
    axis.set_xlabel(f"step; median and quartiles of {EPISODES} episodes")
    axis.set_ylabel("standard deviations (rms)")
    axis.legend(frameon=False)


def errors(axis: Any, t: Trained, demos: Transition, env: Env) -> None:
    """One-step error of the model against the distance to the demonstrated states."""
    actor = noisy(t.clone, NOISE)
    run = jax.jit(lambda k: rollout.flatten(rollout.episodes(env, actor, k, EPISODES)))
    steps = run(jax.random.key(2))
    feature_map, norm = t.learner.feature_map, t.state.model_norms.change
    guess = jax.jit(t.learner.predict)(t.state, steps.obs, steps.action)
    off = (guess - feature_map.state(steps.next_obs)) / norm.std
    error, far = np.linalg.norm(np.asarray(off), axis=-1), nearest(t, demos, steps.obs)
    edges = np.quantile(far, np.linspace(0, 1, 11))
    bins = np.clip(np.searchsorted(edges, far, side="right") - 1, 0, 9)
    groups = [error[bins == i] for i in range(10)]
    middle = [float(np.median(far[bins == i])) for i in range(10)]
    low, median, high = np.array([np.quantile(g, [0.25, 0.5, 0.75]) for g in groups]).T
    axis.plot(middle, median, markersize=4, **palette.STYLES[0])
    axis.fill_between(middle, low, high, color="0.5", alpha=0.25, linewidth=0)
    shown = t.learner.predict(t.state, demos.obs, demos.action)
    on = np.linalg.norm(np.asarray((shown - feature_map.state(demos.next_obs)) / norm.std), axis=-1)
    axis.axhline(float(np.median(on)), color=palette.COLOURS[1], linestyle="--", linewidth=1.2)
    axis.text(0.98, float(np.median(on)), "on the demonstrations", fontsize=8,
              color=palette.COLOURS[1], ha="right", va="bottom",
              transform=axis.get_yaxis_transform())  # fmt: skip
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks([0.1, 0.2, 0.5], ["0.1", "0.2", "0.5"])
    axis.set_xticks([], minor=True)
    axis.set_title(f"model's one-step error, BC with noise {NOISE:g}", fontsize=10)
    axis.set_xlabel("distance to the nearest demonstrated state, std (rms)")
    axis.set_ylabel("error, std of changes")


def main(folder: Path) -> None:
    runtime.setup()
    env = envs.make(TASK)
    pool = data.load_pool(TASK, "auto", data.DemoSource(pool=500, expert="learned"))
    demos = data.subset(pool, DEMOS, [SEED])
    steps = vins_suite.SUITE.profiles["cpu"][0].grad_steps
    own = vins.Config(
        clone=vins_suite.prior(TASK, "learned", steps), **vins_suite.SETTINGS[TASK, "learned"]
    )
    runs = {
        "with negative samples": fit(env, own, demos, steps),
        "without": fit(env, dataclasses.replace(own, mu=0.0), demos, steps),
    }
    one = jax.tree.map(lambda x: x[0], demos)
    figure, axes = plt.subplots(2, 2, figsize=(10.5, 8), layout="constrained")
    slices(axes[0], runs, one, env)
    straying(axes[1][0], runs["with negative samples"], one, env)
    errors(axes[1][1], runs["with negative samples"], one, env)
    figure.suptitle(f"VINS on {TASK}, {DEMOS} learned demonstrations, one seed", fontsize=11)
    for path in drawing.save(figure, folder / "diagnostics"):
        print(f"written: {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/vins"))
