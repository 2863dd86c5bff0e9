"""BCQ: Q-learning on fixed data, over actions that a generative model of the data proposes.

Source: Fujimoto et al. 2019 (arXiv:1812.02900), algorithm 1; settings of the official code for
continuous actions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.offline import fixed_data
from imitbench.algos.rl import bellman
from imitbench.algos.rl.off_policy import OffPolicyLearner
from imitbench.algos.rl.replay_buffer import Experience
from imitbench.core import nets, ops
from imitbench.core.config import require, require_share
from imitbench.core.types import Algorithm, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_rewards=True)


@dataclass(frozen=True)
class Config:
    """Settings of BCQ."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(batch=100))
    """Minibatches."""
    lr: float = 1e-3
    """Adam's step size, for all networks."""
    hidden: tuple[int, ...] = (400, 300)
    """Widths of the hidden ReLU layers of critics and perturbation."""
    vae_hidden: tuple[int, ...] = (750, 750)
    """Widths of the hidden ReLU layers of the encoder and of the decoder."""
    kl: float = 0.5
    """Weight of the KL divergence, averaged over batch and latent components, beside the mean
    squared error of the reconstruction."""
    latent_clip: float = 0.5
    """Bound on the latent's components when actions are proposed."""
    perturbation: float = 0.05
    """Largest change of a proposed action (Phi)."""
    soft_min: float = 0.75
    """Weight of the lesser critic in the target; the greater one has the rest (lambda)."""
    proposals: int = 10
    """Actions proposed in a target (n)."""
    act_proposals: int = 100
    """Actions proposed when acting; the first critic's best is taken."""
    discount: float = 0.99
    """Discount factor."""
    tau: float = 0.005
    """Rate at which the targets of critics and perturbation follow."""

    def __post_init__(self) -> None:
        for name in ("lr", "tau", "latent_clip"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("proposals", "act_proposals"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("kl", "perturbation"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        for name in ("soft_min", "discount"):
            require_share(self, name)


class State(struct.PyTreeNode):
    """`params` holds encoder and decoder under "vae", "critics" and "perturb"; each has Adam's
    moments in `opt_state`."""

    params: dict[str, Params]
    target: dict[str, Params]  # of critics and perturb
    opt_state: dict[str, Any]


def learner(config: Config, spec: Spec) -> OffPolicyLearner:
    latent, size = 2 * spec.action_size, spec.obs_size + spec.action_size
    encoder = nets.function(size, config.vae_hidden, 2 * latent)
    decoder = nets.function(spec.obs_size + latent, config.vae_hidden, spec.action_size)
    perturb = nets.function(size, config.hidden, spec.action_size)
    critics = nets.critics(spec, config.hidden, 2)
    critic_loss = partial(bellman.critic_loss, critics, 1.0)
    opts: dict[str, Any] = dict.fromkeys(("vae", "critics", "perturb"), optax.adam(config.lr))

    def decode(params: Params, obs: jax.Array, z: jax.Array) -> jax.Array:
        return jnp.tanh(decoder.apply(params["decoder"], obs, z))

    def propose(key: Key, params: Params, obs: jax.Array) -> jax.Array:
        """Actions [..., A] that the data might hold for obs [..., O]."""
        z = jax.random.normal(key, (*obs.shape[:-1], latent))
        return decode(params, obs, jnp.clip(z, -config.latent_clip, config.latent_clip))

    def changed(params: Params, obs: jax.Array, action: jax.Array) -> jax.Array:
        """Proposed actions [..., A] after the perturbation."""
        change = config.perturbation * jnp.tanh(perturb.apply(params, obs, action))
        return jnp.clip(action + change, -1.0, 1.0)

    def vae_loss(params: Params, key: Key, rows: Experience) -> tuple[jax.Array, Metrics]:
        stats = encoder.apply(params["encoder"], rows.obs, rows.action)
        mean, log_std = jnp.split(stats, 2, axis=-1)
        log_std = jnp.clip(log_std, -4.0, 15.0)
        z = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
        error = jnp.mean((decode(params, rows.obs, z) - rows.action) ** 2)
        kl = -0.5 * jnp.mean(1.0 + 2.0 * log_std - mean**2 - jnp.exp(2.0 * log_std))
        return error + config.kl * kl, {"reconstruction": error, "kl": kl}

    def targets(key: Key, state: State, rows: Experience) -> jax.Array:
        """[N]: the best of n proposals by a mixture of the target critics' min and max."""
        n, action = config.proposals, spec.action_size
        obs = jnp.repeat(rows.next_obs, n, axis=0)
        proposed = propose(key, state.params["vae"], obs)
        proposed = changed(state.target["perturb"], obs, proposed)
        q = critics.apply(state.target["critics"], obs, proposed.reshape(-1, action))
        mixed = config.soft_min * q.min(axis=0) + (1.0 - config.soft_min) * q.max(axis=0)
        best = jnp.max(mixed.reshape(-1, n), axis=1)
        return rows.reward + config.discount * jnp.where(rows.terminated, 0.0, best)

    def perturb_loss(
        params: Params, obs: jax.Array, proposed: jax.Array, critic: Params
    ) -> tuple[jax.Array, Metrics]:
        """Minus the first critic's value of perturbed proposals."""
        action = changed(params, obs, proposed)
        return -jnp.mean(critics.apply(critic[:1], obs, action)), {}

    def init(key: Key) -> State:
        k_encoder, k_decoder, k_critics, k_perturb = jax.random.split(key, 4)
        params = {
            "vae": {"encoder": encoder.init(k_encoder), "decoder": decoder.init(k_decoder)},
            "critics": critics.init(k_critics),
            "perturb": perturb.init(k_perturb),
        }
        target = {k: params[k] for k in ("critics", "perturb")}
        return State(params, target, {k: opts[k].init(v) for k, v in params.items()})

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        k_vae, k_target, k_propose = jax.random.split(key, 3)
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        optimiser.step("vae", vae_loss, k_vae, rows)
        target = targets(k_target, state.replace(params=optimiser.params), rows)
        optimiser.step("critics", critic_loss, rows, target)
        proposed = propose(k_propose, optimiser.params["vae"], rows.obs)
        optimiser.step("perturb", perturb_loss, rows.obs, proposed, optimiser.params["critics"])
        goal = {k: optimiser.params[k] for k in state.target}
        follow = ops.polyak(state.target, goal, config.tau)
        return State(optimiser.params, follow, optimiser.opt_state), optimiser.metrics

    def weigh(key: Key, state: State, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Proposals [..., n, A] for obs [..., O], and their values [..., n]."""
        n = config.act_proposals
        many = jnp.broadcast_to(obs[..., None, :], (*obs.shape[:-1], n, obs.shape[-1]))
        proposed = propose(key, state.params["vae"], many)
        proposed = changed(state.params["perturb"], many, proposed)
        return proposed, critics.apply(state.params["critics"][:1], many, proposed)[0]

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        proposed, q = weigh(key, state, obs)
        best = jnp.argmax(q, axis=-1)[..., None, None]
        return jnp.take_along_axis(proposed, best, axis=-2)[..., 0, :]

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return jnp.max(weigh(key, state, obs)[1], axis=-1)

    return OffPolicyLearner(init, learn, act, act, ValueEstimator(value, config.discount))


def make(config: Config, spec: Spec) -> Algorithm:
    """BCQ on the demonstrations' rewards; acting draws proposals. State: `_offline.State` around
    `State`."""
    return fixed_data.make(config.data, spec, learner(config, spec))
