"""The wheel brings the shipped cells and tables, so that they are there without the source tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedCells(BuildHookInterface):
    """Puts cells/ and table.md of each shipped suite below imitbench/results/shipped_cells/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # the source tree is there
            return
        shipped = Path(self.root) / "results" / "shipped"
        for path in sorted([*shipped.glob("*/cells"), *shipped.glob("*/table.md")]):
            target = f"imitbench/results/shipped_cells/{path.relative_to(shipped).as_posix()}"
            build_data["force_include"][str(path)] = target
