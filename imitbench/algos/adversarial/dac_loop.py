"""Shared code of the discriminator-actor-critic methods: an off-policy learner with the reward of a
discriminator, and absorbing states.

Source: Kostrikov et al. 2019 (arXiv:1809.02925), section 4 and Algorithm 1. Without absorbing
states the end of an episode is worth 0, so that a reward of constant sign teaches to prolong or to
end episodes. With them, the discriminator's reward of the absorbing state goes on after the end
(see `absorbing`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial import discriminator
from imitbench.algos.adversarial.absorbing import (
    BuildLearner,
    FlaggedSteps,
    absorbing_share,
    flag_steps,
    flagged_learner,
    make_absorbing,
    with_flag,
)
from imitbench.algos.adversarial.discriminator import Discriminator, DiscriminatorConfig
from imitbench.algos.adversarial.discriminator_input import flagged_encoding
from imitbench.algos.common import off_policy, off_policy_loop
from imitbench.algos.common.replay_buffer import Experience, RowSampler
from imitbench.algos.common.reward_model import Normalise, RewardModel
from imitbench.algos.common.successors import known_successors
from imitbench.core import buffer
from imitbench.core.config import require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Spec, Transition


@dataclass(frozen=True)
class Config:
    """Settings of every discriminator-actor-critic method."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(
            hidden=(256, 256), lr=1e-3, batch=100, steps=1, reward="logit", entropy=0.0
        )
    )
    """Settings of the discriminator and of its reward; `steps` are the gradient steps of a
    round."""
    absorbing: bool = True
    """Reward the state after the end of an episode, too; else nothing follows the end."""
    imitation: float = 1.0
    """Share of the discriminator's reward, in [0, 1]. The task's reward has the rest; it is 0 after
    the end of an episode."""

    def __post_init__(self) -> None:
        require_share(self, "imitation")


def needs_actions(config: Config) -> bool:
    """Returns whether demonstrated actions are compared.

    Args:
        config: settings of a discriminator-actor-critic method.
    """
    return config.discriminator.compared == "state-action"


class State(struct.PyTreeNode):
    """The state of the reward model."""

    discriminator: discriminator.State
    demo_share: jax.Array  # [] share of absorbing steps among the demonstrations
    agent_share: jax.Array  # [] share of absorbing steps in the replay


@dataclass(frozen=True, eq=False)
class DiscriminatorReward:
    """The discriminator as a `RewardModel`; all methods are pure functions."""

    config: Config
    classifier: Discriminator
    hindsight_ends: bool = False  # whether steps that reach a goal of hindsight end, too

    def init(self, key: Key, demos: Transition) -> State:
        """The untrained state, for demonstrations [N]."""
        classified = self.classifier.init(key, demos.obs, demos.weight)
        # Ends of episodes count as before the demonstrations were thinned.
        recorded = jnp.arange(len(demos.weight)) < buffer.find_episodes(demos).used
        demo_share = self.share(demos.terminated, recorded)
        return State(classified, demo_share, jnp.float32(0.0))

    def share(self, terminated: jax.Array, real: jax.Array) -> jax.Array:
        """`absorbing_share`; 0 without absorbing states."""
        return absorbing_share(terminated, real) if self.config.absorbing else jnp.float32(0.0)

    def network_obs(self, obs: jax.Array, absorbing: jax.Array) -> jax.Array:
        """Observations as networks get them: with the flag, if there are absorbing states."""
        return with_flag(obs, absorbing) if self.config.absorbing else obs

    def update(
        self,
        key: Key,
        state: State,
        replay: buffer.Ring,
        sample_agent: RowSampler,
        sample_demos: RowSampler,
    ) -> tuple[State, Metrics]:
        """Trains the discriminator on rows of the agent and of the demonstrations."""
        k_moments, k_fit = jax.random.split(key)
        filled = jnp.arange(replay.capacity)[:, None] < replay.size
        terminated = replay.rows.terminated
        agent_share = self.share(terminated, jnp.broadcast_to(filled, terminated.shape))

        def with_absorbing(sample: RowSampler, share: jax.Array) -> discriminator.Draw:
            def draw(key: Key, n: int) -> FlaggedSteps:
                k_rows, k_absorbing = jax.random.split(key)
                return make_absorbing(k_absorbing, sample(k_rows, n), share)

            return draw

        agent_rows = sample_agent(k_moments, self.config.discriminator.batch)
        classified = self.classifier.add_observations(state.discriminator, agent_rows.obs)
        classified, metrics = self.classifier.fit(
            k_fit,
            classified,
            with_absorbing(sample_demos, state.demo_share),
            with_absorbing(sample_agent, agent_share),
        )
        state = State(classified, state.demo_share, agent_share)
        return state, metrics | self.mean_rewards(state, agent_rows)

    def mean_rewards(self, state: State, rows: Experience) -> Metrics:
        """The discriminator's mean reward of the agent's steps [N], and that of the absorbing
        state."""
        absorbing = jnp.zeros(rows.reward.shape, bool)
        living = flag_steps(rows, absorbing)
        metrics = {"living_reward": jnp.mean(self.classifier.reward(state.discriminator, living))}
        if self.config.absorbing:
            ended = flag_steps(jax.tree.map(lambda x: x[:1], rows), ~absorbing[:1])
            reward = self.classifier.reward(state.discriminator, ended)
            metrics["absorbing_reward"] = reward[0]
        return metrics

    def transform(
        self, key: Key, state: State, rows: Experience, normalise: Normalise
    ) -> Experience:
        """A minibatch [N] with absorbing steps and with the discriminator's rewards.

        A terminated step leads to the absorbing state, and an absorbing one to itself, so that no
        step terminates. The replay counts no ends at goals of hindsight; with these at least as
        many steps are absorbing as among the demonstrations, for the value of that state.
        """
        share = state.agent_share
        if self.hindsight_ends:
            share = jnp.maximum(share, state.demo_share)
        step = make_absorbing(key, rows, share)
        task = jnp.where(step.absorbing, 0.0, rows.reward)
        imitation = self.classifier.reward(state.discriminator, step)
        return rows.replace(
            obs=self.network_obs(normalise(rows.obs), step.absorbing),
            action=step.action,
            reward=self.config.imitation * imitation + (1.0 - self.config.imitation) * task,
            next_obs=self.network_obs(normalise(rows.next_obs), step.next_absorbing),
            terminated=rows.terminated & (not self.config.absorbing),
        )


def pair_discriminator(config: DiscriminatorConfig, spec: Spec, absorbing: bool) -> Discriminator:
    """Builds a discriminator of `FlaggedSteps`.

    Args:
        config: its settings, which say what it compares.
        spec: the task.
        absorbing: whether there are absorbing states.
    """
    size, encode = flagged_encoding(config, spec, absorbing=absorbing)
    return Discriminator(config, discriminator.network(config, size), encode)


def reward_model(config: Config, spec: Spec, *, hindsight_ends: bool = False) -> RewardModel:
    """Builds the discriminator of `pair_discriminator` as a source of rewards.

    Args:
        config: settings of the method.
        spec: the task.
        hindsight_ends: whether steps that reach a goal of hindsight end, too.
    """
    classifier = pair_discriminator(config.discriminator, spec, config.absorbing)
    model = DiscriminatorReward(config, classifier, hindsight_ends)
    return RewardModel(model.init, model.update, model.transform)


def make(
    config: Config,
    replay: off_policy.Config,
    spec: Spec,
    env: Env,
    build_learner: BuildLearner,
) -> Algorithm:
    """Builds a method around an off-policy learner.

    Args:
        config: settings of the method.
        replay: how the learner collects and replays.
        spec: the task.
        env: the environment.
        build_learner: makes the learner.

    Returns:
        The method. State: `off_policy.State`, whose reward state is a `State`.
    """
    off_policy.reject_discrete(spec, env.name)
    build_flagged = flagged_learner if config.absorbing else lambda s, build: build(s, None)
    algo = off_policy_loop.make(
        replay,
        spec,
        env,
        build_flagged(spec, build_learner),
        reward_model=reward_model(config, spec, hindsight_ends=replay.goal_ends and replay.her > 0),
        reward_steps=config.discriminator.steps,
    )
    if config.absorbing or config.discriminator.compared != "transition":
        return algo
    # With absorbing states, what follows the end is known in any case.
    return algo._replace(
        update=lambda k, state, demos: algo.update(k, state, known_successors(demos))
    )
