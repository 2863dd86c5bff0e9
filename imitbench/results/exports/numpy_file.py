"""Policies for numpy: one npz file with the operations in its header and the numbers as arrays.

`docs/how-to/export-policy.md` has a reader of about 30 lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imitbench.results.exports.operations import Program
from imitbench.utils import npz

FORMAT = "numpy"


def save(path: Path, program: Program, about: dict[str, Any]) -> Path:
    """Writes the operations of a policy.

    Args:
        path: the file.
        program: the operations.
        about: the description, which goes into the header.

    Returns:
        `path`.

    Raises:
        UserError: the file cannot be written.
    """
    operations = [list(operation) for operation in program.operations]
    npz.write(path, about | {"format": FORMAT, "operations": operations}, program.constants)
    return path
