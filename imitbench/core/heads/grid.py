"""A categorical head over a grid of actions; it acts by the most likely one.

Source: the official code of Ghosh et al. 2021 (arXiv:1912.06088), which discretises the actions of
GCSL so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.heads.bins import bin_of
from imitbench.core.heads.head import Head, cross_entropy, network, nothing
from imitbench.core.types import Key, Metrics, Params

MOST_JOINT = 100  # actions of a grid, above which its components are independent


def action_of(level: Any, count: int) -> Any:
    """The actions [...] in [-1, 1] of levels [...]."""
    return level * 2.0 / (count - 1) - 1.0


def is_joint(size: int, count: int) -> bool:
    """Whether the grid is small enough for one probability for each of its actions."""
    return count**size <= MOST_JOINT


def draw_on_grid(key: Key, lead: tuple[int, ...], size: int, count: int) -> jax.Array:
    """Actions [*lead, size] drawn uniformly from the grid."""
    return action_of(jax.random.randint(key, (*lead, size), 0, count), count)


def action_grid(hidden: Sequence[int], seen: int, size: int, count: int) -> Head:
    """One of `count` levels for each component of the action.

    A grid of up to `MOST_JOINT` actions has one probability for each of them, so that it can
    represent components that go together; a larger one has independent components. The target of an
    action is the level in whose bin it lies; bins are equally wide, so that uniform actions have
    all levels equally often (rounding to the nearest level would halve the outermost ones).

    Args:
        hidden: widths of the hidden layers.
        seen: size of what the policy sees.
        size: A, size of an action.
        count: levels of each component, 2 or more.
    """
    joint = is_joint(size, count)
    parts, choices = (1, count**size) if joint else (size, count)
    net = network(hidden, parts * choices, seen)
    # Of a joint choice, in base `count`; powers of a larger grid would not fit an integer.
    digit = count ** np.arange(size if joint else 0)
    # [choices, A], of joint choices.
    actions = action_of(np.arange(choices)[:, None] // digit % count, count)

    def logits(params: Params, obs: jax.Array) -> jax.Array:
        out = net(params, obs)
        return out.reshape(*out.shape[:-1], parts, choices)

    def loss(
        key: Key, params: Params, fitted: Any, obs: jax.Array, action: jax.Array
    ) -> tuple[jax.Array, Metrics]:
        level = bin_of(action, count)
        choice = jnp.sum(level * digit, axis=-1, keepdims=True) if joint else level
        return cross_entropy(logits(params, obs), choice), {}

    def sample(key: Key, params: Params, fitted: Any, obs: jax.Array) -> jax.Array:
        choice = jnp.argmax(logits(params, obs), axis=-1)
        if not joint:
            return action_of(choice, count)
        # A product, for files of policies have no integer division and no look-up.
        return jax.nn.one_hot(choice[..., 0], choices) @ jnp.asarray(actions, jnp.float32)

    return Head(net.init, nothing, loss, sample, 1)
