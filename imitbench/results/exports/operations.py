"""A policy's program in JAX as a short list of operations on arrays, in numpy's names.

What does not depend on the observation is computed here, once. The list is what the formats for
numpy and ONNX hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend import core
from jax.interpreters import partial_eval

from imitbench.results.exports import primitives
from imitbench.results.exports.primitives import Unsupported, Value
from imitbench.utils.errors import UserError

CALLS = (
    "jit", "pjit", "closed_call", "remat2", "checkpoint", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr",
)  # fmt: skip
"""Primitives of JAX that call another program."""
INPUT, OUTPUT = "obs", "action"


class Operation(NamedTuple):
    """One call of a function of numpy."""

    name: str
    inputs: list[str]  # names of constants, of earlier outputs, or `obs`
    output: str
    # Keyword arguments. In a list of sizes -1 stands for the number of observations.
    options: dict[str, Any]


class Program(NamedTuple):
    """Maps `obs` [b, O] to `action`."""

    operations: list[Operation]
    constants: dict[str, np.ndarray]
    output: jax.ShapeDtypeStruct  # of the action


def translate(
    function: Callable[..., Sequence[jax.Array]],
    obs: jax.ShapeDtypeStruct,
    method: str,
    format: str,
) -> Program:
    """Translates a policy.

    Args:
        function: (obs [b, O]) -> (action,).
        obs: the shape of the observations, of which b is open.
        method: the method that made the policy, for the message.
        format: the format that the operations are for, for the message.

    Raises:
        UserError: the policy has an operation that the list cannot hold.
    """
    closed = jax.make_jaxpr(function)(obs)
    # What the action does not depend on goes first: it may be as large as a replay buffer.
    jaxpr, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True], instantiate=True)
    builder = Builder()
    try:
        (action,) = _run(builder, jaxpr, closed.consts, [INPUT])
    except Unsupported as error:
        raise UserError(
            f"the policy of {method} has the operation {error}, which a file of format {format!r} "
            "cannot hold: take the format 'stablehlo'"
        ) from None
    (aval,) = closed.out_avals
    last = builder.name(action)
    operations = [
        Operation(o.name, o.inputs, OUTPUT if o.output == last else o.output, o.options)
        for o in builder.operations
    ]
    return Program(operations, builder.constants, jax.ShapeDtypeStruct(aval.shape, aval.dtype))


class Builder:
    """Collects operations and constants."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.constants: dict[str, np.ndarray] = {}
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def add(self, function: str, *inputs: Value, **options: Any) -> str:
        """Adds an operation.

        Args:
            function: of numpy.
            inputs: its arrays: constants, or names of results.
            options: its keyword arguments.

        Returns:
            The name of its result.
        """
        output = f"v{len(self.operations)}"
        names = [self.name(x) for x in inputs]
        self.operations.append(Operation(function, names, output, options))
        return output

    def name(self, value: Value) -> str:
        """The name of a value; equal constants have one name."""
        if isinstance(value, str):
            return value
        x = np.asarray(value)
        known = self._names.setdefault((x.dtype.str, x.shape, x.tobytes()), f"c{len(self._names)}")
        self.constants[known] = x
        return known


def _run(
    builder: Builder, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Value]
) -> list[Value]:
    """Translates a program of JAX, those that it calls included; returns its results."""
    values: dict[Any, Value] = dict(zip(jaxpr.constvars, consts, strict=True))
    values |= dict(zip(jaxpr.invars, inputs, strict=True))

    def value(atom: Any) -> Value:
        if isinstance(atom, core.Literal):
            return np.asarray(atom.val, atom.aval.dtype)  # type: ignore[attr-defined]
        return values[atom]

    for eqn in jaxpr.eqns:
        outputs = _apply(builder, eqn, [value(x) for x in eqn.invars])
        values |= dict(zip(eqn.outvars, outputs, strict=True))
    return [value(x) for x in jaxpr.outvars]


def _apply(builder: Builder, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    """Translates one equation; returns its results."""
    name = eqn.primitive.name
    if name in CALLS:
        inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr", eqn.params.get("fun_jaxpr")))
        return _run(builder, getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), inputs)
    sizes = [n for x in eqn.outvars for n in x.aval.shape]
    if not any(isinstance(x, str) for x in inputs) and all(isinstance(n, int) for n in sizes):
        results = eqn.primitive.bind(*inputs, **eqn.params)
        return results if eqn.primitive.multiple_results else [results]
    if name not in primitives.TRANSLATIONS:
        raise Unsupported(name)
    return primitives.TRANSLATIONS[name](builder, eqn, inputs)
