"""Stored policies: the parameters of every seed at the end of training, beside a cell's results.

The folder `policy/` of a cell holds `policy.json`, and a file `seed-<n>.safetensors` for each
training seed. Only those arrays of a method's state are kept that its actions depend on; tracing
the method's actor finds them. A policy is rebuilt by the method that made it, at the same version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from imitbench import algos, envs
from imitbench.core.actor import actor_of
from imitbench.core.config import config_dict, config_from_dict
from imitbench.core.types import (
    Actor,
    Algorithm,
    Env,
    EnvState,
    EpisodeSizes,
    Key,
    Spec,
    Transition,
)
from imitbench.data.sources.concurrent import make_concurrent
from imitbench.data.sources.grades import zero_policy
from imitbench.envs import recorded
from imitbench.results.cells.policy_arrays import array_names, normaliser_names, used_arrays
from imitbench.results.cells.policy_files import (
    REMEDY,
    SCHEMA,
    Arrays,
    Policies,
    PolicyCard,
    read_arrays,
    read_card,
)
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.json_schema import one_line

MAX_SIZE = 10**6  # of an observation, of an action, and of the steps of an episode


class StoredPolicy(NamedTuple):
    """A policy of one seed, rebuilt."""

    card: PolicyCard
    env: Env
    actor: Actor
    seed: int = 0  # the training seed

    def original_action(self, action: np.ndarray) -> np.ndarray:
        """Returns actions [..., A] in [-1, 1] in the units of the original environment."""
        low, high = (np.array(x, np.float32) for x in original_bounds(self.env))
        return (low + high) / 2 + (high - low) / 2 * action


def extract(
    algo: Algorithm,
    state: Any,
    demos: Transition,
    env: Env,
    seeds: Sequence[int],
    *,
    method: str,
    config: Any,
    concurrent: bool,
) -> Policies:
    """Takes the policies out of a finished training state.

    Args:
        algo: the method as it was trained.
        state: its state, leaves [S, ...].
        demos: what it learned from, leaves [N, ...] or [S, N, ...].
        env: the task's environment.
        seeds: the S training seeds.
        method: the method's registered name.
        config: the method's settings.
        concurrent: whether the method learned while its data were collected.
    """
    like = jax.eval_shape(lambda tree: jax.tree.map(lambda x: x[0], tree), state)
    used = used_arrays(algo, like, env)
    names = array_names(like)
    leaves = [
        np.asarray(x) if keep else None
        for x, keep in zip(jax.tree.leaves(state), used, strict=True)
    ]
    arrays = {
        seed: {name: x[s] for name, x in zip(names, leaves, strict=True) if x is not None}
        for s, seed in enumerate(seeds)
    }
    card = PolicyCard(
        schema=SCHEMA,
        task=env.name,
        method=method,
        version=algo.version,
        config=json.loads(json.dumps(config_dict(config))),
        concurrent=concurrent,
        obs_size=env.spec.obs_size,
        action_size=env.spec.action_size,
        rows=demos.weight.shape[-1],
        pose_size=None if demos.pose is None else demos.pose.shape[-1],
        sha256={},
        horizon=env.spec.horizon,
        discrete=env.spec.discrete,
        fields={name: [part.start, part.stop] for name, part in env.spec.fields.items()},
        normaliser=[
            name for name in normaliser_names(like) if name in next(iter(arrays.values()), {})
        ],
        action_bounds=None if env.spec.discrete else original_bounds(env),
        versions=machine.versions(),
    )
    return Policies(card, arrays)


def load(folder: Path, seed: int) -> StoredPolicy:
    """Reads the policy of one seed and rebuilds it.

    Args:
        folder: of the cell.
        seed: a training seed.

    Raises:
        UserError: there is no such policy, its file is damaged, or the method is unknown here or
            has another version.
    """
    card = read_card(folder)
    arrays = read_arrays(folder, card, seed)
    try:
        env, algo = _rebuild(card, folder)
        like = jax.eval_shape(algo.init, jax.random.key(0), _rows_like(card, env.spec))
        _check(arrays, like, used_arrays(algo, like, env), folder)
    except UserError as error:
        if str(folder) in str(error):
            raise
        raise UserError(f"{folder}: {error}") from None
    except Exception as error:  # settings that are not those of a method raise errors of all kinds
        raise UserError(
            f"{folder}: its card describes no policy ({one_line(error)}): {REMEDY}"
        ) from None
    return StoredPolicy(card, env, _actor(algo, like, arrays), seed)


def original_bounds(env: Env) -> list[list[float]]:
    """Returns what the actions -1 and 1 [A] are in the original environment.

    Args:
        env: the environment, with continuous actions.
    """
    scale, offset = getattr(env, "action_scale", 1.0), getattr(env, "action_offset", 0.0)
    scale, offset = (np.broadcast_to(x, env.spec.action_size) for x in (scale, offset))
    return [(offset + sign * scale).tolist() for sign in (-1.0, 1.0)]


def _rebuild(card: PolicyCard, folder: Path) -> tuple[Env, Algorithm]:
    """The environment and the method that a card names."""
    if card.method not in algos.ALGOS:
        raise UserError(
            f"{folder} holds policies of {card.method!r}, which is not registered here: register "
            "the method first (imitbench.register)"
        )
    version = algos.traits(card.method).version
    if version != card.version:
        raise UserError(
            f"{folder} holds policies of {card.method} version {card.version}, this imitbench has "
            f"version {version}: {REMEDY}, or use the imitbench that made them"
        )
    env = _environment(card)
    if (env.spec.obs_size, env.spec.action_size) != (card.obs_size, card.action_size):
        raise UserError(
            f"{folder} holds policies for {card.obs_size} observations and {card.action_size} "
            f"actions, {card.task} has {env.spec.obs_size} and {env.spec.action_size}: {REMEDY}"
        )
    config = config_from_dict(algos.ALGOS[card.method].Config, card.config, str(folder), REMEDY)
    # A policy asks nobody; the expert is there to build the method.
    expert = zero_policy(env.spec) if "expert" in algos.needs(card.method) else None
    algo = algos.build(card.method, config, env.spec, env, expert)
    return env, make_concurrent(algo, 1) if card.concurrent else algo


def _environment(card: PolicyCard) -> Env:
    if card.task != recorded.NO_TASK:
        return envs.make(card.task)
    sizes = card.obs_size, card.action_size, card.horizon
    if not all(1 <= n <= MAX_SIZE for n in sizes):
        raise UserError(
            f"the card of a policy has sizes {sizes} (observation, action, horizon), expected 1 to "
            f"{MAX_SIZE:,}: {REMEDY}"
        )
    fields = {"observation": slice(0, card.obs_size)}
    return recorded.of_sizes(Spec(*sizes, fields, discrete=card.discrete))


def _actor(algo: Algorithm, like: Any, arrays: Mapping[str, np.ndarray]) -> Actor:
    """The actor of a state of which only some arrays are known; its actions depend on no others."""
    structure, names, shapes = jax.tree.structure(like), array_names(like), jax.tree.leaves(like)

    def rebuilt() -> Actor:
        leaves = [
            jnp.asarray(arrays[name]) if name in arrays else _placeholder(x)
            for name, x in zip(names, shapes, strict=True)
        ]
        return actor_of(algo, jax.tree.unflatten(structure, leaves))

    def start(key: Key, env_state: EnvState) -> Any:
        return rebuilt().start(key, env_state)

    def act(key: Key, memory: Any, env_state: EnvState) -> tuple[Any, Any]:
        return rebuilt().act(key, memory, env_state)

    # The placeholders are as large as a replay buffer: compiled, they cost nothing.
    return Actor(jax.jit(start), jax.jit(act))


def _placeholder(like: Any) -> jax.Array:
    if jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        return jnp.broadcast_to(jax.random.key(0), like.shape)
    return jnp.zeros(like.shape, like.dtype)


def _rows_like(card: PolicyCard, spec: Spec) -> Transition:
    """The shapes of what a seed learned from, leaves [N, ...]."""

    def array(*size: int, dtype: Any = jnp.float32) -> Any:
        return jax.ShapeDtypeStruct((card.rows, *size), dtype)

    action = array(dtype=jnp.int32) if spec.discrete else array(spec.action_size)
    obs, flag, number = array(spec.obs_size, dtype=spec.obs_dtype), array(dtype=bool), array()
    pose = None if card.pose_size is None else array(card.pose_size)
    sizes = EpisodeSizes(card.rows // spec.horizon, spec.horizon)
    full = None if spec.image is None else array(spec.image.full_size)
    rows = Transition(obs, action, action, number, obs, flag, flag, flag, number, pose, sizes)
    return rows.replace(full_obs=full)


def _check(arrays: Arrays, like: Any, used: Sequence[bool], folder: Path) -> None:
    """The arrays are those that the method's state has.

    Raises:
        UserError: naming the first array that is missing or of another shape.
    """
    wanted = {
        n: x for n, x, u in zip(array_names(like), jax.tree.leaves(like), used, strict=True) if u
    }
    for name in sorted(set(wanted) | set(arrays)):
        shape = wanted[name].shape if name in wanted else None
        stored = arrays[name].shape if name in arrays else None
        if shape != stored:
            raise UserError(
                f"{folder}: array {name!r} of the policy has shape {stored}, expected {shape}: "
                f"{REMEDY}"
            )
