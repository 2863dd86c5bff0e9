"""Finished runs of the public face."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from imitbench.api.policy import Policy
from imitbench.results import publish, tables
from imitbench.results.cells import policies, store
from imitbench.results.cells.cell import Result
from imitbench.results.figures import curves
from imitbench.results.figures.drawing import save
from imitbench.results.tables import captions
from imitbench.results.tables.tidy import tidy_frame
from imitbench.utils.errors import UserError
from imitbench.utils.files import lock_folder, user_path


class Run:
    """Finished cells in a folder, the same files as those of `imitbench run`.

    Attributes:
        folder: holds `cells/`; a temporary one, which goes with the object, until `save`.
        results: the finished cells.
        warnings: what a user should know of the run, one line each.
    """

    def __init__(
        self,
        folder: Path,
        results: Sequence[Result],
        warnings: Sequence[str] = (),
        *,
        temporary: bool = False,
    ):
        self.folder, self.results, self.warnings = folder, list(results), list(warnings)
        if temporary:  # the folder goes when nobody holds the run any more
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Reads the finished cells of a folder.

        Args:
            folder: holds `cells/`, as `save` and `imitbench run` write it.

        Raises:
            UserError: there are no finished cells, or one is damaged.
        """
        path = user_path(folder)
        if not store.cells_folder(path).is_dir():
            raise UserError(f"{path} is no folder of results: expected one that holds cells/")
        results = store.read_all(path)
        if not results:
            raise UserError(f"no finished cells in {path}")
        return cls(path, results)

    def save(self, folder: str | Path) -> Path:
        """Copies the finished cells into a folder, beside those that it has.

        Args:
            folder: made if need be.

        Returns:
            The folder. It also gets `table.md`, `summary.csv` and figures of all its cells.

        Raises:
            UserError: it cannot be written, or another process writes into it.
        """
        path = user_path(folder)
        with lock_folder(path):
            for result in self.results:
                store.copy(result.folder, store.cells_folder(path))
            publish.derive(path)
        return path

    def frame(self) -> pd.DataFrame:
        """All numbers, a row for each cell, seed and evaluation: see
        `imitbench.results.tables.tidy.tidy_frame`."""
        return tidy_frame(self.results)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draws the learning curves, or the scores of cells that were evaluated once.

        Args:
            path: also write the figure there, as .png and .svg.

        Returns:
            The figure, which a notebook shows.

        Raises:
            UserError: a file cannot be written.
        """
        figure = curves.figure(self.results)
        if path is not None:
            save(figure, user_path(path))
        return figure

    def policy(self, seed: int = 0) -> Policy:
        """The policy of one training seed.

        Args:
            seed: a training seed.

        Raises:
            UserError: the run has several cells, or stores no such policy.
        """
        if len(self.results) > 1:
            names = ", ".join(r.folder.name for r in self.results)
            raise UserError(f"{self.folder} has several cells ({names}): load one by load_policy")
        return Policy(policies.load(self.results[0].folder, seed))

    def __str__(self) -> str:
        rows = tables.table_rows(self.results)
        text = pd.DataFrame(rows).to_string(index=False)
        return "\n".join([text, captions.caption(self.results, rows), *self.warnings])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return pd.DataFrame(tables.table_rows(self.results)).to_html(index=False)
