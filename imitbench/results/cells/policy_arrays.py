"""The arrays of a method's state: their names, and which of them its actions depend on."""

from __future__ import annotations

from typing import Any

import jax
from jax.interpreters import partial_eval

from imitbench.core import ops
from imitbench.core.actor import actor_of
from imitbench.core.types import Algorithm, Env, Key


def array_names(tree: Any) -> list[str]:
    """The places of the leaves in a tree, as text."""
    paths = (path for path, _ in jax.tree_util.tree_leaves_with_path(tree))
    return [f"state{jax.tree_util.keystr(path)}" for path in paths]


def normaliser_names(tree: Any) -> list[str]:
    """The places of the leaves that normalise observations, as text."""

    def normalises(x: Any) -> bool:
        return isinstance(x, ops.Normaliser | ops.Moments)

    paths = jax.tree_util.tree_leaves_with_path(tree, is_leaf=normalises)
    starts = [f"state{jax.tree_util.keystr(path)}." for path, x in paths if normalises(x)]
    return [name for name in array_names(tree) if name.startswith(tuple(starts))]


def used_arrays(algo: Algorithm, like: Any, env: Env) -> list[bool]:
    """Finds the leaves of a method's state that its memory and its actions depend on.

    Args:
        algo: the method.
        like: the shapes of its state for one seed.
        env: the task's environment.

    Returns:
        Whether they depend on it, for each leaf.
    """
    structure = jax.tree.structure(like)

    def act(leaves: list[Any], key: Key, env_state: Any) -> Any:
        actor = actor_of(algo, jax.tree.unflatten(structure, leaves))
        return actor.act(key, actor.start(key, env_state), env_state)

    key = jax.random.key(0)
    state = jax.eval_shape(lambda k: jax.vmap(env.reset)(jax.random.split(k, 1)), key)
    traced = jax.make_jaxpr(act)(jax.tree.leaves(like), key, state).jaxpr
    used = partial_eval.dce_jaxpr(traced, [True] * len(traced.outvars))[1]
    return used[: structure.num_leaves]
