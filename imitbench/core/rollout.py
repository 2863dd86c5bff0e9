"""Rollouts of an actor: whole episodes of fixed length, and statistics of them.

`imitbench.core.unrolling` has environments that go on from call to call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.core import ops
from imitbench.core.actor import as_actor
from imitbench.core.capabilities import Poses, TrainingVariant
from imitbench.core.types import Actor, Decision, Env, EnvState, Key, Modes, Policy, Transition


def evaluation_env(env: Env) -> Env:
    """Returns the environment in which the policies of an environment are evaluated."""
    return (env.evaluated_in or env) if isinstance(env, TrainingVariant) else env


def episodes(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    num: int,
    *,
    horizon: int | None = None,
    poses: bool = False,
    starts: int | None = None,
) -> Transition:
    """Runs whole episodes.

    Args:
        env: one environment; this function vectorises it.
        actor: acts in all episodes at once, with a fresh key in each step.
        key: random key. Episode b's initial state depends on it and on b alone.
        num: B, the number of episodes.
        horizon: T, the steps of each episode; by default the time limit.
        poses: record the pose before each step, where the environment has poses.
        starts: the number of different initial states; they repeat in turn, so that episode b
            begins in state b % starts. By default all B are different.

    Returns:
        Transition with leaves [T, B]. After an episode has terminated, its steps have weight 0 and
        repeat the last state. A non-finite action is executed as 0 (the training loop marks its
        seed as diverged).
    """
    steps, _ = recorded_episodes(
        env, actor, key, num, _no_record, horizon=horizon, poses=poses, starts=starts
    )
    return steps


def recorded_episodes(
    env: Env,
    actor: Actor | Policy,
    key: Key,
    num: int,
    record: Callable[[EnvState], Any],
    *,
    horizon: int | None = None,
    poses: bool = False,
    starts: int | None = None,
) -> tuple[Transition, Any]:
    """Runs whole episodes, and records something of every state in them.

    Args:
        env: one environment; this function vectorises it.
        actor: acts in all episodes at once, with a fresh key in each step.
        key: random key. Episode b's initial state depends on it and on b alone.
        num: B, the number of episodes.
        record: maps the state of one environment to any pytree.
        horizon: T, the steps of each episode; by default the time limit.
        poses: record the pose before each step, where the environment has poses.
        starts: the number of different initial states; they repeat in turn, so that episode b
            begins in state b % starts. By default all B are different.

    Returns:
        Transition with leaves [T, B], as `episodes` returns it; and the records with leaves
        [T + 1, B, ...], those of the initial states first.
    """
    actor = as_actor(actor)
    horizon = env.spec.horizon if horizon is None else horizon
    reset_key, act_key = jax.random.split(key)
    reset_keys = jax.random.split(reset_key, num if starts is None else starts)
    reset_keys = reset_keys if starts is None else reset_keys[jnp.arange(num) % starts]
    state = jax.vmap(env.reset)(reset_keys)
    memory = actor.start(ops.fold_in_name(act_key, "start"), state)
    record_all = jax.vmap(record)

    def step(carry: tuple[EnvState, Any, jax.Array], t: jax.Array):
        state, memory, alive = carry
        k_act, _ = jax.random.split(jax.random.fold_in(act_key, t))
        decision, memory = actor.act(k_act, memory, state)
        action, intended = split_decision(decision)
        new = jax.vmap(env.step)(state, action)
        # A finished episode keeps its last state: its physics must not run on until it explodes.
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
        return (new, memory, alive & ~terminated), (row, record_all(new))

    first = record_all(state)
    begin = (state, memory, jnp.ones(num, bool))
    _, (steps, later) = jax.lax.scan(step, begin, jnp.arange(horizon))
    records = jax.tree.map(lambda x, xs: jnp.concatenate([x[None], xs]), first, later)
    return steps, records


def _no_record(state: EnvState) -> tuple[()]:
    return ()


def select(mask: jax.Array, a: Any, b: Any) -> Any:
    """Selects between two pytrees, environment by environment.

    Args:
        mask: [B] bool.
        a: pytree with leaves [B, ...], taken where `mask` is true.
        b: pytree of the same structure and shapes, taken elsewhere.

    Returns:
        Pytree with leaves [B, ...].
    """
    return jax.tree.map(
        lambda x, y: jnp.where(mask.reshape(mask.shape + (1,) * (x.ndim - 1)), x, y), a, b
    )


def split_decision(decision: jax.Array | Decision) -> tuple[jax.Array, jax.Array]:
    """Splits the output of an actor into the action to execute and the intended action.

    Args:
        decision: action [B, A], or a `Decision` with two of them.

    Returns:
        The action to execute, in which non-finite numbers are 0; and the intended action. For a
        plain action the two are the same.
    """
    if isinstance(decision, Decision):
        return _finite(decision.action), decision.intended
    action = _finite(decision)
    return action, action


def _finite(action: jax.Array) -> jax.Array:
    if jnp.issubdtype(action.dtype, jnp.floating):
        return jnp.where(jnp.isfinite(action), action, 0.0)
    return action


def flatten(steps: Transition) -> Transition:
    """Joins episodes into rows.

    Args:
        steps: leaves [T, B, ...].

    Returns:
        Leaves [B * T, ...], one episode after the other.
    """
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1).reshape(-1, *x.shape[2:]), steps)


def summarise(steps: Transition, modes: Modes | None = None) -> dict[str, jax.Array]:
    """Computes statistics of whole episodes.

    Args:
        steps: leaves [T, B, ...], as `episodes` returns them.
        modes: of the task, if it tells episodes apart.

    Returns:
        By name, each [B]: `return`, undiscounted; `length` in steps; `success_any`, whether any
        step succeeded; `success_final`, whether the last step of positive weight did; and with
        `modes` the `mode`, -1 where the episode shows none.
    """
    length = jnp.sum(steps.weight, axis=0).astype(jnp.int32)
    last = jnp.take_along_axis(steps.success, jnp.maximum(length - 1, 0)[None], axis=0)[0]
    summary = {
        "return": jnp.sum(steps.reward, axis=0),
        "length": length,
        "success_any": jnp.any(steps.success, axis=0),
        "success_final": last,
    }
    return summary if modes is None else summary | {"mode": modes.find(steps)}


def discounted_return(reward: jax.Array, discount: float) -> jax.Array:
    """Computes discounted returns.

    Args:
        reward: [T, B], 0 after an episode's end.
        discount: the discount factor, in [0, 1].

    Returns:
        [B] the sums of discount^t reward_t.
    """
    return jnp.tensordot(discount ** jnp.arange(reward.shape[0]), reward, axes=1)


def has_success(env: Env) -> bool:
    """Returns whether the task reports success."""
    return "success" in jax.eval_shape(env.reset, jax.random.key(0)).metrics
