"""Margins of claims follow the experts that ship."""

import pytest

from imitbench.experts import reference_scores
from imitbench.suites import published


@pytest.mark.parametrize("suite", ["gail", "inverse", "offline"])
def test_a_margin_in_units_of_return_is_a_tenth_of_the_return_of_the_tasks_expert(suite):
    claims = [c for c in published.claims_of(suite) if c.measure == "return" and c.margin]
    assert claims
    for claim in claims:
        places = (*claim.places, *sum(claim.shrinks, ()))
        tasks = {task.removesuffix("-fh") for task, _, _ in places}
        assert len(tasks) == 1, claim.text  # experts differ, so that each task has its own claim
        expert = reference_scores.table()[tasks.pop()]["expert"]
        assert abs(claim.margin) == pytest.approx(expert / 10, abs=0.5), claim.text
