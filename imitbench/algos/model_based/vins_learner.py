"""The learner of VINS: its networks, its gradient step and its policy, of `vins` and its variants.

Equation numbers are those of the list in `vins`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.cloning import bc
from imitbench.algos.common.goal_features import FeatureMap, field_size, make_feature_map
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.model_based import dynamics, negative_samples, vins_value
from imitbench.algos.model_based.vins_config import Config
from imitbench.algos.model_based.vins_policy import candidates, pick_best
from imitbench.algos.model_based.vins_value import GoalHandling, Rows
from imitbench.core import buffer, nets, ops
from imitbench.core.types import Key, Metrics, Params, Spec, Transition
from imitbench.utils.errors import pick

CLIP = 5.0  # normalised inputs are clipped to [-CLIP, CLIP]


class State(struct.PyTreeNode):
    """What is learned."""

    clone: bc.State
    params: dict[str, Params]  # of "value" and "model"
    opt_state: dict[str, Any]  # of "value" and "model"
    target: Params  # of the target network V'
    norm: ops.Normaliser  # of features
    model_norms: dynamics.Norms


@dataclass(frozen=True, eq=False)
class VINSLearner:
    """VINS on one task, for `vins` and its variants; all methods are pure functions."""

    config: Config
    spec: Spec
    feature_map: FeatureMap
    groups: negative_samples.Groups
    clone: bc.SupervisedLearner
    value_net: nets.Function
    model: dynamics.Model
    opts: Mapping[str, optax.GradientTransformation]  # of "value" and "model"
    value_range: tuple[float, float] | None = None  # of next states in the targets of L_td

    def init(self, key: Key, demos: Transition) -> State:
        """The untrained state; the normalisers are fitted to the demonstrations [N]."""
        k_clone, k_value, k_model = jax.random.split(key, 3)
        rows = self.rows(demos)
        features, scaled = self.feature_map.features(rows.state, rows.desired), rows.weight
        if self.config.scaled_by == "before goal":
            scaled = jnp.where(self.feature_map.reached(demos.obs), 0.0, scaled)
        params = {"value": self.value_net.init(k_value), "model": self.model.init(k_model)}
        pairs, _ = bc.split(self.config.clone, self.spec, demos)
        return State(
            clone=self.clone.init(k_clone, pairs),
            params=params,
            opt_state={k: self.opts[k].init(p) for k, p in params.items()},
            target=params["value"],
            norm=ops.fit_normaliser(features, scaled),
            model_norms=dynamics.fit_norms(rows.state, rows.extra, rows.next_state, rows.weight),
        )

    def rows(self, steps: Transition, goal: GoalHandling | None = None) -> Rows:
        """Environment steps [N] as value and model get them; `goal` in place of the setting."""
        goal = goal or self.config.goal
        return vins_value.make_rows(self.feature_map, steps, goal, self.config.model_sees)

    def features(self, state: State, states: jax.Array, desired: jax.Array) -> jax.Array:
        """Normalised features [..., F] of states [..., D] with desired goals [..., G]."""
        return state.norm(self.feature_map.features(states, desired), CLIP)

    def apply_value(self, params: Params, features: jax.Array) -> jax.Array:
        """Values [...] of normalised features [..., F]."""
        return self.value_net.apply(params, features)[..., 0]

    def value_loss(
        self, params: Params, features: jax.Array, target: jax.Array, data_rows: int
    ) -> tuple[jax.Array, Metrics]:
        """`vins_value.value_loss` of the network on normalised features [P, F]."""
        value = self.apply_value(params, features)
        return vins_value.value_loss(value, target, data_rows, self.config.mu)

    def value_targets(self, key: Key, state: State, rows: Rows) -> tuple[jax.Array, jax.Array, int]:
        """The states that V is fitted at in a gradient step, and what it is fitted to.

        Args:
            key: random key.
            state: its target network V' gives the targets.
            rows: minibatch [N].

        Returns:
            Normalised features [P, F] of the states on the data, then of the negative samples;
            targets [P]; how many of the P are on the data.
        """
        config, feature_map = self.config, self.feature_map
        k_between, k_noise = jax.random.split(key)
        next_features = self.features(state, rows.next_state, rows.desired)
        next_value = self.apply_value(state.target, next_features)
        next_value = jnp.where(rows.next_terminal, 0.0, next_value)
        if self.value_range is not None:
            next_value = jnp.clip(next_value, *self.value_range)
        td = vins_value.td_target(rows.reward, rows.terminal, next_value, config.discount)
        states, target = rows.state[None], td[None]
        if config.interpolations:
            states, target = vins_value.interpolate(
                k_between, rows, td, next_value, config.interpolations
            )
        features = self.features(state, states, rows.desired).reshape(-1, feature_map.size)
        target = target.ravel()
        if not config.mu:
            return features, target, len(target)
        centre = td
        if config.centre == "target":
            centre = self.apply_value(state.target, self.features(state, rows.state, rows.desired))
        repeated, desired, centre = (
            jnp.repeat(x, config.samples, axis=0) for x in (rows.state, rows.desired, centre)
        )
        std = feature_map.split(state.model_norms.state.std)
        displaced, distance = negative_samples.perturb(
            k_noise, self.groups, feature_map.split(repeated), std, config.noise, config.distance
        )
        negatives = self.features(state, feature_map.join(displaced), desired)
        negative_target = negative_samples.negative_target(centre, distance, config.slope)
        return (
            jnp.concatenate([features, negatives]),
            jnp.concatenate([target, negative_target]),
            len(target),
        )

    def gradient_step(self, key: Key, state: State, rows: Rows) -> tuple[State, Metrics]:
        """One gradient step of value and model on a minibatch [N]: equations (1) to (5)."""
        optimiser = ops.Optimiser(self.opts, state.params, state.opt_state)
        optimiser.step("value", self.value_loss, *self.value_targets(key, state, rows))
        optimiser.step("model", self.model.loss, *self.model_targets(state, rows))
        target = ops.polyak(state.target, optimiser.params["value"], self.config.tau)
        state = state.replace(params=optimiser.params, opt_state=optimiser.opt_state, target=target)
        return state, optimiser.metrics

    def model_targets(self, state: State, rows: Rows) -> tuple[jax.Array, jax.Array]:
        """The model's inputs on a minibatch [N], and the changes that it is fitted to."""
        norms = state.model_norms
        inputs = self.model.inputs(norms, rows.state, rows.extra, rows.action)
        return inputs, norms.change(rows.next_state - rows.state, jnp.inf)

    def model_step(self, state: State, rows: Rows) -> tuple[State, Metrics]:
        """One gradient step of the model alone on a minibatch [N]: equation (5)."""
        optimiser = ops.Optimiser(self.opts, state.params, state.opt_state)
        optimiser.step("model", self.model.loss, *self.model_targets(state, rows))
        state = state.replace(params=optimiser.params, opt_state=optimiser.opt_state)
        return state, optimiser.metrics

    def update(self, key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        """`clone.steps` gradient steps of BC, then as many of value and model."""
        rows = self.rows(demos)
        draw = buffer.real_row_sampler(rows, rows.weight)
        k_clone, k_steps = jax.random.split(key)
        clone, clone_metrics = self.clone.update(k_clone, state.clone, demos)

        def step(state: State, key: Key) -> tuple[State, Metrics]:
            k_rows, k_step = jax.random.split(key)
            return self.gradient_step(k_step, state, draw(k_rows, self.config.batch))

        keys = jax.random.split(k_steps, self.config.clone.steps)
        state, metrics = jax.lax.scan(step, state.replace(clone=clone), keys)
        return state, clone_metrics | jax.tree.map(jnp.mean, metrics)

    def value(self, state: State, states: jax.Array, desired: jax.Array) -> jax.Array:
        """Values V [...] of states [..., D] with desired goals [..., G]."""
        return self.apply_value(state.params["value"], self.features(state, states, desired))

    def predict(self, state: State, obs: jax.Array, action: jax.Array) -> jax.Array:
        """Next states M(s, a) [..., D] after actions [..., A] at observations [..., O]."""
        extra = vins_value.extra_inputs(self.spec, self.config.model_sees, obs)
        states = self.feature_map.state(obs)
        return self.model.predict(state.params["model"], state.model_norms, states, extra, action)

    def propose(self, key: Key, state: State, obs: jax.Array) -> jax.Array:
        """Candidate actions [..., K, A] at observations [..., O]."""
        k_clone, k_noise = jax.random.split(key)
        centre = jnp.zeros((*obs.shape[:-1], self.spec.action_size))
        if self.config.prior:
            centre = self.clone.act(k_clone, state.clone, obs)
        return candidates(k_noise, centre, self.config.k, self.config.alpha)

    def act(self, key: Key, state: State, obs: jax.Array) -> jax.Array:
        """The best candidate [..., A] at observations [..., O]: equation (6)."""
        actions = self.propose(key, state, obs)
        next_states = self.predict(state, obs[..., None, :], actions)
        desired = self.feature_map.desired(obs)[..., None, :]
        return pick_best(actions, self.value(state, next_states, desired))


def learner(
    config: Config, spec: Spec, value_range: tuple[float, float] | None = None
) -> VINSLearner:
    """Builds VINS for a task.

    Args:
        config: settings.
        spec: the task.
        value_range: bounds of the next states' values in the targets of L_td; None for none.

    Raises:
        UserError: the task has no goals or has discrete actions, or a field is unknown.
    """
    reject_discrete(spec)
    feature_map = make_feature_map(spec, config.features, "VINS")
    groups = negative_samples.make_groups(feature_map, config.negatives)
    for name in config.model_sees:
        pick("field of the observation", name, spec.fields)
    state_size = sum(feature_map.sizes)
    extra_size = sum(field_size(spec, f) for f in config.model_sees)
    return VINSLearner(
        config=config,
        spec=spec,
        feature_map=feature_map,
        groups=groups,
        clone=bc.supervised_learner(config.clone, spec),
        value_net=nets.function(feature_map.size, config.hidden, 1, layer_norm=True),
        model=dynamics.make_model(
            state_size, extra_size, spec.action_size, config.model_hidden, CLIP
        ),
        opts={"value": optax.adam(config.lr), "model": optax.adam(config.model_lr)},
        value_range=value_range,
    )
