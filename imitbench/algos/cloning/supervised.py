"""The supervised learner of BC, DAgger and DART: from observations to the actions to imitate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.cloning.bc_config import Config
from imitbench.algos.cloning.pairs import Pairs, split
from imitbench.algos.cloning.relabelling import Draw, Relabeller
from imitbench.algos.common.goal_features import FeatureMap, make_feature_map
from imitbench.core import buffer, heads, ops, policy_nets
from imitbench.core.distributions import Categorical, Deterministic, Distribution, Gaussian
from imitbench.core.streamed import StreamedRows, map_rows
from imitbench.core.types import Key, Metrics, Params, Spec, Transition
from imitbench.utils.errors import UserError


class State(struct.PyTreeNode):
    """What is learned."""

    params: Params
    opt_state: Any
    norm: ops.Normaliser
    best_params: Params  # those of the lowest validation loss so far
    best_loss: jax.Array  # [] lowest validation loss so far
    fitted: Any = ()  # what the head computed from the demonstrations
    mean_params: Params = ()  # type: ignore[assignment]  # the running mean, with `ema`


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


def acting_params(state: State) -> Params:
    """The parameters to act with: the running mean where there is one, else the last ones."""
    return state.mean_params if jax.tree.leaves(state.mean_params) else state.params


def keep_best(state: State, loss: jax.Array) -> State:
    """Keeps the parameters as the best so far where their validation loss [] is the lowest."""
    better = loss < state.best_loss
    best = jax.tree.map(
        lambda new, old: jnp.where(better, new, old), acting_params(state), state.best_params
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
    head: heads.Head | None  # in place of `policy`
    relabeller: Relabeller | None = None  # of the demonstrations' goals

    def see(self, obs: jax.Array) -> jax.Array:
        """What the policy sees [..., O + F] of observations [..., O]."""
        if self.features is None:
            return obs
        seen = self.features.features(self.features.state(obs), self.features.desired(obs))
        return jnp.concatenate([obs, seen], axis=-1)

    def inputs(self, state: State, obs: jax.Array) -> jax.Array:
        """The network's inputs [..., O + F]: what the policy sees, normalised and bounded."""
        return state.norm(self.see(obs), self.config.clip)

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
        params = self.policy.init(key) if self.head is None else self.head.init(key)
        norm = self.fit_normaliser(pairs)
        highest = jnp.float32(jnp.finfo(jnp.float32).max)
        mean = params if self.config.ema else ()
        fitted = self._fit_head(key, pairs)
        return State(params, self.opt.init(params), norm, params, highest, fitted, mean)

    def _fit_head(self, key: Key, pairs: Pairs) -> Any:
        if self.head is None:
            return ()
        if isinstance(pairs.target, StreamedRows):
            raise UserError(
                f"head.kind={self.config.head.kind}: cannot be fitted to data that stay in files; "
                "leave stream or the head out"
            )
        return self.head.fit(ops.fold_in_name(key, "head"), pairs.target, pairs.weight)

    def error(self, params: Params, state: State, pairs: Pairs, key: Key) -> tuple[Any, Metrics]:
        """The mean error over pairs [N], by their weight, and metrics of the head.

        Args:
            params: parameters of the network.
            state: holds the normaliser, and what the head fitted.
            pairs: [N].
            key: random key of the head's loss; other policies need none.
        """

        def errors(rows: Pairs) -> jax.Array:
            dist = self.policy.apply(params, self.inputs(state, rows.obs))
            return imitation_errors(dist, rows.target)

        if self.head is None:
            return ops.weighted_mean(map_rows(errors, pairs), pairs.weight), {}
        seen = self.inputs(state, pairs.obs)
        losses, metrics = self.head.loss(key, params, state.fitted, seen, pairs.target)
        return ops.weighted_mean(losses, pairs.weight), metrics

    def loss(
        self, params: Params, state: State, pairs: Pairs, key: Key
    ) -> tuple[jax.Array, Metrics]:
        """The error plus l2 / 2 times the squared norm of the parameters; and metrics."""
        error, metrics = self.error(params, state, pairs, key)
        penalty = 0.5 * self.config.l2 * optax.tree.norm(params, squared=True)
        return error + penalty, metrics | {"loss": error}

    def split(self, demos: Transition) -> tuple[Pairs, Pairs | None]:
        """`split` of the demonstrations [N], as the policy sees them."""
        if self.relabeller is not None:
            demos = self.relabeller.copy(demos)
        return split(self.config, self.spec, demos)

    def fit(self, key: Key, state: State, pairs: Pairs) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on minibatches of the pairs [N] with weight above 0."""
        return self.fit_drawn(key, state, buffer.real_row_sampler(pairs, pairs.weight))

    def fit_drawn(self, key: Key, state: State, draw: Draw) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on minibatches that `draw` gives."""

        def step(carry: tuple[Params, Any, Params], key: Key) -> tuple[Any, Metrics]:
            params, opt_state, mean = carry
            rows, k_loss = draw(key, self.config.batch), ops.fold_in_name(key, "head")
            params, opt_state, metrics = ops.gradient_step(
                self.loss, self.opt, params, opt_state, state, rows, k_loss
            )
            if self.config.ema:
                mean = ops.polyak(mean, params, 1.0 - self.config.ema)
            return (params, opt_state, mean), metrics

        keys = jax.random.split(key, self.config.steps)
        carry = (state.params, state.opt_state, state.mean_params)
        (params, opt_state, mean), metrics = jax.lax.scan(step, carry, keys)
        state = state.replace(params=params, opt_state=opt_state, mean_params=mean)
        return state, jax.tree.map(jnp.mean, metrics)

    def validate(self, state: State, pairs: Pairs | None) -> tuple[State, Metrics]:
        """Measures the error on held-out pairs, if there are any, and keeps the best parameters."""
        if pairs is None:
            return state, {}
        loss, _ = self.error(acting_params(state), state, pairs, jax.random.key(0))
        return keep_best(state, loss), {"val_loss": loss}

    def update(self, key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        """One update of BC: `fit` on the demonstrations [N], then `validate`."""
        pairs, rest = self.split(demos)
        if self.relabeller is None:
            state, metrics = self.fit(key, state, pairs)
        else:
            held_out_rows = len(demos.weight) - len(pairs.weight)
            weight = jnp.pad(pairs.weight, (0, held_out_rows))
            state, metrics = self.fit_drawn(key, state, self.relabeller.sampler(demos, weight))
        state, validation_metrics = self.validate(state, rest)
        return state, metrics | validation_metrics

    def act(self, key: Key, state: State, obs: jax.Array) -> jax.Array:
        """The most likely action [..., A] at observations [..., O]; a head draws one."""
        params = state.best_params if self.config.early_stopping else acting_params(state)
        seen = self.inputs(state, obs)
        if self.head is not None:
            return self.head.sample(key, params, state.fitted, seen)
        return self.policy.apply(params, seen).mode


def supervised_learner(
    config: Config,
    spec: Spec,
    *,
    full_range: bool = False,
    relabeller: Relabeller | None = None,
) -> SupervisedLearner:
    """Builds the learner for a task, with the policy head that its actions and the loss need.

    Args:
        config: the settings.
        spec: the task.
        full_range: a head scales actions by the range that they may have, not by that of the data;
            for methods that add data later.
        relabeller: replaces goals of the demonstrations.

    Raises:
        UserError: a head for discrete actions, features of another task, or `config.relabel` for a
            method that relabels nothing.
    """
    if config.relabel and relabeller is None:
        raise UserError(
            f"relabel={config.relabel:g}: this method learns the goals that its data have; set "
            "relabel=0, or use bc or gcbc"
        )
    task, spec = spec, relabeller.seen_spec if relabeller else spec
    head = "gaussian" if config.loss == "nll" else "deterministic"
    features = make_feature_map(spec, config.features, "features") if config.features else None
    seen = replace(spec, obs_size=spec.obs_size + (features.size if features else 0))
    policy = policy_nets.policy(seen, config.hidden, "categorical" if spec.discrete else head)
    lr = ops.cosine_step_size(config.lr, config.lr_decay_steps)
    own = None
    if config.head.kind != "default":
        if spec.discrete:
            raise UserError(
                f"head.kind={config.head.kind}: expected default, because the actions are discrete"
            )
        sizes = (config.hidden, seen.obs_size, spec.action_size)
        own = heads.make(config.head, *sizes, full_range=full_range)
    return SupervisedLearner(config, task, policy, optax.adam(lr), features, own, relabeller)
