"""The forest plot of verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from imitbench.experts import reference_scores
from imitbench.results import stats
from imitbench.results.claims import Judgement
from imitbench.results.claims.leads import Lead
from imitbench.results.figures import verdicts
from imitbench.suites.published.schema import Claim


def judgement(place: str, gap: float, error: float, **changes: Any) -> Judgement:
    measure, size = changes.pop("measure", "success_final"), changes.pop("size", 4.0)
    mean = stats.Mean(gap, error, 1e9)
    values: dict[str, Any] = {
        "claim": Claim("a is above b", "a", "b", "somebody", measure=measure), "place": place,
        "pooled": 0, "lead": Lead(mean, 0.0, mean, size=size), "seeds": 5, "episodes": 10,
        "p_adjusted": 0.01, "verdict": "reproduced", "objection": "",
    }  # fmt: skip
    return Judgement(**(values | changes))


def test_points_are_shares_or_units_of_the_expert():
    reference = reference_scores.table()["Hopper"]
    unit = reference["expert"] - reference["random"]
    found = verdicts.points(
        [
            judgement("FetchPush 100, scripted expert", 0.2, 0.1),
            judgement("Hopper 4, learned expert", 0.5 * unit, 0.1 * unit, measure="return"),
            judgement("NoSuchTask 4", 1.0, 0.1, measure="return"),
            judgement("NoSuchTask 5", 1.0, 1.0, measure="return", size=float("nan")),
            judgement("2 places together", 1.0, 1.0, pooled=2),
            judgement("FetchPush 10", 0.0, 1.0, lead=None, verdict="no results"),
        ]
    )
    rate, returns, unknown = found["a is above b"]
    assert rate[1:4] == pytest.approx((0.2, 0.004, 0.396), abs=1e-4)
    assert rate[4:] == ("reproduced", 0.01) and rate.place == "FetchPush 100, scripted expert"
    assert returns[1:4] == pytest.approx((0.5, 0.304, 0.696), abs=1e-4)
    assert unknown[1:4] == pytest.approx((0.25, 0.201, 0.299), abs=1e-4)  # of a return of 4


def test_claims_are_grouped_by_the_family_of_the_method_that_is_higher():
    made = judgement("FetchPush 100", 0.2, 0.1)
    above = {
        label: made._replace(claim=Claim(f"{label} is above x", label, "x", "somebody"))
        for label in ("dagger", "gail")
    }
    groups = verdicts.grouped({"own": [made], "gail": list(above.values())})
    assert {title: [row.claim for row in rows] for title, rows in groups.items()} == {
        "Cloning": ["dagger is above x"], "Adversarial imitation": ["gail is above x"],
        "own": ["a is above b"],
    }  # fmt: skip


def test_it_is_drawn_and_the_same_again(tmp_path):
    suites = {
        "one": [judgement("FetchPush 100", 0.2, 0.1), judgement("FetchPush 10", -3.0, 0.1)],
        "none": [judgement("FetchPush 10", 0.0, 1.0, lead=None, verdict="no results")],
    }
    first = verdicts.draw(suites, tmp_path / "a")
    second = verdicts.draw(suites, tmp_path / "b")
    assert [p.name for p in first] == ["a.png", "a.svg"]
    assert all(x.read_bytes() == y.read_bytes() for x, y in zip(first, second, strict=True))
    assert verdicts.draw({"none": suites["none"]}, tmp_path / "c") == []
    assert not (tmp_path / "c.png").exists()
