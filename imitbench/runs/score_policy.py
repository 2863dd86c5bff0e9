"""Scores of policies: returns and success over episodes, for cards and reference scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.core.types import Actor, Env, Policy
from imitbench.envs.digest import digest
from imitbench.envs.motion.imitation import Imitation
from imitbench.experts import reference_scores
from imitbench.utils.files import atomic_write

EPISODES = 100
CARD_SEED = 22_000_000  # of the initial states for cards and reference scores


class Score(NamedTuple):
    """The score of a policy over episodes."""

    mean: float  # undiscounted return
    std: float  # standard deviation of the return over episodes
    success_any: float | None  # share of the episodes; None without a success signal
    success_final: float | None

    @property
    def value(self) -> float:
        """The number that experts are compared by: final success if there is any, else return."""
        return self.mean if self.success_final is None else self.success_final


def make_evaluator(
    env: Env, make_policy: Callable[[Any], Actor | Policy]
) -> Callable[[Any, int], Score]:
    """Compiles an evaluation over 100 episodes.

    Args:
        env: the task's environment.
        make_policy: makes a policy or an actor from its parameters.

    Returns:
        A function (parameters, seed of the initial states) -> score.
    """
    env = rollout.evaluation_env(env)

    @jax.jit
    def run(params: Any, key: jax.Array) -> dict[str, jax.Array]:
        return rollout.summarise(rollout.episodes(env, make_policy(params), key, EPISODES))

    return lambda params, seed: _score(env, run(params, jax.random.key(seed)))


def score(env: Env, policy: Actor | Policy) -> Score:
    """Scores a policy over 100 episodes.

    Args:
        env: the task's environment.
        policy: an actor, or (key, obs [..., O]) -> action [..., A].

    Returns:
        Its score, on the initial states of cards.
    """
    return make_evaluator(env, lambda params: policy)((), CARD_SEED)


def score_random(env: Env) -> Score:
    """Scores the policy with uniformly random actions over 100 episodes.

    Args:
        env: the task's environment.

    Returns:
        Its score, on the initial states of cards.
    """

    def uniform(key: jax.Array, obs: jax.Array) -> jax.Array:
        if env.spec.discrete:
            return jax.random.randint(key, obs.shape[:-1], 0, env.spec.action_size)
        shape = (*obs.shape[:-1], env.spec.action_size)
        return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)

    return score(env, uniform)


def measure_references(task: str) -> reference_scores.Reference:
    """Scores the random policy and the expert of a task, and stores both in the package.

    Args:
        task: the task's name.

    Returns:
        The new reference scores of the task.

    Raises:
        UserError: the task has no expert, or the file cannot be written.
    """
    env = envs.make(task)
    if isinstance(env, Imitation):  # the clip gets the reward 1 in every step
        expert, kind = float(env.spec.horizon), "clip"
    else:
        expert = score(env, experts.load_actor(task, spec=env.spec)).mean
        kind = experts.find_expert(task).kind
    random = score_random(env)
    entry: reference_scores.Reference = {
        "random": round(random.mean, 4),
        "expert": round(expert, 4),
        "expert_kind": kind,
        "episodes": EPISODES,
        "engine": env.engine,
        "environment_digest": digest(task, "auto"),
    }
    if random.success_any is not None and random.success_final is not None:
        entry["random_success_any"] = random.success_any
        entry["random_success_final"] = random.success_final
    table = dict(sorted({**reference_scores.table(), task: entry}.items()))
    with atomic_write(reference_scores.path()) as path:
        path.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    reference_scores.table.cache_clear()
    return entry


def _score(env: Env, outcomes: dict[str, jax.Array]) -> Score:
    """The score from the outcomes [B] of episodes, as `rollout.summarise` gives them."""
    values = {k: np.asarray(v, np.float64) for k, v in outcomes.items()}
    returns = values["return"]
    rates = (None, None)
    if rollout.has_success(env):
        rates = float(values["success_any"].mean()), float(values["success_final"].mean())
    return Score(float(returns.mean()), float(returns.std(ddof=1)), *rates)
