"""Margins of claims in units of the return."""

from imitbench.experts import reference_scores


def tenth_of_expert(task: str) -> float:
    """Returns a tenth of the return of the task's expert, rounded to a whole number."""
    return float(round(reference_scores.table()[task]["expert"] / 10))
