"""What comparisons with other implementations share: our networks by their names, and states in the
middle of a run."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.algos.rl import td3
from imitbench.core.types import Params

LR = 3e-3
CLOSE: dict[str, Any] = {"rtol": 1e-6, "atol": 3e-6}  # a step moves a weight by about LR


def named(layers: list[str], net: Params) -> dict[str, np.ndarray]:
    """A network of ours by the names of the linear layers over there; the kernel is turned."""
    out = {}
    for i, name in enumerate(layers):
        dense = net["params"][f"Dense_{i}"]
        out |= {f"{name}.weight": np.asarray(dense["kernel"]).T, f"{name}.bias": dense["bias"]}
    assert len(net["params"]) == len(layers)
    return {k: np.array(v) for k, v in out.items()}


def jiggled(tree: Params, seed: int) -> Params:
    """Away from zero biases, and from targets equal to what they follow."""
    random = np.random.default_rng(seed)
    return jax.tree.map(
        lambda x: x + jnp.asarray(random.normal(0, 0.1, x.shape), jnp.float32), tree
    )


def mid_run(opt_state: Any, seed: int) -> Any:
    """Adam's state after five steps.

    Its first step has the size of the learning rate whatever the gradient's: there, a gradient of 0
    but for rounding moves a weight either way.
    """
    adam = opt_state[0]
    mean = jax.tree.map(lambda x: 0.1 * x, jiggled(adam.mu, seed))
    square = jax.tree.map(lambda x: 1e-5 * (1.0 + x**2), jiggled(adam.nu, seed + 1))
    return (adam._replace(count=jnp.int32(5), mu=mean, nu=square), *opt_state[1:])


def td3_mid_run(state: td3.State) -> tuple[td3.State, tuple[Any, Any]]:
    """TD3's state in the middle of a run; and Adam's, of policy and critics."""
    nets = state.policy, state.critics, state.target
    p, c, follow = (jiggled(x, i) for i, x in enumerate(nets))
    adams = mid_run(state.policy_opt, 3), mid_run(state.critics_opt, 5)
    state = state.replace(
        policy=p, critics=c, target=follow, policy_opt=adams[0], critics_opt=adams[1]
    )
    return state, adams
