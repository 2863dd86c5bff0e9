"""CCIL with true dynamics: the environment itself tells which actions lead back.

Demonstrated states are displaced where actions move them directly: joints that are driven, and the
arm of Fetch. For each displaced state s~ of a step (s, a, s') the action that leads from s~ to s'
is found by Gauss-Newton steps through the environment. Labels that do not come nearer are dropped.

Source: Ke et al. 2024 (arXiv:2310.12972), which learns the dynamics because the true ones are
unknown; with known dynamics its problem is min ||s~ + F(s~, a) - s'|| over a.

Different from the source: see above. A label is kept where its residual is below `contraction`
times the displacement; both are root mean squares over the observation, in its standard deviations
in the demonstrations.

Use it when you want to know how much of the error of `ccil` is the model's. It is an upper bound:
it steps the environment from states of its choice.

Sensitive to: `noise`, `contraction`, and `states`, each of which costs
gauss_newton_steps (A + 1) + 1 environment steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.cloning import bc, labelled
from imitbench.algos.cloning.labelled import State
from imitbench.algos.common.off_policy import reject_discrete
from imitbench.algos.model_based import steering
from imitbench.algos.model_based.corrective_labels import mean_length
from imitbench.core import buffer, ops
from imitbench.core.config import require
from imitbench.core.types import (
    Actuated,
    Algorithm,
    Cost,
    Env,
    Key,
    Metrics,
    Poses,
    Spec,
    Traits,
    Transition,
)
from imitbench.utils.errors import UserError

__all__ = ["TRAITS", "Config", "State", "displace", "make", "make_labels"]

TRAITS = Traits()


@dataclass(frozen=True)
class Config:
    """Settings of CCIL with true dynamics."""

    clone: bc.Config = field(default_factory=bc.Config)
    """Settings of the BC policy, which learns from demonstrations and labels."""
    states: int = 2_000
    """Displaced states, of demonstrated steps that are drawn with replacement."""
    noise: float = 0.1
    """Standard deviation of the displacement of each position and velocity, in its standard
    deviations in the demonstrations, positive."""
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


def displace(
    key: Key, pose: jax.Array, std: jax.Array, actuated: jax.Array, noise: float
) -> jax.Array:
    """Displaced poses [N, P]: pose + noise std N(0, I) where actions move it directly.

    Args:
        key: random key.
        pose: [N, P].
        std: [P] standard deviations in the demonstrations.
        actuated: [P] bool.
        noise: in standard deviations.
    """
    z = jax.random.normal(key, pose.shape)
    return pose + jnp.where(actuated, noise * std * z, 0.0)


def make_labels(config: Config, env: Env, key: Key, steps: Transition) -> tuple[bc.Pairs, Metrics]:
    """Labels of displaced states of demonstrated steps.

    Args:
        config: the settings.
        env: one environment, with poses.
        key: random key.
        steps: [N], with poses.

    Returns:
        Labels [states], of weight 0 where they were dropped, and metrics.

    Raises:
        UserError: the steps hold no poses.
    """
    if steps.pose is None:
        raise UserError(
            f"the demonstrations of {env.name} hold no poses: collect them with `imitbench demos`"
        )
    assert isinstance(env, Poses) and isinstance(env, Actuated)
    k_rows, k_noise = jax.random.split(key)
    scale = ops.fit_normaliser(steps.obs, steps.weight).std
    pose_std = ops.fit_normaliser(steps.pose, steps.weight, floor=0.0).std
    rows = buffer.real_row_sampler(steps, steps.weight)(k_rows, config.states)
    pose = displace(k_noise, rows.pose, pose_std, jnp.asarray(env.actuated), config.noise)
    state = jax.vmap(env.reset_to)(pose)
    step = jax.vmap(jax.vmap(env.step), in_axes=(None, 0))

    def residual(action: jax.Array) -> jax.Array:
        return (step(state, action).obs - rows.next_obs) / scale

    start = jnp.clip(rows.action, -1.0, 1.0)
    action, left = steering.steer(residual, start, config.gauss_newton_steps, config.difference)
    distance, rest = mean_length((state.obs - rows.obs) / scale), mean_length(left)
    kept = rest < config.contraction * distance
    ok = jnp.all(jnp.isfinite(action), axis=-1) & jnp.all(jnp.isfinite(state.obs), axis=-1)
    kept = (kept & ok).astype(jnp.float32)
    return bc.Pairs(
        jnp.where(ok[:, None], state.obs, 0.0), jnp.where(ok[:, None], action, 0.0), kept
    ), {
        "labels_kept": jnp.mean(kept),
        "distance": ops.weighted_mean(distance, kept),
        "residual": ops.weighted_mean(rest, kept),
    }


def make(config: Config, spec: Spec, env: Env) -> Algorithm:
    """CCIL that steps the environment to make its labels, before the first update. State: `State`.

    Raises:
        UserError: the actions are discrete, or episodes cannot begin in displaced states.
    """
    reject_discrete(spec, env.name)
    if not (isinstance(env, Poses) and isinstance(env, Actuated)):
        raise UserError(
            f"{env.name} cannot begin in a displaced state: ccil_true needs a task with poses that "
            "says which of them its actions move; use ccil"
        )
    if not np.any(env.actuated):
        raise UserError(f"no action of {env.name} moves a joint directly: use ccil")
    each = steering.evaluations(spec.action_size, config.gauss_newton_steps)
    # The environment steps of `init` count for the first update.
    cost = Cost(config.states * each, grad_steps=config.clone.steps, collecting_updates=1)
    labels = partial(make_labels, config, env)
    return labelled.make(config.clone, spec, labels, cost, repeats=config.repeats)
