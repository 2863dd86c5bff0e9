"""The loops of the on-policy learners: collecting, and passes over the collected steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common.on_policy import CLIP, Config, Core, OnPolicyLearner
from imitbench.core import buffer, ops, policy_nets, unrolling
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Params, Spec, Transition


class State(struct.PyTreeNode):
    """The learner's state and its environments."""

    core: Core
    running: unrolling.RunningEpisodes


def make(config: Config, env: Env, learner: OnPolicyLearner) -> Algorithm:
    """The learner on the task's reward; demonstrations are not used.

    One update collects `envs` * `length` steps and learns from them.

    Args:
        config: of the learner.
        env: where to collect.
        learner: the method.
    """

    def init(key: Key, demos: Transition) -> State:
        k_core, k_env = jax.random.split(key)
        return State(learner.init(k_core), unrolling.start_episodes(env, k_env, config.envs))

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_learn = jax.random.split(key)
        policy = learner.explore(state.core)
        running, steps, _ = unrolling.unroll(env, policy, k_env, state.running, config.length)
        core, metrics = learner.learn(k_learn, state.core, steps)
        return State(core, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, obs)

    cost = Cost(env_steps=config.envs * config.length, grad_steps=learner.grad_steps)
    return Algorithm(init, update, act, cost)


def export(config: Config, spec: Spec, state: State) -> policy_nets.MLPPolicy:
    """One seed's policy network with its normaliser, to be saved alone; continuous actions only.

    Args:
        config: of the learner.
        spec: of the task.
        state: of one seed.
    """
    core = state.core
    moments = core.obs_moments if config.normalise_obs else ops.empty_moments(spec.obs_size)
    return policy_nets.export_mlp(
        core.params["policy"]["net"],
        moments.normaliser(),
        CLIP if config.normalise_obs else float("inf"),
        activation="tanh",
        head="clip",
    )


def standardise_advantages(advantage: jax.Array) -> jax.Array:
    """Advantages [N] with mean 0 and sample standard deviation 1."""
    return (advantage - jnp.mean(advantage)) / (jnp.std(advantage, ddof=1) + 1e-8)


def minibatch_indices(config: Config, key: Key, size: int) -> jax.Array:
    """Indices [epochs * minibatches, size / minibatches] of `epochs` passes over `size` rows, each
    in a new order."""
    permutations = jax.vmap(lambda k: jax.random.permutation(k, size))
    index = permutations(jax.random.split(key, config.epochs))
    return index.reshape(config.epochs * config.minibatches, -1)


def minibatch_descent(
    config: Config,
    loss: Callable[[Params, dict[str, jax.Array]], tuple[jax.Array, Metrics]],
    opt: optax.GradientTransformation,
    key: Key,
    params: Params,
    opt_state: Any,
    data: dict[str, jax.Array],
) -> tuple[Params, Any, Metrics]:
    """One gradient step on each minibatch of `epochs` passes over rows [N, ...].

    Args:
        config: `epochs` and `minibatches`.
        loss: (params, rows) -> (the loss [], metrics).
        opt: the optimiser.
        key: of the order of rows.
        params: of the loss.
        opt_state: of the optimiser.
        data: the rows.

    Returns:
        Parameters and optimiser state after the steps; metrics averaged over them.
    """

    def step(carry: tuple[Params, Any], index: jax.Array) -> tuple[tuple[Params, Any], Metrics]:
        params, opt_state, metrics = ops.gradient_step(loss, opt, *carry, buffer.take(data, index))
        return (params, opt_state), metrics

    index = minibatch_indices(config, key, jax.tree.leaves(data)[0].shape[0])
    (params, opt_state), metrics = jax.lax.scan(step, (params, opt_state), index)
    return params, opt_state, jax.tree.map(jnp.mean, metrics)
