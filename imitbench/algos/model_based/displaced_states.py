"""States of an environment beside those of demonstrations, which are reached or set."""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from imitbench.core import buffer, ops
from imitbench.core.capabilities import Actuated, Poses
from imitbench.core.types import Env, EnvState, Key, Transition
from imitbench.utils.errors import UserError

Kind = Literal["action", "pose"]


class Displaced(NamedTuple):
    """Demonstrated steps, and states beside those in which they begin."""

    rows: Transition  # [M]
    state: EnvState  # [M]
    exists: jax.Array  # [M] bool; False where the data have no such step


def draw(env: Env, key: Key, steps: Transition, number: int, kind: Kind, noise: float) -> Displaced:
    """Draws demonstrated steps, and displaces the states in which they begin.

    Args:
        env: one environment, with poses.
        key: random key.
        steps: [N] of whole episodes, with poses.
        number: M, the steps to draw, with replacement.
        kind: `action`: a disturbed action is executed one step before. `pose`: positions and
            velocities are displaced where actions move them directly.
        noise: standard deviation; of each component of the action, which is clipped to [-1, 1], or
            of each number of the pose in its standard deviations in the demonstrations.

    Returns:
        M steps with their displaced states.

    Raises:
        UserError: the steps hold no poses.
    """
    if steps.pose is None:
        raise UserError(
            f"the demonstrations of {env.name} hold no poses: collect them with `imitbench demos`"
        )
    assert isinstance(env, Poses)
    k_rows, k_noise = jax.random.split(key)
    if kind == "pose":
        assert isinstance(env, Actuated)
        std = ops.fit_normaliser(steps.pose, steps.weight, floor=0.0).std
        rows = buffer.real_row_sampler(steps, steps.weight)(k_rows, number)
        pose = displace(k_noise, rows.pose, std, jnp.asarray(env.actuated), noise)
        return Displaced(rows, jax.vmap(env.reset_to)(pose), rows.weight > 0)
    later = jax.tree.map(lambda x: jnp.roll(x, -1, axis=0), steps)
    weight = jnp.where(successors(steps), steps.weight, 0.0)
    pairs = buffer.real_row_sampler((steps, later, weight), weight)
    before, rows, weight = pairs(k_rows, number)
    action = before.action + noise * jax.random.normal(k_noise, before.action.shape)
    state = jax.vmap(env.reset_to)(before.pose)
    state = jax.vmap(env.step)(state, jnp.clip(action, -1.0, 1.0))
    return Displaced(rows, state, weight > 0)


def successors(steps: Transition) -> jax.Array:
    """Finds the steps [N] whose next row is their next step: not the last ones of episodes, nor
    those of data in which steps were left out.

    Args:
        steps: [N] of whole episodes.

    Returns:
        [N] bool.
    """
    next_obs, next_weight = jnp.roll(steps.obs, -1, axis=0), jnp.roll(steps.weight, -1)
    joined = jnp.all(next_obs == steps.next_obs, axis=-1) & (next_weight > 0)
    return joined & (buffer.find_episodes(steps).rest > 0)


def displace(
    key: Key, pose: jax.Array, std: jax.Array, actuated: jax.Array, noise: float
) -> jax.Array:
    """Displaced poses [N, P]: pose + noise std N(0, I) where actions move it directly.

    Args:
        key: random key.
        pose: [N, P].
        std: [P] standard deviations in the demonstrations.
        actuated: [P] bool.
        noise: in standard deviations.
    """
    z = jax.random.normal(key, pose.shape)
    return pose + jnp.where(actuated, noise * std * z, 0.0)
