"""A network that tells an expert's steps from a policy's, and the rewards made from it.

Convention, here and wherever it is used: the logit f is high for the expert, and D = sigmoid(f) is
the probability that a step is the expert's (the official code's, the opposite of the paper's).

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1; the penalty on gradients is that of
Gulrajani et al. 2017 (arXiv:1704.00028), equation 3, as in Kostrikov et al. 2019
(arXiv:1809.02925); spectral normalisation is that of Miyato et al. 2018 (arXiv:1802.05957).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.adversarial import f_divergence
from imitbench.core import nets, ops
from imitbench.core.config import ADDED_LATER, require
from imitbench.core.types import Key, Metrics, Params, Spec

CLIP = 10.0  # of normalised observations, on both sides


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Settings of the discriminator."""

    hidden: tuple[int, ...] = (100, 100)
    """Widths of the hidden ReLU layers."""
    lr: float = 3e-4
    """Adam's step size."""
    batch: int = 256
    """Rows of a minibatch from the expert, and as many from the policy."""
    steps: int = 8
    """Gradient steps in an update."""
    state_only: bool = False
    """See observations alone, not actions."""
    reward: Literal["positive", "negative", "logit"] = "positive"
    """positive: -log(1 - D), at least 0, so that every step survived is a gain. negative: log D, at
    most 0, so that an early end is one. logit: f, of either sign. Where episodes can end early the
    sign alone teaches to live long or to die soon, whoever the expert is."""
    penalty: float = 10.0
    """Weight of the squared distance from 1 of the norm of the logit's gradient, on points between
    the expert's and the policy's."""
    entropy: float = 1e-3
    """Weight of the entropy of D, in nats, that is added to the objective."""
    divergence: Literal["", "kl", "reverse-kl", "js", "tv"] = field(
        default="", metadata=ADDED_LATER
    )
    """Estimate this f-divergence of the expert's steps from the policy's (f-VIM) instead of
    classifying them; it then makes the reward, too, and `reward` and `entropy` are not looked
    at."""
    spectral: bool = field(default=False, metadata=ADDED_LATER)
    """Divide each kernel by its largest singular value."""

    def __post_init__(self) -> None:
        require(self.lr > 0, self, "lr", "a positive number")
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("penalty", "entropy"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        known = ("positive", "negative", "logit")
        require(self.reward in known, self, "reward", f"one of {', '.join(known)}")
        known = ("", *f_divergence.DIVERGENCES)
        expected = f"nothing or one of {', '.join(known[1:])}"
        require(self.divergence in known, self, "divergence", expected)


class Pairs(struct.PyTreeNode):
    """Leaves [..., ...]."""

    obs: jax.Array  # [..., O]
    action: jax.Array  # [..., A], as executed


Draw = Callable[[Key, int], Any]
"""(key, n) -> rows [n] drawn at random; they have a field `obs`."""
Encode = Callable[[ops.Normaliser, Any], jax.Array]
"""(of observations, rows [..., ...]) -> what the network gets [..., I]."""


class State(struct.PyTreeNode):
    params: Params
    opt_state: Any
    moments: ops.Moments  # of the observations of both


class Discriminator(NamedTuple):
    """init(key, obs [N, O], weight [N]) -> State, with the expert's observations; see(state,
    obs [N, O]) -> state, with the policy's; fit(key, state, expert, policy: Draw) -> (state,
    metrics) takes `steps` gradient steps; reward(state, rows [..., ...]) -> [...]."""

    init: Callable[[Key, jax.Array, jax.Array], State]
    see: Callable[[State, jax.Array], State]
    fit: Callable[[Key, State, Draw, Draw], tuple[State, Metrics]]
    reward: Callable[[State, Any], jax.Array]


def rewards(config: DiscriminatorConfig, logit: jax.Array) -> jax.Array:
    """What a policy is paid for steps with these logits."""
    if config.divergence:
        return f_divergence.DIVERGENCES[config.divergence].policy(logit)
    if config.reward == "positive":
        return jax.nn.softplus(logit)
    return -jax.nn.softplus(-logit) if config.reward == "negative" else logit


def _classify(
    config: DiscriminatorConfig, expert: jax.Array, policy: jax.Array
) -> tuple[jax.Array, Metrics]:
    """Cross-entropy, both halves counted equally, minus the entropy of D."""
    fit = jnp.mean(jax.nn.softplus(-expert)) + jnp.mean(jax.nn.softplus(policy))
    f = jnp.concatenate([expert, policy])
    d = jax.nn.sigmoid(f)
    entropy = jnp.mean((1.0 - d) * f + jax.nn.softplus(-f))
    return fit - config.entropy * entropy, {"discriminator_loss": fit}


def _estimate(
    config: DiscriminatorConfig, expert: jax.Array, policy: jax.Array
) -> tuple[jax.Array, Metrics]:
    """Minus the lower bound on the divergence."""
    bound = f_divergence.bound(f_divergence.DIVERGENCES[config.divergence], expert, policy)
    return -bound, {"discriminator_loss": -bound}


def loss(
    config: DiscriminatorConfig,
    logit: Callable[[jax.Array], jax.Array],
    share: jax.Array,
    both: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """What tells the two apart, plus the penalty.

    Args:
        logit: of inputs [N, I] -> [N].
        share: [N, 1] in [0, 1]: where between the two the penalty looks.
        both: inputs [2, N, I]: the expert's, the policy's.
    """
    expert, policy = logit(both[0]), logit(both[1])
    total, metrics = (_estimate if config.divergence else _classify)(config, expert, policy)
    # Shares told rightly.
    metrics |= {"expert_told": jnp.mean(expert > 0), "policy_told": jnp.mean(policy < 0)}
    if config.penalty:
        between = share * both[0] + (1.0 - share) * both[1]
        slope = jax.vmap(jax.grad(lambda x: logit(x[None])[0]))(between)
        # The root's derivative at 0 is infinite.
        norm = jnp.sqrt(jnp.sum(slope**2, axis=-1) + 1e-12)
        penalty = jnp.mean((norm - 1.0) ** 2)
        total = total + config.penalty * penalty
        metrics["penalty"] = penalty
    return total, metrics


def action_input(spec: Spec, action: jax.Array) -> jax.Array:
    """[..., A] of actions, whatever their kind."""
    return jax.nn.one_hot(action, spec.action_size) if spec.discrete else action


def pairs(config: DiscriminatorConfig, spec: Spec) -> tuple[int, Encode]:
    """Length and encoding of `Pairs`, or of any rows with their fields."""
    if config.state_only:
        return spec.obs_size, lambda norm, rows: norm(rows.obs, CLIP)

    def encode(norm: ops.Normaliser, rows: Any) -> jax.Array:
        parts = [norm(rows.obs, CLIP), action_input(spec, rows.action)]
        return jnp.concatenate(parts, axis=-1)

    return spec.obs_size + spec.action_size, encode


def network(config: DiscriminatorConfig, size: int) -> nets.Function:
    """The logit of inputs, as its one output."""
    return nets.function(size, config.hidden, 1, spectral=config.spectral)


def discriminator(config: DiscriminatorConfig, net: nets.Function, encode: Encode) -> Discriminator:
    """From a network [..., I] -> [..., 1] and what it gets of a row."""
    opt = optax.adam(config.lr)

    def init(key: Key, obs: jax.Array, weight: jax.Array) -> State:
        params = net.init(key)
        return State(params, opt.init(params), ops.weighted_moments(obs, weight))

    def see(state: State, obs: jax.Array) -> State:
        return state.replace(moments=state.moments.add(obs))

    def fit(key: Key, state: State, expert: Draw, policy: Draw) -> tuple[State, Metrics]:
        norm = state.moments.normaliser()

        def total(params: Params, share: jax.Array, both: jax.Array) -> tuple[jax.Array, Metrics]:
            return loss(config, lambda x: net.apply(params, x)[..., 0], share, both)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            k_expert, k_policy, k_share = jax.random.split(key, 3)
            rows = expert(k_expert, config.batch), policy(k_policy, config.batch)
            both = jnp.stack([encode(norm, x) for x in rows])
            share = jax.random.uniform(k_share, (config.batch, 1))
            params, opt_state, metrics = ops.gradient_step(total, opt, *carry, share, both)
            return (params, opt_state), metrics

        keys = jax.random.split(key, config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (state.params, state.opt_state), keys)
        state = state.replace(params=params, opt_state=opt_state)
        return state, jax.tree.map(jnp.mean, metrics)

    def reward(state: State, rows: Any) -> jax.Array:
        found = net.apply(state.params, encode(state.moments.normaliser(), rows))[..., 0]
        return rewards(config, found)

    return Discriminator(init, see, fit, reward)
