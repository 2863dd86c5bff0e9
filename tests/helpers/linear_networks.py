"""Learners with linear networks, whose parameters can be chosen and whose steps worked by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.common.replay_buffer import Experience
from imitbench.envs.base import make_spec

SPEC = make_spec([("x", 1)], 1, 5)


def dense(kernel: Any, bias: Any) -> dict[str, Any]:
    """Parameters of a network without hidden layers."""
    return {"params": {"Dense_0": {"kernel": jnp.array(kernel), "bias": jnp.array(bias)}}}


def q(obs: float, action: float, bias: float) -> dict[str, Any]:
    """The critic obs * x + action * a + bias."""
    return dense([[obs], [action]], [bias])


def experience(n: int = 4) -> Experience:
    """Rewards 1 + x; the second step ends its episode."""
    x = jnp.linspace(-1.0, 1.0, n)
    end = jnp.arange(n) == 1
    return Experience(
        x[:, None], 0.5 * x[:, None], 1 + x, x[::-1, None], end, jnp.zeros(n, jnp.int32)
    )


def targets(steps: list[Any]) -> list[np.ndarray]:
    """What critics were fitted to, in each of their gradient steps: `descend`'s arguments that hold
    rows and after them an array."""
    found = [c for c in steps if len(c) > 5 and isinstance(c[4], Experience)]
    return [np.asarray(c[5]) for c in found if isinstance(c[5], jax.Array)]
