"""Comparing two runs, from the public face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from imitbench.api.run import Run
from imitbench.results import compare as comparing
from imitbench.results.compare import Pair, Side
from imitbench.utils.errors import UserError
from imitbench.utils.files import user_path


class Comparison:
    """Two runs beside each other: it prints as a table with a sentence for each pair of cells.

    Attributes:
        pairs: the cells that both have at the same task and demonstrations. A positive difference
            says that the first run is better.
    """

    def __init__(self, a: str, b: str, pairs: Sequence[Pair]):
        self.a, self.b, self.pairs = a, b, list(pairs)

    def frame(self) -> pd.DataFrame:
        """A row for each pair and measure: both means, their difference (the first minus the
        second) with its 95% interval, its two-sided p value adjusted over all places, and the
        probability that a seed of the first is better."""
        return pd.DataFrame([self._row(pair) for pair in self.pairs])

    def _row(self, pair: Pair) -> dict[str, object]:
        difference, low, high = pair.lead.interval()
        return {
            "where": pair.name,
            "measure": pair.measure,
            self.a: pair.a.value,
            self.b: pair.b.value,
            "difference": difference,
            "low": low,
            "high": high,
            "p_adjusted": pair.p_adjusted,
            "probability": pair.improvement,
        }

    def __str__(self) -> str:
        lines = [self.frame().to_string(index=False, float_format=lambda x: f"{x:.3f}")]
        for pair in self.pairs:
            lines.append(f"{pair.name}: {comparing.verdict(pair, self.a, self.b)}")
            lines += [f"warning: {pair.name}: {text}" for text in pair.warnings]
        return "\n".join(dict.fromkeys(lines))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.frame().to_html(index=False)


def compare(a: Run | str | Path, b: Run | str | Path) -> Comparison:
    """Compares two runs at the tasks and demonstrations that both have.

    Differences are taken seed by seed where both have the same seeds.

    Args:
        a: a run, or the folder of one; FOLDER:LABEL names one method in it.
        b: the other one.

    Raises:
        UserError: there is no such run, or they have nothing in common.
    """
    sides = [_side(x, f"run {i}") for i, x in enumerate((a, b), start=1)]
    return Comparison(*_names(*sides), comparing.pairs(*sides))


def _side(run: Run | str | Path, name: str) -> Side:
    if not isinstance(run, Run):
        folder = str(user_path(run))
        if not any(Path(x).exists() for x in (folder, folder.rpartition(":")[0]) if x):
            raise UserError(f"no such folder: {folder}; expected one of results, or FOLDER:LABEL")
        return comparing.side(folder, [], Path("results"))
    labels = list(dict.fromkeys(r.identity["label"] for r in run.results))
    cells = {(r.place, r.identity["label"]): r for r in run.results}
    label = labels[0] if len(labels) == 1 else ""
    return Side(label or name, cells, label)


def _names(a: Side, b: Side) -> tuple[str, str]:
    """Two different names for the columns."""
    return (a.name, b.name) if a.name != b.name else (f"{a.name} (1)", f"{b.name} (2)")
