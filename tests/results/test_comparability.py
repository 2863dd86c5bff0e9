"""One place decides whether cells may be compared, and everybody gets the same answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from helpers.fake_results import cell

from imitbench.report import provenance
from imitbench.results import claims, comparability, compare, shipped, tables
from imitbench.results.cells import ordering, store
from imitbench.results.cells.cell import Result
from imitbench.results.claims import place_name
from imitbench.suites.published.schema import Claim
from imitbench.utils.errors import UserError

SCORES = [0.2, 0.4, 0.6]


def changed(r: Result, **info: Any) -> Result:
    """With other values in cell.json."""
    return r._replace(info=r.info | info)


@pytest.mark.parametrize(
    ("info", "lines"),
    [
        ({}, []),
        ({"engine": "mjx"}, ["engines differ (native, mjx): the physics are not the same"]),
        (
            {"environment_digest": "y"},
            [
                "environment digests differ (x, y): the task behaves differently; run the older "
                "one again"
            ],
        ),
    ],
)
def test_differences_of_the_physics(info, lines):
    a, b = cell("a", SCORES), changed(cell("b", SCORES), **info)
    assert list(map(str, comparability.physics_differences(a, b))) == lines
    assert list(map(str, comparability.differences(a, b))) == lines
    assert comparability.physics_warnings([a, b, b]) == [f"PointMass: {line}" for line in lines]
    assert comparability.are_paired(a, b) == (not lines)


def test_methods_that_asked_other_experts_differ_and_stay_paired():
    a, b = (changed(cell("a", SCORES), asked_expert=x) for x in ("scripted", "learned"))
    (line,) = map(str, comparability.differences(a, b))
    assert line == "asked experts differ (scripted, learned): they got other answers"
    assert comparability.are_paired(a, b)
    for other in (None, "scripted"):  # a method that asks nobody, and the same expert
        assert comparability.differences(a, changed(b, asked_expert=other)) == ()


def test_other_tasks_have_other_environments_by_intention():
    a, b = cell("a", SCORES), cell("b", SCORES, task="FetchReach", digest="y")
    assert comparability.physics_differences(a, b) == ()
    assert len(comparability.physics_differences(a, changed(b, engine="mjx"))) == 1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"episodes": 5}, "episodes of an evaluation"),
        ({"noise": 0.1}, "noise of the demonstrations"),
    ],
)
def test_other_demonstrations_are_not_paired_but_may_be_claimed_about(change, name):
    a, b = cell("a", SCORES), cell("b", SCORES, **change)
    assert [d.name for d in comparability.differences(a, b)] == [name]
    # The states of fewer episodes are the first of those of more.
    assert comparability.are_paired(a, b) == (name == "episodes of an evaluation")
    comparability.require_comparable(a, b, "a and b")


def test_the_expert_of_a_source_that_names_none_is_in_the_header():
    """Cells that are older than the choice of experts do not name theirs."""
    a, b = cell("a", SCORES), cell("b", SCORES, expert="scripted")
    assert comparability.differences(a, b) == () and comparability.are_paired(a, b)
    other = changed(cell("b", SCORES, expert="learned"), demonstrations={"expert": "learned"})
    (line,) = map(str, comparability.differences(a, other))
    assert line == (
        "expert of the demonstrations differ (scripted, learned): the two sides learned from "
        "different demonstrations"
    )
    without = changed(a, demonstrations=None)
    assert [d.values for d in comparability.differences(without, b)] == [(None, "scripted")]


def test_cells_whose_seeds_share_their_states_are_not_paired_with_others():
    a, b = cell("a", SCORES), cell("b", SCORES)
    del b.identity["initial_states"]
    (found,) = comparability.differences(a, b)
    assert found.name == "initial states" and found.values == ("own", "shared by the seeds")
    assert not comparability.are_paired(a, b)
    comparability.require_comparable(a, b, "a and b")


def test_sources_do_not_count_without_demonstrations():
    a, b = cell("a", SCORES, demos=0), cell("b", SCORES, demos=0, noise=0.1)
    assert comparability.are_paired(a, b)


def test_cells_for_choosing_settings_met_other_states():
    a, b = cell("a", SCORES), cell("b", SCORES)
    b.identity["validation"] = True
    assert [d.name for d in comparability.differences(a, b)] == ["uses for choosing settings"]


def test_other_seeds_are_not_paired_and_refused_by_claims():
    a, b = cell("a", SCORES), cell("b", SCORES[:2])
    assert comparability.differences(a, b) == () and not comparability.are_paired(a, b)
    words = "a and b cannot be compared: seeds differ ([0, 1, 2], [0, 1]): run both"
    with pytest.raises(UserError, match=re.escape(words)):
        comparability.require_comparable(a, b, "a and b")


def test_engines_may_stand_in_one_table_and_drifted_environments_may_not():
    a, b = cell("a", SCORES), changed(cell("b", SCORES, digest="y"), engine="mjx")
    comparability.require_one_environment([a, b], Path("x"))
    assert comparability.mixed_engines([a, b]) == {"PointMass": ["mjx", "native"]}
    assert comparability.mixed_engines([a, a]) == {}
    drifted = cell("c", SCORES, digest="z")
    words = "x: the cells of PointMass ran in environments that behave differently (digests x, z)"
    with pytest.raises(UserError, match=re.escape(words)):
        comparability.require_one_environment([a, b, drifted], Path("x"))


def test_data_sets_of_an_unknown_task_are_environments_of_their_own():
    a, b = (cell(x, SCORES, digest=x, task="none", dataset=x) for x in "ab")
    comparability.require_one_environment([a, b], Path("x"))
    assert comparability.physics_warnings([a, b]) == []
    assert "environment digests differ" in str(comparability.differences(a, b)[0])
    drifted = cell("c", SCORES, digest="z", task="none", dataset="a")
    with pytest.raises(UserError, match="the cells of none ran in environments that behave diff"):
        comparability.require_one_environment([a, b, drifted], Path("x"))


def test_cells_of_several_data_sets_stand_at_places_of_their_own():
    a, b = (changed(cell("bc", SCORES, task="none", dataset=x), dataset={"name": x}) for x in "ab")
    assert [place_name(r.place) for r in (a, b)] == ["none 10, data a", "none 10, data b"]
    times = (r._replace(info=r.info | {"finished_at": "0"}) for r in (a, b))
    assert len(ordering.newest_cells(times)) == 2


def test_all_five_that_compare_cells_ask_here(monkeypatch, tmp_path):
    """A drifted environment is seen by claims, comparisons, the shipped run, tables and report."""
    a, b, own = cell("a", SCORES), cell("b", SCORES, digest="y"), cell("b", SCORES)
    with pytest.raises(UserError, match="environment digests differ"):
        claims.judge([Claim("a is above b", "a", "b", "x")], [a, b])
    sides = [compare.Side(r.identity["label"], {(r.place, "a"): r}, "a") for r in (a, b)]
    assert all("environment digests" in p.warnings[0] for p in compare.pairs(*sides))
    monkeypatch.setattr(store, "read_all", lambda root: [a, b])
    with pytest.raises(UserError, match="behave differently"):
        tables.read_comparable(tmp_path)
    (tmp_path / "cells").mkdir()
    line = shipped.compare_with_shipped([own], tmp_path)
    assert "note: PointMass behaves differently here (environment digest)" in line
    for r in (a, b):
        r.info.update(device="cpu", versions={})
    assert ["environment digests" in line for line in provenance.warnings([a, b])] == [True]
