"""Shared code of the on-policy adversarial methods: a learner rewarded by a discriminator.

Source: Ho and Ermon 2016 (arXiv:1606.03476), Algorithm 1. An update collects steps, trains the
discriminator, and then the learner on its rewards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial import clone_start, discriminator
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import DiscriminatorInput, pair_input
from imitbench.algos.common import on_policy
from imitbench.algos.common.on_policy import Core
from imitbench.algos.common.successors import known_successors
from imitbench.core import buffer, ops, unrolling
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Transition


@dataclass(frozen=True)
class Config:
    """Settings of every on-policy adversarial method."""

    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """Settings of the discriminator and of its reward."""
    imitation: float = 1.0
    """Share of the discriminator's reward, in [0, 1]; the task's reward has the rest."""
    constant: bool = False
    """Reward every step with 1 instead: a control that shows how much the lengths of episodes alone
    teach."""
    clone_steps: int = field(default=0, metadata=ADDED_LATER)
    """Gradient steps of behavioural cloning before the first update."""
    resets: float = field(default=0.0, metadata=ADDED_LATER)
    """Share of episodes, in [0, 1], that begin at a demonstrated state before the goal, with its
    goal."""

    def __post_init__(self) -> None:
        require_share(self, "imitation")
        require_share(self, "resets")
        require(self.clone_steps >= 0, self, "clone_steps", "0 or more")


def needs_actions(config: Config) -> bool:
    """Returns whether demonstrated actions are used: compared, or cloned before the first update.

    Args:
        config: settings of an on-policy adversarial method.
    """
    return config.discriminator.compared == "state-action" or config.clone_steps > 0


class State(struct.PyTreeNode):
    """What is learned, and the environments."""

    core: Core
    discriminator: discriminator.State
    running: unrolling.RunningEpisodes


def mixed_reward(config: Config, imitation: jax.Array, task: jax.Array) -> jax.Array:
    """The learner's rewards.

    Args:
        config: settings.
        imitation: [T, B] rewards of the discriminator; higher is more expert-like.
        task: [T, B] rewards of the task.

    Returns:
        [T, B] rewards: their weighted sum, or 1 where `config.constant`.
    """
    if config.constant:
        return jnp.ones_like(task)
    return config.imitation * imitation + (1.0 - config.imitation) * task


def make(
    config: Config,
    learner_config: on_policy.Config,
    spec: Spec,
    env: Env,
    learner: on_policy.OnPolicyLearner,
    discriminator_input: DiscriminatorInput | None = None,
    see: Callable[[Transition], Transition] = lambda steps: steps,
) -> Algorithm:
    """Builds a method around an on-policy learner.

    Args:
        config: settings of the method.
        learner_config: settings of the learner; an update collects `envs` * `length` steps.
        spec: the task.
        env: the environment.
        learner: the learner.
        discriminator_input: by default what `config.discriminator` compares.
        see: steps as the discriminator sees them; by default unchanged.

    Returns:
        The method. State: `State`.
    """
    of = discriminator_input or pair_input(config.discriminator, spec)
    classifier = Discriminator(config.discriminator, of.net, of.encode)
    rewarded_rows = of.rewarded or of.rows
    by_next = config.discriminator.compared == "transition"

    def init(key: Key, demos: Transition) -> State:
        k_core, k_classifier, k_env = jax.random.split(key, 3)
        starts = unrolling.demo_resets(env, demos, config.resets)
        running = unrolling.start_episodes(env, k_env, learner_config.envs, starts)
        core = learner.init(k_core)
        if config.clone_steps:
            k_clone = ops.fold_in_name(k_core, "clone")
            core = clone_start.clone_policy(
                learner_config, spec, k_clone, core, demos, config.clone_steps
            )
        expert = see(demos)
        return State(core, classifier.init(k_classifier, expert.obs, expert.weight), running)

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        k_env, k_classifier, k_learn = jax.random.split(key, 3)
        core = state.core
        starts = unrolling.demo_resets(env, demos, config.resets)
        running, steps, _ = unrolling.unroll(
            env, learner.explore(core), k_env, state.running, learner_config.length, starts
        )
        flat = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), steps)
        compared = see(known_successors(demos) if by_next else demos)
        own = see(flat)
        expert, policy = (
            buffer.real_row_sampler(of.rows(core, x), x.weight) for x in (compared, own)
        )
        classified = classifier.add_observations(state.discriminator, own.obs)
        classified, classifier_metrics = classifier.fit(k_classifier, classified, expert, policy)
        imitation = classifier.reward(classified, rewarded_rows(core, see(steps)))
        rewarded = steps.replace(reward=mixed_reward(config, imitation, steps.reward))
        core, metrics = learner.learn(k_learn, core, rewarded)
        metrics |= classifier_metrics | {"task_reward": jnp.mean(steps.reward)}
        return State(core, classified, running), metrics

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return learner.act(key, state.core, obs)

    cost = Cost(
        env_steps=learner_config.envs * learner_config.length,
        grad_steps=learner.grad_steps + config.discriminator.steps,
        grad_step_offset=-config.clone_steps,  # done before the first update
    )
    return Algorithm(init, update, act, cost)
