"""The wheel brings the shipped cells and tables, so that they are there without the source tree."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "imitbench/results/shipped_cells.tar.xz"


class ShippedCells(BuildHookInterface):
    """Puts cells/ and table.md of each shipped suite into one archive, a quarter of their size."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # the source tree is there
            return
        shipped = Path(self.root) / "results" / "shipped"
        files = [p for p in shipped.glob("*/cells/*/*") if p.is_file()]
        self._folder = tempfile.TemporaryDirectory()
        archive = Path(self._folder.name) / Path(TARGET).name
        with tarfile.open(archive, "w:xz", preset=9) as tar:
            # Files of a kind beside each other: they have much in common.
            for path in sorted([*files, *shipped.glob("*/table.md")], key=lambda p: (p.name, p)):
                _add(tar, path.relative_to(shipped).as_posix(), path.read_bytes())
        build_data["force_include"][str(archive)] = TARGET

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Adds a file without its owner and its time, so that equal cells make equal archives."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))
