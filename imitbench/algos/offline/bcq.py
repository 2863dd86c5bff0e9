"""BCQ: Q-learning on fixed data whose actions a generative model of the data proposes.

Source: Fujimoto et al. 2019 (arXiv:1812.02900), algorithm 1.

Different from the source: settings are those of the official code for continuous actions, so the
divergence of the generative model is averaged over latent components and weighs 1/2. Observations
are standardised, and kernels begin from LeCun's normal distribution; `data.normalise_obs=false` and
`initial_weights=uniform` are the official code's.

Use it when data have rewards and continuous actions and come from a mixture of policies.

Sensitive to: `perturbation`, `proposals` and `act_proposals`, `latent_clip`, and how much of the
good actions the data cover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.common import bellman
from imitbench.algos.common.off_policy import OffPolicyLearner
from imitbench.algos.common.replay_buffer import Experience
from imitbench.algos.offline import bcq_losses, fixed_data
from imitbench.core import nets, ops
from imitbench.core.config import ADDED_LATER, require, require_choice, require_rate, require_share
from imitbench.core.types import Algorithm, Key, Metrics, Params, Spec, Traits, ValueEstimator

TRAITS = Traits(needs_rewards=True, streams=True, version=2)


@dataclass(frozen=True)
class Config:
    """Settings of BCQ."""

    data: fixed_data.Config = field(default_factory=lambda: fixed_data.Config(batch=100))
    """Settings of minibatches of the data."""
    lr: float = 1e-3
    """Adam's learning rate for all networks, above 0."""
    hidden: tuple[int, ...] = (400, 300)
    """Widths of the hidden ReLU layers of critics and perturbation."""
    vae_hidden: tuple[int, ...] = (750, 750)
    """Widths of the hidden ReLU layers of the encoder and of the decoder."""
    kl: float = 0.5
    """Weight of the KL divergence, in nats and averaged over rows and latent components, beside the
    mean squared error of the reconstruction."""
    latent_clip: float = 0.5
    """Bound on the magnitude of the latent's components when actions are proposed."""
    perturbation: float = 0.05
    """Largest change of each component of a proposed action (Phi in the paper)."""
    soft_min: float = 0.75
    """Weight of the lesser critic in the target, in [0, 1]; the greater one has the rest (lambda in
    the paper)."""
    proposals: int = 10
    """Number of actions proposed in a target (n in the paper)."""
    act_proposals: int = 100
    """Number of actions proposed when acting, of which the first critic's best is taken."""
    discount: float = 0.99
    """Discount factor, in [0, 1]."""
    tau: float = 0.005
    """Share of the way that the targets of critics and perturbation move in each gradient step."""
    initial_weights: nets.Start = field(default="normal", metadata=ADDED_LATER)
    """How the networks begin, see `imitbench.core.nets.Start`; the official code has uniform."""

    def __post_init__(self) -> None:
        for name in ("lr", "latent_clip"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("proposals", "act_proposals"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("kl", "perturbation"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        for name in ("soft_min", "discount"):
            require_share(self, name)
        require_rate(self, "tau")
        require_choice(self, "initial_weights", nets.Start)


class State(struct.PyTreeNode):
    """`params` holds "vae" (encoder and decoder), "critics" and "perturb"; `opt_state` has Adam's
    state of each."""

    params: dict[str, Params]
    target: dict[str, Params]  # "critics" and "perturb"
    opt_state: dict[str, Any]


def learner(config: Config, spec: Spec) -> OffPolicyLearner:
    """BCQ without the source of its steps."""
    networks = bcq_losses.networks(spec, config.hidden, config.vae_hidden, config.initial_weights)
    opts: dict[str, Any] = dict.fromkeys(("vae", "critics", "perturb"), optax.adam(config.lr))
    vae_loss = partial(bcq_losses.vae_loss, networks, config.kl)
    critic_loss = partial(bellman.critic_loss, networks.critics, 1.0)
    perturbation_loss = partial(bcq_losses.perturbation_loss, networks, config.perturbation)
    propose = partial(bcq_losses.propose, networks, config.latent_clip)
    perturb = partial(bcq_losses.perturb, networks, config.perturbation)

    def init(key: Key) -> State:
        params = bcq_losses.initial_params(networks, key)
        target = {k: params[k] for k in ("critics", "perturb")}
        return State(params, target, {k: opts[k].init(v) for k, v in params.items()})

    def learn(key: Key, state: State, rows: Experience) -> tuple[State, Metrics]:
        k_vae, k_target, k_propose = jax.random.split(key, 3)
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        optimiser.step("vae", vae_loss, k_vae, rows)
        obs = jnp.repeat(rows.next_obs, config.proposals, axis=0)  # [N * n, O]
        proposed = propose(k_target, optimiser.params["vae"], obs)
        proposed = perturb(state.target["perturb"], obs, proposed)
        proposed = proposed.reshape(-1, config.proposals, spec.action_size)
        target = bcq_losses.critic_target(
            networks, state.target["critics"], rows, proposed, config.soft_min, config.discount
        )
        optimiser.step("critics", critic_loss, rows, target)
        proposed = propose(k_propose, optimiser.params["vae"], rows.obs)
        critics = optimiser.params["critics"]
        optimiser.step("perturb", perturbation_loss, rows.obs, proposed, critics)
        online = {k: optimiser.params[k] for k in state.target}
        target_params = ops.polyak(state.target, online, config.tau)
        return State(optimiser.params, target_params, optimiser.opt_state), optimiser.metrics

    def propose_and_value(key: Key, state: State, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Perturbed proposals [..., n, A] for obs [..., O], and their values [..., n]."""
        n = config.act_proposals
        tiled = jnp.broadcast_to(obs[..., None, :], (*obs.shape[:-1], n, obs.shape[-1]))
        proposed = propose(key, state.params["vae"], tiled)
        proposed = perturb(state.params["perturb"], tiled, proposed)
        return proposed, networks.critics.apply(state.params["critics"][:1], tiled, proposed)[0]

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        proposed, q = propose_and_value(key, state, obs)
        best = jnp.argmax(q, axis=-1)[..., None, None]
        return jnp.take_along_axis(proposed, best, axis=-2)[..., 0, :]

    def value(key: Key, state: State, obs: jax.Array) -> jax.Array:
        return jnp.max(propose_and_value(key, state, obs)[1], axis=-1)

    return OffPolicyLearner(init, learn, act, act, ValueEstimator(value, config.discount))


def make(config: Config, spec: Spec) -> Algorithm:
    """BCQ on the demonstrations' rewards; acting draws proposals. The state is a `fixed_data.State`
    whose `learner` is a `State`."""
    return fixed_data.make(config.data, spec, learner(config, spec))
