"""CCIL with true dynamics: the environment itself tells which actions lead back.

Demonstrated states are displaced by a disturbed action one step before; or directly, in positions
and velocities that actions move: driven joints, and the arm of Fetch. For each displaced state s~
of a step (s, a, s') the action that leads from s~ to s' is found by Gauss-Newton steps through the
environment. Labels that do not come nearer are dropped.

Source: Ke et al. 2024 (arXiv:2310.12972), which learns the dynamics because the true ones are
unknown; with known dynamics its problem is min ||s~ + F(s~, a) - s'|| over a.

Different from the source: see above. A label is kept where its residual is below `contraction`
times the displacement; both are root mean squares over the observation, or over its named fields,
in standard deviations of the demonstrations.

Use it when you want to know how much of the error of `ccil` is the model's. It is a yardstick: it
steps the environment from states of its choice.

Sensitive to: `displace` with `noise`, `fields`, `contraction`, and `states`, each of which costs
gauss_newton_steps (A + 1) + 2 environment steps. One action seldom corrects a displaced position of
a robot that is driven by forces, so that `pose` keeps few labels there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.cloning import bc, labelled
from imitbench.algos.cloning.labelled import State
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.model_based import displaced_states, steering
from imitbench.algos.model_based.corrective_labels import mean_length
from imitbench.core import ops
from imitbench.core.capabilities import Actuated, Poses
from imitbench.core.config import require
from imitbench.core.types import Algorithm, Cost, Env, Key, Metrics, Spec, Traits, Transition
from imitbench.utils.errors import UserError, pick

__all__ = ["TRAITS", "Config", "State", "make", "make_labels"]

TRAITS = Traits()


@dataclass(frozen=True)
class Config:
    """Settings of CCIL with true dynamics."""

    clone: bc.Config = field(default_factory=bc.Config)
    """Settings of the BC policy, which learns from demonstrations and labels."""
    states: int = 2_000
    """Displaced states, of demonstrated steps that are drawn with replacement."""
    displace: displaced_states.Kind = "action"
    """action: displaced states are those that a disturbed action leads to, one step before.
    pose: positions and velocities are displaced where actions move them directly."""
    noise: float = 0.3
    """Standard deviation of the noise, positive: on each component of the action, which is clipped
    to [-1, 1]; or on each position and velocity, in its standard deviations in the
    demonstrations."""
    fields: tuple[str, ...] = ()
    """Fields of the observation that are to be as after the demonstrated step; none: all. Where
    velocities follow each action at once, leave them out: else what a position lacks is not made up
    for, because that takes another velocity."""
    contraction: float = 0.5
    """Labels are kept where they leave less than this share of the displacement, in (0, 1)."""
    gauss_newton_steps: int = 3
    """Gauss-Newton steps from the demonstrated action."""
    difference: float = 0.02
    """Finite difference of actions, in (0, 1]."""
    repeats: int = 1
    """How often each demonstrated step is among the rows of BC, in which each label is once."""

    needs_poses: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("states", "gauss_newton_steps", "repeats"):
            require(getattr(self, name) >= 1, self, name, "1 or more")
        require(self.noise > 0, self, "noise", "a positive number")
        require(0 < self.contraction < 1, self, "contraction", "a share between 0 and 1")
        require(0 < self.difference <= 1, self, "difference", "a number above 0, up to 1")


def observed(spec: Spec, fields: Sequence[str]) -> np.ndarray:
    """The indices of the named fields in an observation; of all of it without names.

    Raises:
        UserError: there is no such field.
    """
    for name in fields:
        pick("field of the observation", name, spec.fields)
    every = np.arange(spec.obs_size)
    return np.concatenate([every[spec.fields[name]] for name in fields]) if fields else every


def make_labels(config: Config, env: Env, key: Key, steps: Transition) -> tuple[bc.Pairs, Metrics]:
    """Labels of displaced states.

    Args:
        config: the settings.
        env: one environment, with poses.
        key: random key.
        steps: [N] demonstrated steps, with poses.

    Returns:
        Labels [states], of weight 0 where they were dropped or are not finite; and metrics, of
        which `distance` and `residual` are means over all that exist and are finite.

    Raises:
        UserError: the steps hold no poses.
    """
    seen = observed(env.spec, config.fields)
    rows, state, exists = displaced_states.draw(
        env, key, steps, config.states, config.displace, config.noise
    )
    scale = ops.fit_normaliser(steps.obs, steps.weight).std[seen]
    step = jax.vmap(jax.vmap(env.step), in_axes=(None, 0))

    def residual(action: jax.Array) -> jax.Array:
        return (step(state, action).obs - rows.next_obs)[..., seen] / scale

    start = jnp.clip(rows.action, -1.0, 1.0)
    action, left = steering.steer(residual, start, config.gauss_newton_steps, config.difference)
    distance = mean_length((state.obs - rows.obs)[..., seen] / scale)
    rest = mean_length(left)
    finite = jnp.all(jnp.isfinite(jnp.concatenate([action, state.obs], axis=-1)), axis=-1)
    usable = exists & finite
    kept = (usable & (rest < config.contraction * distance)).astype(jnp.float32)
    # Rows of weight 0 are not trained on, but a state of a method must be finite.
    x, label = (jnp.where(finite[:, None], y, 0.0) for y in (state.obs, action))
    return bc.Pairs(x, label, kept), {
        "labels_kept": jnp.mean(kept),
        "distance": ops.weighted_mean(distance, usable.astype(jnp.float32)),
        "residual": ops.weighted_mean(rest, usable.astype(jnp.float32)),
    }


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """CCIL that steps the environment to make its labels, before the first update. State: `State`.

    Raises:
        UserError: the actions are discrete, a field is unknown, or episodes cannot begin in
            displaced states.
    """
    reject_discrete(spec, env.name)
    observed(spec, config.fields)  # rejects unknown names
    if not isinstance(env, Poses):
        raise UserError(f"{env.name} cannot begin in a demonstrated state: use ccil")
    if config.displace == "pose" and not (isinstance(env, Actuated) and np.any(env.actuated)):
        raise UserError(
            f"displace=pose: {env.name} has no positions and velocities that are known to be moved "
            "by its actions; use displace=action"
        )
    each = steering.evaluations(spec.action_size, config.gauss_newton_steps)
    each += config.displace == "action"
    # The environment steps of `init` count for the first update.
    cost = Cost(config.states * each, grad_steps=config.clone.steps, collecting_updates=1)
    labels = partial(make_labels, config, env)
    return labelled.make(config.clone, spec, labels, cost, repeats=config.repeats)
