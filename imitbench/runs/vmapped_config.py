"""A method whose settings come with its demonstrations, so that one program trains many of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from imitbench import algos
from imitbench.core.actor import actor_of
from imitbench.core.types import Actor, Algorithm, Env, Key, Metrics, Policy, Transition

Setting = dict[str, Any]  # field, with dots for nested ones -> value


def get_setting(config: Any, name: str) -> Any:
    """Of a setting, nested ones with dots."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def with_settings(config: Any, values: Setting) -> Any:
    """The config with values put in, traced ones too."""
    for name, x in values.items():
        first, _, rest = name.partition(".")
        new = with_settings(getattr(config, first), {rest: x}) if rest else x
        config = dataclasses.replace(config, **{first: new})
    return config


class DemosWithSettings(Transition):
    """Demonstrations with the settings of the trial that learns from them."""

    values: Setting = struct.field(default_factory=dict)  # of scalars

    def plain(self) -> Transition:
        names = [f.name for f in dataclasses.fields(Transition)]
        return Transition(**{n: getattr(self, n) for n in names})


def vmapped_method(name: str, config: Any, env: Env, expert: Policy | None) -> Algorithm:
    """The method with settings that come with the demonstrations (`DemosWithSettings`)."""

    def inner(values: Setting) -> Algorithm:
        return algos.build(name, with_settings(config, values), env.spec, env, expert)

    base = inner({})

    def init(key: Key, demos: Any) -> tuple[Setting, Any]:
        return demos.values, inner(demos.values).init(key, demos.plain())

    def update(key: Key, state: tuple[Setting, Any], demos: Any) -> tuple[Any, Metrics]:
        values, own = state
        own, metrics = inner(values).update(key, own, demos.plain())
        return (values, own), metrics

    def act(key: Key, state: tuple[Setting, Any], obs: jax.Array) -> jax.Array:
        values, own = state
        return inner(values).act(key, own, obs)

    def actor(state: tuple[Setting, Any]) -> Actor:
        values, own = state
        return actor_of(inner(values), own)

    return Algorithm(init, update, act, base.cost, actor if base.actor else None)


def tile_over_trials(rows: Transition, values: Sequence[Setting], seeds: int) -> DemosWithSettings:
    """Rows [S, N, ...] of the seeds for each trial: leaves [trials * S, ...]."""
    rows = jax.tree.map(jnp.asarray, rows)
    if rows.weight.ndim == 1:  # of no seed's own: a method that learns without
        rows = jax.tree.map(lambda x: jnp.stack([x] * seeds), rows)
    each = jax.tree.map(lambda x: jnp.tile(x, (len(values), *[1] * (x.ndim - 1))), rows)
    told = {k: jnp.repeat(jnp.array([v[k] for v in values]), seeds) for k in values[0]}
    return DemosWithSettings(**vars(each), values=told)


def traceable(algo: Algorithm, demos: DemosWithSettings, keys: Key) -> bool:
    """Whether the method's program can be built before the values are known."""
    one = jax.tree.map(lambda x: x[0], demos)
    try:
        state = jax.eval_shape(algo.init, keys[0], one)
        jax.eval_shape(algo.update, keys[0], state, one)
        if algo.actor is None:
            jax.eval_shape(algo.act, keys[0], state, one.obs[:1])
    except jax.errors.ConcretizationTypeError:
        return False
    return True
