"""VINS: a value function that falls off away from the demonstrations, and a policy that climbs it.

Source: Luo, Xu, Ma 2019 (arXiv:1907.05634): losses of sections 3 and 4, the policy of section 4.1
(option 1: noise around the BC action; option 2: around 0). What its main text leaves open follows
the implementation of jypark0/bmil, or is a switch.

Values are minus the number of steps to the goal: 0 there, without discount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from imitbench.algos.cloning import bc
from imitbench.algos.model_based import dynamics, goal_features
from imitbench.algos.rl.off_policy import reject_discrete
from imitbench.core import buffer, nets, ops
from imitbench.core.config import ADDED_LATER, require, require_share
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Traits, Transition
from imitbench.utils.errors import pick

TRAITS = Traits(needs_goals_reached=True)
CLIP = 5.0  # on both sides, of normalised inputs


@dataclass(frozen=True)
class Config:
    """Settings of VINS."""

    clone: bc.Config = field(
        default_factory=lambda: bc.Config(hidden=(256, 256, 256), lr=3e-4, validation=0.0)
    )
    """The BC prior. Value and model take its `steps` gradient steps of an update too."""
    prior: bool = True
    """Noise around the BC action (option 1), or around 0 (option 2; give it alpha 1)."""
    alpha: float = 0.1
    """Half the width of the uniform noise on each component of the action."""
    k: int = 100
    """Candidate actions, out of which the one with the best successor is taken."""
    features: tuple[str, ...] = ()
    """What the value sees: fields of the observation, or differences "a - b". By default positions
    relative to object and goal, and those of the hand."""
    model_sees: tuple[str, ...] = ()
    """Fields that the model is given beside those it predicts (the fields of the features)."""
    negatives: tuple[tuple[str, ...], ...] = ()
    """Groups of fields that are displaced together, one group in each negative sample; repeat a
    group to draw it more often. By default hand and object together, the hand, the fingers."""
    mu: float = 1 / 3
    """Weight of the negative samples' loss; 0 for none."""
    slope: float = 5.0
    """Steps that the value falls per unit of distance from the data (lambda in the paper)."""
    distance: goal_features.Distance = "std"
    """Of a displacement: its length in standard deviations of the demonstrations, that over the
    root of its number of components (`rms`, close to bmil), or in the field's units (`raw`)."""
    noise: tuple[float, float] = (0.035, 0.7)
    """Least and largest size of a displacement, in standard deviations; drawn log-uniformly."""
    samples: int = 1
    """Negative samples of each step in a minibatch."""
    centre: Literal["td", "target"] = "td"
    """What negatives fall off from: the TD target (bmil), or the target network (the paper)."""
    interpolations: int = 2
    """States between each step's two that are trained on, in place of the first; 0: none."""
    goal: Literal["absorbing", "first", "last"] = "absorbing"
    """absorbing: whole episodes, every state at the goal is worth 0. first: episodes are cut where
    they first reach it. last: the data's rewards, and the last step ends the episode (bmil)."""
    discount: float = field(default=1.0, metadata=ADDED_LATER)
    """Of the value: 1 where a goal anchors it (the paper); bmil takes 0.99 in mazes and Adroit."""
    batch: int = 64
    """Steps of a minibatch of value and model."""
    lr: float = 3e-4
    """Adam's step size for the value."""
    tau: float = 5e-3
    """Rate at which the target network follows."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the value's hidden layers (ReLU after layer normalisation)."""
    model_lr: float = 1e-3
    """Adam's step size for the model."""
    model_hidden: tuple[int, ...] = (256, 256)
    """Widths of the model's hidden layers (ReLU)."""

    def __post_init__(self) -> None:
        for name in ("alpha", "k", "slope", "batch", "lr", "tau", "model_lr"):
            require(getattr(self, name) > 0, self, name, "a positive number")
        for name in ("mu", "interpolations"):
            require(getattr(self, name) >= 0, self, name, "0 or more")
        require_share(self, "discount")
        require(self.alpha <= 2, self, "alpha", "at most 2, the width of the action's range")
        require(self.samples >= 1, self, "samples", "1 or more; for no negatives set mu=0")
        ordered = len(self.noise) == 2 and 0 < self.noise[0] <= self.noise[1]
        require(ordered, self, "noise", "two positive numbers, the least and the largest")


class State(struct.PyTreeNode):
    clone: bc.State
    params: dict[str, Params]  # of value and model
    opt_state: dict[str, Any]
    target: Params  # of the value
    norm: ops.Normaliser  # of features
    model_norms: dynamics.Norms


class Rows(struct.PyTreeNode):
    """Steps [N] as value and model see them."""

    state: jax.Array  # [N, D]
    next_state: jax.Array  # [N, D]
    more: jax.Array  # [N, M] what the model sees beside it
    desired: jax.Array  # [N, G]
    action: jax.Array  # [N, A]
    cost: jax.Array  # [N] reward of the step: -1, or 0 at the goal
    here: jax.Array  # [N] bool: the state is an end, worth 0
    end: jax.Array  # [N] bool: the successor is
    weight: jax.Array  # [N]


class VINSParts(NamedTuple):
    """The parts of VINS: for its variants, and for pictures of what it has learned.

    fit(key, state, batch of Rows) takes one gradient step of value and model;
    value(state, states [..., D], desired [..., G]) -> [...]; predict(state, obs [..., O], actions
    [..., A]) -> next states [..., D]; propose(key, state, obs) -> candidates [..., k, A].
    """

    view: goal_features.View
    init: Callable[[Key, Transition], State]
    update: Callable[[Key, State, Transition], tuple[State, Metrics]]
    fit: Callable[[Key, State, Rows], tuple[State, Metrics]]
    value: Callable[[State, jax.Array, jax.Array], jax.Array]
    predict: Callable[[State, jax.Array, jax.Array], jax.Array]
    propose: Callable[[Key, State, jax.Array], jax.Array]
    act: Callable[[Key, State, jax.Array], jax.Array]


def extra_inputs(config: Config, spec: Spec, obs: jax.Array) -> jax.Array:
    """The fields `config.model_sees` of observations: [..., O] -> [..., M]."""
    return jnp.concatenate(
        [obs[..., :0], *(obs[..., spec.fields[f]] for f in config.model_sees)], -1
    )


def demo_rows(config: Config, view: goal_features.View, demos: Transition) -> Rows:
    """Demonstrated steps [N], whole episodes one after the other, under `config.goal`."""
    here, end, weight = view.reached(demos.obs), view.reached(demos.next_obs), demos.weight
    cost = jnp.where(here, 0.0, -1.0)
    if config.goal == "last":
        cost, here = demos.reward, jnp.zeros_like(here)
        end = demos.terminated | demos.truncated
    if config.goal == "first":
        at = here.reshape(-1, view.spec.horizon)
        weight = jnp.where(jnp.cumsum(at, axis=1).ravel() == 0, weight, 0.0)
    return Rows(
        view.state(demos.obs),
        view.state(demos.next_obs),
        extra_inputs(config, view.spec, demos.obs),
        view.desired(demos.obs),
        demos.action,
        cost,
        here,
        end,
        weight,
    )


def pick_best(actions: jax.Array, values: jax.Array) -> jax.Array:
    """Of candidates [..., k, A] the one with the greatest value [..., k]."""
    best = jnp.argmax(values, axis=-1)[..., None, None]
    return jnp.take_along_axis(actions, best, axis=-2)[..., 0, :]


def learner(config: Config, spec: Spec) -> VINSParts:
    """The parts of VINS on a goal task.

    Raises:
        UserError: a task without goals or with discrete actions, or fields that it does not have.
    """
    reject_discrete(spec)
    view = goal_features.make_view(spec, config.features, "VINS")
    groups = goal_features.groups(view, config.negatives)
    for name in config.model_sees:
        pick("field of the observation", name, spec.fields)
    clone = bc.supervised_learner(config.clone, spec)
    value_net = nets.function(view.size, config.hidden, 1, layer_norm=True)
    more = sum(goal_features.field_size(spec, f) for f in config.model_sees)
    model = dynamics.make(sum(view.sizes), more, spec.action_size, config.model_hidden, CLIP)
    opts = {"value": optax.adam(config.lr), "model": optax.adam(config.model_lr)}

    def init(key: Key, demos: Transition) -> State:
        k_clone, k_value, k_model = jax.random.split(key, 3)
        data = demo_rows(config, view, demos)
        norm = ops.fit_normaliser(view.see(data.state, data.desired), data.weight)
        model_norms = dynamics.norms(data.state, data.more, data.next_state, data.weight)
        params = {"value": value_net.init(k_value), "model": model.init(k_model)}
        opt_state = {k: opts[k].init(p) for k, p in params.items()}
        pairs = bc.split(config.clone, spec, demos)[0]
        prior = clone.init(k_clone, pairs)
        return State(prior, params, opt_state, params["value"], norm, model_norms)

    def features(state: State, states: jax.Array, desired: jax.Array) -> jax.Array:
        return state.norm(view.see(states, desired), CLIP)

    def values(params: Params, seen: jax.Array) -> jax.Array:
        return value_net.apply(params, seen)[..., 0]

    def value_loss(
        params: Params, seen: jax.Array, wanted: jax.Array, interpolated: int
    ) -> tuple[jax.Array, Metrics]:
        """Mean squared error of the first rows, and mu times that of the negatives behind them."""
        off = (values(params, seen) - wanted) ** 2
        td = jnp.mean(off[:interpolated])
        if not config.mu:
            return td, {"td_loss": td}
        ns = jnp.mean(off[interpolated:])
        return td + config.mu * ns, {"td_loss": td, "ns_loss": ns}

    def targets(key: Key, state: State, batch: Rows) -> tuple[jax.Array, jax.Array]:
        """States to fit the value on, as features [P, F], and what it should be there [P]."""
        k_between, k_noise = jax.random.split(key)
        after = values(state.target, features(state, batch.next_state, batch.desired))
        after = jnp.where(batch.end, 0.0, after)
        here = batch.cost + jnp.where(batch.here, 0.0, config.discount * after)
        states, wanted = batch.state[None], here[None]
        if config.interpolations:
            t = jax.random.uniform(k_between, (config.interpolations, *here.shape))
            states = t[..., None] * batch.state + (1 - t[..., None]) * batch.next_state
            wanted = t * here + (1 - t) * after
        seen = features(state, states, batch.desired).reshape(-1, view.size)
        if not config.mu:
            return seen, wanted.ravel()
        centre = here
        if config.centre == "target":
            centre = values(state.target, features(state, batch.state, batch.desired))
        many = lambda x: jnp.repeat(x, config.samples, axis=0)  # noqa: E731
        std = view.values(state.model_norms.state.std)
        moved, far = goal_features.perturb(
            k_noise, groups, view.values(many(batch.state)), std, config.noise, config.distance
        )
        negatives = features(state, view.join(moved), many(batch.desired))
        fallen = many(centre) - config.slope * far
        return jnp.concatenate([seen, negatives]), jnp.concatenate([wanted.ravel(), fallen])

    def fit(key: Key, state: State, batch: Rows) -> tuple[State, Metrics]:
        seen, wanted = targets(key, state, batch)
        optimiser = ops.Optimiser(opts, state.params, state.opt_state)
        optimiser.step(
            "value", value_loss, seen, wanted, max(config.interpolations, 1) * config.batch
        )
        norms = state.model_norms
        inputs = model.inputs(norms, batch.state, batch.more, batch.action)
        change = norms.change(batch.next_state - batch.state, jnp.inf)
        optimiser.step("model", model.loss, inputs, change)
        target = ops.polyak(state.target, optimiser.params["value"], config.tau)
        new = state.replace(params=optimiser.params, opt_state=optimiser.opt_state, target=target)
        return new, optimiser.metrics

    def update(key: Key, state: State, demos: Transition) -> tuple[State, Metrics]:
        data = demo_rows(config, view, demos)
        draw = buffer.real_row_sampler(data, data.weight)
        k_clone, k_rest = jax.random.split(key)
        pairs, held = bc.split(config.clone, spec, demos)
        inner, clone_metrics = clone.fit(k_clone, state.clone, pairs)
        inner, more = clone.validate(inner, held)

        def step(state: State, key: Key) -> tuple[State, Metrics]:
            k_rows, k_fit = jax.random.split(key)
            return fit(k_fit, state, draw(k_rows, config.batch))

        keys = jax.random.split(k_rest, config.clone.steps)
        state, metrics = jax.lax.scan(step, state.replace(clone=inner), keys)
        return state, clone_metrics | more | jax.tree.map(jnp.mean, metrics)

    def value(state: State, states: jax.Array, desired: jax.Array) -> jax.Array:
        return values(state.params["value"], features(state, states, desired))

    def predict(state: State, obs: jax.Array, action: jax.Array) -> jax.Array:
        more = extra_inputs(config, spec, obs)
        params, norms = state.params["model"], state.model_norms
        return model.predict(params, norms, view.state(obs), more, action)

    def propose(key: Key, state: State, obs: jax.Array) -> jax.Array:
        k_clone, k_noise = jax.random.split(key)
        shape = (*obs.shape[:-1], config.k, spec.action_size)
        noise = jax.random.uniform(k_noise, shape, minval=-1.0, maxval=1.0)
        around = clone.act(k_clone, state.clone, obs)[..., None, :] if config.prior else 0.0
        return jnp.clip(around + config.alpha * noise, -1.0, 1.0)

    def act(key: Key, state: State, obs: jax.Array) -> jax.Array:
        actions = propose(key, state, obs)
        after = predict(state, obs[..., None, :], actions)
        return pick_best(actions, value(state, after, view.desired(obs)[..., None, :]))

    return VINSParts(view, init, update, fit, value, predict, propose, act)


def make(config: Config, spec: Spec) -> Algorithm:
    """VINS on a goal task's demonstrations, whole episodes. State: `State`."""
    vins = learner(config, spec)
    return Algorithm(vins.init, vins.update, vins.act, Cost(grad_steps=config.clone.steps))
