"""A stored policy as pure functions of plain arrays, for any number of observations at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import export
from jax.interpreters import partial_eval

from imitbench.core.actor import on_observations
from imitbench.results.cells.policies import StoredPolicy

ROWS = "b"
"""The name of the number of observations, which stays open."""


class PolicyFunctions(NamedTuple):
    """The functions of a policy. A key is the data of a random key of JAX, uint32 [2]."""

    # (obs [b, O], *memory, key) -> (action, *memory); without a key where `sampled` is false.
    act: Callable[..., tuple[jax.Array, ...]]
    # (obs [b, O], key) -> memory, at the first observation of an episode; None without a memory.
    start: Callable[..., tuple[jax.Array, ...]] | None
    sampled: bool  # whether the policy draws random numbers
    obs: jax.ShapeDtypeStruct  # [b, O]
    memory: tuple[jax.ShapeDtypeStruct, ...]  # [b, ...] each
    key: jax.ShapeDtypeStruct

    def inputs(self, *, memory: bool) -> list[jax.ShapeDtypeStruct]:
        """The shapes of what `act` takes (with memory) or `start` (without)."""
        return [self.obs, *(self.memory if memory else ()), *([self.key] if self.sampled else [])]


def functions(policy: StoredPolicy) -> PolicyFunctions:
    """Builds the functions of a policy.

    Args:
        policy: a stored policy.

    Raises:
        UserError: it looks at more than the observation.
    """
    actor = on_observations(policy.actor, policy.env.spec.discrete)
    (rows,) = export.symbolic_shape(ROWS)
    obs = jax.ShapeDtypeStruct((rows, policy.env.spec.obs_size), jnp.float32)
    key = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0)))
    like = jax.eval_shape(lambda data, x: actor.start(jax.random.wrap_key_data(data), x), key, obs)
    kinds, structure = jax.tree.flatten(like)

    def start(obs: jax.Array, key: jax.Array) -> tuple[jax.Array, ...]:
        return _plain(actor.start(jax.random.wrap_key_data(key), obs))

    def act(obs: jax.Array, *rest: jax.Array) -> tuple[jax.Array, ...]:
        *memory, key = rest
        leaves = [_like(x, kind) for x, kind in zip(memory, kinds, strict=True)]
        tree = jax.tree.unflatten(structure, leaves)
        action, tree = actor.act(jax.random.wrap_key_data(key), tree, obs)
        return action, *_plain(tree)

    memory = jax.eval_shape(start, obs, key)
    sampled = _uses_last(act, [obs, *memory, key]) or _uses_last(start, [obs, key])
    if not sampled:
        constant = jnp.zeros(key.shape, key.dtype)
        keyless = PolicyFunctions(
            lambda *x: act(*x, constant), lambda x: start(x, constant), False, obs, memory, key
        )
        return keyless if memory else keyless._replace(start=None)
    return PolicyFunctions(act, start if memory else None, True, obs, memory, key)


def _plain(tree: Any) -> tuple[jax.Array, ...]:
    """The leaves of a memory; random keys as their data."""
    leaves = map(jnp.asarray, jax.tree.leaves(tree))
    return tuple(jax.random.key_data(x) if _is_key(x) else x for x in leaves)


def _like(x: jax.Array, kind: Any) -> jax.Array:
    return jax.random.wrap_key_data(x) if _is_key(kind) else x


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _uses_last(function: Callable[..., Any], inputs: Sequence[Any]) -> bool:
    """Whether the results of a function depend on its last argument."""
    traced = jax.make_jaxpr(function)(*inputs).jaxpr
    return partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))[1][-1]
