"""States by named fields: what a value function sees of them, and how they are perturbed.

A feature is a field ("grip_pos") or the difference of two ("desired_goal - object_pos"), so that
what derives from a perturbed field is always recomputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.core.types import GoalSpec, Key, Spec
from imitbench.utils.errors import UserError, pick

Values = dict[str, jax.Array]  # field -> [..., size]
Distance = Literal["std", "rms", "raw"]
Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class View:
    """The part of the observation that features are made of."""

    features: tuple[tuple[str, ...], ...]  # (field,) or (minuend, subtrahend)
    fields: tuple[str, ...]  # what changes: all fields in use but the desired goal
    sizes: tuple[int, ...]  # of `fields`
    spec: Spec
    goal: GoalSpec

    @property
    def size(self) -> int:
        """Of the features."""
        return sum(field_size(self.spec, f[0]) for f in self.features)

    def state(self, obs: jax.Array) -> jax.Array:
        """The changing fields of observations, joined: [..., O] -> [..., D]."""
        return jnp.concatenate([obs[..., self.spec.fields[f]] for f in self.fields], axis=-1)

    def desired(self, obs: jax.Array) -> jax.Array:
        """[..., O] -> [..., G]."""
        return obs[..., self.spec.fields[self.goal.desired]]

    def values(self, state: jax.Array) -> Values:
        """[..., D] -> its fields."""
        edges = [sum(self.sizes[:i]) for i in range(1, len(self.sizes))]
        return dict(zip(self.fields, jnp.split(state, edges, axis=-1), strict=True))

    def join(self, values: Values) -> jax.Array:
        """The inverse of `values`."""
        return jnp.concatenate([values[f] for f in self.fields], axis=-1)

    def see(self, state: jax.Array, desired: jax.Array) -> jax.Array:
        """Features [..., F] of states [..., D] with desired goals [..., G]."""
        named = self.values(state) | {self.goal.desired: desired}
        parts = [named[f[0]] - named[f[1]] if len(f) == 2 else named[f[0]] for f in self.features]
        lead = jnp.broadcast_shapes(*(p.shape[:-1] for p in parts))
        return jnp.concatenate([jnp.broadcast_to(p, (*lead, p.shape[-1])) for p in parts], axis=-1)

    def reached(self, obs: jax.Array) -> jax.Array:
        """[...] bool: whether observations are at their goal."""
        return self.goal.reached(obs[..., self.spec.fields[self.goal.achieved]], self.desired(obs))


def field_size(spec: Spec, field: str) -> int:
    where = spec.fields[field]
    return where.stop - where.start


def make_view(spec: Spec, features: Sequence[str], method: str) -> View:
    """The view that sees `features`; by default positions relative to object and goal.

    Raises:
        UserError: a task without goals, an unknown field, or a difference of unequal sizes.
    """
    goal = spec.goal
    if goal is None:
        raise UserError(f"{method} needs a task with goals: this one has none")
    if not features:
        hand = {"grip_pos", "object_pos", "gripper_state"} <= set(spec.fields)
        near = ["object_pos - grip_pos", "grip_pos", "gripper_state"] if hand else [goal.achieved]
        features = [f"{goal.desired} - {goal.achieved}", *near]
    parsed = []
    for text in features:
        parts = tuple(x.strip() for x in text.split(" - "))
        for name in parts:
            pick("field of the observation", name, spec.fields)
        if len(parts) > 2 or len({field_size(spec, n) for n in parts}) > 1:
            raise UserError(f"feature {text!r}: expected a field, or 'a - b' of two equal sizes")
        parsed.append(parts)
    fields = tuple(dict.fromkeys(n for f in parsed for n in f if n != goal.desired))
    if not fields:
        raise UserError(f"features={features}: expected a field that changes in an episode")
    return View(tuple(parsed), fields, tuple(field_size(spec, f) for f in fields), spec, goal)


def groups(view: View, asked: Groups) -> Groups:
    """The groups of fields to perturb; by default hand and object together, the hand, the fingers,
    as far as the view holds them, else each of its fields.

    Raises:
        UserError: a field that the view does not hold, or fields of unequal sizes in a group.
    """
    if not asked:
        usual = (("grip_pos", "object_pos"), ("grip_pos",), ("gripper_state",))
        seen = tuple(g for g in usual if set(g) <= set(view.fields))
        return seen or tuple((f,) for f in view.fields)
    for group in asked:
        for name in group:
            pick("field to perturb, out of those that the features use,", name, view.fields)
        if len({field_size(view.spec, n) for n in group}) != 1:
            raise UserError(f"negatives: fields {group} move together, so they need equal sizes")
    return asked


def perturb(
    key: Key,
    groups: Groups,
    values: Values,
    std: Mapping[str, jax.Array],
    sizes: tuple[float, float],
    distance: Distance,
) -> tuple[Values, jax.Array]:
    """States moved off the data, and how far.

    Each row draws one of the groups, and a size log-uniformly between `sizes`. The group's fields
    are all displaced by one Gaussian vector, in units of the standard deviation of its first field.

    Args:
        values: fields [N, ...].
        distance: Euclidean length in those units (`std`), the same over the root of the number of
            components (`rms`), or in the field's own units (`raw`).

    Returns:
        The fields, and the distances [N].
    """
    k_group, k_size, k_noise = jax.random.split(key, 3)
    n = values[groups[0][0]].shape[0]
    which = jax.random.randint(k_group, (n,), 0, len(groups))
    low, high = sizes
    size = low * (high / low) ** jax.random.uniform(k_size, (n, 1))
    moved, far = dict(values), jnp.zeros(n)
    for i, group in enumerate(groups):
        first = values[group[0]]
        z = size * jax.random.normal(jax.random.fold_in(k_noise, i), first.shape)
        step = z * std[group[0]]
        length = jnp.linalg.norm(step if distance == "raw" else z, axis=-1)
        if distance == "rms":
            length = length / first.shape[-1] ** 0.5
        mine = which == i
        for name in group:
            moved[name] = moved[name] + jnp.where(mine[:, None], step, 0.0)
        far = jnp.where(mine, length, far)
    return moved, far
