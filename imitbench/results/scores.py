"""Means over seeds and their intervals, from finished cells.

Each training seed of a cell has its own initial states, so seeds are independent replicates and
Student's t over seeds covers. In older cells all seeds share the initial states: crossed random
effects cover there, from the outcomes of the single episodes.
"""

from __future__ import annotations

import numpy as np

from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.results.cells.cell import MODE_ENTROPY, Result
from imitbench.results.comparability import are_paired


def is_rate(measure: str) -> bool:
    """Whether a measure is a share of episodes."""
    return measure.startswith("success")


def measures(r: Result) -> tuple[str, ...]:
    """The measures that a cell is compared by: success at the last step and at any step where its
    task says when it is solved, else the return."""
    return ("success_final", "success_any") if r.info["has_success"] else ("return",)


def main_measure(r: Result) -> str:
    """The measure that a cell is judged by where there is room for one: the first of `measures`."""
    return measures(r)[0]


def mean(r: Result, measure: str) -> stats.Mean:
    """Estimates a measure's mean over fresh seeds and fresh initial states.

    Args:
        r: a finished cell.
        measure: a column of its curve, at the last evaluation.

    Returns:
        The mean with its error.
    """
    outcomes = r.outcomes(measure) if r.shares_states else None
    return mean_of(r.final(measure) if outcomes is None else outcomes)


def mean_of(x: np.ndarray) -> stats.Mean:
    """The mean over fresh seeds and fresh initial states.

    Args:
        x: [S] of independent seeds, or [S, B] of seeds that share their B initial states.
    """
    return stats.crossed(x) if x.ndim == 2 else stats.over_seeds(x)


def paired_scores(
    a: Result, b: Result, measure: str, against: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Takes the scores of two cells at the last evaluation, which may be subtracted.

    Args:
        a: a finished cell.
        b: another one with the same seeds.
        measure: of `a`, a column of its curve.
        against: the measure of `b`; by default the same.

    Returns:
        Two arrays [S]; or [S, B], where the seeds of both cells share the initial states. Where
        both cells have episodes, on the initial states that both have.
    """
    against = against or measure
    x, y = a.outcomes(measure), b.outcomes(against)
    if x is None or y is None or a.shares_states != b.shares_states:
        return a.final(measure), b.final(against)
    common = min(x.shape[1], y.shape[1])  # the states of fewer episodes come first
    if a.shares_states:
        return x[:, :common], y[:, :common]
    if x.shape == y.shape:
        return a.final(measure), b.final(against)
    return x[:, :common].mean(axis=1), y[:, :common].mean(axis=1)


def estimate(r: Result, measure: str) -> stats.Estimate:
    """Estimates a measure's mean with its 95% interval.

    Args:
        r: a finished cell.
        measure: a column of its curve, at the last evaluation.

    Returns:
        The estimate; its ends are nan where there is a single seed.
    """
    return interval_of(r, measure, mean(r, measure))


def outcome_estimate(outcomes: np.ndarray, measure: str) -> stats.Estimate:
    """Estimates a measure's mean from single episodes.

    Args:
        outcomes: [S, B], of the policies of S training seeds that start from the same B initial
            states.
        measure: what they are of.

    Returns:
        The mean with its 95% interval. Of one policy it is over fresh initial states: Student's t,
        for rates Wilson's. Of several it is over fresh seeds, too.
    """
    if len(outcomes) > 1:
        found = mean_of(outcomes)
        rate = is_rate(measure)
        return stats.rate_interval(found, outcomes.size) if rate else found.interval()
    if not is_rate(measure):
        return stats.over_seeds(outcomes[0]).interval()
    low, high = stats.wilson(float(outcomes.sum()), outcomes.size)
    return stats.Estimate(float(outcomes.mean()), max(low, 0.0), min(high, 1.0))


def curve_estimates(r: Result, measure: str) -> list[stats.Estimate]:
    """Estimates a measure's mean at each evaluation.

    Args:
        r: a finished cell. Where all its seeds share the initial states, the intervals before the
            last evaluation are over seeds alone: the single episodes there are not stored.
        measure: a column of its curve.

    Returns:
        [E], the last of which is `estimate`.
    """
    _, values = r.curve_of(measure)
    means = [stats.over_seeds(x) for x in values[:-1]]
    return [*(interval_of(r, measure, m) for m in means), estimate(r, measure)]


def lead(a: Result, b: Result, measure: str) -> stats.Mean:
    """Estimates by how much one cell is above another at the last evaluation.

    Args:
        a: a finished cell.
        b: another one. Where both may be paired, equal seeds are compared with each other, and
            episode by episode where their seeds share the initial states.
        measure: a column of their curves.

    Returns:
        The mean of a - b: positive where `a` is higher.
    """
    return _with_rates(
        _difference(a, b, measure), a, b, measure, a.final(measure), b.final(measure)
    )


def seed_lead(a: Result, b: Result, measure: str, x: np.ndarray, y: np.ndarray) -> stats.Mean:
    """Estimates by how much one cell is above another, from one score for each seed.

    Args:
        a: a finished cell.
        b: another one. Where both may be paired, equal seeds are compared with each other.
        measure: what the scores are of.
        x: [S], the scores of `a`.
        y: [S], those of `b`.

    Returns:
        The mean of x - y.
    """
    lead = stats.difference(stats.over_seeds(x), stats.over_seeds(y))
    if are_paired(a, b):
        lead = stats.over_seeds(x - y)
    return _with_rates(lead, a, b, measure, x, y)


def _with_rates(
    lead: stats.Mean, a: Result, b: Result, measure: str, x: np.ndarray, y: np.ndarray
) -> stats.Mean:
    """A lead, for rates with the error of episodes that succeed or fail by chance."""
    if not is_rate(measure):
        return lead
    rates = float(x.mean()), float(y.mean())
    return stats.with_binomial_error(lead, rates, (episodes(a), episodes(b)))


def episodes(r: Result) -> int:
    """The episodes of an evaluation, of all seeds together."""
    return len(r.identity["seeds"]) * r.identity["eval_episodes"]


def _difference(a: Result, b: Result, measure: str) -> stats.Mean:
    if not are_paired(a, b):
        return stats.difference(mean(a, measure), mean(b, measure))
    x, y = paired_scores(a, b, measure)
    return mean_of(x - y)


def normalised(r: Result) -> stats.Estimate:
    """Estimates the normalised return: 0 is the random policy's, 1 the expert's.

    Args:
        r: a finished cell.

    Returns:
        The estimate with its 95% interval.

    Raises:
        UserError: the task has no reference scores.
    """
    ends = np.array(estimate(r, "return"))
    return stats.Estimate(*map(float, reference_scores.normalise(r.place[0], ends)))


def interval_of(r: Result, measure: str, found: stats.Mean) -> stats.Estimate:
    """The 95% interval of a mean over a cell's seeds.

    Args:
        r: the cell.
        measure: what the mean is of; rates are joined with Wilson's interval over all episodes, and
            the interval of an entropy ends where the entropy can.
        found: the mean.
    """
    if measure == MODE_ENTROPY:
        value, low, high = found.interval()
        return stats.Estimate(value, max(low, 0.0), min(high, 1.0))
    if not is_rate(measure):
        return found.interval()
    return stats.rate_interval(found, episodes(r))
