"""A network that distinguishes an expert's steps from a policy's, and the rewards made from it.

The logit f is high for the expert, and D = sigmoid(f) is the probability that a step is the
expert's. So every reward made from it is higher for more expert-like steps.

Sources: Ho and Ermon 2016 (arXiv:1606.03476), Algorithm 1; spectral normalisation by Miyato et al.
2018 (arXiv:1802.05957). The penalty on gradients is not in GAIL; Kostrikov et al. 2019
(arXiv:1809.02925) use it for imitation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.adversarial import f_divergence
from imitbench.algos.adversarial.discriminator_losses import (
    cross_entropy,
    entropy,
    gradient_penalty,
)
from imitbench.core import nets, ops
from imitbench.core.config import ADDED_LATER, require, require_choice
from imitbench.core.types import Key, Metrics, Params

CLIP = 10.0  # normalised observations are clipped to [-CLIP, CLIP]

Inputs = Literal["state-action", "state", "transition"]


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Settings of the discriminator."""

    hidden: tuple[int, ...] = (100, 100)
    """Widths of the hidden ReLU layers."""
    lr: float = 3e-4
    """Adam's learning rate."""
    batch: int = 256
    """Rows of a minibatch from the expert, and as many from the policy."""
    steps: int = 8
    """Gradient steps in an update."""
    state_only: bool = False
    """The older name of inputs=state."""
    reward: Literal["positive", "negative", "logit"] = "positive"
    """Reward of the policy. positive: -log(1 - D), at least 0. negative: log D, at most 0. logit:
    f, of either sign. Where episodes can end early, the sign alone teaches the policy to prolong
    (positive) or to end (negative) them, whatever the expert does."""
    penalty: float = 10.0
    """Weight, 0 or more, of the gradient penalty: the squared difference from 1 of the norm of the
    logit's gradient, at points between the expert's and the policy's steps."""
    entropy: float = 1e-3
    """Weight, 0 or more, of the entropy of D (in nats), which the discriminator maximises."""
    divergence: Literal["", "kl", "reverse-kl", "js", "tv"] = field(
        default="", metadata=ADDED_LATER
    )
    """Estimate this f-divergence of the expert's steps from the policy's (f-VIM) instead of
    classifying them. The reward then comes from the estimate, and `reward` and `entropy` have no
    effect."""
    spectral: bool = field(default=False, metadata=ADDED_LATER)
    """Divide each kernel by its largest singular value."""

    inputs: Inputs = field(default="state-action", metadata=ADDED_LATER)
    """What is compared. state-action: observations with the actions that were executed. state:
    observations alone. transition: observations with those of the next step. The last two need no
    demonstrated actions."""
    centred: bool = field(default=False, metadata=ADDED_LATER)
    """Pay the divergence's reward minus its value where both densities are equal, so that a perfect
    imitator earns 0. With `divergence=reverse-kl` that value is -1, so that each step of a perfect
    imitator costs 1 without it; with kl it is 1, else 0. Needs a `divergence`; the discriminator
    learns as without it."""

    @property
    def compared(self) -> Inputs:
        """What is compared, `state_only` included."""
        return "state" if self.state_only else self.inputs

    def __post_init__(self) -> None:
        require(self.lr > 0, self, "lr", "a positive number")
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("penalty", "entropy"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        rewards = ("positive", "negative", "logit")
        require(self.reward in rewards, self, "reward", f"one of {', '.join(rewards)}")
        divergences = ("", *f_divergence.DIVERGENCES)
        expected = f"nothing or one of {', '.join(divergences[1:])}"
        require(self.divergence in divergences, self, "divergence", expected)
        expected = "false without a divergence; set discriminator.divergence"
        require(self.divergence or not self.centred, self, "centred", expected)
        require_choice(self, "inputs", Inputs)
        allowed = not self.state_only or self.inputs != "transition"
        require(allowed, self, "inputs", "state beside state_only=True; leave one of the two out")


Draw = Callable[[Key, int], Any]
"""(key, n) -> rows [n] drawn at random; they have a field `obs`."""
Encode = Callable[[ops.Normaliser, Any], jax.Array]
"""(normaliser of observations, rows [...]) -> inputs [..., I] of the network."""


class State(struct.PyTreeNode):
    """What is learned."""

    params: Params
    opt_state: Any
    moments: ops.Moments  # of the observations of expert and policy


def rewards(config: DiscriminatorConfig, logit: jax.Array) -> jax.Array:
    """Rewards [...] of the policy for steps with logits [...]; all grow with the logit."""
    if config.divergence:
        divergence = f_divergence.DIVERGENCES[config.divergence]
        reward = divergence.policy(logit)
        return reward - divergence.reward_at_equality if config.centred else reward
    if config.reward == "positive":
        return jax.nn.softplus(logit)
    return -jax.nn.softplus(-logit) if config.reward == "negative" else logit


def loss(
    config: DiscriminatorConfig,
    logit: Callable[[jax.Array], jax.Array],
    mixing: jax.Array,
    inputs: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """The loss of the discriminator: classification or minus the f-divergence, plus the penalty.

    Args:
        config: settings.
        logit: inputs [N, I] -> logits [N].
        mixing: [N, 1] in [0, 1]: share of the expert in the points of the gradient penalty.
        inputs: [2, N, I]: the expert's, the policy's.

    Returns:
        The loss; and metrics, of which `expert_told` and `policy_told` are the shares classified
        correctly.
    """
    expert, policy = logit(inputs[0]), logit(inputs[1])
    if config.divergence:
        divergence = f_divergence.DIVERGENCES[config.divergence]
        fit = total = -f_divergence.bound(divergence, expert, policy)
    else:
        fit = cross_entropy(expert, policy)
        total = fit - config.entropy * entropy(jnp.concatenate([expert, policy]))
    metrics = {
        "discriminator_loss": fit,
        "expert_told": jnp.mean(expert > 0),
        "policy_told": jnp.mean(policy < 0),
    }
    if config.penalty:
        metrics["penalty"] = gradient_penalty(logit, mixing, inputs)
        total = total + config.penalty * metrics["penalty"]
    return total, metrics


def network(config: DiscriminatorConfig, size: int) -> nets.Function:
    """The network from inputs [..., size] to the logit [..., 1]."""
    return nets.function(size, config.hidden, 1, spectral=config.spectral)


@dataclass(frozen=True, eq=False)
class Discriminator:
    """A discriminator; all methods are pure functions."""

    config: DiscriminatorConfig
    net: nets.Function  # [..., I] -> [..., 1]
    encode: Encode

    def init(self, key: Key, obs: jax.Array, weight: jax.Array) -> State:
        """The untrained state; the moments are those of the expert's observations [N, O], which
        count by their weight [N]."""
        params = self.net.init(key)
        return State(params, self._opt.init(params), ops.weighted_moments(obs, weight))

    def add_observations(self, state: State, obs: jax.Array) -> State:
        """Adds observations [N, O] of the policy to the moments."""
        return state.replace(moments=state.moments.add(obs))

    def fit(self, key: Key, state: State, expert: Draw, policy: Draw) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on rows drawn from the expert and from the policy."""
        norm, batch = state.moments.normaliser(), self.config.batch

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            k_expert, k_policy, k_mixing = jax.random.split(key, 3)
            rows = expert(k_expert, batch), policy(k_policy, batch)
            inputs = jnp.stack([self.encode(norm, x) for x in rows])
            mixing = jax.random.uniform(k_mixing, (batch, 1))
            params, opt_state, metrics = ops.gradient_step(
                self._loss, self._opt, *carry, mixing, inputs
            )
            return (params, opt_state), metrics

        keys = jax.random.split(key, self.config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (state.params, state.opt_state), keys)
        state = state.replace(params=params, opt_state=opt_state)
        return state, jax.tree.map(jnp.mean, metrics)

    def reward(self, state: State, rows: Any) -> jax.Array:
        """Rewards [...] of rows [...]; higher is more expert-like."""
        inputs = self.encode(state.moments.normaliser(), rows)
        return rewards(self.config, self._logit(state.params, inputs))

    @property
    def _opt(self) -> optax.GradientTransformation:
        return optax.adam(self.config.lr)

    def _logit(self, params: Params, inputs: jax.Array) -> jax.Array:
        return self.net.apply(params, inputs)[..., 0]

    def _loss(
        self, params: Params, mixing: jax.Array, inputs: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        return loss(self.config, lambda x: self._logit(params, x), mixing, inputs)
