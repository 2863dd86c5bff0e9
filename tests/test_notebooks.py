"""The notebooks run from top to bottom, and are committed without outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
WITH_FIGURES = ("across_seeds", "curves", "robots")
NAMES = sorted(p.stem for p in FOLDER.glob("*.ipynb"))


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def test_there_are_notebooks():
    assert NAMES == [
        "across_seeds", "curves", "new_method", "own_arrays", "own_data", "own_environment",
        "own_expert", "robots", "tables", "tour",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_stripped(name):
    nbformat.validate(read(name))
    for cell in read(name).cells:
        assert cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs(name):
    book = read(name)
    client = nbclient.NotebookClient(book, timeout=900, resources={"metadata": {"path": FOLDER}})
    client.execute()
    outputs = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.output_type == "error"]
    kinds = {k for o in outputs for k in o.get("data", {})}
    assert kinds
    assert "image/png" in kinds or name not in WITH_FIGURES
