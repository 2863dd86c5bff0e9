"""Running a policy in an environment: whole episodes of fixed horizon."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core.types import Env, Key, Policy, Transition


def episodes(
    env: Env,
    policy: Policy,
    key: Key,
    num: int,
    *,
    label: Policy | None = None,
    horizon: int | None = None,
) -> Transition:
    """Runs `num` whole episodes of `env.spec.horizon` steps.

    Args:
        policy: called with all episodes at once, obs [B, O], and a fresh key each step.
        label: what to record as the label of a step; by default the executed action.
        horizon: stop after this many steps instead.

    Returns:
        Transition with leaves [T, B]. After an episode has terminated its steps carry weight 0 and
        repeat the last state. A non-finite action is executed as 0 (the training loop marks its
        seed). Initial states depend on `key` and `num` alone, not on the policy.
    """
    horizon = env.spec.horizon if horizon is None else horizon
    reset_key, act_key = jax.random.split(key)
    state = jax.vmap(env.reset)(jax.random.split(reset_key, num))

    def step(carry: tuple[Any, jax.Array], t: jax.Array):
        state, alive = carry
        k_act, k_label = jax.random.split(jax.random.fold_in(act_key, t))
        action = policy(k_act, state.obs)
        if jnp.issubdtype(action.dtype, jnp.floating):
            action = jnp.where(jnp.isfinite(action), action, 0.0)
        meant = action if label is None else label(k_label, state.obs)
        new = jax.vmap(env.step)(state, action)
        # A finished episode stands still: its physics must not run on into a state that explodes.
        new = jax.tree.map(
            lambda a, b: jnp.where(alive.reshape(alive.shape + (1,) * (a.ndim - 1)), a, b),
            new,
            state,
        )
        terminated = alive & (new.done > 0)
        success = new.metrics.get("success", jnp.zeros(num)) > 0
        row = Transition(
            obs=state.obs,
            action=action,
            label=meant,
            reward=jnp.where(alive, new.reward, 0.0),
            next_obs=new.obs,
            terminated=terminated,
            truncated=alive & ~terminated & (t == env.spec.horizon - 1),
            success=alive & success,
            weight=alive.astype(jnp.float32),
        )
        return (new, alive & ~terminated), row

    start = (state, jnp.ones(num, bool))
    _, rows = jax.lax.scan(step, start, jnp.arange(horizon))
    return rows


def rows(steps: Transition) -> Transition:
    """[T, B] -> [B * T], one episode after the other."""
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1).reshape(-1, *x.shape[2:]), steps)


def summary(steps: Transition) -> dict[str, jax.Array]:
    """Per episode [B], from steps [T, B]: return, length, success at any step, success at the last.

    The last step of an episode that terminated is its last real one.
    """
    length = jnp.sum(steps.weight, axis=0).astype(jnp.int32)
    last = jnp.take_along_axis(steps.success, jnp.maximum(length - 1, 0)[None], axis=0)[0]
    return {
        "return": jnp.sum(steps.reward, axis=0),
        "length": length,
        "success_any": jnp.any(steps.success, axis=0),
        "success_final": last,
    }


def has_success(env: Env) -> bool:
    """Whether the task says when it is solved."""
    return "success" in jax.eval_shape(env.reset, jax.random.key(0)).metrics
