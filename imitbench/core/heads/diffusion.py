"""Diffusion: actions from noise, step by step (DDPM), or in fewer steps (DDIM)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp

from imitbench.core.heads.head import Head, network, nothing, squared_error
from imitbench.core.heads.time_embedding import EMBEDDING, embed
from imitbench.core.types import Key, Metrics, Params

MAX_BETA = 0.999
Predicts = Literal["action", "noise"]


def kept_signal(steps: int) -> jax.Array:
    """The share of the action's variance [steps] that is left after each noise step.

    It is alpha-bar of Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17, with each step's
    beta at most 0.999: after t steps a noised action is sqrt(share) times the action plus
    sqrt(1 - share) times standard normal noise.
    """
    t = jnp.arange(steps + 1) / steps
    level = jnp.cos((t + 0.008) / 1.008 * jnp.pi / 2) ** 2
    beta = jnp.minimum(1.0 - level[1:] / level[:-1], MAX_BETA)
    return jnp.cumprod(1.0 - beta)


def posterior(
    clean: jax.Array, noised: jax.Array, t: jax.Array, kept: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The action with one noise step less, given the action without noise.

    Equations 6 and 7 of Ho et al. 2020.

    Args:
        clean: [..., A] the action without noise.
        noised: [..., A] the action after noise step t.
        t: [] int32, from 0.
        kept: `kept_signal`.

    Returns:
        Mean [..., A] and standard deviation [] of the normal distribution; at t = 0 the action
        without noise, and 0.
    """
    before = jnp.where(t > 0, kept[jnp.maximum(t - 1, 0)], 1.0)
    alpha = kept[t] / before
    mean = jnp.sqrt(before) * (1.0 - alpha) * clean + jnp.sqrt(alpha) * (1.0 - before) * noised
    variance = (1.0 - before) * (1.0 - alpha) / (1.0 - kept[t])
    return mean / (1.0 - kept[t]), jnp.sqrt(variance)


def diffusion(
    hidden: Sequence[int],
    seen: int,
    size: int,
    steps: int,
    sample_steps: int,
    predicts: Predicts,
    ancestral: bool,
) -> Head:
    """A denoising diffusion model of the action (Ho et al. 2020, arXiv:2006.11239; Chi et al. 2023,
    arXiv:2303.04137).

    The network is trained to restore the action (or the noise) at a uniformly drawn noise step. An
    action begins as standard normal noise. DDPM takes all steps and adds noise after each but the
    last (its posterior's variance); DDIM (Song et al. 2021, arXiv:2010.02502) takes
    `sample_steps`, as equally spaced as whole steps can be, and adds none. Restored actions are
    clipped to [-1, 1].

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        steps: T, noise steps in training.
        sample_steps: steps when acting, at most `steps`; DDPM takes all.
        predicts: what the network predicts.
        ancestral: DDPM; otherwise DDIM.
    """
    net = network(hidden, size, seen, size, EMBEDDING)
    kept = kept_signal(steps)

    def predict(params: Params, obs: jax.Array, noised: jax.Array, t: jax.Array) -> jax.Array:
        """The network's output [..., A] at noise steps t [...] from 0."""
        return net(params, obs, noised, embed((t + 1) / steps))

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        k_t, k_noise = jax.random.split(key)
        t = jax.random.randint(k_t, action.shape[:-1], 0, steps)
        noise = jax.random.normal(k_noise, action.shape)
        share = kept[t][..., None]
        noised = jnp.sqrt(share) * action + jnp.sqrt(1.0 - share) * noise
        wanted = action if predicts == "action" else noise
        return squared_error(predict(params, obs, noised, t), wanted), {}

    def restored(params: Params, obs: jax.Array, noised: jax.Array, t: jax.Array) -> jax.Array:
        """The action [..., A] that the network sees behind the noise of step t []."""
        out = predict(params, obs, noised, jnp.broadcast_to(t, noised.shape[:-1]))
        if predicts == "noise":
            out = (noised - jnp.sqrt(1.0 - kept[t]) * out) / jnp.sqrt(kept[t])
        return jnp.clip(out, -1.0, 1.0)

    def ddpm_step(x: jax.Array, params: Params, obs: jax.Array, t: jax.Array, key: Key) -> Any:
        mean, std = posterior(restored(params, obs, x, t), x, t, kept)
        return mean + std * jax.random.normal(key, x.shape)

    def ddim_step(
        x: jax.Array, params: Params, obs: jax.Array, t: jax.Array, next_t: jax.Array
    ) -> jax.Array:
        clean = restored(params, obs, x, t)
        noise = (x - jnp.sqrt(kept[t]) * clean) / jnp.sqrt(1.0 - kept[t])
        after = jnp.where(next_t >= 0, kept[jnp.maximum(next_t, 0)], 1.0)
        return jnp.sqrt(after) * clean + jnp.sqrt(1.0 - after) * noise

    taken = steps if ancestral else sample_steps
    # From the last noise step down; -1 is the action itself.
    times = jnp.round(jnp.linspace(steps - 1, -1, taken + 1)).astype(jnp.int32)

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        k_start, k_steps = jax.random.split(key)
        x = jax.random.normal(k_start, (*obs.shape[:-1], size))

        def step(x: jax.Array, inputs: Any) -> tuple[jax.Array, None]:
            t, next_t, key = inputs
            if ancestral:
                return ddpm_step(x, params, obs, t, key), None
            return ddim_step(x, params, obs, t, next_t), None

        keys = jax.random.split(k_steps, taken)
        return jax.lax.scan(step, x, (times[:-1], times[1:], keys))[0]

    return Head(net.init, nothing, loss, sample, taken)
