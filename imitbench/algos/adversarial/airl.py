"""AIRL: GAIL with a discriminator that separates a reward function from its shaping.

The discriminator D is made of two networks, g and h:

    f(s, a, s') = g(s, a) + discount * h(s') - h(s),    D = exp f / (exp f + pi(a | s))

so that the logit of D is f - log pi(a | s). The reward is f, of either sign; higher is more
expert-like.

Source: Fu et al. 2018 (arXiv:1710.11248), section 6 and Algorithm 1.

Different from the source: the reward lacks the entropy term -log pi(a | s) (set
`entropy_reward` for it), which would pay an unbounded Gaussian for width without end. The code of
the source pays g alone and imitation f; both give the policy a bonus for its entropy instead
(`ppo.entropy`). PPO instead of TRPO, g sees what `discriminator.inputs` names, by default the
action too, h is 0 after a terminated step, and the discriminator sees no steps of earlier policies.

Use it when the reward function is what you want, for example to train again in a changed
environment.

Sensitive to: early ends of episodes (the reward can be negative), the scale of the policy's log
probability (`ppo.log_std`), `ppo.entropy`, and all that `gail` is sensitive to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial import discriminator, gail_loop, reward_sign
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig, Encode
from imitbench.algos.adversarial.discriminator_input import DiscriminatorInput, pair_encoding
from imitbench.algos.common import on_policy
from imitbench.algos.rl import ppo
from imitbench.core import nets, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Key, Params, Spec, Traits, Transition

TRAITS = Traits(version=3)


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of AIRL."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(reward="logit", penalty=0.0, entropy=0.0)
    )
    """Settings of the discriminator: `hidden` are the layers of g, and `inputs` is what g sees. The
    logit needs log pi(a | s) in any case, and so demonstrated actions. `penalty` has to be 0."""
    shaping: tuple[int, ...] = (32, 32)
    """Widths of the hidden layers of h."""
    entropy_reward: bool = False
    """Reward f - log pi(a | s), the logit of D, instead of f."""
    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""

    def __post_init__(self) -> None:
        super().__post_init__()
        penalty = self.discriminator.penalty
        # An input holds a log probability, and between two of those lies no step.
        require(penalty == 0, self.discriminator, "penalty", "0 in AIRL")


def warnings(config: Config, spec: Spec) -> list[str]:
    """Warns of the reward's sign (`reward_sign`), and of a g that can hold any shaping.

    Args:
        config: settings.
        spec: the task.

    Returns:
        One line for each warning.
    """
    lines = reward_sign.warnings(config, spec)
    if config.discriminator.inputs == "transition":
        lines.append(
            "discriminator.inputs=transition: g(s, s') can be a shaping itself, so that the reward "
            "function is not separated from it; take state or state-action"
        )
    return lines


class Step(struct.PyTreeNode):
    """Steps as the discriminator gets them."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A], as executed
    next_obs: jax.Array  # [..., O]
    terminated: jax.Array  # [...] bool
    log_prob: jax.Array  # [...] log pi(a | s) under the current policy, in nats


def shaped_logit(
    reward: jax.Array,
    shaping: jax.Array,
    next_shaping: jax.Array,
    continues: jax.Array,
    log_prob: jax.Array,
    discount: float,
) -> jax.Array:
    """The logit f(s, a, s') - log pi(a | s) of the source's discriminator.

    Args:
        reward: [...] g(s, a).
        shaping: [...] h(s).
        next_shaping: [...] h(s').
        continues: [...] 1, or 0 where the step terminated its episode.
        log_prob: [...] log pi(a | s), in nats.
        discount: factor of h(s').

    Returns:
        [...] logits; higher is more expert-like.
    """
    return reward + (discount * (continues * next_shaping) - shaping) - log_prob


def encoding(encode_pair: Encode) -> Encode:
    """The encoding of `Step`: the inputs of g, both observations, the flag and log pi, joined."""

    def encode(norm: ops.Normaliser, rows: Step) -> jax.Array:
        rest = jnp.stack([~rows.terminated, rows.log_prob], axis=-1)
        obs, next_obs = norm(rows.obs, discriminator.CLIP), norm(rows.next_obs, discriminator.CLIP)
        return jnp.concatenate([encode_pair(norm, rows), obs, next_obs, rest], axis=-1)

    return encode


def shaped_network(config: Config, spec: Spec, pair_size: int) -> nets.Function:
    """The networks g and h as one, from the inputs of `encoding` to the logit [..., 1].

    Args:
        config: settings.
        spec: the task.
        pair_size: length of the inputs of g.
    """
    g = discriminator.network(config.discriminator, pair_size)
    h = nets.function(spec.obs_size, config.shaping, 1, spectral=config.discriminator.spectral)
    ends = [pair_size, pair_size + spec.obs_size, pair_size + 2 * spec.obs_size]

    def init(key: Key) -> Params:
        k_g, k_h = jax.random.split(key)
        return {"g": g.init(k_g), "h": h.init(k_h)}

    def apply(params: Params, *parts: jax.Array) -> jax.Array:
        inputs = jnp.concatenate(parts, axis=-1)
        pair, obs, next_obs, rest = jnp.split(inputs, ends, axis=-1)
        reward = g.apply(params["g"], pair)
        next_shaping, shaping = (h.apply(params["h"], x) for x in (next_obs, obs))
        discount = config.ppo.discount
        return shaped_logit(reward, shaping, next_shaping, rest[..., :1], rest[..., 1:], discount)

    return nets.Function(init, apply)


def shaped_input(config: Config, spec: Spec) -> DiscriminatorInput:
    """Input of AIRL: steps with the log probability of their action under the current policy."""
    policy = on_policy.networks(config.ppo, spec).policy
    pair_size, encode_pair = pair_encoding(config.discriminator, spec)

    def rows(core: on_policy.Core, steps: Transition) -> Step:
        obs = on_policy.standardise_obs(config.ppo, core, steps.obs)
        dist = on_policy.distribution(policy, core.params["policy"], obs)
        # The executed action, as g sees it, except where the bounds cut off the policy's own.
        is_cut = (jnp.abs(steps.intended_action) > 1) & (not spec.discrete)
        log_prob = dist.log_prob(jnp.where(is_cut, steps.intended_action, steps.action))
        return Step(steps.obs, steps.action, steps.next_obs, steps.terminated, log_prob)

    def rewarded(core: on_policy.Core, steps: Transition) -> Step:
        step = rows(core, steps)
        if config.entropy_reward:
            return step
        return step.replace(log_prob=jnp.zeros_like(step.log_prob))

    net = shaped_network(config, spec, pair_size)
    return DiscriminatorInput(net, encoding(encode_pair), rows, rewarded)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """AIRL on the steps of the demonstrations, without their rewards. State: `gail_loop.State`."""
    learner = ppo.learner(config.ppo, spec)
    return gail_loop.make(config, config.ppo, spec, env, learner, shaped_input(config, spec))
