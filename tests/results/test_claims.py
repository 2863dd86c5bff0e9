"""Claims judged on made-up cells with known answers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.stats
from helpers.fake_results import HERE, cell

from imitbench import data
from imitbench.cli import main
from imitbench.results import claims, stats, store
from imitbench.results.cell import Result
from imitbench.results.tables import sections
from imitbench.runs import plan
from imitbench.suites import published, registry
from imitbench.suites.published.schema import Claim
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

A_OVER_B = Claim("a is above b", "a", "b", "somebody")


def verdicts(*found: Claim, cells: list[Result]) -> list[str]:
    return [j.verdict for j in claims.judge(found, cells)]


def test_the_verdict_is_the_interval_against_the_margin():
    # Seeds differ by far more than the methods do on each of them.
    a, b = np.array([0.3, 0.52, 0.74, 0.96]), np.array([0.12, 0.31, 0.55, 0.74])
    cells = [cell("a", a), cell("b", b, episodes=5)]
    (j,) = claims.judge([A_OVER_B], cells)
    assert (j.verdict, j.place) == ("reproduced", "PointMass 10, scripted expert")
    assert j.lead.value == pytest.approx(0.2) and 0.17 < j.lead.low < j.lead.high < 0.23
    assert (j.seeds, j.episodes) == (4, 5)
    assert j.improvement == stats.probability_of_improvement(a, b)
    below = dataclasses.replace(A_OVER_B, better="b", worse="a")
    assert verdicts(below, cells=cells) == ["not reproduced"]
    far = [dataclasses.replace(A_OVER_B, margin=m) for m in (0.1, 0.2, 0.3)]
    assert verdicts(*far, cells=cells) == ["reproduced", "undecided", "not reproduced"]
    final = dataclasses.replace(A_OVER_B, measure="success_final")
    assert verdicts(final, cells=cells) == ["undecided"]


def test_a_lone_seed_decides_nothing():
    assert verdicts(A_OVER_B, cells=[cell("a", [0.9]), cell("b", [0.1])]) == ["undecided"]


def test_missing_cells_are_said():
    places = (HERE, ("PointMass", 99, "scripted"))
    claim = dataclasses.replace(A_OVER_B, places=places)
    both = [cell("a", [0.9, 0.9]), cell("b", [0.1, 0.1])]
    assert verdicts(claim, cells=both) == ["reproduced", "no results"]
    assert verdicts(claim, cells=both[:1]) == ["no results"] * 2
    assert verdicts(A_OVER_B, cells=both[:1]) == []


def test_a_shrinking_lead():
    more = ("PointMass", 20, "scripted")
    claim = dataclasses.replace(A_OVER_B, shrinks=((HERE, more),))
    few = [cell("a", [0.8, 0.81, 0.8]), cell("b", [0.5, 0.5, 0.51])]
    many = [cell("a", [0.9, 0.91, 0.9], 20), cell("b", [0.8, 0.8, 0.81], 20)]
    (j,) = claims.judge([claim], few + many)
    assert j.verdict == "reproduced" and j.lead.value == pytest.approx(0.2)
    back = dataclasses.replace(claim, shrinks=((more, HERE),))
    assert verdicts(back, cells=few + many) == ["not reproduced"]
    assert verdicts(claim, cells=few) == ["no results"]


def test_a_claim_about_two_measures_or_two_places():
    frame = cell("a", [0.9, 0.8, 0.9])
    frame.curve["metric/value"], frame.curve["metric/discounted"] = [7.0, 8.0, 7.5], [1.0, 2.0, 3.0]
    over = Claim("a overestimates", "a", "a", "x", measure="metric/value")
    over = dataclasses.replace(over, against="metric/discounted", places=(HERE,), margin=2.0)
    (j,) = claims.judge([over], [frame])
    assert j.verdict == "reproduced" and j.lead.value == pytest.approx(5.5)
    assert sections.claim_row(j)[2].startswith("+5.5 [")  # in the measure's units
    online = ("PointMass", 0, "scripted")
    claim = dataclasses.replace(A_OVER_B, places=(HERE,), better_at=(online,))
    elsewhere = cell("a", [0.9, 0.8], demos=0)
    assert verdicts(claim, cells=[elsewhere, cell("b", [0.1, 0.2])]) == ["reproduced"]
    assert verdicts(claim, cells=[cell("a", [0.9]), cell("b", [0.1])]) == ["no results"]
    back = dataclasses.replace(A_OVER_B, better="b", worse="a", places=(HERE,), worse_at=(online,))
    found = claims.judge([back], [elsewhere, cell("b", [0.1, 0.2])])
    assert [(j.verdict, j.place) for j in found] == [("not reproduced", claims.place_name(HERE))]


def test_environments_that_differ_are_not_compared():
    with pytest.raises(UserError, match="a and b on PointMass 10, .* environment digests differ"):
        claims.judge([A_OVER_B], [cell("a", [0.5]), cell("b", [0.5], digest="y")])
    with pytest.raises(UserError, match="seeds differ"):
        claims.judge([A_OVER_B], [cell("a", [0.5]), cell("b", [0.5, 0.6])])


def test_seeds_that_would_decide():
    z = scipy.stats.norm.ppf((np.arange(8) + 0.5) / 8)
    a, b = 0.52 + 0.1 * z, np.full(8, 0.5)
    (j,) = claims.judge([A_OVER_B], [cell("a", a), cell("b", b)])
    assert j.verdict == "undecided"
    needed = claims.seeds_to_decide(j)
    half = 1.96 * np.std(0.1 * z) / 8**0.5
    assert needed == pytest.approx(8 * (half / 0.02) ** 2, rel=0.2)
    assert f"about {needed:,} seeds" in sections.claim_row(j)[5]


def test_probability_of_improvement_is_the_u_statistic():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 6, 9), rng.integers(0, 6, 7)
    u = scipy.stats.mannwhitneyu(a, b).statistic
    assert stats.probability_of_improvement(a, b) == pytest.approx(u / 63)
    assert stats.probability_of_improvement(a, a) == 0.5


@pytest.mark.parametrize("name", [n for n in suite_names() if published.claims_of(n)])
def test_claims_are_about_cells_of_their_suite(name):
    cells = load_suite(name).profiles["cpu"]
    known = {((c.task, c.demos, shown_by(c)), c.name) for c in cells}
    for claim in published.claims_of(name):
        places = [*claim.places, *(p for pair in claim.shrinks for p in pair)]
        assert {(p, claim.better) for p in claim.better_at or places} <= known, claim.text
        assert {(p, claim.worse) for p in claim.worse_at or places} <= known, claim.text
        assert {len(claim.better_at), len(claim.worse_at)} <= {0, len(places)}


@pytest.mark.parametrize("name", suite_names())
def test_every_profile_of_a_suite_can_begin(name):
    for profile, cells in load_suite(name).profiles.items():
        assert len(plan.prepare(name, profile, cells)) == len(cells) > 0


def shown_by(c: Cell) -> str:
    """What `Result.expert` will be."""
    own = c.source.behaviour
    if own is not None:
        return own.name + (", as it learns" if c.source.concurrent else "")
    grade = "" if c.source.grade == "expert" else f", {c.source.grade}"
    if not c.demos:
        return ""
    names = (x.name for x in data.demonstrators(c.task, c.source.grade, c.source.expert))
    return " + ".join(dict.fromkeys(names)) + grade


def test_the_command_says_each_verdict_and_its_exit_code_the_sum(tmp_path, capsys, monkeypatch):
    cells = [cell("a", [0.8, 0.9]), cell("b", [0.1, 0.2])]
    monkeypatch.setattr(store, "read_all", lambda root: cells if "toy" in str(root) else [])
    monkeypatch.setattr(registry, "SUITES", dict.fromkeys(("toy", "none")))
    found = {"toy": (A_OVER_B,), "none": ()}
    monkeypatch.setattr(published, "claims_of", lambda name: found[name])
    assert main.main(["verify"]) == 0
    assert "reproduced: a is above b [somebody]" in capsys.readouterr().out
    found["toy"] = (dataclasses.replace(A_OVER_B, better="b", worse="a"),)
    assert main.main(["verify", "toy"]) == 1
    assert "1 not reproduced" in capsys.readouterr().out
    assert main.main(["verify", "none"]) == 2
    assert "suite none has no claims" in capsys.readouterr().err
    assert main.main(["verify", "toys"]) == 2
    assert "did you mean toy" in capsys.readouterr().err


def test_one_table_over_suites(monkeypatch):
    """Places are counted, not listed."""
    own = (
        Claim("a above b", "a", "b", "here"),
        Claim("c above b", "c", "b", "here", places=(HERE,)),
    )
    monkeypatch.setattr(published, "claims_of", lambda name: own)
    results = [
        cell("a", [0.8, 0.9]), cell("b", [0.1, 0.2]),
        cell("a", [0.1, 0.2], demos=20), cell("b", [0.8, 0.9], demos=20),
        cell("a", [0.1, 0.9], demos=30), cell("b", [0.2, 0.8], demos=30),
    ]  # fmt: skip
    _, _, first, second = sections.verdict_counts({"toy": results}).strip().split("\n")
    assert first == "| toy | a above b | 1 | 1 | 1 | - |"
    assert second == "| toy | c above b | - | - | - | 1 |"
