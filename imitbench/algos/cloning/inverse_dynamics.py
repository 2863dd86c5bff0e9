"""A model of the action that leads from one observation to the next.

It is the supervised learner of BC, with other inputs: the observation and how it changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.cloning import bc_config
from imitbench.algos.cloning.supervised import Pairs, State, SupervisedLearner, supervised_learner
from imitbench.core import ops
from imitbench.core.config import require
from imitbench.core.types import Key, Metrics, Spec, Transition
from imitbench.utils.errors import pick


@dataclass(frozen=True)
class Config:
    """Settings of the inverse dynamics model."""

    loss: Literal["nll", "mse"] = "nll"
    """nll: negative log likelihood of a Gaussian, in nats. mse: squared error. Discrete actions
    always have the likelihood of a categorical distribution."""
    lr: float = 1e-3
    """Adam's learning rate."""
    batch: int = 256
    """Rows of a minibatch."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    clip: float = 5.0
    """Bound of the normalised inputs, on both sides, in standard deviations of the own steps."""
    steps: int = 500
    """Gradient steps in a round."""
    fields: tuple[str, ...] = ()
    """The parts of the observation that the model sees, such as those of the body; by default
    all."""

    def __post_init__(self) -> None:
        for name in ("lr", "batch", "clip", "steps"):
            require(getattr(self, name) > 0, self, name, "a positive number")


def seen_components(fields: Sequence[str], spec: Spec) -> np.ndarray:
    """Lists the components of the observation that the model sees.

    Args:
        fields: parts of the observation; none: all.
        spec: the task.

    Returns:
        [F] indices.

    Raises:
        UserError: the observation has no such part.
    """
    names = [pick("field of the observation", name, spec.fields) for name in fields]
    parts = [np.arange(spec.obs_size)[spec.fields[name]] for name in names]
    return np.concatenate(parts) if parts else np.arange(spec.obs_size)


def transition_inputs(seen: np.ndarray, obs: jax.Array, next_obs: jax.Array) -> jax.Array:
    """The model's inputs: what it sees of the observation, and how that changes.

    Args:
        seen: [F] components of the observation.
        obs: [..., O].
        next_obs: [..., O].

    Returns:
        [..., 2 * F].
    """
    return jnp.concatenate([obs[..., seen], (next_obs - obs)[..., seen]], axis=-1)


def label_error(spec: Spec, labels: jax.Array, action: jax.Array, weight: jax.Array) -> jax.Array:
    """How far labels are from the actions that were executed.

    Args:
        spec: the task.
        labels: [N, A], or discrete ones [N].
        action: [N, A] or [N] the executed actions.
        weight: [N], 0 for rows that do not count.

    Returns:
        A scalar: the root of the mean squared error of a component, in units of the action; for
        discrete actions the share of wrong ones.
    """
    if spec.discrete:
        return ops.weighted_mean((labels != action).astype(jnp.float32), weight)
    return jnp.sqrt(ops.weighted_mean(jnp.mean((labels - action) ** 2, axis=-1), weight))


@dataclass(frozen=True, eq=False)
class InverseModel:
    """The model; all methods are pure functions."""

    seen: np.ndarray  # [F]
    spec: Spec
    learner: SupervisedLearner

    def rows(self, steps: Transition) -> Pairs:
        """What the model learns from steps [N]: their inputs, and the actions executed."""
        inputs = transition_inputs(self.seen, steps.obs, steps.next_obs)
        return Pairs(inputs, steps.action, steps.weight)

    def init(self, key: Key, rows: Pairs) -> State:
        """The untrained state, for rows [N] of which only shapes and types count."""
        state = self.learner.init(key, rows)
        # Nothing is held out, so no parameters are the best.
        return state.replace(best_params=(), best_loss=jnp.float32(0.0))

    def fit(self, key: Key, state: State, rows: Pairs) -> tuple[State, Metrics]:
        """`Config.steps` gradient steps on rows [N], by whose inputs inputs are normalised."""
        state = state.replace(norm=self.learner.view.fit_normaliser(rows))
        state, metrics = self.learner.fit(key, state, rows)
        return state, {f"inverse_{name}": value for name, value in metrics.items()}

    def label(self, key: Key, state: State, demos: Transition) -> jax.Array:
        """The most likely actions [N, A], or [N], of demonstrated steps [N]."""
        inputs = transition_inputs(self.seen, demos.obs, demos.next_obs)
        return self.learner.act(key, state, inputs)


def inverse_model(config: Config, spec: Spec) -> InverseModel:
    """Builds the model for a task.

    Args:
        config: settings.
        spec: the task.

    Raises:
        UserError: `config.fields` are not those of the task.
    """
    seen = seen_components(config.fields, spec)
    learner = supervised_learner(
        bc_config.Config(
            loss=config.loss,
            lr=config.lr,
            batch=config.batch,
            hidden=config.hidden,
            clip=config.clip,
            steps=config.steps,
            validation=0.0,
        ),
        replace(spec, obs_size=2 * len(seen)),
    )
    return InverseModel(seen, spec, learner)
