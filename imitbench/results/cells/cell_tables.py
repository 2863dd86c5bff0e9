"""The tables of a finished cell, made from its evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from imitbench.core.types import Cost
from imitbench.training.loop import Eval

COSTS = ("env_steps", "expert_queries", "grad_steps")
"""The columns of a curve that count what was spent so far."""


def curve_table(ev: Eval, seeds: Sequence[int], cost: Mapping[str, int]) -> pd.DataFrame:
    """Makes the learning curves.

    Args:
        ev: the evaluations [S, E].
        seeds: the training seeds [S].
        cost: the fields of `Cost` of one update.

    Returns:
        A row for each seed and evaluation.
    """
    rows = []
    for s, seed in enumerate(seeds):
        for e, updates in enumerate(ev.updates.tolist()):
            row = {"seed": seed, "evaluation": e, "updates": updates}
            spent = Cost(**cost) * updates
            row |= {name: getattr(spent, name) for name in COSTS}
            row |= {
                "success_any": ev.success_any[s, e],
                "success_final": ev.success_final[s, e],
                "return": ev.returns[s, e],
                "diverged": bool(ev.diverged[s]),
            }
            rows.append(row | {f"metric/{k}": float(v[s, e]) for k, v in ev.estimates.items()})
    return pd.DataFrame(rows)


def metrics_table(ev: Eval, seeds: Sequence[int], cost: Mapping[str, int]) -> pd.DataFrame:
    """Makes the table of the metrics of training.

    Args:
        ev: the evaluations; `metrics` holds values [S, M].
        seeds: the training seeds [S].
        cost: the fields of `Cost` of one update.

    Returns:
        A row for each seed and part of training: updates and costs at its end, and the metrics'
        means over its updates.
    """
    parts = len(ev.metric_updates)
    updates = np.tile(ev.metric_updates, len(seeds))
    names = {"seed": np.repeat(seeds, parts), "updates": updates}
    spent_after = [Cost(**cost) * u for u in updates.tolist()]
    spent = {name: np.array([getattr(c, name) for c in spent_after], int) for name in COSTS}
    metrics = {f"metric/{k}": v.ravel() for k, v in ev.metrics.items()}
    return pd.DataFrame(names | spent | metrics)


def join(a: pd.DataFrame, b: pd.DataFrame, counter: str) -> pd.DataFrame:
    """Joins the tables of two sets of seeds.

    Args:
        a: a table.
        b: the same table of other seeds.
        counter: the column that counts the rows of a seed.

    Returns:
        The rows of both, sorted by seed.
    """
    return pd.concat([a, b], ignore_index=True).sort_values(["seed", counter], ignore_index=True)


def join_curves(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Joins the curves of two sets of seeds at the evaluations that both have.

    Older cells with one evaluation after training have one before training, too; newer ones do not.

    Args:
        a: a curve.
        b: the same curve of other seeds.

    Returns:
        The rows of both at these evaluations, counted from 0, sorted by seed.
    """
    both = np.intersect1d(a["updates"], b["updates"]).tolist()
    a, b = (curve.loc[curve["updates"].isin(both)] for curve in (a, b))
    joined = join(a, b, "evaluation")
    joined["evaluation"] = joined.groupby("seed").cumcount()
    return joined


def episodes_table(ev: Eval, seeds: Sequence[int]) -> pd.DataFrame:
    """Makes the table of the episodes of the last evaluation.

    Args:
        ev: the evaluations; `episodes` holds values [S, episodes].
        seeds: the training seeds [S].

    Returns:
        A row for each seed and episode.
    """
    count = ev.episodes["return"].shape[1]
    names = {"seed": np.repeat(seeds, count), "episode": np.tile(np.arange(count), len(seeds))}
    return pd.DataFrame(names | {k: v.ravel() for k, v in ev.episodes.items()})


def save(table: pd.DataFrame, path: Path) -> None:
    """Writes a table of a cell without the parts of Parquet that its readers do not use.

    A table has tens of rows, of which the statistics, pandas' names and Arrow's types of all
    columns would take three times as many bytes as the numbers.

    Args:
        table: columns of numbers or of truth values.
        path: the file to write.
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd", write_statistics=False, store_schema=False)
