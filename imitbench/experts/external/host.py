"""Host functions as actors: one call for all episodes, and for all seeds of one program."""

from __future__ import annotations

import threading
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.actor import from_policy
from imitbench.core.types import Actor, Key, Spec
from imitbench.physics.host import Arrays, host_call


def host_actor(act: Callable[[np.ndarray], np.ndarray], spec: Spec) -> Actor:
    """Builds the actor of a host function.

    Calls never overlap, so that the function need not be thread-safe. A row whose observation is
    not finite is not shown to the function; its action is NaN (or choice 0), as a policy's would
    be.

    Args:
        act: observations [N, O] to checked actions [N, A], or choices [N].
        spec: the task's.

    Returns:
        A memoryless actor. Under `vmap` all its rows are one call.
    """
    lock = threading.Lock()
    dtype = np.dtype(np.int32 if spec.discrete else np.float32)
    shape = () if spec.discrete else (spec.action_size,)

    def body(arguments: Arrays, results: Arrays) -> None:
        obs = np.array(arguments[0], np.float32).reshape(-1, spec.obs_size)
        finite = np.isfinite(obs).all(axis=1)
        obs[~finite] = 0.0
        with lock:
            actions = act(obs)
        actions = np.array(actions, dtype)
        actions[~finite] = 0 if spec.discrete else np.nan
        results[0].reshape(len(obs), *shape)[...] = actions

    in_place = jax.default_backend() == "cpu"
    call = host_call(body, (jax.ShapeDtypeStruct(shape, dtype),), in_place=in_place)

    def policy(key: Key, obs: jax.Array) -> jax.Array:
        rows = jnp.asarray(obs, jnp.float32).reshape(-1, spec.obs_size)
        return jax.vmap(call)(rows)[0].reshape(*obs.shape[:-1], *shape)

    return from_policy(policy)
