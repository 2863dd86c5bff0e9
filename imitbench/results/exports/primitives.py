"""How each primitive of JAX becomes operations in numpy's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import numpy as np

Value = str | np.ndarray | np.generic | jax.Array
"""A constant, or the name of a result."""


class Adds(Protocol):
    """What collects the operations."""

    def add(self, function: str, *inputs: Value, **options: Any) -> str:
        """Adds an operation and returns the name of its result."""
        ...


Translation = Callable[[Adds, Any, list[Value]], Sequence[Value]]
"""(builder, equation of JAX, its inputs) -> its results."""


class Unsupported(Exception):
    """An operation without a counterpart; its text is the name of the primitive."""


def _same(function: str) -> Translation:
    """A primitive that is a function of numpy on floating-point numbers or booleans."""

    def translate(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
        if function == "divide" and not np.issubdtype(eqn.outvars[0].aval.dtype, np.floating):
            raise Unsupported("integer division")
        if function.startswith("logical") and eqn.outvars[0].aval.dtype != bool:
            raise Unsupported(f"{eqn.primitive.name} on integers")
        return [builder.add(function, *inputs)]

    return translate


def _over_axes(function: str) -> Translation:
    def translate(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
        return [builder.add(function, *inputs, axis=[int(n) for n in eqn.params["axes"]])]

    return translate


def _argmax(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    (axis,) = eqn.params["axes"]
    place = builder.add("argmax", *inputs, axis=int(axis))
    return [builder.add("astype", place, dtype=np.dtype(eqn.params["index_dtype"]).name)]


def _astype(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    dtype = np.dtype(eqn.params["new_dtype"])
    if eqn.invars[0].aval.dtype == dtype:
        return inputs
    return [builder.add("astype", *inputs, dtype=dtype.name)]


def _reshape(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    """Also squeezes."""
    return [builder.add("reshape", inputs[0], shape=_sizes(eqn.outvars[0].aval.shape))]


def _broadcast(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    x, before = inputs[0], eqn.invars[0].aval.shape
    shape, axes = eqn.params["shape"], eqn.params["broadcast_dimensions"]
    placed: list[Any] = [1] * len(shape)
    for n, axis in zip(before, axes, strict=True):
        placed[axis] = n
    if isinstance(x, str):
        x = builder.add("reshape", x, shape=_sizes(placed)) if placed != list(before) else x
    else:
        x = np.asarray(x).reshape(placed)
    return [x if placed == list(shape) else builder.add("broadcast_to", x, shape=_sizes(shape))]


def _matmul(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    contracted, batch = eqn.params["dimension_numbers"]
    x, w = (v.aval for v in eqn.invars)
    if contracted != ((len(x.shape) - 1,), (0,)) or batch != ((), ()) or len(w.shape) != 2:
        raise Unsupported("a product of arrays other than x @ w")
    return [builder.add("matmul", *inputs)]


def _select(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    if eqn.invars[0].aval.dtype != bool:
        raise Unsupported("a selection by numbers")
    which, if_false, if_true = inputs
    return [builder.add("where", which, if_true, if_false)]


def _concatenate(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("concatenate", *inputs, axis=int(eqn.params["dimension"]))]


def _transpose(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("transpose", *inputs, axes=[int(n) for n in eqn.params["permutation"]])]


def _split(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    axis, begin, parts = int(eqn.params["axis"]), 0, []
    for size in map(int, eqn.params["sizes"]):
        parts.append(builder.add("take", *inputs, np.arange(begin, begin + size), axis=axis))
        begin += size
    return parts


def _slice(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    (x,), before = inputs, eqn.invars[0].aval.shape
    begins, ends = eqn.params["start_indices"], eqn.params["limit_indices"]
    strides = eqn.params["strides"] or [1] * len(before)
    for axis, (n, begin, end, stride) in enumerate(zip(before, begins, ends, strides, strict=True)):
        if (begin, end, stride) != (0, n, 1):
            _sizes([begin, end])  # cuts along the observations have no fixed indices
            x = builder.add("take", x, np.arange(int(begin), int(end), int(stride)), axis=axis)
    return [x]


def _gather(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    """A slice at fixed places, which JAX writes so where the number of observations is open."""
    x, begins = inputs
    numbers, sizes = eqn.params["dimension_numbers"], eqn.params["slice_sizes"]
    if isinstance(begins, str) or np.ndim(begins) != 1 or numbers.operand_batching_dims:
        raise Unsupported("gather")
    for axis, begin in zip(numbers.start_index_map, np.asarray(begins).tolist(), strict=True):
        (size,) = _sizes([sizes[axis]])
        if size == -1:
            raise Unsupported("gather")
        x = builder.add("take", x, np.arange(begin, begin + size), axis=int(axis))
    return _reshape(builder, eqn, [x]) if numbers.collapsed_slice_dims else [x]


def _clamp(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    low, x, high = inputs
    return [builder.add("minimum", builder.add("maximum", x, low), high)]


def _integer_power(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("power", inputs[0], np.float32(eqn.params["y"]))]


def _rsqrt(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("divide", np.float32(1), builder.add("sqrt", *inputs))]


def _logistic(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    """By tanh, which does not overflow."""
    half = np.float32(0.5)
    tanh = builder.add("tanh", builder.add("multiply", *inputs, half))
    return [builder.add("add", builder.add("multiply", tanh, half), half)]


def _log1p(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("log", builder.add("add", *inputs, np.float32(1)))]


def _square(builder: Adds, eqn: Any, inputs: list[Value]) -> Sequence[Value]:
    return [builder.add("multiply", inputs[0], inputs[0])]


def _sizes(shape: Sequence[Any]) -> list[int]:
    """Sizes as integers; -1 for the number of observations."""
    sizes = []
    for n in shape:
        if not isinstance(n, (int, np.integer)) and str(n).isidentifier():
            n = -1
        elif not isinstance(n, (int, np.integer)):
            raise Unsupported(f"a size of {n}, where b is the number of observations")
        sizes.append(int(n))
    return sizes


TRANSLATIONS: dict[str, Translation] = {
    "add": _same("add"), "sub": _same("subtract"), "mul": _same("multiply"), "div": _same("divide"),
    "max": _same("maximum"), "min": _same("minimum"), "pow": _same("power"),
    "neg": _same("negative"), "abs": _same("abs"), "sign": _same("sign"), "floor": _same("floor"),
    "sqrt": _same("sqrt"), "exp": _same("exp"), "log": _same("log"), "tanh": _same("tanh"),
    "sin": _same("sin"), "cos": _same("cos"), "lt": _same("less"), "le": _same("less_equal"),
    "gt": _same("greater"), "ge": _same("greater_equal"), "eq": _same("equal"),
    "ne": _same("not_equal"), "and": _same("logical_and"), "or": _same("logical_or"),
    "not": _same("logical_not"), "reduce_sum": _over_axes("sum"), "reduce_max": _over_axes("max"),
    "reduce_min": _over_axes("min"), "argmax": _argmax, "convert_element_type": _astype,
    "reshape": _reshape, "squeeze": _reshape, "broadcast_in_dim": _broadcast,
    "dot_general": _matmul, "select_n": _select, "concatenate": _concatenate,
    "transpose": _transpose, "split": _split, "slice": _slice, "gather": _gather,
    "clamp": _clamp, "integer_pow": _integer_power, "rsqrt": _rsqrt, "logistic": _logistic,
    "log1p": _log1p, "square": _square, "copy": lambda builder, eqn, inputs: inputs,
    "stop_gradient": lambda builder, eqn, inputs: inputs,
}  # fmt: skip
"""By the name of the primitive."""
