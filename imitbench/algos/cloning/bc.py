"""BC: supervised learning of the demonstrated actions from the demonstrated observations.

Source: Pomerleau 1991 (behavioural cloning). Ross et al. 2011 (arXiv:1011.0686), section 2, bound
its loss of return, which grows with the square of the horizon.

Different from the source: the policy is a network with ReLU layers on normalised observations,
trained by Adam on the squared error or on the negative log likelihood. It learns the actions that
the demonstrator intended, before noise and clipping.

Use it as the first baseline of every comparison, and when demonstrations are many or episodes are
short.

Sensitive to: the number of gradient steps, `lr` with `lr_decay_steps`, `hidden`, and `l2` with few
demonstrations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.cloning import held_out
from imitbench.algos.common.goal_features import FeatureMap, make_feature_map
from imitbench.core import buffer, ops, policy_nets
from imitbench.core.config import ADDED_LATER, require
from imitbench.core.distributions import Categorical, Deterministic, Distribution, Gaussian
from imitbench.core.streamed import StreamedRows, map_rows
from imitbench.core.types import (
    Algorithm,
    Cost,
    Key,
    Metrics,
    Params,
    Spec,
    Traits,
    Transition,
)
from imitbench.utils.errors import UserError

TRAITS = Traits(streams=True)


@dataclass(frozen=True)
class Config:
    """Settings of BC."""

    loss: Literal["mse", "nll"] = "mse"
    """mse: squared error of a deterministic policy. nll: negative log likelihood of a Gaussian
    policy, in nats. Tasks with discrete actions always use the likelihood of a categorical
    policy."""
    lr: float = 1e-3
    """Adam's step size."""
    lr_decay_steps: int = 0
    """Gradient steps over which the step size falls to 0 along a cosine; 0 keeps it constant."""
    batch: int = 64
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    l2: float = 0.0
    """Weight in the loss of half the squared norm of the parameters, 0 or more."""
    clip: float = 5.0
    """Bound of the normalised observations, on both sides, in standard deviations."""
    validation: float = 0.1
    """Share of the demonstrated episodes held out of training, in [0, 1), rounded down to whole
    episodes; their loss is among the metrics."""
    best_share: float = field(default=1.0, metadata=ADDED_LATER)
    """Share of the episodes, those with the highest returns, that are learned from, above 0 and
    rounded up; 0.1 is "10% BC" of Chen et al. 2021 (arXiv:2106.01345). Below 1 it needs rewards."""
    features: tuple[str, ...] = field(default=(), metadata=ADDED_LATER)
    """What the policy sees besides the observation, on tasks with goals: fields, or differences of
    two, such as "desired_goal - object_pos". Not for data that stay in files."""
    early_stopping: bool = False
    """Act with the parameters of the lowest validation loss so far instead of the last ones."""
    steps: int = 100
    """Gradient steps of one update; the validation loss is measured once an update."""

    def __post_init__(self) -> None:
        require(0 <= self.validation < 1, self, "validation", "a share in [0, 1)")
        require(0 < self.best_share <= 1, self, "best_share", "a share above 0, at most 1")
        if self.early_stopping and self.validation == 0:
            raise UserError("early_stopping needs a held-out share: set validation > 0")
        for name in ("lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("l2", "lr_decay_steps"):
            require(getattr(self, name) >= 0, self, name, "0 or more")


class State(struct.PyTreeNode):
    """What is learned."""

    params: Params
    opt_state: Any
    norm: ops.Normaliser
    best_params: Params  # those of the lowest validation loss so far
    best_loss: jax.Array  # [] lowest validation loss so far


class Pairs(struct.PyTreeNode):
    """Observations with the actions to learn; of demonstrations, or of DAgger's aggregate."""

    obs: jax.Array  # [N, O]
    target: jax.Array  # [N, A] the actions to learn
    weight: jax.Array  # [N] 0 for rows that are not trained on


def best_weight(share: float, demos: Transition) -> jax.Array:
    """The weights [N] of demonstrations [N], 0 in all but the episodes with the highest returns.

    Args:
        share: of the episodes, above 0 and rounded up; episodes with equal returns count in the
            order of the data.
        demos: rows [N] of whole episodes.
    """
    episode = buffer.find_episodes(demos)
    used = jnp.arange(len(demos.weight)) < episode.used
    number = jnp.where(used, episode.episode, len(demos.weight))  # out of range, so not summed
    rewards = jnp.where(used, demos.reward, 0.0)
    returns = jax.ops.segment_sum(rewards, number, len(demos.weight))
    exists = jnp.arange(len(returns)) < episode.count
    order = jnp.argsort(-jnp.where(exists, returns, -jnp.inf), stable=True)
    rank = jnp.zeros_like(order).at[order].set(jnp.arange(len(order)))
    kept = jnp.ceil(share * episode.count - 1e-4)  # 0.1 * 30 is more than 3 in floating point
    return jnp.where(used & (rank[episode.episode] < kept), demos.weight, 0.0)


def split(config: Config, spec: Spec, demos: Transition) -> tuple[Pairs, Pairs | None]:
    """Splits demonstrations [N] into the pairs to train on and those of the held-out last episodes.

    Where the held-out episodes may have different numbers of rows, both have as many rows as they
    may need, some of weight 0. The latter are None where no episode is held out.
    """
    if config.best_share < 1:
        demos = demos.replace(weight=best_weight(config.best_share, demos))
    pairs = Pairs(demos.obs, demos.intended_action, demos.weight)
    held = held_out.find(config.validation, spec, demos)
    if held is None:
        return pairs, None
    train = pairs.replace(weight=jnp.where(held.mask, 0.0, demos.weight))
    if held.exact:
        train = buffer.select(train, jnp.arange(len(demos.weight) - held.size))
    rest = pairs.replace(weight=jnp.where(held.mask, demos.weight, 0.0))
    return train, buffer.select(rest, held.begin + jnp.arange(held.size))


def imitation_errors(dist: Distribution, target: jax.Array) -> jax.Array:
    """Errors of the policy's actions.

    Args:
        dist: the policy's distribution at the observations; [N] distributions over [A].
        target: [N, A] the actions to learn.

    Returns:
        [N]: for a deterministic policy the squared error, averaged over the components of the
        action; otherwise the negative log likelihood, summed over them, in nats.
    """
    if isinstance(dist, Deterministic):
        return jnp.mean((dist.mode - target) ** 2, axis=-1)
    assert isinstance(dist, Gaussian | Categorical)
    return -dist.log_prob(target)


def keep_best(state: State, loss: jax.Array) -> State:
    """Keeps the parameters as the best so far where their validation loss [] is the lowest."""
    better = loss < state.best_loss
    best = jax.tree.map(
        lambda new, old: jnp.where(better, new, old), state.params, state.best_params
    )
    return state.replace(best_params=best, best_loss=jnp.minimum(loss, state.best_loss))


@dataclass(frozen=True, eq=False)
class SupervisedLearner:
    """BC, for methods that learn from more than demonstrations; all methods are pure functions."""

    config: Config
    spec: Spec
    policy: policy_nets.PolicyNet
    opt: optax.GradientTransformation
    features: FeatureMap | None  # what the policy sees besides the observation

    def see(self, obs: jax.Array) -> jax.Array:
        """What the policy sees [..., O + F] of observations [..., O]."""
        if self.features is None:
            return obs
        seen = self.features.features(self.features.state(obs), self.features.desired(obs))
        return jnp.concatenate([obs, seen], axis=-1)

    def fit_normaliser(self, pairs: Pairs) -> ops.Normaliser:
        """Fits the normaliser to what the policy sees of the pairs [N]."""
        if self.features is not None and isinstance(pairs.obs, StreamedRows):
            raise UserError(
                f"features={list(self.config.features)}: cannot be computed of data that stay in "
                "files; leave stream or features out"
            )
        return ops.fit_normaliser(self.see(pairs.obs), pairs.weight)

    def init(self, key: Key, pairs: Pairs) -> State:
        """The untrained state; the normaliser is fitted to the pairs [N]."""
        params = self.policy.init(key)
        norm = self.fit_normaliser(pairs)
        highest = jnp.float32(jnp.finfo(jnp.float32).max)
        return State(params, self.opt.init(params), norm, params, highest)

    def error(self, params: Params, norm: ops.Normaliser, pairs: Pairs) -> jax.Array:
        """Mean of `imitation_errors` of the network over pairs [N], by their weight."""

        def errors(rows: Pairs) -> jax.Array:
            dist = self.policy.apply(params, norm(self.see(rows.obs), self.config.clip))
            return imitation_errors(dist, rows.target)

        return ops.weighted_mean(map_rows(errors, pairs), pairs.weight)

    def loss(self, params: Params, norm: ops.Normaliser, pairs: Pairs) -> tuple[jax.Array, Metrics]:
        """The error plus l2 / 2 times the squared norm of the parameters; and metrics."""
        error = self.error(params, norm, pairs)
        penalty = 0.5 * self.config.l2 * optax.tree.norm(params, squared=True)
        return error + penalty, {"loss": error}

    def fit(self, key: Key, state: State, pairs: Pairs) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on minibatches of the pairs [N] with weight above 0."""
        draw = buffer.real_row_sampler(pairs, pairs.weight)

        def step(carry: tuple[Params, Any], key: Key) -> tuple[tuple[Params, Any], Metrics]:
            rows = draw(key, self.config.batch)
            params, opt_state, metrics = ops.gradient_step(
                self.loss, self.opt, *carry, state.norm, rows
            )
            return (params, opt_state), metrics

        keys = jax.random.split(key, self.config.steps)
        (params, opt_state), metrics = jax.lax.scan(step, (state.params, state.opt_state), keys)
        return state.replace(params=params, opt_state=opt_state), jax.tree.map(jnp.mean, metrics)

    def validate(self, state: State, pairs: Pairs | None) -> tuple[State, Metrics]:
        """Measures the error on held-out pairs, if there are any, and keeps the best parameters."""
        if pairs is None:
            return state, {}
        loss = self.error(state.params, state.norm, pairs)
        return keep_best(state, loss), {"val_loss": loss}

    def update(self, key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        """One update of BC: `fit` on the demonstrations [N], then `validate`."""
        pairs, rest = split(self.config, self.spec, demos)
        state, metrics = self.fit(key, state, pairs)
        state, validation_metrics = self.validate(state, rest)
        return state, metrics | validation_metrics

    def act(self, key: Key, state: State, obs: jax.Array) -> jax.Array:
        """The most likely action [..., A] at observations [..., O]."""
        params = state.best_params if self.config.early_stopping else state.params
        return self.policy.apply(params, state.norm(self.see(obs), self.config.clip)).mode


def supervised_learner(config: Config, spec: Spec) -> SupervisedLearner:
    """Builds the learner for a task, with the policy head that its actions and the loss need."""
    head = "gaussian" if config.loss == "nll" else "deterministic"
    features = make_feature_map(spec, config.features, "features") if config.features else None
    seen = replace(spec, obs_size=spec.obs_size + (features.size if features else 0))
    policy = policy_nets.policy(seen, config.hidden, "categorical" if spec.discrete else head)
    lr = ops.cosine_step_size(config.lr, config.lr_decay_steps)
    return SupervisedLearner(config, spec, policy, optax.adam(lr), features)


def make(config: Config, spec: Spec) -> Algorithm:
    """BC on the intended actions of the demonstrations. State: `State`."""
    learner = supervised_learner(config, spec)

    def init(key: Key, demos: Transition) -> State:
        return learner.init(key, split(config, spec, demos)[0])

    return Algorithm(init, learner.update, learner.act, Cost(grad_steps=config.steps))
