"""AIRL: GAIL whose discriminator holds a reward and a shaping of it apart.

Source: Fu et al. 2018 (arXiv:1710.11248), section 6 and algorithm 1:
f(s, a, s') = g(s, a) + discount h(s') - h(s), D = exp f / (exp f + pi(a | s)), so that the logit is
f - log pi(a | s), and so is the reward.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from flax import struct

from imitbench.algos.adversarial import discriminator, gail_loop
from imitbench.algos.adversarial.discriminator import DiscriminatorConfig
from imitbench.algos.adversarial.gail_loop import DiscriminatorInput
from imitbench.algos.rl import on_policy, ppo
from imitbench.core import distributions, nets, ops
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Env, Key, Params, Spec, Transition

warnings = gail_loop.warnings


@dataclass(frozen=True)
class Config(gail_loop.Config):
    """Settings of AIRL."""

    discriminator: DiscriminatorConfig = field(
        default_factory=lambda: DiscriminatorConfig(reward="logit", penalty=0.0, entropy=0.0)
    )
    """Settings of the discriminator; `hidden` are the layers of g, and with `state_only` g sees no
    action."""
    shaping: tuple[int, ...] = (32, 32)
    """Widths of the hidden layers of h."""
    ppo: ppo.Config = field(default_factory=ppo.Config)
    """Settings of PPO."""

    def __post_init__(self) -> None:
        super().__post_init__()
        penalty = self.discriminator.penalty
        # Its inputs hold a log probability, between two of which there is no step.
        require(penalty == 0, self.discriminator, "penalty", "0 in AIRL")


class Step(struct.PyTreeNode):
    """Leaves [..., ...]."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A], as executed
    next_obs: jax.Array  # [..., O]
    terminated: jax.Array  # [...] bool; h is 0 after it
    log_prob: jax.Array  # [...] of the action, under the present policy


def shaped_input(config: Config, spec: Spec) -> DiscriminatorInput:
    rule, own = config.discriminator, config.ppo
    policy, _ = on_policy.networks(own, spec)
    size, pairs = discriminator.pairs(rule, spec)
    g = discriminator.network(rule, size)
    h = nets.function(spec.obs_size, config.shaping, 1, spectral=rule.spectral)

    def init(key: Key) -> Params:
        k_g, k_h = jax.random.split(key)
        return {"g": g.init(k_g), "h": h.init(k_h)}

    def apply(params: Params, *parts: jax.Array) -> jax.Array:
        x = jnp.concatenate(parts, axis=-1)
        ends = [size, size + spec.obs_size, size + 2 * spec.obs_size]
        pair, obs, next_obs, rest = jnp.split(x, ends, axis=-1)
        alive, log_prob = rest[..., :1], rest[..., 1:]
        after = alive * h.apply(params["h"], next_obs)
        shaped = own.discount * after - h.apply(params["h"], obs)
        return g.apply(params["g"], pair) + shaped - log_prob

    def encode(norm: ops.Normaliser, rows: Step) -> jax.Array:
        clip = discriminator.CLIP
        rest = jnp.stack([~rows.terminated, rows.log_prob], axis=-1)
        obs, next_obs = norm(rows.obs, clip), norm(rows.next_obs, clip)
        return jnp.concatenate([pairs(norm, rows), obs, next_obs, rest], axis=-1)

    def rows(core: on_policy.Core, steps: Transition) -> Step:
        dist = policy.apply(core.params["policy"], on_policy.standardise_obs(own, core, steps.obs))
        assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
        log_prob = dist.log_prob(steps.intended_action)
        return Step(steps.obs, steps.action, steps.next_obs, steps.terminated, log_prob)

    return DiscriminatorInput(nets.Function(init, apply), encode, rows)


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """AIRL on the demonstrations' steps, not on their rewards. State: `_adversary.State`."""
    own = config.ppo
    learner = ppo.learner(own, spec)
    return gail_loop.make(config, own, spec, env, learner, shaped_input(config, spec))
