"""Features of goal tasks: the named fields of an observation, and differences of two of them.

A feature is a field ("grip_pos") or the difference of two ("desired_goal - object_pos"). The
differences are computed after fields have been perturbed or predicted, so they always agree with
the fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from imitbench.algos.common import hindsight
from imitbench.core.types import GoalSpec, Spec
from imitbench.utils.errors import UserError, pick

Fields = dict[str, jax.Array]
"""Name of a field -> its numbers [..., size]."""


@dataclass(frozen=True)
class FeatureMap:
    """The functions from observations to states, and from states and goals to features.

    A state [..., D] is the part of the observation that changes in an episode: the fields that
    features are made of, joined, without the desired goal.
    """

    terms: tuple[tuple[str, ...], ...]  # a feature: (field,) or (minuend, subtrahend)
    fields: tuple[str, ...]  # fields of the state
    sizes: tuple[int, ...]  # their numbers of components
    spec: Spec
    goal: GoalSpec

    @property
    def size(self) -> int:
        """Number of components F of the features."""
        return sum(field_size(self.spec, term[0]) for term in self.terms)

    def state(self, obs: jax.Array) -> jax.Array:
        """States [..., D] of observations [..., O]."""
        return jnp.concatenate([obs[..., self.spec.fields[f]] for f in self.fields], axis=-1)

    def desired(self, obs: jax.Array) -> jax.Array:
        """Desired goals [..., G] of observations [..., O]."""
        return obs[..., self.spec.fields[self.goal.desired]]

    def split(self, state: jax.Array) -> Fields:
        """The fields of states [..., D]."""
        edges = [sum(self.sizes[:i]) for i in range(1, len(self.sizes))]
        return dict(zip(self.fields, jnp.split(state, edges, axis=-1), strict=True))

    def join(self, fields: Fields) -> jax.Array:
        """States [..., D] with these fields: the inverse of `split`."""
        return jnp.concatenate([fields[f] for f in self.fields], axis=-1)

    def features(self, state: jax.Array, desired: jax.Array) -> jax.Array:
        """Features [..., F] of states [..., D] with desired goals [..., G].

        The leading axes of the two may broadcast.
        """
        named = self.split(state) | {self.goal.desired: desired}
        parts = [term_value(term, named) for term in self.terms]
        lead = jnp.broadcast_shapes(*(p.shape[:-1] for p in parts))
        return jnp.concatenate([jnp.broadcast_to(p, (*lead, p.shape[-1])) for p in parts], axis=-1)

    def reached(self, obs: jax.Array) -> jax.Array:
        """[...] bool: whether observations [..., O] are at their desired goal."""
        return hindsight.reached(obs, self.spec)


def field_size(spec: Spec, field: str) -> int:
    """Number of components of a field of the observation."""
    where = spec.fields[field]
    return where.stop - where.start


def parse_term(feature: str, fields: Mapping[str, slice], what: str) -> tuple[str, ...]:
    """Reads a feature: the name of a field, or two names of a difference "a - b".

    Args:
        feature: the text.
        fields: the places of all fields.
        what: the kind of field, for the message.

    Returns:
        One name, or that of the minuend and that of the subtrahend.

    Raises:
        UserError: a field is unknown, or the two have unequal sizes.
    """
    term = tuple(x.strip() for x in feature.split(" - "))
    found = [fields[pick(what, name, fields)] for name in term]
    if len(term) > 2 or len({part.stop - part.start for part in found}) > 1:
        raise UserError(f"feature {feature!r}: expected a field, or 'a - b' of two equal sizes")
    return term


def term_value(term: tuple[str, ...], named: Fields) -> jax.Array:
    """The numbers [..., size] of a feature that `parse_term` read, of the fields by name."""
    return named[term[0]] - named[term[1]] if len(term) == 2 else named[term[0]]


def default_features(spec: Spec, goal: GoalSpec) -> list[str]:
    """The goal relative to what is to reach it, and the positions of hand and object, if any."""
    has_hand = {"grip_pos", "object_pos", "gripper_state"} <= set(spec.fields)
    positions = ["object_pos - grip_pos", "grip_pos", "gripper_state"]
    return [f"{goal.desired} - {goal.achieved}", *(positions if has_hand else [goal.achieved])]


def make_feature_map(spec: Spec, features: Sequence[str], method: str) -> FeatureMap:
    """Builds the map to the given features.

    Args:
        spec: a task with goals.
        features: names of fields, or differences "a - b"; none for `default_features`.
        method: name of the method, for the error message.

    Raises:
        UserError: the task has no goals, a field is unknown, the two fields of a difference have
            unequal sizes, or no field changes in an episode.
    """
    goal = spec.goal
    if goal is None:
        raise UserError(
            f"{method} needs a task with goals, and this one has none: use another method, such as "
            "bc"
        )
    features = features or default_features(spec, goal)
    terms = [parse_term(feature, spec.fields, "field of the observation") for feature in features]
    fields = tuple(dict.fromkeys(n for term in terms for n in term if n != goal.desired))
    if not fields:
        raise UserError(f"features={features}: expected a field that changes in an episode")
    sizes = tuple(field_size(spec, f) for f in fields)
    return FeatureMap(tuple(terms), fields, sizes, spec, goal)
