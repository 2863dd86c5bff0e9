"""Evaluations of a method in training: rollouts of its policies, and their statistics so far."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from imitbench.core import ops, rollout
from imitbench.core.actor import actor_of
from imitbench.core.types import Algorithm, Env, Key, Metrics


class Eval(NamedTuple):
    """All evaluations of a run so far.

    The returns and metrics of a diverged seed stay as they are; its success counts as 0.
    """

    updates: np.ndarray  # [E] updates done
    success_any: np.ndarray  # [S, E] share of episodes that reached the goal at some step
    success_final: np.ndarray  # [S, E] share of episodes at the goal in their last step
    returns: np.ndarray  # [S, E] mean undiscounted return
    # [S, E] by name: means over the updates since the evaluation before. Where the method has a
    # value_estimator, also means over the episodes: "value" of the initial state and "discounted"
    # return.
    metrics: dict[str, np.ndarray]
    episodes: dict[str, np.ndarray]  # [S, B] of the last evaluation: return, length, success_...
    diverged: np.ndarray  # [S] bool
    seconds: dict[str, float]  # wall time so far, by part: compile, train, evaluate


def evaluate_seed(
    algo: Algorithm, env: Env, episodes: int, key: Key, algo_state: Any
) -> dict[str, jax.Array]:
    """Evaluates the policy of one seed.

    Args:
        algo: the method.
        env: one environment.
        episodes: B, the number of episodes.
        key: random key; the initial states depend on it alone, and those of fewer episodes are the
            first of those of more.
        algo_state: the method's state for the seed.

    Returns:
        By name, each [B]: what `rollout.summarise` returns; and, where the method has a
        value_estimator, the estimated `value` of the initial states and the `discounted` returns.
    """
    steps = rollout.episodes(env, actor_of(algo, algo_state), key, episodes)
    scores = rollout.summarise(steps)
    estimator = algo.value_estimator
    if estimator is not None:
        k_value = ops.fold_in_name(key, "judge")
        scores["value"] = estimator.value(k_value, algo_state, steps.obs[0])
        scores["discounted"] = rollout.discounted_return(steps.reward, estimator.discount)
    return scores


def append_evaluation(
    evals: Eval | None,
    updates: jax.Array,
    diverged: jax.Array,
    metrics: Metrics,
    episodes: dict[str, jax.Array],
    seconds: dict[str, float],
) -> Eval:
    """Adds one evaluation.

    Args:
        evals: the evaluations before; None for the first.
        updates: [] updates done.
        diverged: [S] bool.
        metrics: [S] by name, means over the updates since the evaluation before.
        episodes: [S, B] by name, as `evaluate_seed` returns them.
        seconds: wall time so far, by part.

    Returns:
        The evaluations with one more column.
    """
    failed = np.asarray(diverged)
    scores = {k: np.asarray(v) for k, v in episodes.items()}
    for k in ("success_any", "success_final"):
        scores[k] = scores[k] & ~failed[:, None]
    means = {k: v.astype(np.float64).mean(axis=1) for k, v in scores.items()}
    estimates = {k: means[k] for k in ("value", "discounted") if k in means}
    return Eval(
        updates=_add_column(evals and evals.updates, updates),
        success_any=_add_column(evals and evals.success_any, means["success_any"]),
        success_final=_add_column(evals and evals.success_final, means["success_final"]),
        returns=_add_column(evals and evals.returns, means["return"]),
        metrics={
            k: _add_column(evals.metrics[k] if evals else None, v)
            for k, v in (metrics | estimates).items()
        },
        episodes=scores,
        diverged=failed,
        seconds=seconds,
    )


def _add_column(columns: np.ndarray | None, new: Any) -> np.ndarray:
    """Appends values [...] to columns [..., E] along the last axis; None are no columns yet."""
    new = np.asarray(new)[..., None]
    return new if columns is None else np.concatenate([columns, new], axis=-1)
