"""The actor of a policy with a memory: it keeps the last steps and the actions it has planned."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.cloning.memory.config import Config
from imitbench.algos.cloning.memory.windows import as_numbers
from imitbench.core.types import Actor, EnvState, Key, Spec

Plan = Callable[[Key, jax.Array, jax.Array], jax.Array]
"""(key, obs [B, H, O], previous actions [B, H, A]) -> the actions [B, J, A] from now on; of choices
the next one [B]."""


class Memory(struct.PyTreeNode):
    """What is remembered in B episodes."""

    obs: jax.Array  # [B, H, O] the oldest first
    previous: jax.Array  # [B, H, A] the actions before them
    # [B, P, J, A] the last plans, the newest first: of J steps, P = J to average them, else P = 1.
    plans: jax.Array
    age: jax.Array  # [B] int32: executed actions of the newest plan, or steps of the episode


def first_window(config: Config, spec: Spec, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a policy sees at the first observations [..., O] of episodes: those [..., H, O], and no
    actions before them [..., H, A]."""
    frames = jnp.repeat(obs[..., None, :], config.history, axis=-2)
    return frames, jnp.zeros((*frames.shape[:-1], spec.action_size))


def ensemble_weights(age: jax.Array, chunk: int, rate: float) -> jax.Array:
    """The weights of all predictions for the present step.

    Source: Zhao et al. 2023 (arXiv:2304.13705), section 4.3: w_i = exp(-rate * i), and i = 0 is the
    oldest prediction.

    Args:
        age: [B] steps of the episode before this one.
        chunk: J, the steps of a prediction.
        rate: 0 or more; 0 weighs all alike.

    Returns:
        [B, J] with sum 1; entry j belongs to the prediction made j steps ago, and is 0 where the
        episode is not that old.
    """
    ago = jnp.arange(chunk)
    oldest = jnp.minimum(age, chunk - 1)[:, None]
    weights = jnp.where(ago <= oldest, jnp.exp(-rate * (oldest - ago)), 0.0)
    return weights / jnp.sum(weights, axis=-1, keepdims=True)


def actor(config: Config, spec: Spec, plan: Plan) -> Actor:
    """Builds the actor.

    Args:
        config: the memory.
        spec: the task.
        plan: predicts actions from what is remembered.
    """
    averages = config.averages
    stored = config.chunk if averages else 1

    def start(key: Key, state: EnvState) -> Memory:
        num = state.obs.shape[0]
        frames, previous = first_window(config, spec, state.obs)
        plans = jnp.zeros((num, stored, config.chunk, spec.action_size))
        age = jnp.full(num, 0 if averages else config.execute, jnp.int32)
        return Memory(frames, previous, plans, age)

    def act(key: Key, memory: Memory, state: EnvState) -> tuple[jax.Array, Memory]:
        frames = jnp.concatenate([memory.obs[:, 1:], state.obs[:, None]], axis=1)
        memory = memory.replace(obs=frames)
        if spec.discrete:
            action = plan(key, frames, memory.previous)
        elif averages:
            action, memory = _average(config, plan, key, memory)
        else:
            action, memory = _execute(config, plan, key, memory)
        seen = as_numbers(action, spec)[:, None]
        previous = jnp.concatenate([memory.previous[:, 1:], seen], axis=1)
        return action, memory.replace(previous=previous)

    return Actor(start, act)


def _execute(config: Config, plan: Plan, key: Key, memory: Memory) -> tuple[jax.Array, Memory]:
    """The next action of the plan, after a new plan where it is used up."""
    used_up = memory.age >= config.execute

    def replan(plans: jax.Array) -> jax.Array:
        new = plan(key, memory.obs, memory.previous)[:, None]
        return jnp.where(used_up[:, None, None, None], new, plans)

    plans = jax.lax.cond(jnp.any(used_up), replan, lambda plans: plans, memory.plans)
    age = jnp.where(used_up, 0, memory.age)
    action = jnp.take_along_axis(plans[:, 0], age[:, None, None], axis=1)[:, 0]
    return action, memory.replace(plans=plans, age=age + 1)


def _average(config: Config, plan: Plan, key: Key, memory: Memory) -> tuple[jax.Array, Memory]:
    """The weighted mean of all predictions for this step, the present one included."""
    new = plan(key, memory.obs, memory.previous)[:, None]
    plans = jnp.concatenate([new, memory.plans[:, :-1]], axis=1)
    now = jnp.diagonal(plans, axis1=1, axis2=2)  # [B, A, J]: entry j of the plan made j steps ago
    weights = ensemble_weights(memory.age, config.chunk, config.ensemble)
    action = jnp.einsum("baj,bj->ba", now, weights)
    return action, memory.replace(plans=plans, age=memory.age + 1)


def planned(config: Config, spec: Spec, predicted: jax.Array) -> jax.Array:
    """The actions from now on [..., J, A] of a prediction [..., (past + J) * A]."""
    actions = predicted.reshape(*predicted.shape[:-1], config.actions, spec.action_size)
    return actions[..., config.past_targets :, :]
