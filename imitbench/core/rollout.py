"""Running an actor in environments: whole episodes of fixed horizon, or stretches that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core import ops
from imitbench.core.actor import as_actor
from imitbench.core.types import Actor, Decision, Env, EnvState, Key, Policy, Poses, Transition


def episodes(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    num: int,
    *,
    horizon: int | None = None,
    poses: bool = False,
) -> Transition:
    """Runs whole episodes.

    Args:
        env: one environment; it is vectorised here.
        actor: acts in all episodes at once, with a fresh key each step.
        key: initial states depend on it and on `num` alone, not on the actor.
        num: how many episodes (B).
        horizon: steps of each (T), by default the time limit.
        poses: record the pose of each step, where the environment has them.

    Returns:
        Transition with leaves [T, B]. After an episode has terminated its steps carry weight 0 and
        repeat the last state. A non-finite action is executed as 0 (the training loop marks its
        seed as diverged).
    """
    return recorded_episodes(env, actor, key, num, lambda state: (), horizon=horizon, poses=poses)[
        0
    ]


def recorded_episodes(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    num: int,
    record: Callable[[EnvState], Any],
    *,
    horizon: int | None = None,
    poses: bool = False,
) -> tuple[Transition, Any]:
    """`episodes`, and what `record` says of each state that they pass through.

    Args:
        env, actor, key, num, horizon, poses: as in `episodes`.
        record: of one state, any pytree.

    Returns:
        Transition with leaves [T, B]; the records with leaves [T + 1, B, ...], the first of the
        initial states.
    """
    actor = as_actor(actor)
    horizon = env.spec.horizon if horizon is None else horizon
    reset_key, act_key = jax.random.split(key)
    state = jax.vmap(env.reset)(jax.random.split(reset_key, num))
    memory = actor.start(ops.fold_in_name(act_key, "start"), state)
    look = jax.vmap(record)

    def step(carry: tuple[EnvState, Any, jax.Array], t: jax.Array):
        state, memory, alive = carry
        k_act, _ = jax.random.split(jax.random.fold_in(act_key, t))
        action, memory = actor.act(k_act, memory, state)
        action, intended = split_decision(action)
        new = jax.vmap(env.step)(state, action)
        # A finished episode stands still: its physics must not run on into a state that explodes.
        new = select(alive, new, state)
        terminated = alive & (new.done > 0)
        success = new.metrics.get("success", jnp.zeros(num)) > 0
        row = Transition(
            obs=state.obs,
            action=action,
            intended_action=intended,
            reward=jnp.where(alive, new.reward, 0.0),
            next_obs=new.obs,
            terminated=terminated,
            truncated=alive & ~terminated & (t == env.spec.horizon - 1),
            success=alive & success,
            weight=alive.astype(jnp.float32),
            pose=jax.vmap(env.pose)(state) if poses and isinstance(env, Poses) else None,
        )
        return (new, memory, alive & ~terminated), (row, look(new))

    first = look(state)
    begin = (state, memory, jnp.ones(num, bool))
    _, (steps, later) = jax.lax.scan(step, begin, jnp.arange(horizon))
    records = jax.tree.map(lambda x, xs: jnp.concatenate([x[None], xs]), first, later)
    return steps, records


def select(mask: jax.Array, a: Any, b: Any) -> Any:
    """`a` where `mask` [B], else `b`, for trees with leaves [B, ...]."""
    return jax.tree.map(
        lambda x, y: jnp.where(mask.reshape(mask.shape + (1,) * (x.ndim - 1)), x, y), a, b
    )


def split_decision(action: jax.Array | Decision) -> tuple[jax.Array, jax.Array]:
    """The action to execute, finite, and the intended one."""
    if isinstance(action, Decision):
        return _finite(action.action), action.intended
    action = _finite(action)
    return action, action


def _finite(action: jax.Array) -> jax.Array:
    if jnp.issubdtype(action.dtype, jnp.floating):
        return jnp.where(jnp.isfinite(action), action, 0.0)
    return action


def flatten(steps: Transition) -> Transition:
    """[T, B] -> [B * T], one episode after the other."""
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1).reshape(-1, *x.shape[2:]), steps)


def summarise(steps: Transition) -> dict[str, jax.Array]:
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


def discounted_return(reward: jax.Array, discount: float) -> jax.Array:
    """Discounted returns [B] of rewards [T, B]."""
    return jnp.tensordot(discount ** jnp.arange(reward.shape[0]), reward, axes=1)


def has_success(env: Env) -> bool:
    """Whether the task says when it is solved."""
    return "success" in jax.eval_shape(env.reset, jax.random.key(0)).metrics
