"""A method whose settings are inputs of its program, so that one program trains many trials."""

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

Settings = dict[str, Any]
"""Values by field; fields of groups with dots, as "clone.lr"."""


def get_setting(config: Any, name: str) -> Any:
    """Returns the value of a setting.

    Args:
        config: a method's settings.
        name: the field; fields of groups with dots.
    """
    for part in name.split("."):
        config = getattr(config, part)
    return config


def with_settings(config: Any, settings: Settings) -> Any:
    """Replaces settings of a config.

    Args:
        config: a method's settings.
        settings: the new values, which may be traced.

    Returns:
        A new config.
    """
    for name, value in settings.items():
        first, _, rest = name.partition(".")
        new = with_settings(getattr(config, first), {rest: value}) if rest else value
        config = dataclasses.replace(config, **{first: new})
    return config


class DemosWithSettings(Transition):
    """Demonstrations, and the settings of the trial that learns from them."""

    settings: Settings = struct.field(default_factory=dict)  # leaves are scalars

    def plain(self) -> Transition:
        """Returns the demonstrations alone."""
        names = [f.name for f in dataclasses.fields(Transition)]
        return Transition(**{n: getattr(self, n) for n in names})


def vmapped_method(name: str, config: Any, env: Env, expert: Actor | Policy | None) -> Algorithm:
    """Builds a method that takes settings from its demonstrations (`DemosWithSettings`).

    Args:
        name: the method's name.
        config: the settings that are the same in all trials.
        env: the task's environment.
        expert: the expert, for methods that query one.

    Returns:
        The method; its state is the settings and the state of the method itself.
    """

    def build(settings: Settings) -> Algorithm:
        return algos.build(name, with_settings(config, settings), env.spec, env, expert)

    def init(key: Key, demos: Any) -> tuple[Settings, Any]:
        return demos.settings, build(demos.settings).init(key, demos.plain())

    def update(key: Key, state: tuple[Settings, Any], demos: Any) -> tuple[Any, Metrics]:
        settings, inner = state
        inner, metrics = build(settings).update(key, inner, demos.plain())
        return (settings, inner), metrics

    def act(key: Key, state: tuple[Settings, Any], obs: jax.Array) -> jax.Array:
        settings, inner = state
        return build(settings).act(key, inner, obs)

    def actor(state: tuple[Settings, Any]) -> Actor:
        settings, inner = state
        return actor_of(build(settings), inner)

    plain = build({})
    return Algorithm(init, update, act, plain.cost, actor if plain.actor else None)


def tile_over_trials(
    rows: Transition, settings: Sequence[Settings], num_seeds: int
) -> DemosWithSettings:
    """Repeats the rows of the seeds for each trial.

    Args:
        rows: leaves [S, N, ...], or [N, ...] where all seeds share them.
        settings: the settings of each trial, all with the same names.
        num_seeds: the number of seeds (S).

    Returns:
        Leaves [trials * S, N, ...], trial by trial; settings are [trials * S].
    """
    rows = jax.tree.map(jnp.asarray, rows)
    if rows.weight.ndim == 1:
        rows = jax.tree.map(lambda x: jnp.stack([x] * num_seeds), rows)
    tiled = jax.tree.map(lambda x: jnp.tile(x, (len(settings), *[1] * (x.ndim - 1))), rows)
    values = {
        name: jnp.repeat(jnp.array([trial[name] for trial in settings]), num_seeds)
        for name in settings[0]
    }
    return DemosWithSettings(**vars(tiled), settings=values)


def is_traceable(algo: Algorithm, demos: DemosWithSettings, keys: Key) -> bool:
    """Returns whether the program of a method can be built before the settings are known.

    Args:
        algo: a method of `vmapped_method`.
        demos: leaves [trials * S, N, ...].
        keys: [trials * S].
    """
    rows = jax.tree.map(lambda x: x[0], demos)
    try:
        state = jax.eval_shape(algo.init, keys[0], rows)
        jax.eval_shape(algo.update, keys[0], state, rows)
        if algo.actor is None:
            jax.eval_shape(algo.act, keys[0], state, rows.obs[:1])
    except jax.errors.ConcretizationTypeError:
        return False
    return True
