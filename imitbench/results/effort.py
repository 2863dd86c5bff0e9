"""Scores after equal effort: curves between evaluations, rows that still rise."""

from __future__ import annotations

import numpy as np

from imitbench.results import stats
from imitbench.results.cells.cell import MODE_ENTROPY, Result

RISE_SINCE = 0.8  # share of the budget: the last evaluation is compared with the one there
MORE_STEPS = 1.1  # gradient steps of one method over those of another that count as more
RISE_LEVEL = 0.05  # of the one-sided test for a row that still rises


def is_online(r: Result) -> bool:
    """Whether the method stepped the environment while it learned."""
    return bool(r.curve["env_steps"].to_numpy().any())


def env_steps(r: Result) -> int:
    """The environment steps of each seed in all."""
    return int(r.curve["env_steps"].to_numpy().max())


def grad_steps(r: Result) -> int:
    """The gradient steps of each seed in all."""
    return int(r.curve["grad_steps"].to_numpy().max())


def unequal_steps(a: Result, b: Result) -> str:
    """Says by how much the budgets of two cells differ.

    Args:
        a: a finished cell.
        b: another one.

    Returns:
        The sentence; empty where both took as many environment steps, where neither took any and
        their gradient steps differ by at most a tenth, and where one alone stepped the environment.
    """
    if is_online(a) != is_online(b):
        return ""
    name, steps = ("environment", env_steps) if is_online(a) else ("gradient", grad_steps)
    few, many = sorted((steps(a), steps(b)))
    if few == many or (not is_online(a) and many <= MORE_STEPS * few):
        return ""
    return f"{name} steps differ ({steps(a):,}, {steps(b):,}): one trained for longer"


def after_env_steps(r: Result, measure: str, steps: float) -> np.ndarray | None:
    """A cell's scores after a number of environment steps.

    Args:
        r: the cell of an online method.
        measure: a column of its curve.
        steps: environment steps.

    Returns:
        [S], at the evaluation after so many steps, or on the straight line between the evaluation
        before and the one after; None outside the curve.
    """
    spent, values = r.curve_of(measure, "env_steps")
    if not spent[0] <= steps <= spent[-1]:
        return None
    return _between(spent, values, steps)


def over_training(r: Result, measure: str, steps: float | None = None) -> np.ndarray | None:
    """The mean of a cell's scores over its training: the area under the curve by its length.

    Args:
        r: a finished cell.
        measure: a column of its curve.
        steps: environment steps of the part of the curve that counts, from 0 on; by default all.

    Returns:
        [S], with straight lines between evaluations; None where the method took no environment
        steps or fewer than `steps`, or the curve has no evaluation before its first step (cells of
        version 0.2.0 and older) or a single one after it.
    """
    if not is_online(r):
        return None
    spent, values = r.curve_of(measure, "env_steps")
    end = spent[-1] if steps is None else steps
    if spent[0] > 0 or len(spent) < 3 or not 0 < end <= spent[-1]:
        return None
    inside = spent < end
    x = np.append(spent[inside], end)
    y = np.vstack([values[inside], _between(spent, values, end)])
    return np.trapezoid(y, x, axis=0) / end


def _between(spent: np.ndarray, values: np.ndarray, steps: float) -> np.ndarray:
    """[S], the values [E, S] after a number of steps, on straight lines between evaluations; the
    last ones, where later updates take no environment steps."""
    if steps == spent[-1]:
        return values[-1]
    after = int(spent.searchsorted(steps))
    before = max(after - 1, 0)
    share = (steps - spent[before]) / max(spent[after] - spent[before], 1.0)
    return values[before] + share * (values[after] - values[before])


def still_rising(r: Result, measure: str) -> bool:
    """Whether a cell's scores were still rising at the end of its budget.

    The last evaluation is compared, seed by seed, with the last one at four fifths of the budget or
    before: a one-sided paired t test at the level 5%.

    Args:
        r: a finished cell.
        measure: a measure of the results.

    Returns:
        Whether the test shows a rise; False where there is one evaluation after training, or one
        seed, and for measures that the curve lacks or has at its end alone (the entropy of modes).
    """
    last = _last_rise(r, measure)
    if last is None or len(last[0]) < 2:
        return False
    return stats.over_seeds(last[0]).p_above(0.0) < RISE_LEVEL


def rise_if_doubled(r: Result, measure: str) -> float:
    """What twice the budget would add to a cell's score, if it went on as since four fifths of it.

    Args:
        r: a finished cell.
        measure: a measure of the results.

    Returns:
        The mean over seeds; 0 where there is no evaluation to compare with.
    """
    last = _last_rise(r, measure)
    return float(last[0].mean() / last[1]) if last else 0.0


def _last_rise(r: Result, measure: str) -> tuple[np.ndarray, float] | None:
    """The rise [S] since the last evaluation at four fifths of the budget or before, and the share
    of the budget since then; None where there is none, and for measures without a curve."""
    if measure == MODE_ENTROPY or measure not in r.curve.columns:
        return None
    updates, values = r.curve_of(measure, "updates")
    updates, values = updates[updates > 0], values[updates > 0]
    if not len(updates):  # a policy that was not trained
        return None
    earlier = np.flatnonzero(updates <= RISE_SINCE * updates[-1])
    if not len(earlier):
        return None
    since = earlier[-1]
    return values[-1] - values[since], 1.0 - float(updates[since] / updates[-1])
