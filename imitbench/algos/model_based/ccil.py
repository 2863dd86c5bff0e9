"""CCIL: clone demonstrations and labels that lead back to them, by a model without steep slopes.

A model of the dynamics is fitted to the demonstrations, with a penalty on slopes above a Lipschitz
constant. It gives states beside the demonstrations with actions that lead back, and those whose
error has a low bound are cloned, too. `corrective_labels` lists the equations.

Source: Ke et al. 2024 (arXiv:2310.12972), and their code (github.com/personalrobotics/CCIL).

Different from the source: the penalty is that of the paper (the code compares a normalised change
with a next state in its own units, and divides by noise that is not scaled). Labels are kept by the
bound of their errors and not by their distance; the bound counts the model's error, as the sequel
does (Deshpande et al. 2024, arXiv:2405.19307), and has one Lipschitz constant, a setting, where the
code takes the model's slope at each step. DisturbedAction has the closed form of the code,
`iterations` lead to the root of the text. BackTrack has no root finder, because its closed form is
the root. The networks are smaller, and inputs are divided by standard deviations.

Use it when demonstrations are few, nothing else may be asked or tried, and the dynamics are smooth
in most places.

Sensitive to: `max_bound` with `lipschitz`, `labels` with `noise`, and the model (`model_steps`,
`penalty`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import optax

from imitbench.algos.cloning import bc, labelled
from imitbench.algos.cloning.labelled import State
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.common.successors import known_successors
from imitbench.algos.model_based import corrective_labels, dynamics
from imitbench.algos.model_based.ccil_config import Config
from imitbench.core import buffer, ops
from imitbench.core.types import Algorithm, Cost, Key, Metrics, Params, Spec, Traits, Transition

__all__ = ["TRAITS", "Config", "LabelMaker", "State", "label_maker", "make"]

TRAITS = Traits(version=2)  # 2: max_bound is 0.3, was 1
CLIP = 5.0  # normalised states are clipped to [-CLIP, CLIP] before the model


@dataclass(frozen=True, eq=False)
class LabelMaker:
    """Fits the model and makes labels of demonstrated steps; all methods are pure functions."""

    config: Config
    model: dynamics.Model
    opt: optax.GradientTransformation

    def fit_norms(self, steps: Transition) -> dynamics.Norms:
        """The normalisers of steps [N]; actions are not normalised."""
        no_extra = steps.obs[..., :0]
        return dynamics.fit_norms(steps.obs, no_extra, steps.next_obs, steps.weight)

    def change(
        self, params: Params, norms: dynamics.Norms, obs: jax.Array, action: jax.Array
    ) -> jax.Array:
        """The model f: changes [..., O] after actions [..., A] at observations [..., O]."""
        return self.model.predict(params, norms, obs, obs[..., :0], action) - obs

    def fit(self, key: Key, norms: dynamics.Norms, steps: Transition) -> Params:
        """Fits the model to steps [N] in `config.model_steps` gradient steps, equation (1)."""
        c = self.config
        action = jnp.clip(steps.action, -1.0, 1.0)
        inputs = self.model.inputs(norms, steps.obs, steps.obs[..., :0], action)
        rows = inputs, norms.change(steps.next_obs - steps.obs, jnp.inf)
        draw = buffer.real_row_sampler(rows, steps.weight)
        loss = partial(_loss, self.model.net.apply, c.lipschitz, c.penalty)

        def step(carry: tuple[Params, optax.OptState], key: Key) -> tuple[tuple, None]:
            k_rows, k_noise = jax.random.split(key)
            x, change = draw(k_rows, c.model_batch)
            number = c.displacements if c.penalty else 0
            noise = c.displacement * jax.random.normal(k_noise, (number, *x.shape))
            params, opt_state, _ = ops.gradient_step(loss, self.opt, *carry, x, change, noise)
            return (params, opt_state), None

        k_init, k_steps = jax.random.split(key)
        params = self.model.init(k_init)
        keys = jax.random.split(k_steps, c.model_steps)
        (params, _), _ = jax.lax.scan(step, (params, self.opt.init(params)), keys)
        return params

    def labels(
        self, key: Key, params: Params, norms: dynamics.Norms, steps: Transition
    ) -> tuple[bc.Pairs, jax.Array]:
        """Labels of demonstrated steps, by equations (2) to (4).

        Args:
            key: random key.
            params: of the model.
            norms: the normalisers.
            steps: [N].

        Returns:
            Labels [N * number] of weight 0 where their bound is above `max_bound`; the bounds.
        """
        c, f = self.config, partial(self.change, params, norms)
        steps = jax.tree.map(lambda x: jnp.repeat(x, c.number, axis=0), steps)
        action = jnp.clip(steps.action, -1.0, 1.0)
        predicted = f(steps.obs, action)
        if c.labels == "backtrack":
            label, change = action, predicted
            x = corrective_labels.backtrack(f, steps.obs, action)
        else:
            noise = c.noise * jax.random.normal(key, action.shape)
            label = jnp.clip(action + noise, -1.0, 1.0)
            x, change = corrective_labels.disturbed_action(f, steps.next_obs, label, c.iterations)
        std = norms.change.std
        moved = jnp.concatenate([(x - steps.obs) / norms.state.std, label - action], axis=-1)
        error = (predicted - (steps.next_obs - steps.obs)) / std
        drift = (change - predicted) / std
        bound = corrective_labels.error_bound(c.lipschitz, moved, error, drift)
        return bc.Pairs(x, label, jnp.where(bound <= c.max_bound, steps.weight, 0.0)), bound

    def __call__(self, key: Key, steps: Transition) -> tuple[bc.Pairs, Metrics]:
        """Fits the model to demonstrated steps [N] and makes their labels; also metrics."""
        k_fit, k_labels = jax.random.split(key)
        steps = known_successors(steps)
        norms = self.fit_norms(steps)
        params = self.fit(k_fit, norms, steps)
        pairs, bound = self.labels(k_labels, params, norms, steps)
        exists = jnp.repeat(steps.weight > 0, self.config.number)
        predicted = self.change(params, norms, steps.obs, jnp.clip(steps.action, -1.0, 1.0))
        error = (predicted - (steps.next_obs - steps.obs)) / norms.change.std
        return pairs, {
            "labels_kept": labelled.kept_share(pairs.weight > 0, exists),
            "label_bound": ops.weighted_mean(bound, exists.astype(jnp.float32)),
            "model_error": ops.weighted_mean(corrective_labels.mean_length(error), steps.weight),
        }


def _loss(
    apply: Callable[[Params, jax.Array], jax.Array],
    lipschitz: float,
    penalty: float,
    params: Params,
    inputs: jax.Array,
    change: jax.Array,
    displacement: jax.Array,
) -> tuple[jax.Array, Metrics]:
    """`model_loss` with the fixed arguments in front."""
    return corrective_labels.model_loss(
        params, apply, inputs, change, displacement, lipschitz, penalty
    )


def label_maker(config: Config, spec: Spec) -> LabelMaker:
    """Builds the maker of labels for a task."""
    hidden = config.model_hidden
    model = dynamics.make_model(spec.obs_size, 0, spec.action_size, hidden, CLIP)
    opt = optax.chain(optax.add_decayed_weights(config.model_l2), optax.adam(config.model_lr))
    return LabelMaker(config, model, opt)


def noise_labels(config: Config, key: Key, steps: Transition) -> tuple[bc.Pairs, Metrics]:
    """The labels of the control: disturbed observations with the intended actions.

    Args:
        config: `number` and `noise` count.
        key: random key.
        steps: [N].

    Returns:
        Labels [N * number], all kept, and metrics.
    """
    std = ops.fit_normaliser(steps.obs, steps.weight).std
    steps = jax.tree.map(lambda x: jnp.repeat(x, config.number, axis=0), steps)
    x = steps.obs + config.noise * std * jax.random.normal(key, steps.obs.shape)
    kept = labelled.kept_share(jnp.ones_like(steps.weight), steps.weight > 0)
    return bc.Pairs(x, steps.intended_action, steps.weight), {"labels_kept": kept}


def make(config: Config, spec: Spec) -> Algorithm:
    """CCIL on demonstrations alone. State: `State`."""
    reject_discrete(spec)
    without_model = config.labels == "noise-only"
    labels = partial(noise_labels, config) if without_model else label_maker(config, spec)
    cost = Cost(
        grad_steps=config.clone.steps,
        grad_step_offset=0 if without_model else -config.model_steps,
    )
    return labelled.make(config.clone, spec, labels, cost, repeats=config.repeats)
