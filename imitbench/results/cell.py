"""One finished cell in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from imitbench.experts import reference_scores
from imitbench.suites.published.schema import Place


class Result(NamedTuple):
    """One finished cell. See `results/README.md` for the columns."""

    info: dict[str, Any]  # cell.json
    curve: pd.DataFrame  # one row for each seed and evaluation
    episodes: pd.DataFrame  # one row for each episode of the last evaluation
    folder: Path

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the cell's numbers."""
        return self.info["identity"]

    @property
    def expert(self) -> str:
        """The demonstrator and the grade, such as `learned, medium`; empty without
        demonstrations."""
        header = self.info["demonstrations"]
        if not header:
            return ""
        grade = header.get("grade", "expert")
        suffix = "" if grade in ("expert", "stream") else f", {grade}"
        concurrent = self.identity.get("source", {}).get("growing")
        return header["expert"] + suffix + (", as it learns" if concurrent else "")

    @property
    def place(self) -> Place:
        """The task, the number of demonstrations and the demonstrator: methods are compared with
        each other at one place."""
        return self.identity["task"], self.identity["demos"], self.expert

    def final(self, column: str) -> np.ndarray:
        """Takes a column's values at the last evaluation.

        Args:
            column: of the curve, such as success_any or return.

        Returns:
            [S], in the order of the seeds.
        """
        last = self.curve.loc[self.curve["evaluation"] == self.curve["evaluation"].max()]
        return last.sort_values(by=["seed"])[column].to_numpy(float)

    def score(self, measure: str) -> np.ndarray:
        """Takes a measure's normalised values at the last evaluation.

        Args:
            measure: success_any, success_final or return.

        Returns:
            [S], in the order of the seeds. A success rate is its own score; a return has the score
            0 where it is that of the random policy, and 1 where it is the expert's.

        Raises:
            UserError: returns of a task without reference scores.
        """
        values = self.final(measure)
        return reference_scores.normalise(self.place[0], values) if measure == "return" else values
