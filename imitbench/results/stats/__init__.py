"""Estimates, intervals and tests over training seeds. `docs/statistics.md` explains them.

`student` is for means and differences of one task, `bootstrap` for aggregates over tasks,
`decisions` for verdicts, `sequential` for two policies, `modes` for the variety of solutions.
"""

from imitbench.results.stats.bootstrap import (
    aggregate,
    bootstrap,
    improvement,
    percentile_interval,
    performance_profile,
)
from imitbench.results.stats.decisions import (
    ALPHA,
    benjamini_hochberg,
    holm,
    p_equivalent,
    seeds_needed,
)
from imitbench.results.stats.estimates import (
    LEVEL,
    Estimate,
    iqm,
    mean,
    mean_of_means,
    median_of_means,
    optimality_gap,
    probability_of_improvement,
    standard_error,
)
from imitbench.results.stats.modes import mode_entropy, mode_entropy_given_start
from imitbench.results.stats.student import (
    Mean,
    crossed,
    difference,
    over_seeds,
    pooled,
    rate_interval,
    together,
    wilson,
    with_binomial_error,
)

__all__ = [
    "ALPHA",
    "LEVEL",
    "Estimate",
    "Mean",
    "aggregate",
    "benjamini_hochberg",
    "bootstrap",
    "crossed",
    "difference",
    "holm",
    "improvement",
    "iqm",
    "mean",
    "mean_of_means",
    "median_of_means",
    "mode_entropy",
    "mode_entropy_given_start",
    "optimality_gap",
    "over_seeds",
    "p_equivalent",
    "percentile_interval",
    "performance_profile",
    "pooled",
    "probability_of_improvement",
    "rate_interval",
    "seeds_needed",
    "standard_error",
    "together",
    "wilson",
    "with_binomial_error",
]  # fmt: skip
