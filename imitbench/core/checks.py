"""Checks of steps and random keys, before anything is compiled with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from imitbench.core.types import Key, Spec, Transition
from imitbench.utils.errors import UserError, seed_number

OPTIONAL = ("pose", "extra", "sizes", "full_obs")  # fields of a `Transition` that may be None
ACTIONS = ("action", "intended_action")  # both are None in demonstrations without actions


def step_shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """Returns the shape of one step of each field of a `Transition` but the optional ones.

    Args:
        spec: the task's.
    """
    action = () if spec.discrete else (spec.action_size,)
    obs = (spec.obs_size,)
    sized = {"obs": obs, "next_obs": obs, "action": action, "intended_action": action}
    names = [f.name for f in dataclasses.fields(Transition) if f.name not in OPTIONAL]
    return {name: sized.get(name, ()) for name in names}


def has_actions(steps: Transition) -> bool:
    """Returns whether steps hold actions; demonstrations may be of observations alone.

    Args:
        steps: the steps.
    """
    return any(getattr(steps, name) is not None for name in ACTIONS)


def check_shapes(
    steps: Transition,
    spec: Spec,
    axes: Mapping[str, int | None],
    where: str,
    names: Mapping[str, str] | None = None,
) -> None:
    """Checks that every field of steps is an array of numbers that fits the task and the others.

    Both actions may be missing, of demonstrations without actions.

    Args:
        steps: the steps.
        spec: the task's.
        axes: the leading axes by name, with their sizes; None: that of `weight`.
        where: what the steps are, for the message.
        names: what a field is called in the message, where it has another name.

    Raises:
        UserError: a field is missing, is no array of numbers, or has another shape; the message
            names the field, its shape and the expected one.
    """
    lead = np.shape(steps.weight) if hasattr(steps.weight, "shape") else ()
    lead = (*lead, *([0] * len(axes)))[: len(axes)]
    sizes = tuple(n if size is None else size for size, n in zip(axes.values(), lead, strict=True))
    shapes = {"weight": ()} | step_shapes(spec)  # the others are compared with its size
    if not has_actions(steps):
        shapes = {k: v for k, v in shapes.items() if k not in ACTIONS}
    if hasattr(steps.pose, "shape"):
        # The length of a pose depends on the engine; see `Poses`.
        shapes["pose"] = tuple(steps.pose.shape[-1:])  # type: ignore[union-attr]
    if steps.extra is not None:
        shapes["extra"] = ()
    if steps.full_obs is not None and spec.image is not None:
        shapes["full_obs"] = (spec.image.full_size,)
    for field, trailing in shapes.items():
        x = getattr(steps, field)
        name = repr((names or {}).get(field, field))
        inner = (*(k if n is None else str(n) for k, n in axes.items()), *map(str, trailing))
        expected = f"({', '.join(inner)}{',' * (len(inner) == 1)})"
        if not (hasattr(x, "shape") and hasattr(x, "dtype")):
            found = "missing" if x is None else f"of type {type(x).__name__}"
            raise UserError(f"{where}: {name} is {found}, expected an array of shape {expected}")
        if not (jnp.issubdtype(x.dtype, jnp.number) or x.dtype == bool):
            raise UserError(f"{where}: array {name} is of type {x.dtype}, expected numbers")
        if tuple(x.shape) != (*sizes, *trailing):
            leading = zip(axes.items(), sizes, strict=True)
            counts = ", ".join(f"{n} {k}" for (k, s), n in leading if s is None)
            raise UserError(
                f"{where}: array {name} has shape {tuple(x.shape)}, expected {expected}"
                + (f" with {counts} as in 'weight'" if counts and field != "weight" else "")
            )


def as_keys(keys: Key | Sequence[int]) -> Key:
    """Returns the random keys of training seeds.

    Args:
        keys: keys [S], old keys of JAX [S, 2], or whole numbers.

    Returns:
        Keys [S].

    Raises:
        UserError: they are something else, such as a single key.
    """
    dtype = getattr(keys, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        found: Any = keys
    elif dtype == np.uint32 and np.ndim(keys) == 2:
        found = jax.random.wrap_key_data(jnp.asarray(keys))
    elif np.ndim(keys) == 1 and len(keys):  # type: ignore[arg-type]
        found = jnp.stack([jax.random.key(seed_number("seed", s)) for s in np.asarray(keys)])
    else:
        found = None
    if found is None or found.ndim != 1 or not len(found):
        shape = np.shape(keys) if found is None else found.shape
        raise UserError(
            f"keys of shape {shape}: expected one for each training seed, [S], such as "
            "jax.random.split(key, 5), or seeds such as [0, 1, 2]"
        )
    return found
