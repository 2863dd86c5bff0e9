"""BCQ's networks, its proposals of actions, its target and its losses.

Source: Fujimoto et al. 2019 (arXiv:1812.02900), algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from imitbench.algos.common import bellman
from imitbench.algos.common.replay_buffer import Experience
from imitbench.core import nets
from imitbench.core.types import Key, Metrics, Params, Spec


class Networks(NamedTuple):
    """BCQ's networks, and the number L of the latent's components."""

    encoder: nets.Function  # (obs [N, O], action [N, A]) -> mean and log_std of the latent [N, 2 L]
    decoder: nets.Function  # (obs [N, O], latent [N, L]) -> action [N, A] before tanh
    perturb: nets.Function  # (obs [N, O], action [N, A]) -> change [N, A] before tanh
    critics: nets.CriticNet  # two
    latent_size: int


def networks(
    spec: Spec, hidden: Sequence[int], vae_hidden: Sequence[int], start: nets.Start = "normal"
) -> Networks:
    """BCQ's networks for a task.

    Args:
        spec: of the task; the latent has twice as many components as the action.
        hidden: widths of the hidden ReLU layers of critics and perturbation.
        vae_hidden: widths of the hidden ReLU layers of encoder and decoder.
        start: how all layers begin.
    """
    size, latent = spec.obs_size + spec.action_size, 2 * spec.action_size
    return Networks(
        nets.function(size, vae_hidden, 2 * latent, start=start),
        nets.function(spec.obs_size + latent, vae_hidden, spec.action_size, start=start),
        nets.function(size, hidden, spec.action_size, start=start),
        nets.critics(spec, hidden, 2, start),
        latent,
    )


def initial_params(networks: Networks, key: Key) -> dict[str, Params]:
    """Untrained parameters: "vae" (encoder and decoder), "critics" and "perturb"."""
    k_encoder, k_decoder, k_critics, k_perturb = jax.random.split(key, 4)
    return {
        "vae": {
            "encoder": networks.encoder.init(k_encoder),
            "decoder": networks.decoder.init(k_decoder),
        },
        "critics": networks.critics.init(k_critics),
        "perturb": networks.perturb.init(k_perturb),
    }


def decode(networks: Networks, vae: Params, obs: jax.Array, latent: jax.Array) -> jax.Array:
    """Actions [..., A] in [-1, 1] for obs [..., O] and latents [..., L]."""
    return jnp.tanh(networks.decoder.apply(vae["decoder"], obs, latent))


def propose(
    networks: Networks, latent_clip: float, key: Key, vae: Params, obs: jax.Array
) -> jax.Array:
    """Actions [..., A] that the data might hold for obs [..., O].

    Args:
        networks: encoder and decoder.
        latent_clip: bound on the latents, which are drawn from a standard normal.
        key: of the latents.
        vae: parameters of encoder and decoder.
        obs: [..., O].
    """
    latent = jax.random.normal(key, (*obs.shape[:-1], networks.latent_size))
    return decode(networks, vae, obs, jnp.clip(latent, -latent_clip, latent_clip))


def perturb(
    networks: Networks, bound: float, params: Params, obs: jax.Array, action: jax.Array
) -> jax.Array:
    """The action plus the perturbation xi(s, a, Phi) of algorithm 1, clipped to [-1, 1].

    Args:
        networks: the perturbation network.
        bound: on the magnitude of each component of the change (Phi).
        params: of the perturbation.
        obs: [..., O].
        action: proposed, [..., A].
    """
    change = bound * jnp.tanh(networks.perturb.apply(params, obs, action))
    return jnp.clip(action + change, -1.0, 1.0)


def vae_loss(
    networks: Networks, kl_weight: float, params: Params, key: Key, rows: Experience
) -> tuple[jax.Array, Metrics]:
    """The generative model's loss (algorithm 1): reconstruction error plus weighted divergence.

    Args:
        networks: encoder and decoder.
        kl_weight: weight of the divergence.
        params: of encoder and decoder.
        key: of the latents.
        rows: steps [N] of the data.

    Returns:
        The loss [], and metrics: "reconstruction", the squared error of the action averaged over
        rows and components; "kl", the divergence of the latent from a standard normal in nats,
        averaged over rows and components.
    """
    stats = networks.encoder.apply(params["encoder"], rows.obs, rows.action)
    mean, log_std = jnp.split(stats, 2, axis=-1)
    log_std = jnp.clip(log_std, -4.0, 15.0)
    latent = mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape)
    error = jnp.mean((decode(networks, params, rows.obs, latent) - rows.action) ** 2)
    kl = -0.5 * jnp.mean(1.0 + 2.0 * log_std - mean**2 - jnp.exp(2.0 * log_std))
    return error + kl_weight * kl, {"reconstruction": error, "kl": kl}


def critic_target(
    networks: Networks,
    critics: Params,
    rows: Experience,
    proposed: jax.Array,
    soft_min: float,
    discount: float,
) -> jax.Array:
    """The target r + discount max_i [lambda min_m Q'_m + (1 - lambda) max_m Q'_m](s', a_i) [N] of
    algorithm 1.

    Args:
        networks: the critics.
        critics: parameters of the target critics.
        rows: steps [N].
        proposed: perturbed proposals a_i in s', [N, n, A].
        soft_min: lambda, in [0, 1].
        discount: in [0, 1].
    """
    n, action_size = proposed.shape[1:]
    obs = jnp.repeat(rows.next_obs, n, axis=0)  # [N * n, O]
    q = networks.critics.apply(critics, obs, proposed.reshape(-1, action_size))
    mixed = soft_min * q.min(axis=0) + (1.0 - soft_min) * q.max(axis=0)
    best = jnp.max(mixed.reshape(-1, n), axis=1)
    return bellman.bootstrapped_target(rows, best, discount)


def perturbation_loss(
    networks: Networks,
    bound: float,
    params: Params,
    obs: jax.Array,
    proposed: jax.Array,
    critics: Params,
) -> tuple[jax.Array, Metrics]:
    """Minus the mean value, by the first critic, of perturbed proposals (algorithm 1).

    Args:
        networks: perturbation and critics.
        bound: on each component of the change (Phi).
        params: of the perturbation.
        obs: [N, O].
        proposed: actions [N, A].
        critics: parameters of the critics.
    """
    action = perturb(networks, bound, params, obs, proposed)
    return -jnp.mean(networks.critics.apply(critics[:1], obs, action)), {}
