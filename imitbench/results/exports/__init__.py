"""Trained policies as files that need no imitbench: StableHLO, ONNX, or arrays for numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from imitbench.results.cells.policies import StoredPolicy
from imitbench.results.exports import numpy_file, onnx_file, stablehlo
from imitbench.results.exports.description import describe
from imitbench.results.exports.functions import PolicyFunctions, functions
from imitbench.results.exports.operations import translate
from imitbench.utils.errors import UserError, pick

Format = Literal["stablehlo", "onnx", "numpy"]
FORMATS: tuple[str, ...] = get_args(Format)
SUFFIXES = {"stablehlo": ".stablehlo", "onnx": ".onnx", "numpy": ".npz"}


def save(policy: StoredPolicy, path: Path, format: str) -> list[Path]:
    """Writes a policy to a file that programs without imitbench can use.

    Args:
        policy: a stored policy.
        path: the file; one that is there is replaced.
        format: one of `FORMATS`.

    Returns:
        The files written, `path` first.

    Raises:
        UserError: the format is unknown, a package that it needs is not installed, it cannot hold
            this policy, or a file cannot be written.
    """
    pick("format", format, FORMATS)
    for module in (stablehlo, onnx_file):
        if format == module.FORMAT:
            module.library()  # an error before any work where it is not installed
    traced = functions(policy)
    if format == stablehlo.FORMAT:
        return stablehlo.save(path, traced, describe(policy))
    program = translate(*_plain(policy, traced, format))
    about = describe(policy)
    if format == onnx_file.FORMAT:
        return [onnx_file.save(path, program, about)]
    return [numpy_file.save(path, program, about)]


def _plain(policy: StoredPolicy, traced: PolicyFunctions, format: str):
    """The arguments of `translate`, of a policy that maps an observation to one action.

    Raises:
        UserError: the policy has a memory, or draws random numbers.
    """
    reasons = {"remembers earlier steps": traced.start, "draws random numbers": traced.sampled}
    for reason, holds in reasons.items():
        if holds:
            raise UserError(
                f"the policy of {policy.card.method} {reason}, which a file of format {format!r} "
                "cannot hold: take the format 'stablehlo'"
            )
    return traced.act, traced.obs, policy.card.method, format
