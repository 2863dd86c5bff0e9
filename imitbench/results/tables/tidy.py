"""All numbers of finished cells as one tidy table, for notebooks and for CSV."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from imitbench.experts import reference_scores
from imitbench.results.cells.cell import Result


def tidy_frame(results: Sequence[Result]) -> pd.DataFrame:
    """Gathers the evaluations of finished cells.

    Args:
        results: finished cells.

    Returns:
        A row for each cell, training seed and evaluation, with the columns suite, profile, task,
        demos, expert, method, seed, evaluation, updates, env_steps, expert_queries, grad_steps
        (spent so far), success_any and success_final (shares in [0, 1]; NaN where the task does
        not say when it is solved), return, normalised (0: the random policy, 1: the expert; NaN
        where there are no reference scores), diverged, and for methods with values
        `metric/value` and `metric/discounted`. Diverged seeds as in `Result.final`, at all
        evaluations. Metrics of training are in `Result.metrics`.
    """
    frames = []
    for result in results:
        identity = result.identity
        frame = result.curve.copy()
        rows = frame.sort_values(["evaluation", "seed"]).index
        for measure in ("success_any", "success_final", "return"):
            frame[measure] = pd.Series(result.curve_of(measure)[1].ravel(), rows)
        if not result.info["has_success"]:
            frame[["success_any", "success_final"]] = float("nan")
        returns = frame["return"].to_numpy(float)
        known = identity["task"] in reference_scores.table()
        normalised = (
            reference_scores.normalise(identity["task"], returns) if known else float("nan")
        )
        frame.insert(frame.columns.get_loc("return") + 1, "normalised", normalised)  # type: ignore[arg-type]
        names = {
            "suite": identity["suite"],
            "profile": identity["profile"],
            "task": identity["task"],
            "demos": identity["demos"],
            "expert": result.expert,
            "method": identity["label"],
        }
        for i, (name, value) in enumerate(names.items()):
            frame.insert(i, name, value)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
