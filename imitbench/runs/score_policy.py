"""What a policy gets over episodes: for experts' cards, and for the reference scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from imitbench import envs, experts
from imitbench.core import rollout
from imitbench.core.types import Env, Policy
from imitbench.envs.digest import digest
from imitbench.experts import reference_scores
from imitbench.utils.files import atomic_write

EPISODES = 100
CARD_SEED = 22_000_000  # of their initial states


class Score(NamedTuple):
    """Of a policy over episodes."""

    mean: float
    std: float
    success_any: float | None
    success_final: float | None

    @property
    def value(self) -> float:
        """What experts are compared by: final success where the task has success, else return."""
        return self.mean if self.success_final is None else self.success_final


def evaluator(env: Env, policy_of: Callable[[Any], Policy]) -> Callable[[Any, int], Score]:
    """A compiled function (parameters, seed) -> Score over 100 episodes."""

    @jax.jit
    def episodes(params: Any, key: jax.Array) -> dict[str, jax.Array]:
        return rollout.summarise(rollout.episodes(env, policy_of(params), key, EPISODES))

    return lambda params, seed: _score(env, episodes(params, jax.random.key(seed)))


def score_random(env: Env) -> Score:
    """Of uniform actions."""

    def uniform(key: jax.Array, obs: jax.Array) -> jax.Array:
        if env.spec.discrete:
            return jax.random.randint(key, obs.shape[:-1], 0, env.spec.action_size)
        shape = (*obs.shape[:-1], env.spec.action_size)
        return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)

    return score(env, uniform)


def score(env: Env, policy: Policy) -> Score:
    """Of any policy, over 100 episodes."""
    return evaluator(env, lambda nothing: policy)((), CARD_SEED)


def measure_references(task: str) -> reference_scores.Reference:
    """Scores the random policy and the expert of a task, and keeps them among those that ship."""
    env = envs.make(task)
    expert = score(env, experts.load(task, spec=env.spec))
    entry: reference_scores.Reference = {
        "random": round(score_random(env).mean, 4),
        "expert": round(expert.mean, 4),
        "expert_kind": experts.find_expert(task).kind,
        "episodes": EPISODES,
        "engine": env.engine,
        "environment_digest": digest(task, "auto"),
    }
    everything = dict(sorted({**reference_scores.table(), task: entry}.items()))
    with atomic_write(reference_scores.path()) as path:
        path.write_text(json.dumps(everything, indent=2) + "\n")
    reference_scores.table.cache_clear()
    return entry


def _score(env: Env, summary: dict[str, jax.Array]) -> Score:
    values = {k: np.asarray(v, np.float64) for k, v in summary.items()}
    returns = values["return"]
    rates = (None, None)
    if rollout.has_success(env):
        rates = float(values["success_any"].mean()), float(values["success_final"].mean())
    return Score(float(returns.mean()), float(returns.std(ddof=1)), *rates)
