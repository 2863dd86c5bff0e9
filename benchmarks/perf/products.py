"""Counts the operations of a program's matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax


def product_flops(function: Callable[..., Any], *args: Any) -> int:
    """Counts multiplications and additions in the matrix products of a call.

    Args:
        function: traceable by JAX, with loops of known length.
        args: its arguments.

    Returns:
        Two for each multiplication and addition of `dot_general`; those in a loop as often as it
        runs, those of a branch as if it were taken.
    """
    return _count(jax.make_jaxpr(function)(*args).jaxpr)


def _count(jaxpr: Any) -> int:
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            total += _product(equation)
            continue
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        parts = [_inner(p) for p in jax.tree.leaves(equation.params, is_leaf=_has_equations)]
        counts = [_count(p) for p in parts if p is not None]
        total += times * (max(counts, default=0) if "branches" in equation.params else sum(counts))
    return total


def _product(equation: Any) -> int:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left = equation.invars[0].aval.shape
    inner = math.prod(left[i] for i in contracted)
    return 2 * inner * math.prod(equation.outvars[0].aval.shape)


def _has_equations(x: Any) -> bool:
    return hasattr(x, "eqns") or hasattr(x, "jaxpr")


def _inner(x: Any) -> Any:
    """The equations in a parameter of a primitive; None where it has none."""
    if hasattr(x, "jaxpr"):
        return x.jaxpr
    return x if hasattr(x, "eqns") else None
