"""Negative samples of VINS: states off the demonstrations, and the lower values that they get.

Source: Luo, Xu and Ma 2019 (arXiv:1907.05634), the perturbation and the negative-sampling target of
Algorithm 2. The equation number is that of the list in `vins`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import jax
import jax.numpy as jnp

from imitbench.algos.common.goal_features import FeatureMap, Fields, field_size
from imitbench.core.types import Key
from imitbench.utils.errors import UserError, pick

Distance = Literal["std", "rms", "raw"]
Groups = tuple[tuple[str, ...], ...]
"""Groups of fields that are displaced together."""


def make_groups(feature_map: FeatureMap, groups: Groups) -> Groups:
    """Checks the groups of fields to displace, or fills in the default ones.

    Args:
        feature_map: its states hold the fields.
        groups: the user's; none for the default: hand and object together, the hand, the fingers,
            as far as states hold them, else each field of the state by itself.

    Raises:
        UserError: a field is not in the state, or the fields of a group have unequal sizes.
    """
    if not groups:
        manipulation = (("grip_pos", "object_pos"), ("grip_pos",), ("gripper_state",))
        present = tuple(g for g in manipulation if set(g) <= set(feature_map.fields))
        return present or tuple((f,) for f in feature_map.fields)
    for group in groups:
        for name in group:
            pick("field to perturb, out of those that the features use,", name, feature_map.fields)
        if len({field_size(feature_map.spec, name) for name in group}) != 1:
            raise UserError(
                f"negatives: the fields {group} are displaced together, so they need equal sizes"
            )
    return groups


def perturb(
    key: Key,
    groups: Groups,
    fields: Fields,
    std: Mapping[str, jax.Array],
    sizes: tuple[float, float],
    distance: Distance,
) -> tuple[Fields, jax.Array]:
    """Draws s~ = s + noise, and the distance ||s - s~|| of equation (2).

    Each row draws one of the groups, and a size log-uniformly between `sizes`. All fields of the
    group are displaced by one Gaussian vector z with that standard deviation, in units of the
    standard deviation of the group's first field.

    Args:
        key: random key.
        groups: groups of fields.
        fields: fields [N, size] of the states s.
        std: standard deviations [size] of the fields in the demonstrations.
        sizes: least and largest size, in standard deviations.
        distance: `std` for the Euclidean length of z, `rms` for that over the square root of its
            number of components, `raw` for the length of the displacement in the field's units.

    Returns:
        The fields [N, size] of s~, and the distances [N].
    """
    k_group, k_size, k_noise = jax.random.split(key, 3)
    n = fields[groups[0][0]].shape[0]
    drawn_group = jax.random.randint(k_group, (n,), 0, len(groups))
    low, high = sizes
    size = low * (high / low) ** jax.random.uniform(k_size, (n, 1))
    displaced, distances = dict(fields), jnp.zeros(n)
    for i, group in enumerate(groups):
        first = fields[group[0]]
        z = size * jax.random.normal(jax.random.fold_in(k_noise, i), first.shape)
        displacement = z * std[group[0]]
        length = jnp.linalg.norm(displacement if distance == "raw" else z, axis=-1)
        if distance == "rms":
            length = length / first.shape[-1] ** 0.5
        drawn = drawn_group == i
        for name in group:
            displaced[name] = displaced[name] + jnp.where(drawn[:, None], displacement, 0.0)
        distances = jnp.where(drawn, length, distances)
    return displaced, distances


def negative_target(centre: jax.Array, distance: jax.Array, slope: float) -> jax.Array:
    """The value that V is fitted to at s~, equation (2): it falls by `slope` per unit of distance.

    Args:
        centre: [N] value of the undisplaced state s, at most 0.
        distance: [N] of s~ from s, at least 0.
        slope: lambda, in steps per unit of distance.

    Returns:
        [N] targets, below `centre`.
    """
    return centre - slope * distance
