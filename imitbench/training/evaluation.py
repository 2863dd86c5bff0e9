"""Evaluations of a method in training: rollouts of its policies, and their statistics so far."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core import ops, rollout
from imitbench.core.actor import actor_of, with_noisy_observations
from imitbench.core.types import Algorithm, Env, Key, Metrics, Transition
from imitbench.utils.errors import UserError


class Eval(NamedTuple):
    """All evaluations of a run so far.

    The returns and metrics of a diverged seed stay as they are; its success counts as 0.
    """

    updates: np.ndarray  # [E] updates done
    success_any: np.ndarray  # [S, E] share of episodes that reached the goal at some step
    success_final: np.ndarray  # [S, E] share of episodes at the goal in their last step
    returns: np.ndarray  # [S, E] mean undiscounted return
    # [S, E] by name, where the method has a value_estimator: means over the episodes of the "value"
    # of the initial state and of the "discounted" return.
    estimates: dict[str, np.ndarray]
    metric_updates: np.ndarray  # [M] updates done at the end of each part of training
    metrics: dict[str, np.ndarray]  # [S, M] by name: means over the updates of each part
    episodes: dict[str, np.ndarray]  # [S, B] of the last evaluation, by name: return, ...
    diverged: np.ndarray  # [S] bool
    seconds: dict[str, float]  # wall time so far, by part: compile, train, evaluate


def observation_noise(demos: Transition, size: float, seeds: int) -> jax.Array | None:
    """The noise on the observations that policies are evaluated with.

    Args:
        demos: leaves [N, ...] or [S, N, ...].
        size: in standard deviations of the demonstrated observations, component by component.
        seeds: S.

    Returns:
        [S, O] standard deviations of the noise; None for size 0.

    Raises:
        UserError: there are no demonstrations, which the size is measured by, or it is negative.
    """
    if not size:
        return None
    if not size > 0:
        raise UserError(f"obs_noise={size}: expected 0 or more")
    if not demos.weight.shape[-1]:
        raise UserError(
            f"obs_noise={size}: it is measured by the demonstrations, and there are none; set 0"
        )

    def scale(obs: Any, weight: jax.Array) -> jax.Array:
        return ops.fit_normaliser(obs, weight, floor=0.0).std

    if demos.weight.ndim == 1:
        return size * jnp.tile(jax.jit(scale)(demos.obs, demos.weight), (seeds, 1))
    return size * jax.jit(jax.vmap(scale))(demos.obs, demos.weight)


def evaluate_seed(
    algo: Algorithm,
    env: Env,
    episodes: int,
    key: Key,
    algo_state: Any,
    obs_noise: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Evaluates the policy of one seed.

    Args:
        algo: the method.
        env: one environment; of one to train in alone, that which it names for evaluations counts.
        episodes: B, the number of episodes.
        key: random key; the initial states depend on it alone, and those of fewer episodes are the
            first of those of more.
        algo_state: the method's state for the seed.
        obs_noise: [O] standard deviation of Gaussian noise on what the policy sees; by default
            there is none.

    Returns:
        By name, each [B]: what `rollout.summarise` returns; and, where the method has a
        value_estimator, the estimated `value` of the initial states and the `discounted` returns.
    """
    actor, env = actor_of(algo, algo_state), rollout.evaluation_env(env)
    if obs_noise is not None:
        actor = with_noisy_observations(actor, obs_noise)
    steps = rollout.episodes(env, actor, key, episodes)
    scores = rollout.summarise(steps, env.spec.modes)
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
    episodes: dict[str, jax.Array],
    seconds: dict[str, float],
    metrics: Metrics | None = None,
) -> Eval:
    """Adds one evaluation, and the metrics of the updates before it.

    Args:
        evals: the evaluations before; None for the first.
        updates: [] updates done.
        diverged: [S] bool.
        episodes: [S, B] by name, as `evaluate_seed` returns them.
        seconds: wall time so far, by part.
        metrics: [S, P] by name, means over the updates of each of P equal parts since the
            evaluation before; None before the first update.

    Returns:
        The evaluations with one more column.
    """
    old = evals or _nothing(len(diverged))
    failed = np.asarray(diverged)
    scores = {k: np.asarray(v) for k, v in episodes.items()}
    for k in ("success_any", "success_final"):
        scores[k] = scores[k] & ~failed[:, None]
    means = {k: v.astype(np.float64).mean(axis=1) for k, v in scores.items()}
    estimates = {k: means[k][:, None] for k in ("value", "discounted") if k in means}
    done, new = int(updates), {k: np.asarray(v) for k, v in (metrics or {}).items()}
    return Eval(
        updates=_append(old.updates, np.asarray([done])),
        success_any=_append(old.success_any, means["success_any"][:, None]),
        success_final=_append(old.success_final, means["success_final"][:, None]),
        returns=_append(old.returns, means["return"][:, None]),
        estimates={k: _append(old.estimates.get(k), v) for k, v in estimates.items()},
        metric_updates=_append(old.metric_updates, _ends_of_parts(old, done, new)),
        metrics=old.metrics | {k: _append(old.metrics.get(k), v) for k, v in new.items()},
        episodes=scores,
        diverged=failed,
        seconds=seconds,
    )


def _nothing(seeds: int) -> Eval:
    """No evaluations of some seeds."""
    none, scores = np.zeros(0, int), np.zeros((seeds, 0))
    return Eval(none, scores, scores, scores, {}, none, {}, {}, np.zeros(seeds, bool), {})


def _ends_of_parts(old: Eval, done: int, metrics: dict[str, np.ndarray]) -> np.ndarray:
    """[P], the updates done at the end of each part since the last evaluation."""
    parts = next((v.shape[1] for v in metrics.values()), 0)
    before = int(old.updates[-1]) if len(old.updates) else 0
    return before + (done - before) * np.arange(1, parts + 1) // max(parts, 1)


def _append(columns: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    """Appends columns [..., P] to columns [..., E] along the last axis; None are no columns yet."""
    return new if columns is None else np.concatenate([columns, new], axis=-1)
