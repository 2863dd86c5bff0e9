"""Policies as ONNX models, written from their list of operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imitbench.results.exports.operations import INPUT, OUTPUT, Operation, Program
from imitbench.utils import machine
from imitbench.utils.files import atomic_write

FORMAT = "onnx"
OPSET = 18  # the operators' version; runtimes read it since onnxruntime 1.14
IR_VERSION = 8  # of the file, the one that came with the opset
ROWS = "rows"
SAME = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max",
    "minimum": "Min", "power": "Pow", "negative": "Neg", "abs": "Abs", "sign": "Sign",
    "floor": "Floor", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sin": "Sin",
    "cos": "Cos", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual", "equal": "Equal", "logical_and": "And", "logical_or": "Or",
    "logical_not": "Not", "matmul": "MatMul", "where": "Where",
}  # fmt: skip
"""Functions of numpy that are one operator without attributes."""
REDUCTIONS = {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}


def library() -> Any:
    """The package `onnx`.

    Raises:
        UserError: it is not installed.
    """
    return machine.import_optional("onnx", "export")


def save(path: Path, program: Program, about: dict[str, Any]) -> Path:
    """Writes a model with the input `obs` [rows, O] and the output `action`.

    Args:
        path: the file.
        program: the operations.
        about: the description, which goes into the model's metadata.

    Returns:
        `path`.

    Raises:
        UserError: the package `onnx` is not installed, or the file cannot be written.
    """
    onnx = library()
    graph = _Graph(onnx, program)
    for operation in program.operations:
        graph.add(operation)
    obs_size = about["observation"]["size"]
    shape = [n if isinstance(n, int) else ROWS for n in program.output.shape]
    output = graph.tensor(OUTPUT, program.output.dtype, shape)
    whole = onnx.helper.make_graph(
        graph.nodes, "policy", [graph.tensor(INPUT, np.float32, [ROWS, obs_size])], [output],
        graph.initializers,
    )  # fmt: skip
    model = onnx.helper.make_model(
        whole,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="imitbench",
    )
    onnx.helper.set_model_props(model, {"imitbench": json.dumps(about | {"format": FORMAT})})
    onnx.checker.check_model(model, full_check=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return path


class _Graph:
    """Collects the nodes and the constants of a model."""

    def __init__(self, onnx: Any, program: Program):
        self._onnx, self._helper = onnx, onnx.helper
        self.nodes: list[Any] = []
        if any(operation.name == "broadcast_to" for operation in program.operations):
            self._node("Shape", [INPUT], ROWS, start=0, end=1)
        self.initializers = [
            onnx.numpy_helper.from_array(np.ascontiguousarray(x).reshape(x.shape), name)
            for name, x in program.constants.items()
        ]

    def tensor(self, name: str, dtype: Any, shape: Sequence[int | str]) -> Any:
        """The description of an input or an output."""
        return self._helper.make_tensor_value_info(name, self._type(dtype), shape)

    def add(self, operation: Operation) -> None:
        """Adds the nodes of an operation."""
        name, inputs, output, options = operation
        if name in SAME:
            self._node(SAME[name], inputs, output)
        elif name in REDUCTIONS:
            axes = self._constant(output, options["axis"])
            self._node(REDUCTIONS[name], [*inputs, axes], output, keepdims=0)
        elif name == "not_equal":
            self._node("Equal", inputs, f"{output}_equal")
            self._node("Not", [f"{output}_equal"], output)
        elif name == "argmax":
            self._node("ArgMax", inputs, output, keepdims=0, **options)
        elif name == "astype":
            self._node("Cast", inputs, output, to=self._type(options["dtype"]))
        elif name == "reshape":
            self._node("Reshape", [*inputs, self._constant(output, options["shape"])], output)
        elif name == "broadcast_to":
            self._node("Expand", [*inputs, self._shape(output, options["shape"])], output)
        elif name == "transpose":
            self._node("Transpose", inputs, output, perm=options["axes"])
        else:
            self._node({"take": "Gather", "concatenate": "Concat"}[name], inputs, output, **options)

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self.nodes.append(self._helper.make_node(operator, inputs, [output], **attributes))

    def _constant(self, output: str, numbers: Sequence[int]) -> str:
        """The name of integers that an operator takes as an input."""
        name = f"{output}_sizes"
        array = np.asarray(numbers, np.int64)
        self.initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def _shape(self, output: str, sizes: Sequence[int]) -> str:
        """The name of a shape in which -1 is the number of observations."""
        parts = [
            ROWS if n == -1 else self._constant(f"{output}_{i}", [n]) for i, n in enumerate(sizes)
        ]
        self._node("Concat", parts, f"{output}_shape", axis=0)
        return f"{output}_shape"

    def _type(self, dtype: Any) -> int:
        return self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
