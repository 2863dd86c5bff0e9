"""Behavioural cloning: regress, or maximise the likelihood of, the demonstrated actions.

Source: Pomerleau 1991; the error bound in Ross et al. 2011 (arXiv:1011.0686), section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.core import buffer, distributions, ops, policy_nets
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Transition
from imitbench.utils.errors import UserError


@dataclass(frozen=True)
class Config:
    """Settings of BC."""

    loss: Literal["mse", "nll"] = "mse"
    """mse: squared error of a deterministic policy. nll: negative log likelihood of a Gaussian
    policy,
    in nats. Tasks with discrete actions always take the likelihood of a categorical policy."""
    lr: float = 1e-3
    """Adam's step size."""
    lr_decay_steps: int = 0
    """Gradient steps over which the step size falls to 0 along a cosine; 0 keeps it constant."""
    batch: int = 64
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    l2: float = 0.0
    """Weight of half the squared norm of the parameters in the loss."""
    clip: float = 5.0
    """Normalised observations are clipped to [-clip, clip]."""
    validation: float = 0.1
    """Share of the demonstrated episodes held out of training, rounded down to whole episodes;
    their loss is in the metrics."""
    early_stopping: bool = False
    """Act with the parameters of the lowest validation loss so far, in place of the last ones."""
    steps: int = 100
    """Gradient steps of one update; the validation loss is measured once an update."""

    def __post_init__(self) -> None:
        require(0 <= self.validation < 1, self, "validation", "a share in [0, 1)")
        if self.early_stopping and self.validation == 0:
            raise UserError("early_stopping needs a held-out share: set validation > 0")
        for name in ("lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("l2", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")


class State(struct.PyTreeNode):
    params: Params
    opt_state: Any
    norm: ops.Normaliser
    best_params: Params
    best_loss: jax.Array  # [] lowest validation loss so far


class Pairs(struct.PyTreeNode):
    """What supervised imitation learns from: rows [N] of a `Transition`, or of DAgger's
    aggregate."""

    obs: jax.Array  # [N, O]
    target: jax.Array  # [N, A] the actions to clone
    weight: jax.Array  # [N]


class SupervisedLearner(NamedTuple):
    """The parts of BC, for methods that learn from more than demonstrations.

    init(key, fit: Pairs) -> State; fit(key, state, pairs) -> (state, metrics) takes `config.steps`
    gradient steps on the pairs of weight above 0; validate(state, pairs) -> (state, metrics)
    measures the loss and keeps the best parameters; act as in `Algorithm`.
    """

    init: Callable[[Key, Pairs], State]
    fit: Callable[[Key, State, Pairs], tuple[State, Metrics]]
    validate: Callable[[State, Pairs | None], tuple[State, Metrics]]
    act: Callable[[Key, State, jax.Array], jax.Array]


def split(config: Config, spec: Spec, demos: Transition) -> tuple[Pairs, Pairs | None]:
    """The pairs to train on, and those of the held-out last episodes, if any are held out."""
    pairs = Pairs(demos.obs, demos.intended_action, demos.weight)
    total = demos.weight.shape[0]
    cut = total - int(config.validation * (total // spec.horizon)) * spec.horizon
    held = buffer.take(pairs, jnp.arange(cut, total)) if cut < total else None
    return buffer.take(pairs, jnp.arange(cut)), held


def supervised_learner(config: Config, spec: Spec) -> SupervisedLearner:
    head = "gaussian" if config.loss == "nll" else "deterministic"
    policy = policy_nets.policy(spec, config.hidden, "categorical" if spec.discrete else head)
    decay = config.lr_decay_steps
    opt = optax.adam(optax.cosine_decay_schedule(config.lr, decay) if decay else config.lr)

    def error(params: Params, norm: ops.Normaliser, pairs: Pairs) -> jax.Array:
        """Mean squared error over action components, or mean negative log likelihood."""
        dist = policy.apply(params, norm(pairs.obs, config.clip))
        if isinstance(dist, distributions.Deterministic):
            each = jnp.mean((dist.mode - pairs.target) ** 2, axis=-1)
        else:
            assert isinstance(dist, distributions.Gaussian | distributions.Categorical)
            each = -dist.log_prob(pairs.target)
        return ops.weighted_mean(each, pairs.weight)

    def loss(params: Params, norm: ops.Normaliser, pairs: Pairs) -> tuple[jax.Array, Metrics]:
        fit = error(params, norm, pairs)
        penalty = 0.5 * config.l2 * optax.tree.norm(params, squared=True)
        return fit + penalty, {"loss": fit}

    def init(key: Key, pairs: Pairs) -> State:
        params = policy.init(key)
        norm = ops.fit_normaliser(pairs.obs, pairs.weight)
        return State(
            params, opt.init(params), norm, params, jnp.float32(jnp.finfo(jnp.float32).max)
        )

    def fit(key: Key, state: State, pairs: Pairs) -> tuple[State, Metrics]:
        draw = buffer.real_row_sampler(pairs, pairs.weight)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            params, opt_state = carry
            rows = draw(key, config.batch)
            params, opt_state, metrics = ops.gradient_step(
                loss, opt, params, opt_state, state.norm, rows
            )
            return (params, opt_state), metrics

        keys = jax.random.split(key, config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (state.params, state.opt_state), keys)
        return state.replace(params=params, opt_state=opt_state), jax.tree.map(jnp.mean, metrics)

    def validate(state: State, pairs: Pairs | None) -> tuple[State, Metrics]:
        if pairs is None:
            return state, {}
        value = error(state.params, state.norm, pairs)
        better = value < state.best_loss
        best = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), state.params, state.best_params
        )
        state = state.replace(best_params=best, best_loss=jnp.minimum(value, state.best_loss))
        return state, {"val_loss": value}

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        params = state.best_params if config.early_stopping else state.params
        return policy.apply(params, state.norm(obs, config.clip)).mode

    return SupervisedLearner(init, fit, validate, act)


def make(config: Config, spec: Spec) -> Algorithm:
    """BC on the demonstrations' labels. State: `State`."""
    clone = supervised_learner(config, spec)

    def init(key: Key, demos: Transition) -> State:
        return clone.init(key, split(config, spec, demos)[0])

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        pairs, held = split(config, spec, demos)
        state, metrics = clone.fit(key, state, pairs)
        state, more = clone.validate(state, held)
        return state, metrics | more

    return Algorithm(init, update, clone.act, Cost(grad_steps=config.steps))
