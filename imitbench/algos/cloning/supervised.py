"""The supervised learner of BC, DAgger and DART: from observations to the actions to imitate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.cloning.bc_config import Config
from imitbench.algos.cloning.memory import actor as memory_actor
from imitbench.algos.cloning.memory import config as memory_config
from imitbench.algos.cloning.memory.view import View, make_view
from imitbench.algos.cloning.memory.windows import Pairs, Windows
from imitbench.algos.cloning.networks import build_networks
from imitbench.algos.cloning.pairs import split
from imitbench.algos.cloning.relabelling import Draw, Relabeller
from imitbench.core import heads, ops, policy_nets
from imitbench.core.actor import from_policy
from imitbench.core.distributions import Categorical, Deterministic, Distribution, Gaussian
from imitbench.core.streamed import StreamedRows, map_rows
from imitbench.core.types import Actor, Key, Metrics, Params, Spec, Transition
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
    view: View
    head: heads.Head | None  # in place of `policy`
    relabeller: Relabeller | None = None  # of the demonstrations' goals

    @property
    def memory(self) -> memory_config.Config:
        """The policy's memory."""
        return self.config.memory

    @property
    def network_calls(self) -> float:
        """Passes through the network for one executed action."""
        return (1 if self.head is None else self.head.evaluations) / self.memory.execute

    def init(self, key: Key, pairs: Pairs) -> State:
        """The untrained state; the normaliser is fitted to the pairs [N].

        Raises:
            UserError: the data stay in files, and the policy has a head, a memory or features, or
                sees images.
        """
        self._check_streamed(pairs)
        params = self.policy.init(key) if self.head is None else self.head.init(key)
        norm = self.view.fit_normaliser(pairs)
        highest = jnp.float32(jnp.finfo(jnp.float32).max)
        mean = params if self.config.ema else ()
        fitted = () if self.head is None else self._fit_head(self.head, key, pairs)
        return State(params, self.opt.init(params), norm, params, highest, fitted, mean)

    def _check_streamed(self, pairs: Pairs) -> None:
        if not isinstance(pairs.target, StreamedRows):
            return
        if self.spec.image is not None:
            raise UserError(
                "stream: images of data that stay in files cannot be read; leave stream out"
            )
        if self.head is not None:
            raise UserError(
                f"head.kind={self.config.head.kind}: cannot be fitted to data that stay in files; "
                "leave stream or the head out"
            )
        if self.memory.used:
            raise UserError(
                "memory: windows of data that stay in files cannot be drawn; leave stream or the "
                "memory out"
            )

    def _fit_head(self, head: heads.Head, key: Key, pairs: Pairs) -> Any:
        target = self.view.examples(pairs).target
        return head.fit(ops.fold_in_name(key, "head"), target, pairs.weight)

    def error(
        self, params: Params, state: State, rows: Pairs | Windows, key: Key
    ) -> tuple[Any, Metrics]:
        """The mean error over examples [N], by their weight, and metrics of the head.

        Args:
            params: parameters of the network.
            state: holds the normaliser, and what the head fitted.
            rows: [N].
            key: random key of the head's loss; other policies need none.
        """

        def errors(rows: Pairs | Windows) -> jax.Array:
            dist = self.policy.apply(params, self.view.inputs_of(state.norm, rows))
            return imitation_errors(dist, rows.target)

        if self.head is None:
            return ops.weighted_mean(map_rows(errors, rows), rows.weight), {}
        seen = self.view.inputs_of(state.norm, rows)
        losses, metrics = self.head.loss(key, params, state.fitted, seen, rows.target)
        return ops.weighted_mean(losses, rows.weight), metrics

    def loss(
        self, params: Params, state: State, rows: Pairs | Windows, key: Key
    ) -> tuple[jax.Array, Metrics]:
        """The error plus l2 / 2 times the squared norm of the parameters; and metrics."""
        error, metrics = self.error(params, state, rows, key)
        penalty = 0.5 * self.config.l2 * optax.tree.norm(params, squared=True)
        return error + penalty, metrics | {"loss": error}

    def split(self, demos: Transition) -> tuple[Pairs, Pairs | None]:
        """`split` of the demonstrations [N], as the policy sees them."""
        if self.relabeller is not None:
            demos = self.relabeller.copy(demos)
        return split(self.config, self.spec, demos)

    def fit(self, key: Key, state: State, pairs: Pairs) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on minibatches of the pairs [N] with weight above 0."""
        return self.fit_drawn(key, state, self.view.sampler(pairs))

    def fit_drawn(self, key: Key, state: State, draw: Draw) -> tuple[State, Metrics]:
        """`config.steps` gradient steps on minibatches that `draw` gives."""

        def step(carry: tuple[Params, Any, Params], key: Key) -> tuple[Any, Metrics]:
            params, opt_state, mean = carry
            rows, k_loss = draw(key, self.config.batch), ops.fold_in_name(key, "head")
            rows = self.view.augment(ops.fold_in_name(key, "shift"), rows)
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
        loss, _ = self.error(
            acting_params(state), state, self.view.examples(pairs), jax.random.key(0)
        )
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

    def predict(self, key: Key, state: State, seen: jax.Array) -> jax.Array:
        """The most likely actions [..., A] at the network's inputs; a head draws one."""
        params = state.best_params if self.config.early_stopping else acting_params(state)
        if self.head is not None:
            return self.head.sample(key, params, state.fitted, seen)
        return self.policy.apply(params, seen).mode

    def act(self, key: Key, state: State, obs: jax.Array) -> jax.Array:
        """The action [..., A] at observations [..., O]; with a memory, as if they were the first of
        their episodes."""
        if not self.memory.used:
            return self.predict(key, state, self.view.inputs(state.norm, obs))
        window = memory_actor.first_window(self.memory, self.spec, obs)
        action = self.plan(key, state, *window)
        return action if self.spec.discrete else action[..., 0, :]

    def plan(self, key: Key, state: State, obs: jax.Array, previous: jax.Array) -> jax.Array:
        """The actions from now on [..., J, A], choices [...], at observations [..., H, O] after
        actions [..., H, A]."""
        predicted = self.predict(key, state, self.view.tokens(state.norm, obs, previous))
        if self.spec.discrete:
            return predicted
        return memory_actor.planned(self.memory, self.spec, predicted)

    def actor(self, state: State) -> Actor:
        """The policy, with its memory if it has one."""
        if not self.memory.used:
            return from_policy(lambda key, obs: self.act(key, state, obs))
        plan = lambda key, obs, previous: self.plan(key, state, obs, previous)  # noqa: E731
        return memory_actor.actor(self.memory, self.spec, plan)


def supervised_learner(
    config: Config,
    spec: Spec,
    *,
    full_range: bool = False,
    remembers: bool = False,
    relabeller: Relabeller | None = None,
) -> SupervisedLearner:
    """Builds the learner for a task, with the policy head that its actions and the loss need.

    Args:
        config: the settings.
        spec: the task.
        full_range: a head scales actions by the range that they may have, not by that of the data;
            for methods that add data later.
        remembers: the method uses `actor`, so that the policy may have a memory.
        relabeller: replaces goals of the demonstrations.

    Raises:
        UserError: a head for discrete actions, features of another task, a memory that the task or
            the method cannot have, or `config.relabel` for a method that relabels nothing.
    """
    memory = config.memory
    if memory.used and not remembers:
        raise UserError(
            "memory: this method's policy cannot remember; leave it out, or use bc or dagger"
        )
    memory_config.check(memory, spec)
    _check_relabelling(config, relabeller)
    if config.head.kind != "default" and spec.discrete:
        raise UserError(
            f"head.kind={config.head.kind}: expected default, because the task has discrete actions"
        )
    view = make_view(config, relabeller.seen_spec if relabeller else spec)
    policy, head = build_networks(config, spec, view.size, full_range)
    lr = ops.cosine_learning_rate(config.lr, config.lr_decay_steps)
    return SupervisedLearner(config, spec, policy, optax.adam(lr), view, head, relabeller)


def _check_relabelling(config: Config, relabeller: Relabeller | None) -> None:
    if config.relabel and relabeller is None:
        raise UserError(
            f"relabel={config.relabel:g}: this method learns the goals that its data have; set "
            "relabel=0, or use bc or gcbc"
        )
    if relabeller is not None and config.memory.used:
        raise UserError(
            "memory: windows of steps cannot have relabelled goals; leave it out, or set relabel=0"
        )
