"""Two methods or runs beside each other, on made-up cells and on the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.fake_results import cell

from imitbench.cli import main
from imitbench.results import compare, stats
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.compare import Side
from imitbench.utils.errors import UserError

SHIPPED = "results/shipped/quickstart"


def side(name: str, *cells: Result, label: str = "") -> Side:
    return Side(name, {(c.place, c.identity["label"]): c for c in cells}, label)


def only(found: list[compare.Pair]) -> compare.Pair:
    """Of the two measures, success at some step."""
    (pair,) = [p for p in found if p.measure == "success_any"]
    return pair


def test_the_same_seeds_are_compared_seed_by_seed():
    # Seeds differ by far more than the methods do on each of them.
    a, b = np.array([0.3, 0.52, 0.74, 0.96]), np.array([0.12, 0.31, 0.55, 0.74])
    sides = side("a", cell("a", a), label="a"), side("b", cell("b", b), label="b")
    pair = only(compare.pairs(*sides))
    assert pair.lead == stats.over_seeds(a - b)
    assert pair.improvement == stats.probability_of_improvement(a, b)
    assert pair.a == stats.rate_interval(stats.over_seeds(a), 4 * 20) and pair.warnings == ()
    assert compare.verdict(pair, "a", "b").startswith("a is above b by 20.0 points of success any")
    back = only(compare.pairs(*sides[::-1]))
    assert compare.verdict(back, "b", "a").startswith("a is above b by 20.0 points")
    assert "a is above b on 0 of 1, below on 0, undecided on 1" in compare.overall(
        compare.pairs(*sides), "a", "b"
    )  # at the last step both have 0


def test_no_difference_and_a_lone_seed_are_said():
    close = side("b", cell("b", [0.5, 0.4, 0.6]), label="b")
    pair = only(compare.pairs(side("a", cell("a", [0.4, 0.6, 0.5]), label="a"), close))
    assert compare.verdict(pair, "a", "b").startswith("no difference is shown between a and b")
    lone = [side(x, cell(x, [0.5]), label=x) for x in "ab"]
    assert "one seed does not say" in compare.verdict(only(compare.pairs(*lone)), "a", "b")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digest": "y"}, "environment digests differ (x, y)"),
        (
            {"noise": 0.1},
            "noise of the demonstrations differ (None, 0.1): the two sides learned from",
        ),
    ],
)
def test_what_is_to_be_mistrusted_is_said_and_nothing_is_paired(change, words):
    a, b = np.array([0.3, 0.5, 0.7]), np.array([0.2, 0.4, 0.6])
    pair = only(compare.pairs(side("a", cell("a", a)), side("b", cell("a", b, **change))))
    assert any(w.startswith(words) for w in pair.warnings) and len(pair.warnings) == 1
    assert pair.lead == stats.difference(stats.over_seeds(a), stats.over_seeds(b))


def test_fewer_episodes_are_the_first_of_more():
    a, b = np.array([0.3, 0.5, 0.7]), np.array([0.2, 0.4, 0.5])
    pair = only(compare.pairs(side("a", cell("a", a)), side("b", cell("a", b, episodes=5))))
    assert pair.warnings == (
        "episodes of an evaluation differ (20, 5): the estimate from more episodes is more precise",
    )
    assert pair.lead == stats.over_seeds(a - b)


def test_p_values_are_adjusted_over_places():
    a, b = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.45, 0.48, 0.6, 0.68])
    sides = [side(x, cell(x, s), cell(x, s, demos=20), label=x) for x, s in (("a", a), ("b", b))]
    first, second = (p for p in compare.pairs(*sides) if p.measure == "success_any")
    assert first.p_adjusted == second.p_adjusted == pytest.approx(2 * first.lead.p)


def test_folders_are_matched_by_task_and_method():
    first = side("x", cell("a", [0.5, 0.5]), cell("b", [0.1, 0.1]), cell("a", [1, 1], task="Other"))
    second = side("y", cell("b", [0.2, 0.2]), cell("a", [0.4, 0.4]))
    found = [p for p in compare.pairs(first, second) if p.measure == "success_any"]
    assert [(p.name, round(p.lead.value, 3)) for p in found] == [
        ("PointMass 10, scripted expert, a", 0.1),
        ("PointMass 10, scripted expert, b", -0.1),
    ]
    with pytest.raises(UserError, match="x and z have no task .* in common: x has Other 10"):
        compare.pairs(first, side("z", cell("a", [0.5], demos=7)))


def test_sides_are_folders_or_methods(tmp_path):
    known = store.read_all(Path(SHIPPED))
    where = Path("here")
    assert compare.side("bc", known, where).label == "bc"
    assert compare.side(f"{SHIPPED}:vins", [], where).label == "vins"
    assert not compare.side(SHIPPED, [], where).label
    for name, words in (
        ("vns", "unknown method in here 'vns': did you mean vins?"),
        (f"{SHIPPED}:vns", "did you mean vins?"),
        (f"{tmp_path}/none:bc", "none is no folder of results: expected one that holds cells/"),
    ):
        with pytest.raises(UserError, match=re.escape(words)):
            compare.side(name, known, where)
    with pytest.raises(UserError, match="no finished cells in here"):
        compare.side("bc", [], where)


def test_the_command(capsys):
    assert main.main(["compare", "vins", "bc", "--results", "results/shipped"]) == 0
    out = capsys.readouterr().out
    results = {(r.place, r.identity["label"]): r for r in store.read_all(Path(SHIPPED))}
    for (place, label), r in results.items():
        if label == "vins":
            lead = r.final("success_final") - results[place, "bc"].final("success_final")
            assert f"{100 * lead.mean():+.1f} [" in out
    assert "vins is above bc on" in out and "probability of improvement" in out
    assert main.main(["compare", "bc", SHIPPED, "--results", "results/shipped"]) == 0
    assert "no difference is shown between bc and" in capsys.readouterr().out
    assert main.main(["compare", "bc", "vins", "--suite", "quickstrat"]) == 2
    assert "did you mean quickstart?" in capsys.readouterr().err
    assert main.main(["compare", "airl", "bc"]) == 2
    err = capsys.readouterr().err
    assert "no method 'airl' in the suite quickstart, the default of --suite (it has bc," in err
    assert "give the suite that has it, --suite gail" in err
    assert main.main(["compare", "vns", "bc", "--suite", "vins"]) == 2
    err = capsys.readouterr().err
    assert "no method 'vns' in the suite vins (it has" in err and "did you mean vins" in err
