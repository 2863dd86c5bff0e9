"""The loop of the off-policy learners: rounds of collecting and of gradient steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from imitbench.algos.common import off_policy, replay_buffer
from imitbench.algos.common.goal_ends import terminate_reached
from imitbench.algos.common.off_policy import (
    OffPolicyLearner,
    Setup,
    State,
    reject_discrete,
    standardise_obs,
)
from imitbench.algos.common.replay_buffer import Experience, RowSampler
from imitbench.algos.common.reward_model import TASK_REWARD, RewardModel
from imitbench.core import ops, unrolling
from imitbench.core.types import (
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Spec,
    Transition,
    ValueEstimator,
)
from imitbench.utils.errors import UserError


def no_demos(key: Key, batch: int) -> Experience:
    """The sampler of demonstrations of a method that does not use them."""
    raise AssertionError("this method does not use demonstrations")


def learn(
    setup: Setup, sample_demos: RowSampler, key: Key, state: State
) -> tuple[Any, Any, Metrics]:
    """A round's gradient steps: the reward model's, then the learner's.

    The reward model gets the agent's steps with the goals of their episodes, as in Ding et al. 2019
    (arXiv:1906.05838): a step with the goal that it reached looks like an expert's.

    Returns:
        The states of the learner and of the reward model; metrics, the learner's averaged over its
        steps.
    """
    config = setup.config
    sample_agent = replay_buffer.agent_sampler(
        state.replay, setup.spec, config.her, early_ends=config.goal_ends
    )
    if config.goal_ends:
        sample_agent = terminate_reached(sample_agent, setup.spec)
    normalise = partial(standardise_obs, config, state.moments)
    reward_state, reward_metrics = setup.reward_model.update(
        ops.fold_in_name(key, "teacher"),
        state.reward_state,
        state.replay,
        replay_buffer.agent_sampler(state.replay, setup.spec, 0.0),
        sample_demos,
    )

    def step(learner_state: Any, key: Key) -> tuple[Any, Metrics]:
        k_rows, k_learn = jax.random.split(key)
        rows = sample_agent(k_rows, config.batch)
        if setup.demo_batch:
            demo_rows = sample_demos(ops.fold_in_name(k_rows, "demos"), setup.demo_batch)
            rows = jax.tree.map(lambda *x: jnp.concatenate(x), rows, demo_rows)
        k_transform = ops.fold_in_name(k_rows, "show")
        rows = setup.reward_model.transform(k_transform, reward_state, rows, normalise)
        return setup.learner.learn(k_learn, learner_state, rows)

    keys = jax.random.split(key, config.grad_steps)
    learner_state, metrics = jax.lax.scan(step, state.learner, keys)
    return learner_state, reward_state, jax.tree.map(jnp.mean, metrics) | reward_metrics


def learn_if_warm(
    setup: Setup, sample_demos: RowSampler, key: Key, state: State
) -> tuple[State, jax.Array, Metrics]:
    """`learn`, once the warm-up is over.

    Returns:
        The state; whether it learned, [] bool; the metrics, 0 where it did not.
    """
    learn_round = partial(learn, setup, sample_demos)
    shapes = jax.eval_shape(learn_round, key, state)[2]
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    warm = off_policy.is_warm(setup, state)
    learner_state, reward_state, metrics = jax.lax.cond(
        warm,
        lambda: learn_round(key, state),
        lambda: (state.learner, state.reward_state, zeros),
    )
    return state.replace(learner=learner_state, reward_state=reward_state), warm, metrics


def update(setup: Setup, key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
    """`rounds` rounds; metrics are means over those that learned, 0 where none did."""
    demos = off_policy.demos_until_goal(setup.config, demos)
    starts = unrolling.demo_resets(setup.env, demos, setup.config.resets)
    sample_demos: RowSampler = no_demos
    if setup.demo_batch or setup.reward_model.uses_demos:
        sample_demos = replay_buffer.demo_sampler(demos, setup.spec, setup.config.her)
        if setup.config.goal_ends:
            sample_demos = terminate_reached(sample_demos, setup.spec)

    def run_round(state: State, key: Key) -> tuple[State, tuple[jax.Array, Metrics, jax.Array]]:
        k_collect, k_learn = jax.random.split(key)
        state, reward = off_policy.collect(setup, k_collect, state, starts)
        state, learned, metrics = learn_if_warm(setup, sample_demos, k_learn, state)
        return state, (learned, metrics, reward)

    keys = jax.random.split(key, setup.config.rounds)
    state, (learned, metrics, reward) = jax.lax.scan(run_round, state, keys)
    share = learned / jnp.maximum(jnp.sum(learned), 1)
    metrics = jax.tree.map(lambda x: jnp.sum(share * x), metrics)
    return state, metrics | {"reward": jnp.mean(reward)}


def make(
    config: off_policy.Config,
    spec: Spec,
    env: Env,
    learner: OffPolicyLearner,
    *,
    demo_batch: int = 0,
    reward_model: RewardModel = TASK_REWARD,
    reward_steps: int = 0,
) -> Algorithm:
    """The learner on the task's reward or on a reward model's.

    One update is `rounds` rounds, each of `envs` * `length` environment steps and `grad_steps`
    gradient steps.

    Args:
        config: of collecting and replay.
        spec: of the task.
        env: where to collect.
        learner: the method's gradient steps and its exploration.
        demo_batch: demonstrated steps that are added to each minibatch, relabelled as the others
            are.
        reward_model: the source of rewards.
        reward_steps: gradient steps of the reward model in a round, for the cost.

    Raises:
        UserError: discrete actions; or hindsight goals or ends at the goal on a task without goals.
    """
    if config.her and spec.goal is None:
        raise UserError(
            f"her={config.her:g}: {env.name} has no goals to relabel; set her=0 or take a goal task"
        )
    if config.goal_ends and spec.goal is None:
        raise UserError(
            f"goal_ends=True: {env.name} has no goals; set goal_ends=False or take a goal task"
        )
    reject_discrete(spec, env.name)
    setup = Setup(config, spec, env, learner, reward_model, demo_batch)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.learner, standardise_obs(config, state.moments, obs))

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        assert learner.value_estimator is not None
        obs = standardise_obs(config, state.moments, obs)
        return learner.value_estimator.value(key, state.learner, obs)

    estimator = learner.value_estimator and ValueEstimator(value, learner.value_estimator.discount)
    steps_per_round = config.envs * config.length
    grad_steps_per_round = config.grad_steps + reward_steps
    # The round that completes the warm-up is the first one that learns.
    idle_rounds = max(-(-config.warmup // steps_per_round) - 1, 0)
    cost = Cost(
        env_steps=config.rounds * steps_per_round,
        grad_steps=config.rounds * grad_steps_per_round,
        grad_step_offset=idle_rounds * grad_steps_per_round,
    )
    return Algorithm(
        partial(off_policy.initial_state, setup),
        partial(update, setup),
        act,
        cost,
        value_estimator=estimator,
    )
