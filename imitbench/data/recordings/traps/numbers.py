"""Traps in single arrays: scales, bounds, constants, types."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imitbench.data.recordings.measuring import blocks
from imitbench.data.recordings.traps.base import Data, components, trap

TOLERANCE = 1e-5  # beyond bounds of actions, for the rounding of other programs


@trap("error", "remove these episodes, or write them again")
def _not_finite(d: Data) -> Iterator[str]:
    for name, arrays in d.arrays.items():
        count = sum(int(np.sum(~np.isfinite(x))) for x in blocks(list(arrays.values())))
        if count:
            k, x = next((k, x) for k, x in arrays.items() if not np.isfinite(x).all())
            where = f"row {np.argwhere(~np.isfinite(x))[0][0]} of episode {k}"
            yield f"{name}: numbers that are NaN or infinite: {count:,}, the first in {where}"


@trap("error", "correct the bounds in the file")
def _action_bounds_size(d: Data) -> Iterator[str]:
    if not {len(d.low), len(d.high)} <= {1, d.actions.min.size}:
        sizes = f"{len(d.low)} and {len(d.high)}"
        yield f"the bounds have {sizes} components, the actions {d.actions.min.size}"


@trap("error", "divide them by the bounds, clip them if the environment does so, or correct bounds")
def _action_out_of_bounds(d: Data) -> Iterator[str]:
    beyond, _ = _action_reach(d)
    if np.any(beyond > 0):
        k = int(np.argmax(beyond))
        least, most = d.actions.min.ravel()[k], d.actions.max.ravel()[k]
        low, high = (np.broadcast_to(x, beyond.shape)[k] for x in (d.low, d.high))
        yield (
            f"actions: {components(beyond > 0)} outside the bounds, the furthest component {k}: "
            f"from {least:g} to {most:g}, bounds {low:g} and {high:g}"
        )


@trap("warning", "check the unit of the actions: scale them so that the bounds are -1 and 1")
def _action_scale(d: Data) -> Iterator[str]:
    largest = max(_action_reach(d)[1], default=0.0)
    if largest > 10 or 0 < largest < 0.05:
        yield f"actions reach {largest:.3g} times as far from the middle of the bounds as these do"


def _action_reach(d: Data) -> tuple[np.ndarray, np.ndarray]:
    """How far actions go beyond their bounds, and from the middle where a bound is 1: [A] twice."""
    least, most = d.actions.min.ravel(), d.actions.max.ravel()
    if not {len(d.low), len(d.high)} <= {1, len(least)}:
        return np.zeros(len(least)), np.zeros(len(least))
    slack_low, slack_high = (TOLERANCE * np.maximum(1, np.abs(x)) for x in (d.low, d.high))
    beyond = np.maximum(d.low - slack_low - least, most - d.high - slack_high)
    middle, half = (d.low + d.high) / 2, (d.high - d.low) / 2
    reach = np.maximum(most - middle, middle - least) / half
    return np.where(beyond > 0, beyond, 0.0), np.where(np.isfinite(reach), reach, 0.0)


@trap("warning", "standardise the observations, or remove components that hold only noise")
def _observation_scale(d: Data) -> Iterator[str]:
    stds = {name: r.std.ravel() for name, r in d.fields.items()}
    if any(np.any((std >= 1e-6) & (std <= 1e3)) for std in stds.values()):
        for name, std in stds.items():
            far = (std > 1e3) | ((std > 0) & (std < 1e-6))
            if far.any():
                sizes = " and ".join(f"{v:.3g}" for v in std[far][:3])
                yield f"observation {name!r}: std of {components(far)} beside others: {sizes}"


@trap("warning", "remove them if they mean nothing: a policy cannot learn what they mean")
def _observation_constant(d: Data) -> Iterator[str]:
    for name, r in d.fields.items():
        same = (r.min == r.max).ravel()
        if same.any() and d.lengths.sum() > 1:
            yield f"observation {name!r}: never different: {components(same)} of {same.size}"


@trap("warning", "check that the file holds the actions that were executed")
def _action_constant(d: Data) -> Iterator[str]:
    same = (d.actions.min == d.actions.max).ravel()
    if same.any() and d.lengths.sum() > 1:
        yield f"actions: never different: {components(same)} of {same.size}"


@trap("warning", "store float32: methods compute in it, and it takes half of the memory")
def _float64(d: Data) -> Iterator[str]:
    small = "rewards", "timestamps"  # a number a step, often float64 for a good reason
    arrays = [(k, x) for k, v in d.arrays.items() if k not in small for x in v.values()]
    double = [(k, x.nbytes) for k, x in arrays if x.dtype == np.float64]
    if double:
        names = ", ".join(dict.fromkeys(k for k, _ in double))
        yield f"arrays of float64: {names} ({sum(size for _, size in double):,} bytes)"
