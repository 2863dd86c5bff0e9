"""Running a policy in an environment: whole episodes of fixed horizon, or stretches that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.core import buffer
from imitbench.core.types import Env, EnvState, Key, Policy, Poses, Transition
from imitbench.utils.errors import UserError

StatePolicy = Callable[[Key, EnvState], jax.Array]  # (key, state [B, ...]) -> action [B, A]


def episodes(
    env: Env,
    policy: Policy | StatePolicy,
    key: Key,
    num: int,
    *,
    label: Policy | None = None,
    horizon: int | None = None,
    whole_state: bool = False,
    poses: bool = False,
) -> Transition:
    """Runs `num` whole episodes of `env.spec.horizon` steps.

    Args:
        policy: called with all episodes at once, obs [B, O], and a fresh key each step.
        label: what to record as the label of a step; by default the executed action.
        horizon: stop after this many steps instead.
        whole_state: call the policy with the environments' states in place of the observations.
        poses: record the pose of each step, where the environment has them.

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
        action = _finite(policy(k_act, state if whole_state else state.obs))
        meant = action if label is None else label(k_label, state.obs)
        new = jax.vmap(env.step)(state, action)
        # A finished episode stands still: its physics must not run on into a state that explodes.
        new = select(alive, new, state)
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
            pose=jax.vmap(env.pose)(state) if poses and isinstance(env, Poses) else None,
        )
        return (new, alive & ~terminated), row

    start = (state, jnp.ones(num, bool))
    _, rows = jax.lax.scan(step, start, jnp.arange(horizon))
    return rows


def select(mask: jax.Array, a: Any, b: Any) -> Any:
    """`a` where `mask` [B], else `b`, for trees with leaves [B, ...]."""
    return jax.tree.map(
        lambda x, y: jnp.where(mask.reshape(mask.shape + (1,) * (x.ndim - 1)), x, y), a, b
    )


def _finite(action: jax.Array) -> jax.Array:
    if jnp.issubdtype(action.dtype, jnp.floating):
        return jnp.where(jnp.isfinite(action), action, 0.0)
    return action


class Running(struct.PyTreeNode):
    """B environments in the middle of their episodes."""

    env: EnvState  # leaves [B, ...]
    t: jax.Array  # [B] int32: steps done in the current episode


class Starts(NamedTuple):
    """Where episodes begin beside the task's own initial states."""

    at: Callable[[jax.Array], EnvState]  # of a pose
    draw: Callable[[Key, int], jax.Array]  # (key, n) -> poses [n, P]
    share: float  # of the episodes


def shown(env: Env, demos: Transition, share: float) -> Starts | None:
    """Starts at demonstrated steps [N], drawn uniformly; None for a share of 0.

    Raises:
        UserError: the environment cannot begin there, or no pose has been recorded.
    """
    if not share:
        return None
    if not isinstance(env, Poses):
        raise UserError(f"resets={share}: {env.name} cannot begin at a demonstrated state; set 0")
    if not demos.weight.shape[-1]:
        raise UserError(f"resets={share}: there are no demonstrations of {env.name}; set 0")
    if demos.pose is None:
        raise UserError(
            f"resets={share}: the demonstrations of {env.name} say nothing of the physics; collect "
            "them with `imitbench demos`, or set 0"
        )
    size = jax.eval_shape(lambda: env.pose(env.reset(jax.random.key(0)))).shape[0]
    if demos.pose.shape[-1] != size:
        raise UserError(
            f"resets={share}: the demonstrations' poses have {demos.pose.shape[-1]} numbers, those "
            f"of {env.name} {size}; collect them again, or set 0"
        )
    return Starts(env.at, buffer.real_rows(demos.pose, demos.weight), share)


def begin(env: Env, key: Key, num: int, starts: Starts | None = None) -> Running:
    """`num` environments at the start of an episode."""
    state, t = jax.vmap(env.reset)(jax.random.split(key, num)), jnp.zeros(num, jnp.int32)
    if starts:
        k_coin, k_pose = jax.random.split(jax.random.fold_in(key, num))
        there = jax.random.bernoulli(k_coin, jnp.float32(starts.share), (num,))
        state = select(there, jax.vmap(starts.at)(starts.draw(k_pose, num)), state)
    return Running(state, t)


def unroll(
    env: Env,
    policy: Policy,
    key: Key,
    running: Running,
    length: int,
    starts: Starts | None = None,
) -> tuple[Running, Transition, jax.Array]:
    """Goes on for `length` steps; an episode that ends is followed by one from a fresh start, or
    from one of `starts`.

    Continuous actions are executed clipped to [-1, 1]; `label` holds them as the policy gave them.
    A non-finite action is executed as 0.

    Returns:
        The environments afterwards; Transition with leaves [T, B], all of weight 1, whose
        `next_obs` is the true successor, also where the episode ended; and the step's number in its
        episode [T, B] (0 is the first).
    """
    num = running.t.shape[0]

    def step(now: Running, key: Key) -> tuple[Running, tuple[Transition, jax.Array]]:
        k_act, k_reset = jax.random.split(key)
        meant = _finite(policy(k_act, now.env.obs))
        continuous = jnp.issubdtype(meant.dtype, jnp.floating)
        action = jnp.clip(meant, -1.0, 1.0) if continuous else meant
        new = jax.vmap(env.step)(now.env, action)
        terminated = new.done > 0
        truncated = ~terminated & (now.t + 1 >= env.spec.horizon)
        row = Transition(
            obs=now.env.obs,
            action=action,
            label=meant,
            reward=new.reward,
            next_obs=new.obs,
            terminated=terminated,
            truncated=truncated,
            success=new.metrics.get("success", jnp.zeros(num)) > 0,
            weight=jnp.ones(num),
        )
        ended = terminated | truncated
        fresh = begin(env, k_reset, num, starts)
        return select(ended, fresh, Running(new, now.t + 1)), (row, now.t)

    running, (steps, t) = jax.lax.scan(step, running, jax.random.split(key, length))
    return running, steps, t


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


def discounted(reward: jax.Array, discount: float) -> jax.Array:
    """Discounted returns [B] of rewards [T, B]."""
    return jnp.tensordot(discount ** jnp.arange(reward.shape[0]), reward, axes=1)


def has_success(env: Env) -> bool:
    """Whether the task says when it is solved."""
    return "success" in jax.eval_shape(env.reset, jax.random.key(0)).metrics
