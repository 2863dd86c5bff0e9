"""Policies that play the episodes of a finished cell's evaluation again, so that they can be seen.

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
from imitbench.core.actor import actor_of
from imitbench.core.types import Actor, Env, EnvState, Policy, Transition
from imitbench.data import loading
from imitbench.experts import learned
from imitbench.report import video
from imitbench.report.video import Drawn
from imitbench.results import policies, policy_files
from imitbench.results.store import Result
from imitbench.runs import plan
from imitbench.training import loop
from imitbench.utils import machine
from imitbench.utils.errors import UserError


class PolicyEpisodes(NamedTuple):
    """Episodes of one policy."""

    who: str
    about: str
    takes: list[video.Episode]


def expert(r: Result, env: Drawn) -> PolicyEpisodes | None:
    """Who demonstrated; where nobody did, the expert that there is, if any."""
    header = r.info["demonstrations"] or {}
    kind, grade = header.get("expert", "auto"), header.get("grade", "expert")
    if kind not in ("auto", "scripted", "learned"):
        return None
    try:
        # Noisy and mixed data come from the expert.
        found = experts.find_expert(env.name, grade if grade in learned.GRADES else "expert", kind)
        policy = experts.load(env.name, found.grade, found.kind, spec=env.spec)
    except UserError:
        return None
    steps, takes = _play(env, policy, r)
    about = (
        f"{found.kind.capitalize()}, of grade {found.grade}, without noise. {_outcome(env, steps)}"
    )
    return PolicyEpisodes("expert", about, takes)


def stored_policy(r: Result, env: Drawn) -> PolicyEpisodes:
    """The policy that a cell stores for its first seed."""
    seed = policy_files.seeds_of(r.folder)[0]
    steps, takes = _play(env, policies.load(r.folder, seed).actor, r)
    about = f"Seed {seed}, as the cell stores it. {_outcome(env, steps)}"
    return PolicyEpisodes(r.identity["label"], about, takes)


def learner(job: plan.Job, r: Result) -> PolicyEpisodes:
    """The first seed of a cell, trained again; `job` is the cell's, in an environment that can be
    drawn."""
    env = video.drawable(job.env)
    assert env is not None
    seed = r.identity["seeds"][0]
    demos, _ = loading.load_demonstrations(
        job.cell.data, job.env, [seed], configs=[job.cell.config]
    )
    state, ev = loop.train(
        job.algo,
        demos,
        jnp.stack([jax.random.key(seed)]),
        env=env,
        num_updates=job.num_updates,
        num_evals=1,
        eval_episodes=job.cell.eval_episodes,
        eval_key=_key(r),
    )
    own = jax.tree.map(lambda x: x[0], state.algo)
    steps, takes = _play(env, actor_of(job.algo, own), r)
    spent = job.algo.cost * job.num_updates
    budget = [f"{spent.grad_steps:,} gradient steps"] * bool(spent.grad_steps)
    budget += [f"{spent.env_steps:,} environment steps"] * bool(spent.env_steps)
    about = (
        f"Seed {seed}: {' and '.join(budget)}, {ev.seconds['train']:.1f} s on {machine.device()}. "
        f"{_outcome(env, steps)} {_beside(r, ev)}"
    )
    return PolicyEpisodes(r.identity["label"], about, takes)


def _key(r: Result) -> jax.Array:
    return plan.eval_key(bool(r.identity.get("validation", False)))


def _play(env: Drawn, actor: Actor | Policy, r: Result) -> tuple[Transition, list[video.Episode]]:
    """The first episodes of the cell's evaluation, and what a picture of each state needs."""
    num = r.identity["eval_episodes"]

    def picture(state: EnvState) -> tuple[jax.Array, jax.Array]:
        return state.pipeline_state.qpos, state.info.get("goal", jnp.zeros(0))

    run_all = jax.jit(lambda key: rollout.recorded_episodes(env, actor, key, num, picture))
    steps, (qpos, goal) = jax.tree.map(
        lambda x: np.asarray(x[:, : video.episodes(env)]), run_all(_key(r))
    )
    takes = []
    for i in range(steps.weight.shape[1]):
        length = int(steps.weight[:, i].sum()) + 1
        takes.append(video.Episode(qpos[:length, i], goal[:length, i]))
    return steps, takes


def _outcome(env: Env, steps: Transition) -> str:
    """How the episodes that are seen went."""
    found = {k: np.asarray(v) for k, v in rollout.summarise(steps).items()}
    if rollout.has_success(env):
        words = ["reached" if x else "missed" for x in found["success_final"]]
        return f"Episodes seen: {', '.join(words)}."
    returns = ", ".join(f"{x:.0f}" for x in found["return"])
    return f"Return of the episode: {returns}."


def _beside(r: Result, ev: loop.Eval) -> str:
    """This policy's evaluation beside the cell's record of the same seed."""
    if r.info["has_success"]:
        column, scale, unit, here = "success_final", 100, " %", ev.success_final
    else:
        column, scale, unit, here = "return", 1, "", ev.returns
    now, then = float(here[0, -1]), float(r.final(column)[0])
    what, count = column.replace("_", " "), r.identity["eval_episodes"]
    return f"All {count}: {what} {scale * now:.1f}{unit}; in the cell {scale * then:.1f}{unit}."
