"""An off-policy learner paid by a discriminator, with absorbing states.

Source: Kostrikov et al. 2019 (arXiv:1809.02925), section 4 and algorithm 1. Where episodes can end
early, a terminated step leads to an absorbing state, marked by one more number in the observation,
which leads to itself and earns what the discriminator says; so neither ending nor going on is paid
for by itself. The only action there is 0, as in the authors' code: what the critics say of others
is never corrected by a step. The paper stores such steps; here they are drawn as often as if they
were stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial import discriminator
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.rl import off_policy, off_policy_loop
from imitbench.algos.rl.bellman import IsAbsorbing
from imitbench.algos.rl.off_policy import OffPolicyLearner
from imitbench.algos.rl.replay_buffer import Experience, RowSampler
from imitbench.algos.rl.reward_model import Normalise, RewardModel
from imitbench.core import buffer, ops
from imitbench.core.config import require_share
from imitbench.core.types import Algorithm, Env, Key, Metrics, Spec, Transition


@dataclass(frozen=True)
class Config:
    """Settings of every discriminator-actor-critic."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(
            hidden=(256, 256), lr=1e-3, batch=100, steps=1, reward="logit", entropy=0.0
        )
    )
    """Settings of the discriminator and of the reward that it makes; `steps` are those of a
    round."""
    absorbing: bool = True
    """Pay for the state after the end of an episode, too; else nothing follows an end."""
    imitation: float = 1.0
    """Share of the discriminator's reward (lambda); the task's own has the rest, which after the
    end of an episode is 0."""

    def __post_init__(self) -> None:
        require_share(self, "imitation")


class Seen(struct.PyTreeNode):
    """Leaves [..., ...]."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A]
    absorbing: jax.Array  # [...] bool


class State(struct.PyTreeNode):
    discriminator: discriminator.State
    share: jax.Array  # [] of the demonstrated steps, absorbing ones among them
    own_share: jax.Array  # [] of the learner's


def share(terminated: jax.Array, real: jax.Array) -> jax.Array:
    """What part of all steps are absorbing, where each terminated one [N] among the `real` [N] is
    followed by one."""
    ends = jnp.sum(terminated & real)
    return ends / jnp.maximum(jnp.sum(real) + ends, 1)


def masked(config: Config, obs: jax.Array, absorbing: jax.Array) -> jax.Array:
    """Observations [..., O] as networks get them, [..., O + 1] where there are absorbing states."""
    if not config.absorbing:
        return obs
    flag = absorbing[..., None]
    return jnp.concatenate([jnp.where(flag, 0.0, obs), flag.astype(obs.dtype)], axis=-1)


Build = Callable[[Spec, IsAbsorbing | None], OffPolicyLearner]
"""(of what the learner sees, where its action is 0) -> the learner."""


def without_ends(config: Config, spec: Spec, build: Build) -> OffPolicyLearner:
    """The learner on observations with the mark of absorbing states."""
    if not config.absorbing:
        return build(spec, None)
    inner = build(replace(spec, obs_size=spec.obs_size + 1), lambda obs: obs[:, -1] > 0)

    def marked(obs: jax.Array) -> jax.Array:
        return masked(config, obs, jnp.zeros(obs.shape[:-1], bool))

    return OffPolicyLearner(
        inner.init,
        inner.learn,
        lambda key, state, obs: inner.explore(key, state, marked(obs)),
        lambda key, state, obs: inner.act(key, state, marked(obs)),
    )


def reward_model(config: Config, spec: Spec) -> RewardModel:
    """The discriminator as a source of rewards."""
    rule = config.discriminator

    def encode(norm: ops.Normaliser, rows: Seen) -> jax.Array:
        obs = masked(config, norm(rows.obs, discriminator.CLIP), rows.absorbing)
        return obs if rule.state_only else jnp.concatenate([obs, rows.action], axis=-1)

    size = spec.obs_size + config.absorbing + (0 if rule.state_only else spec.action_size)
    net = discriminator.network(rule, size)
    classifier = discriminator.discriminator(rule, net, encode)

    def seen(key: Key, rows: Experience, share: jax.Array) -> Seen:
        """With some of the steps made absorbing ones."""
        absorbing = jax.random.bernoulli(key, share, rows.reward.shape)
        action = jnp.where(absorbing[..., None], 0.0, rows.action)
        return Seen(rows.obs, action, absorbing)

    def part(terminated: jax.Array, real: jax.Array) -> jax.Array:
        return share(terminated, real) if config.absorbing else jnp.float32(0.0)

    def init(key: Key, demos: Transition) -> State:
        told = classifier.init(key, demos.obs, demos.weight)
        return State(told, part(demos.terminated, demos.weight > 0), jnp.float32(0.0))

    def update(
        key: Key,
        state: State,
        replay: buffer.Ring,
        sample_agent: RowSampler,
        sample_demos: RowSampler,
    ) -> tuple[State, Metrics]:
        k_see, k_fit = jax.random.split(key)
        filled = jnp.arange(replay.capacity)[:, None] < replay.size
        terminated = replay.rows.terminated
        own_share = part(terminated, jnp.broadcast_to(filled, terminated.shape))

        def some(draw: RowSampler, share: jax.Array) -> discriminator.Draw:
            def rows(key: Key, n: int) -> Seen:
                k_draw, k_seen = jax.random.split(key)
                return seen(k_seen, draw(k_draw, n), share)

            return rows

        told = classifier.see(state.discriminator, sample_agent(k_see, rule.batch).obs)
        told, metrics = classifier.fit(
            k_fit, told, some(sample_demos, state.share), some(sample_agent, own_share)
        )
        return State(told, state.share, own_share), metrics

    def transform(key: Key, state: State, rows: Experience, normalise: Normalise) -> Experience:
        step = seen(key, rows, state.own_share)
        task = jnp.where(step.absorbing, 0.0, rows.reward)
        made = classifier.reward(state.discriminator, step)
        after = rows.terminated | step.absorbing
        return rows.replace(
            obs=masked(config, normalise(rows.obs), step.absorbing),
            action=step.action,
            reward=config.imitation * made + (1.0 - config.imitation) * task,
            next_obs=masked(config, normalise(rows.next_obs), after),
            terminated=rows.terminated & (not config.absorbing),
        )

    return RewardModel(init, update, transform)


def make(
    config: Config,
    replay: off_policy.Config,
    spec: Spec,
    env: Env,
    build: Build,
) -> Algorithm:
    """The learner that `build` makes, on the discriminator's reward."""
    off_policy.reject_discrete(spec, env.name)
    learner = without_ends(config, spec, build)
    steps = config.discriminator.steps
    rewards = reward_model(config, spec)
    return off_policy_loop.make(
        replay, spec, env, learner, reward_model=rewards, reward_steps=steps
    )
