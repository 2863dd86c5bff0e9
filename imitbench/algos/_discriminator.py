"""A network that tells an expert's steps from a policy's, and the rewards made from it.

Convention, here and wherever it is used: the logit f is high for the expert, and D = sigmoid(f) is
the probability that a step is the expert's (the official code's, the opposite of the paper's).

Source: Ho and Ermon 2016 (arXiv:1606.03476), algorithm 1; the penalty on gradients is that of
Gulrajani et al. 2017 (arXiv:1704.00028), equation 3, as in Kostrikov et al. 2019
(arXiv:1809.02925).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.core import buffer, nets, ops
from imitbench.core.types import Key, Metrics, Params, Spec, require

CLIP = 10.0  # of normalised observations, on both sides


@dataclass(frozen=True)
class Rule:
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

    def __post_init__(self) -> None:
        require(self.lr > 0, self, "lr", "a positive number")
        for name in ("batch", "steps"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        for name in ("penalty", "entropy"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        known = ("positive", "negative", "logit")
        require(self.reward in known, self, "reward", f"one of {', '.join(known)}")


class Pairs(struct.PyTreeNode):
    """Leaves [N, ...]."""

    obs: jax.Array  # [N, O]
    action: jax.Array  # [N, A], as executed
    weight: jax.Array  # [N] 0 where there is no step


class State(struct.PyTreeNode):
    params: Params
    opt_state: Any
    moments: ops.Moments  # of the observations of both


class Discriminator(NamedTuple):
    """init(key, expert: Pairs) -> State; fit(key, state, expert, policy: Pairs) -> (state, metrics)
    takes `steps` gradient steps; reward(state, obs [..., O], action [..., A]) -> [...]."""

    init: Callable[[Key, Pairs], State]
    fit: Callable[[Key, State, Pairs, Pairs], tuple[State, Metrics]]
    reward: Callable[[State, jax.Array, jax.Array], jax.Array]


def rewards(kind: str, logit: jax.Array) -> jax.Array:
    """What a policy is paid for steps with these logits."""
    if kind == "positive":
        return jax.nn.softplus(logit)
    return -jax.nn.softplus(-logit) if kind == "negative" else logit


def loss(
    config: Rule, logit: Callable[[jax.Array], jax.Array], share: jax.Array, both: jax.Array
) -> tuple[jax.Array, Metrics]:
    """Cross-entropy, both halves counted equally, minus the entropy of D, plus the penalty.

    Args:
        logit: of inputs [N, I] -> [N].
        share: [N, 1] in [0, 1]: where between the two the penalty looks.
        both: inputs [2, N, I]: the expert's, the policy's.
    """
    expert, policy = logit(both[0]), logit(both[1])
    fit = jnp.mean(jax.nn.softplus(-expert)) + jnp.mean(jax.nn.softplus(policy))
    f = jnp.concatenate([expert, policy])
    d = jax.nn.sigmoid(f)
    entropy = jnp.mean((1.0 - d) * f + jax.nn.softplus(-f))
    total = fit - config.entropy * entropy
    metrics = {
        "discriminator_loss": fit,
        "expert_told": jnp.mean(expert > 0),  # share told rightly
        "policy_told": jnp.mean(policy < 0),
    }
    if config.penalty:
        between = share * both[0] + (1.0 - share) * both[1]
        slope = jax.vmap(jax.grad(lambda x: logit(x[None])[0]))(between)
        # The root's derivative at 0 is infinite.
        norm = jnp.sqrt(jnp.sum(slope**2, axis=-1) + 1e-12)
        penalty = jnp.mean((norm - 1.0) ** 2)
        total = total + config.penalty * penalty
        metrics["penalty"] = penalty
    return total, metrics


def discriminator(config: Rule, spec: Spec) -> Discriminator:
    size = spec.obs_size + (0 if config.state_only else spec.action_size)
    net = nets.function(size, config.hidden, 1)
    opt = optax.adam(config.lr)

    def inputs(state: State, obs: jax.Array, action: jax.Array) -> jax.Array:
        obs = state.moments.normaliser()(obs, CLIP)
        if config.state_only:
            return obs
        if spec.discrete:
            action = jax.nn.one_hot(action, spec.action_size)
        return jnp.concatenate([obs, action], axis=-1)

    def init(key: Key, expert: Pairs) -> State:
        params = net.init(key)
        norm = ops.fit_normaliser(expert.obs, expert.weight)
        count = jnp.sum(expert.weight)
        return State(params, opt.init(params), ops.Moments(count, norm.mean, norm.std**2))

    def fit(key: Key, state: State, expert: Pairs, policy: Pairs) -> tuple[State, Metrics]:
        state = state.replace(moments=state.moments.add(policy.obs))
        draws = [buffer.real_rows(x, x.weight) for x in (expert, policy)]

        def total(params: Params, share: jax.Array, both: jax.Array) -> tuple[jax.Array, Metrics]:
            return loss(config, lambda x: net.apply(params, x)[..., 0], share, both)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            k_expert, k_policy, k_share = jax.random.split(key, 3)
            rows = [
                draw(k, config.batch) for draw, k in zip(draws, (k_expert, k_policy), strict=True)
            ]
            both = jnp.stack([inputs(state, x.obs, x.action) for x in rows])
            share = jax.random.uniform(k_share, (config.batch, 1))
            params, opt_state, metrics = ops.descend(total, opt, *carry, share, both)
            return (params, opt_state), metrics

        keys = jax.random.split(key, config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (state.params, state.opt_state), keys)
        state = state.replace(params=params, opt_state=opt_state)
        return state, jax.tree.map(jnp.mean, metrics)

    def reward(state: State, obs: jax.Array, action: jax.Array) -> jax.Array:
        found = net.apply(state.params, inputs(state, obs, action))[..., 0]
        return rewards(config.reward, found)

    return Discriminator(init, fit, reward)
