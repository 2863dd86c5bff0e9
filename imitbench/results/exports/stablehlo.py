"""Policies as StableHLO, which JAX alone loads and compiles.

`jax.export` writes one function to a file. A policy with a memory has a second file, for the memory
at the start of an episode. A JSON file beside them says what goes in and what comes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
from jax import export

from imitbench.results.exports.functions import PolicyFunctions
from imitbench.utils import machine
from imitbench.utils.errors import UserError
from imitbench.utils.files import atomic_write
from imitbench.utils.json_schema import one_line

FORMAT = "stablehlo"
PLATFORMS = ("cpu", "cuda", "tpu")


def library() -> Any:
    """The package that `jax.export` writes with.

    Raises:
        UserError: it is not installed.
    """
    return machine.import_optional("flatbuffers", "export")


def save(path: Path, policy: PolicyFunctions, about: dict[str, Any]) -> list[Path]:
    """Writes the functions of a policy.

    Args:
        path: the file of `act`. `start`, where there is one, and the description go beside it.
        policy: the functions.
        about: the description.

    Returns:
        The files written.

    Raises:
        UserError: the policy calls programs on the host, or a file cannot be written.
    """
    parts = {"act": (path, policy.act, policy.inputs(memory=True))}
    if policy.start is not None:
        beside = path.with_name(f"{path.stem}.start{path.suffix}")
        parts["start"] = beside, policy.start, policy.inputs(memory=False)
    described = {}
    for name, (file, function, inputs) in parts.items():
        exported = _export(function, inputs)
        with atomic_write(file) as temporary:
            temporary.write_bytes(exported.serialize())
        described[name] = {
            "file": file.name,
            "inputs": _arrays(exported.in_avals, _input_names(policy, name)),
            "outputs": _arrays(exported.out_avals, _output_names(policy, name)),
        }
    card = path.with_name(f"{path.name}.json")
    whole = about | {"format": FORMAT, "platforms": list(PLATFORMS), "functions": described}
    with atomic_write(card) as temporary:
        temporary.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return [*(file for file, _, _ in parts.values()), card]


def _export(function: Callable[..., Any], inputs: Sequence[Any]) -> export.Exported:
    try:
        # TF32 on recent GPUs would change the actions.
        with jax.default_matmul_precision("highest"):
            return export.export(jax.jit(function), platforms=PLATFORMS)(*inputs)
    except Exception as error:  # JAX raises errors of several kinds
        raise UserError(
            f"JAX cannot export this policy ({one_line(error)}): evaluate it by imitbench"
        ) from error


def _input_names(policy: PolicyFunctions, function: str) -> list[str]:
    memory = _memory_names(policy) if function == "act" else []
    return ["obs", *memory, *(["key"] if policy.sampled else [])]


def _output_names(policy: PolicyFunctions, function: str) -> list[str]:
    return [*(["action"] if function == "act" else []), *_memory_names(policy)]


def _memory_names(policy: PolicyFunctions) -> list[str]:
    return [f"memory_{i}" for i in range(len(policy.memory))]


def _arrays(avals: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The name, shape and type of arrays, in their order; the number of observations is a word."""
    return [
        {
            "name": name,
            "shape": [n if isinstance(n, int) else str(n) for n in aval.shape],
            "dtype": str(aval.dtype),
        }
        for name, aval in zip(names, avals, strict=True)
    ]
