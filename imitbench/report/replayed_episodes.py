"""Policies that play the first episodes of a finished cell's evaluation again, for videos.

A cell's stored policy plays where there is one. Shipped cells store none: there the first seed is
trained again with the cell's settings, in a part of the time that the cell took.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import experts
from imitbench.core import rollout
from imitbench.core.actor import actor_of, with_noisy_observations
from imitbench.core.types import Actor, Env, EnvState, Policy, Transition
from imitbench.data import loading
from imitbench.envs.motion.imitation import Imitation
from imitbench.experts import learned
from imitbench.report import video
from imitbench.report.video import DrawableEnv
from imitbench.results.cells import policies, policy_files
from imitbench.results.cells.cell import Result
from imitbench.runs import plan
from imitbench.training import loop
from imitbench.training.evaluation import observation_noise
from imitbench.utils import machine
from imitbench.utils.errors import UserError


class PolicyEpisodes(NamedTuple):
    """The episodes of one policy."""

    policy: str  # its name
    about: str
    episodes: list[video.Episode]


def play_expert(r: Result, env: DrawableEnv) -> PolicyEpisodes | None:
    """Plays the demonstrator of a cell, without the noise of its grade.

    Args:
        r: a finished cell. For one without demonstrations the task's expert plays; in motion
            imitation always the clip.
        env: the cell's environment.

    Returns:
        The episodes; None where the task has no such expert.
    """
    if isinstance(env, Imitation):
        episodes = play_clip(env, _eval_key(r), r.identity["eval_episodes"])
        return PolicyEpisodes("reference", "The clip itself.", episodes)
    header = r.info["demonstrations"] or {}
    kind, grade = header.get("expert", "auto"), header.get("grade", "expert")
    if kind not in ("auto", *experts.KINDS):
        return None
    if grade not in learned.GRADES:
        grade = "expert"  # noisy and mixed demonstrations come from the expert
    try:
        expert = experts.find_expert(env.name, grade, kind)
        policy = experts.load_actor(env.name, expert.grade, expert.kind, spec=env.spec)
    except UserError:
        return None
    steps, episodes = _play(env, policy, r)
    about = f"{expert.kind.capitalize()}, of grade {expert.grade}, without noise."
    return PolicyEpisodes("expert", f"{about} {_outcome(env, steps)}", episodes)


def play_stored_policy(r: Result, env: DrawableEnv) -> PolicyEpisodes:
    """Plays the policy that a cell stores for its first seed.

    Args:
        r: a finished cell with stored policies.
        env: the cell's environment.

    Returns:
        The episodes.

    Raises:
        UserError: the policy cannot be loaded.
    """
    seed = policy_files.seeds_of(r.folder)[0]
    steps, episodes = _play(env, policies.load(r.folder, seed).actor, r)
    about = f"Seed {seed}, as the cell stores it. {_outcome(env, steps)}"
    return PolicyEpisodes(r.identity["label"], about, episodes)


def retrain_and_play(job: plan.Job, r: Result) -> PolicyEpisodes:
    """Trains the first seed of a cell again, and plays its policy.

    Args:
        job: the work of the cell, in an environment that can be drawn.
        r: the finished cell.

    Returns:
        The episodes.
    """
    env = video.drawable(rollout.evaluation_env(job.env))
    assert env is not None
    seed = r.identity["seeds"][0]
    data = loading.load_demonstrations(job.cell.data, job.env, [seed], configs=[job.cell.config])
    demos = data.rows
    state, ev = loop.train(
        job.algo,
        demos,
        jnp.stack([jax.random.key(seed)]),
        env=env,
        num_updates=job.num_updates,
        num_evals=1,
        eval_episodes=job.cell.eval_episodes,
        eval_keys=jnp.stack([_eval_key(r)]),
        obs_noise=job.cell.obs_noise,
    )
    first_seed = jax.tree.map(lambda x: x[0], state.algo)
    actor = actor_of(job.algo, first_seed)
    noise = observation_noise(demos, job.cell.obs_noise, 1)
    if noise is not None:
        actor = with_noisy_observations(actor, noise[0])
    steps, episodes = _play(env, actor, r)
    cost = job.algo.cost * job.num_updates
    budget = [f"{cost.grad_steps:,} gradient steps"] * bool(cost.grad_steps)
    budget += [f"{cost.env_steps:,} environment steps"] * bool(cost.env_steps)
    seconds = f"{ev.seconds['train']:.1f} s on {machine.device()}"
    about = (
        f"Seed {seed}: {' and '.join(budget)}, {seconds}. {_outcome(env, steps)} "
        f"{_both_scores(r, ev)}"
    )
    return PolicyEpisodes(r.identity["label"], about, episodes)


def _eval_key(r: Result) -> jax.Array:
    """The key of the initial states of the cell's first seed."""
    validation = bool(r.identity.get("validation", False))
    if r.shares_states:
        return plan.shared_eval_key(validation)
    return plan.eval_keys(r.identity["seeds"][:1], validation)[0]


def _play(
    env: DrawableEnv, actor: Actor | Policy, r: Result
) -> tuple[Transition, list[video.Episode]]:
    """Plays the first episodes of the cell's evaluation, as many as fit into a video."""
    return play(env, actor, _eval_key(r), r.identity["eval_episodes"])


def play(
    env: DrawableEnv, actor: Actor | Policy, key: jax.Array, num: int
) -> tuple[Transition, list[video.Episode]]:
    """Plays the first episodes of an evaluation, as many as fit into a video.

    Args:
        env: the environment.
        actor: acts in it.
        key: random key of the evaluation.
        num: the evaluation's number of episodes. All are played: their initial states depend on it.

    Returns:
        The steps [T, B], and the poses of each episode.
    """

    def record(state: EnvState) -> tuple[jax.Array, jax.Array]:
        return state.pipeline_state.qpos, state.info.get("goal", jnp.zeros(0))

    run_all = jax.jit(lambda key: rollout.recorded_episodes(env, actor, key, num, record))
    steps, (qpos, goal) = jax.tree.map(
        lambda x: np.asarray(x[:, : video.episodes_per_video(env)]), run_all(key)
    )
    lengths = steps.weight.sum(axis=0).astype(int) + 1
    return steps, [video.Episode(qpos[:n, i], goal[:n, i]) for i, n in enumerate(lengths)]


def play_clip(env: Imitation, key: jax.Array, num: int) -> list[video.Episode]:
    """Plays the clip from the moments at which the first episodes of an evaluation begin.

    Args:
        env: the environment.
        key: random key of the evaluation.
        num: the evaluation's number of episodes.

    Returns:
        The poses of as many episodes as fit into a video.
    """

    def rest(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jnp.zeros((*obs.shape[:-1], env.spec.action_size))

    def record(state: EnvState) -> jax.Array:
        return state.info["reference"][0]

    phases = jax.jit(lambda key: rollout.recorded_episodes(env, rest, key, num, record)[1])(key)
    states = jax.vmap(env.clip_states)(phases[0, : video.episodes_per_video(env)])
    poses = np.asarray(states.pipeline_state.qpos)
    return [video.Episode(qpos, np.zeros((len(qpos), 0))) for qpos in poses]


def _outcome(env: Env, steps: Transition) -> str:
    """The outcome of the episodes in the video."""
    outcomes = {k: np.asarray(v) for k, v in rollout.summarise(steps).items()}
    if rollout.has_success(env):
        words = ["reached" if x else "missed" for x in outcomes["success_final"]]
        return f"Goals of these episodes: {', '.join(words)}."
    returns = ", ".join(f"{x:.0f}" for x in outcomes["return"])
    return f"Return of the episode: {returns}."


def _both_scores(r: Result, ev: loop.Eval) -> str:
    """The score of the new training, and the cell's score of the same seed."""
    if r.info["has_success"]:
        column, scale, unit, scores = "success_final", 100, " %", ev.success_final
    else:
        column, scale, unit, scores = "return", 1, "", ev.returns
    new, old = scale * float(scores[0, -1]), scale * float(r.final(column)[0])
    name, count = column.replace("_", " "), r.identity["eval_episodes"]
    return f"All {count}: {name} {new:.1f}{unit}; in the cell {old:.1f}{unit}."
