"""Goal tasks for VINS: two episodes on a line, and the fields of a hand and an object."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from helpers.linear_networks import dense

from imitbench.algos.cloning import bc
from imitbench.algos.model_based import vins
from imitbench.core.types import GoalSpec, Transition
from imitbench.envs.base import make_spec

HORIZON = 4
KEY = jax.random.key(0)


def near(achieved: jax.Array, desired: jax.Array) -> jax.Array:
    """Rewards -1, and 0 within 0.1 of the goal."""
    return jnp.where(jnp.abs(achieved - desired)[..., 0] > 0.1, -1.0, 0.0)


LINE = make_spec([("at", 1), ("goal", 1)], 1, HORIZON, GoalSpec("at", "goal", near))
# Two episodes along the line: one reaches its goal after its third step, the other never does.
AT = np.array([[0.0, 0.3, 0.6, 0.95, 1.0], [5.0, 5.5, 6.0, 6.5, 7.0]], np.float32)
GOAL = np.array([[1.0], [9.0]], np.float32)
REACHED = np.abs(AT - GOAL) <= 0.1

HAND = make_spec(
    [("grip_pos", 2), ("object_pos", 2), ("gripper_state", 1), ("goal", 2)],
    2, HORIZON, GoalSpec("object_pos", "goal", near),
)  # fmt: skip


def demos() -> Transition:
    """The two episodes, one after the other."""
    obs = np.stack([AT, np.broadcast_to(GOAL, AT.shape)], axis=-1)
    action = (AT[:, 1:] - AT[:, :-1])[..., None]
    flag = np.zeros((2, HORIZON), bool)
    limit = flag.copy()
    limit[:, -1] = True
    reward = np.where(REACHED[:, 1:], 0.0, -1.0).astype(np.float32)
    ones = np.ones((2, HORIZON), np.float32)
    parts = (obs[:, :-1], action, action, reward, obs[:, 1:], flag, limit, REACHED[:, 1:], ones)
    leaves: list[Any] = [jnp.asarray(x.reshape(-1, *x.shape[2:])) for x in parts]
    return Transition(*leaves)


def one_gradient_step(steps: list[Any], **settings: Any):
    """One gradient step of VINS on the line.

    Args:
        steps: records the arguments of gradient steps (the fixture).
        settings: of `vins.Config`.

    Returns:
        Features [P, F] that the value was fitted at, targets [P], how many of them are on the data,
        the state before the step, and the loss function.
    """
    clone = bc.Config(hidden=(), validation=0.0, steps=1, batch=2)
    config = vins.Config(clone=clone, hidden=(), model_hidden=(), batch=400, **settings)
    learner = vins.learner(config, LINE)
    state = learner.init(KEY, demos())
    target = dense([[2.0], [-3.0]], [-20.0])  # of normalised (goal - at, at)
    with jax.disable_jit():
        learner.update(KEY, state.replace(target=target), demos())
    # Those of the value; those of the clone have its state in place of the features.
    (call,) = [c for c in steps if len(c) == 7 and isinstance(c[4], jax.Array)]
    features, target, data_rows = call[4:]
    norm = state.norm
    raw = np.asarray(features) * np.asarray(norm.std) + np.asarray(norm.mean)
    return raw, np.asarray(target), data_rows, state, call[0]
