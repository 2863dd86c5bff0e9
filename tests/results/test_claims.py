"""Claims judged on made-up cells with known answers."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from helpers.fake_results import HERE, cell

from imitbench import algos, data, envs
from imitbench.cli import main
from imitbench.data.sources.replay_learners import REPLAY_LEARNERS
from imitbench.experts import reference_scores
from imitbench.results import claims, effort, stats
from imitbench.results.cells import store
from imitbench.results.cells.cell import Result
from imitbench.results.claims import leads
from imitbench.results.tables import captions, sections
from imitbench.runs import plan
from imitbench.suites import published, registry
from imitbench.suites.published.schema import Claim
from imitbench.suites.registry import load_suite, suite_names
from imitbench.suites.schema import Cell
from imitbench.utils.errors import UserError

SEVERAL = np.array([0.5, 0.6, 0.7, 0.55, 0.65])
WOBBLE = np.array([0.004, -0.004, 0.002, -0.001, -0.001])
FEW = np.array([0.01, 0.0, 0.02, 0.01, 0.01])
A_OVER_B = Claim("a is above b", "a", "b", "somebody")


def with_episodes(r: Result, outcomes: np.ndarray) -> Result:
    """With the outcomes [S, B] of the last evaluation."""
    seeds, states = np.indices(outcomes.shape)
    table = {"seed": seeds.ravel(), "episode": states.ravel(), "success_any": outcomes.ravel()}
    return r._replace(episodes=pd.DataFrame(table))


def risen(label: str, by: float, above: float = 0.0, demos: int = 10) -> Result:
    """Two evaluations, of which the last is `above` `SEVERAL`; the first is lower by `by`, give or
    take what differs from seed to seed."""
    c = cell(label, SEVERAL + above, demos=demos)
    first = c.curve.assign(success_any=c.curve["success_any"] - by, updates=5.0)
    first["success_any"] += np.linspace(-0.01, 0.01, len(SEVERAL))
    last = c.curve.assign(evaluation=1, updates=10.0)
    return c._replace(curve=pd.concat([first, last], ignore_index=True))


def verdicts(*found: Claim, cells: list[Result]) -> list[str]:
    return [j.verdict for j in claims.judge(found, cells)]


def test_the_verdict_is_the_gap_seed_by_seed():
    # Seeds differ by far more than the methods do on each of them.
    a = np.array([0.3, 0.52, 0.74, 0.96, 0.5])
    b = np.array([0.12, 0.31, 0.55, 0.74, 0.29])
    cells = [cell("a", a), cell("b", b, episodes=5)]
    (j,) = claims.judge([A_OVER_B], cells)
    assert (j.verdict, j.place) == ("reproduced", "PointMass 10, scripted expert")
    assert j.lead is not None and j.lead.mean == stats.over_seeds(a - b)
    theirs: Any = scipy.stats.ttest_rel(a, b, alternative="greater")
    assert j.p == pytest.approx(theirs.pvalue) and j.p_adjusted == j.p
    assert (j.seeds, j.episodes) == (5, 5)
    assert j.lead.improvement == stats.probability_of_improvement(a, b)
    below = dataclasses.replace(A_OVER_B, better="b", worse="a")
    assert verdicts(below, cells=cells) == ["not reproduced"]
    far = [dataclasses.replace(A_OVER_B, margin=m) for m in (0.1, 0.2, 0.3)]
    assert verdicts(*far, cells=cells) == ["reproduced", "undecided", "not reproduced"]


def test_older_cells_are_compared_episode_by_episode():
    """Their seeds share the states: what the states decide is no evidence about the methods."""
    rng = np.random.default_rng(0)
    lucky = rng.random(8) < 0.6  # on some states a wins, with all seeds
    x, y = np.tile(lucky, (5, 1)).astype(float), np.zeros((5, 8))
    cells = [
        with_episodes(cell("a", x.mean(axis=1), episodes=8), x),
        with_episodes(cell("b", y.mean(axis=1), episodes=5), y[:, :5]),
    ]
    for c in cells:
        del c.identity["initial_states"]
    (j,) = claims.judge([A_OVER_B], cells)
    assert j.lead is not None and j.lead.mean == stats.crossed(x[:, :5] - y[:, :5])
    for c in cells:
        c.identity["initial_states"] = "own"
    (paired,) = claims.judge([A_OVER_B], cells)
    assert paired.lead is not None and paired.lead.mean.value == x[:, :5].mean() - y[:, :5].mean()


def test_few_seeds_decide_nothing():
    cells = [cell("a", [0.9, 0.91, 0.9, 0.92]), cell("b", [0.1, 0.11, 0.12, 0.1])]
    (j,) = claims.judge([A_OVER_B], cells)
    assert (j.verdict, j.objection) == ("undecided", "fewer than 5 seeds") and j.p < 0.001
    assert verdicts(A_OVER_B, cells=[cell("a", [0.9]), cell("b", [0.1])]) == ["undecided"]


def test_a_winner_at_the_floor_decides_nothing(monkeypatch):
    low = [cell("a", FEW + 0.05 + WOBBLE), cell("b", FEW)]
    (j,) = claims.judge([A_OVER_B], low)
    assert j.verdict == "undecided"  # random actions succeed as often
    assert j.objection == "at the floor: a is 0% of the way from random to the expert"
    header = {"expert": "scripted", "success_any": 0.2}  # an expert who mostly fails
    low = [cell("a", FEW + 0.08 + WOBBLE), cell("b", FEW)]
    low = [c._replace(info=c.info | {"demonstrations": header}) for c in low]
    assert verdicts(A_OVER_B, cells=low) == ["reproduced"]
    header["grade"] = "random"  # these data are no measure of what can be reached
    assert verdicts(A_OVER_B, cells=low) == ["undecided"]
    ends: Any = {"PointMass": {"random": -10.0, "expert": 10.0}}
    monkeypatch.setattr(reference_scores, "table", lambda: ends)
    claim = dataclasses.replace(A_OVER_B, measure="return")
    for best, expected in ((-8.5, "undecided"), (-7.5, "reproduced")):
        cells = [cell("a", FEW), cell("b", FEW)]
        cells[0].curve["return"], cells[1].curve["return"] = best + FEW, -9.5 + FEW
        assert verdicts(claim, cells=cells) == [expected]


@pytest.mark.parametrize(("random", "share"), [(0.0, 20), (0.12, 9), (0.15, 6)])
def test_what_random_actions_reach_is_no_success(monkeypatch, random, share):
    ends: Any = {"PointMass": {"random_success_any": random, "random_success_final": 0.9}}
    monkeypatch.setattr(reference_scores, "table", lambda: ends)
    cells = [cell("a", FEW + 0.19 + WOBBLE), cell("b", FEW)]
    (j,) = claims.judge([A_OVER_B], cells)
    assert (j.verdict == "reproduced") == (share > 10)
    assert share > 10 or j.objection.startswith(f"at the floor: a is {share}% of the way")


def with_steps(r: Result, **steps: float) -> Result:
    return r._replace(curve=r.curve.assign(**steps))


def test_a_claim_is_not_refuted_far_below_the_steps_of_its_source():
    ahead = cell("b", SEVERAL + 0.2 + WOBBLE)
    claim = dataclasses.replace(A_OVER_B, source_steps=1000)
    for kind in ("grad_steps", "env_steps"):
        for steps, objection in ((249, "a has 25% of its source's steps"), (250, "")):
            cells = [
                with_steps(cell("a", SEVERAL), **{kind: steps}),
                with_steps(ahead, env_steps=1),
            ]
            (j,) = claims.judge([dataclasses.replace(claim, effort="as run")], cells)
            assert j.objection == objection
            assert j.verdict == ("undecided" if objection else "not reproduced")
    alike = dataclasses.replace(claim, equivalent=True, margin=0.05, effort="as run")
    for a, b, objection in (  # either cell may catch up, or fall behind
        (249, 999, "a has 25% of its source's steps"),
        (999, 249, "b has 25% of its source's steps"),
        (250, 250, ""),
    ):
        cells = [with_steps(cell("a", SEVERAL), grad_steps=a), with_steps(ahead, grad_steps=b)]
        (j,) = claims.judge([alike], cells)
        assert j.objection == objection
        assert j.verdict == ("undecided" if objection else "not reproduced")
    few = with_steps(cell("a", SEVERAL), grad_steps=30)
    assert verdicts(dataclasses.replace(claim, better="b", worse="a"), cells=[few, ahead]) == [
        "reproduced"
    ]
    # Together, too, where the claim holds at one of the places.
    other = [cell("a", SEVERAL + 0.1 + WOBBLE, demos=20), cell("b", SEVERAL, demos=20)]
    assert verdicts(claim, cells=[few, ahead, *other])[2] == "undecided"
    enough = with_steps(few, grad_steps=1000)
    assert verdicts(claim, cells=[enough, ahead, *other])[2] == "not reproduced"


@pytest.mark.parametrize("effort", ["equal", "as run"])
def test_not_worse_is_not_shown_while_the_other_one_would_rise_past_the_margin(effort):
    claim = dataclasses.replace(A_OVER_B, margin=-0.5, effort=effort)
    for gain, expected in ((0.2, "reproduced"), (0.25, "undecided")):  # doubled: twice as much
        cells = [risen("a", 0.0), risen("b", gain, 0.05)]
        (j,) = claims.judge([claim], cells)
        assert j.verdict == expected
        assert j.objection == ("" if gain == 0.2 else "b was still rising at the end")


def test_not_worse_is_shown_of_two_that_have_learned():
    bound = dataclasses.replace(A_OVER_B, margin=-0.1)
    near = [cell("a", FEW + 0.11 + WOBBLE), cell("b", FEW + 0.15 + WOBBLE)]  # 6% and 11%
    (j,) = claims.judge([bound], near)
    assert j.verdict == "undecided" and j.objection.startswith("at the floor: a is 6%")
    # It is worse all the same where the other one has learned, and not worse where it leads.
    ahead = cell("b", SEVERAL + WOBBLE)
    assert verdicts(bound, cells=[cell("a", FEW), ahead]) == ["not reproduced"]
    leads = dataclasses.replace(bound, better="b", worse="a")
    assert verdicts(leads, cells=[cell("a", FEW), ahead]) == ["reproduced"]


def test_places_together_count_what_rises_on_their_side():
    """More steps of b could refute that a is not worse; they cannot save it."""
    claim = dataclasses.replace(A_OVER_B, margin=-0.2)
    holds = [risen("a", 0.0), risen("b", 0.25, 0.05)]
    for by, expected in ((0.0, "b was still rising at the end"), (0.3, "")):
        other = [risen("a", 0.0, -by, demos=20), risen("b", 0.0, by, demos=20)]
        *_, together = claims.judge([claim], [*holds, *other])
        assert together.lead is not None and (together.lead.gap.value > 0) == (by == 0.0)
        assert together.objection == expected


@pytest.mark.parametrize("best", [0.06, 0.03])
def test_an_expert_no_better_than_random_is_no_measure(best):
    header = {"expert": "scripted", "success_any": best}
    cells = [cell("a", FEW + 0.3 + WOBBLE), cell("b", FEW)]
    cells = [c._replace(info=c.info | {"demonstrations": header}) for c in cells]
    assert verdicts(A_OVER_B, cells=cells) == ["reproduced"]
    low = [
        c._replace(info=c.info | {"demonstrations": header})
        for c in (cell("a", FEW + 0.1), cells[1])
    ]
    (j,) = claims.judge([A_OVER_B], low)
    assert j.objection.startswith("at the floor: a is 5% of the way")


def test_a_claim_with_a_margin_is_refuted_where_its_loser_is_at_the_floor():
    """The leader is not at the floor: it leads by too little."""
    cells = [cell("a", FEW + 0.3 + WOBBLE), cell("b", FEW)]
    assert verdicts(dataclasses.replace(A_OVER_B, margin=0.5), cells=cells) == ["not reproduced"]
    assert verdicts(dataclasses.replace(A_OVER_B, margin=0.2), cells=cells) == ["reproduced"]


def test_a_method_that_has_changed_since_is_named():
    """In verdicts and below tables; not one of another package, or one that is unknown here."""
    cells = [cell("a", SEVERAL + 0.3 + WOBBLE), cell("b", SEVERAL)]
    now = algos.traits("pwil").version
    cells[0].identity.update(method="pwil", version=now - 1)
    cells[1].identity.update(method="unheard", version=7)
    (j,) = claims.judge([A_OVER_B], cells)
    changed = f"version {now - 1}, now {now}"
    assert j.old == (f"a of {changed}",)
    assert sections.explained_verdict(j) == f"reproduced (a of {changed})"
    assert captions.versions_sentence(cells).endswith(f"whose numbers differ: a ({changed}).")
    cells[0].identity.update(version=now)
    assert captions.versions_sentence(cells) == ""
    (j,) = claims.judge([A_OVER_B], cells)
    assert j.old == () and sections.explained_verdict(j) == "reproduced"
    cells[0].identity.update(version=1, peer={"package": "d3rlpy"})
    assert cells[0].old_version == ""


def test_a_claim_that_nothing_is_learned_is_judged_at_the_floor():
    low = [cell("a", FEW + 0.01 * WOBBLE), cell("b", FEW)]
    same = dataclasses.replace(A_OVER_B, margin=0.1, equivalent=True)
    assert verdicts(same, cells=low) == ["undecided"]
    assert verdicts(dataclasses.replace(same, at_floor=True), cells=low) == ["reproduced"]


def test_two_are_the_same_only_if_both_have_learned():
    same = dataclasses.replace(A_OVER_B, margin=0.15, equivalent=True)
    near = [cell("a", FEW + 0.21 + 0.1 * WOBBLE), cell("b", FEW + 0.13 + 0.1 * WOBBLE)]
    (j,) = claims.judge([same], near)
    assert (j.verdict, j.objection) == (
        "undecided", "at the floor: b is 9% of the way from random to the expert",
    )  # fmt: skip
    # Refuted by the one that has learned, whichever it is.
    far = [cell("a", FEW + 0.8 + WOBBLE), cell("b", FEW)]
    assert verdicts(same, cells=far) == ["not reproduced"]
    assert verdicts(dataclasses.replace(same, better="b", worse="a"), cells=far) == [
        "not reproduced"
    ]


def test_beside_a_clip_the_floor_is_higher(monkeypatch):
    """A body that stands still earns a tenth of some clips' reward."""
    ends = {"PointMass": {"random": 0.0, "expert": 10.0, "expert_kind": "clip"}}
    monkeypatch.setattr(reference_scores, "table", lambda: ends)
    claim = dataclasses.replace(A_OVER_B, measure="return")
    for best, expected in ((1.5, "undecided"), (2.5, "reproduced")):
        cells = [cell("a", FEW), cell("b", FEW)]
        cells[0].curve["return"], cells[1].curve["return"] = best + FEW, FEW
        assert verdicts(claim, cells=cells) == [expected]


def test_values_of_any_size_are_compared_by_signed_logarithms():
    values = np.array([32_491.0, 55.0, 213.0, 251.0, 3_941.0])
    c = cell("a", SEVERAL)
    c.curve["metric/value"], c.curve["metric/discounted"] = values, -50.0 + SEVERAL
    np.testing.assert_allclose(c.final("log metric/value"), np.log1p(values))
    np.testing.assert_allclose(c.final("log metric/discounted"), -np.log1p(50.0 - SEVERAL))
    above = Claim("it overestimates", "a", "a", "", measure="metric/value")
    above = dataclasses.replace(above, against="metric/discounted", at_floor=True)
    assert verdicts(above, cells=[c]) == ["undecided"]  # 32,491 alone makes the spread
    logs = dataclasses.replace(above, measure="log metric/value", against="log metric/discounted")
    assert verdicts(logs, cells=[c]) == ["reproduced"]


def test_more_gradient_steps_prove_nothing_over_a_cell_that_still_rises():
    def rising(label: str, grad_steps: int, gain: float) -> Result:
        c = cell(label, SEVERAL + (0.3 if label == "a" else 0.0))
        before = c.curve.assign(success_any=c.curve["success_any"] - gain, updates=5.0)
        later = c.curve.assign(evaluation=1, updates=10.0, grad_steps=float(grad_steps))
        return c._replace(curve=pd.concat([before, later], ignore_index=True))

    for steps, gain, expected in (
        (200, 0.1, "undecided"), (105, 0.1, "reproduced"), (200, 0.0, "reproduced"),
    ):  # fmt: skip
        cells = [rising("a", steps, 0.0), rising("b", 100, gain)]
        cells[1].curve.loc[:4, "success_any"] += np.linspace(-0.01, 0.01, 5)
        (j,) = claims.judge([A_OVER_B], cells)
        assert j.verdict == expected
        assert ("b was still rising after 100 gradient" in j.objection) == (expected == "undecided")


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.15, "undecided"), (0.05, "reproduced"), (0.0, "reproduced")]
)
def test_methods_are_not_the_same_while_one_of_them_would_rise_past_the_margin(gain, expected):
    """A rise over the last half of the budget is doubled by as many steps again: 0.3 is more than
    the margin, 0.1 is not."""
    same = dataclasses.replace(A_OVER_B, margin=0.2, equivalent=True)
    cells = [risen("a", 0.0), risen("b", gain)]
    (j,) = claims.judge([same], cells)
    assert j.verdict == expected
    assert j.objection == ("b was still rising at the end" if gain == 0.15 else "")
    assert effort.still_rising(cells[1], "success_any") == (gain > 0)
    as_run = dataclasses.replace(same, effort="as run")
    assert verdicts(as_run, cells=cells) == ["reproduced"]


@pytest.mark.parametrize(("gain", "expected"), [(0.1, "undecided"), (0.0, "not reproduced")])
def test_a_claim_is_not_refuted_while_its_winner_still_rises(gain, expected):
    """Most claims were published after more steps than ours."""
    cells = [risen("a", gain), risen("b", 0.0, 0.3)]
    for claim in (A_OVER_B, dataclasses.replace(A_OVER_B, effort="as run")):
        (j,) = claims.judge([claim], cells)
        assert j.verdict == expected
        assert j.objection == ("a was still rising at the end" if gain else "")
    as_run = dataclasses.replace(A_OVER_B, effort="as run", better="b", worse="a")
    assert verdicts(as_run, cells=cells) == ["reproduced"]


def test_places_together_do_not_refute_a_claim_while_its_winner_rises_at_one_of_them():
    for gain, expected in ((0.1, "undecided"), (0.0, "not reproduced")):
        cells = [risen("a", gain), risen("b", 0.0, 0.3), risen("a", 0.0, demos=20),
                 risen("b", 0.0, 0.3, demos=20)]  # fmt: skip
        *single, together = claims.judge([A_OVER_B], cells)
        assert together.pooled == 2 and together.verdict == expected
        assert single[1].verdict == "not reproduced"
        assert ("a was still rising" in together.objection) == (gain > 0)


def test_online_methods_are_compared_after_as_many_environment_steps():
    def online(label: str, steps: int, last: float) -> Result:
        c = cell(label, SEVERAL * 0 + 0.5)
        later = c.curve.assign(
            evaluation=1, updates=1.0, env_steps=float(steps), success_any=last + SEVERAL / 100
        )
        return c._replace(curve=pd.concat([c.curve, later], ignore_index=True))

    cells = [online("a", 100, 0.7), online("b", 400, 0.9)]  # b has 0.6 after 100 steps
    (j,) = claims.judge([A_OVER_B], cells)
    assert j.lead is not None and j.verdict == "reproduced"
    assert j.lead.mean.value == pytest.approx(0.1, abs=0.01)
    as_run = dataclasses.replace(A_OVER_B, effort="as run")
    assert verdicts(as_run, cells=cells) == ["not reproduced"]


def test_a_claim_may_say_after_how_many_steps():
    """a begins at 0.8 and ends at 0.5; b begins at 0.5 and has 0.7 after 200 steps and at its end,
    so that a wins before its first step, and b after as many steps as a has."""

    def online(label: str, first: float, last: float, steps: int) -> Result:
        c = cell(label, WOBBLE * (2 if label == "a" else 1) + first)
        later = c.curve.assign(
            evaluation=1, updates=1.0, env_steps=float(steps), success_any=last + SEVERAL / 100
        )
        return c._replace(curve=pd.concat([c.curve, later], ignore_index=True))

    cells = [online("a", 0.8, 0.5, 100), online("b", 0.5, 0.7, 200)]
    early = dataclasses.replace(A_OVER_B, after=(0, 200))
    (j,) = claims.judge([early], cells)
    assert j.verdict == "reproduced" and j.lead is not None
    assert j.lead.mean.value == pytest.approx(0.8 - 0.7 - SEVERAL.mean() / 100)
    half = dataclasses.replace(A_OVER_B, after=(50, 100))  # on straight lines: 0.65 and 0.6
    (j,) = claims.judge([half], cells)
    assert j.lead is not None and j.lead.mean.value == pytest.approx(0.05, abs=1e-6)
    assert verdicts(A_OVER_B, cells=cells) == ["not reproduced"]
    for after in ((101, 200), (0, 201)):
        beyond = dataclasses.replace(A_OVER_B, after=after)
        assert verdicts(beyond, cells=cells) == ["no results"]


def test_before_its_end_a_curve_may_rise():
    def online(r: Result) -> Result:
        return r._replace(curve=r.curve.assign(env_steps=r.curve["updates"] * 10))

    cells = [online(risen("a", 0.0)), online(risen("b", 0.3, 0.1))]  # evaluated after 50 and 100
    for after, objection in (((100, 100), "b was still rising at the end"), ((100, 50), "")):
        claim = dataclasses.replace(A_OVER_B, margin=-0.3, after=after)
        (j,) = claims.judge([claim], cells)
        assert j.objection == objection


def test_a_margin_that_is_a_share():
    cells = [cell("a", SEVERAL - 0.02), cell("b", SEVERAL)]
    for share, expected in ((-0.1, "reproduced"), (-0.02, "not reproduced")):
        claim = dataclasses.replace(A_OVER_B, share=share)
        (j,) = claims.judge([claim], cells)
        assert j.verdict == expected and j.lead is not None
        assert j.lead.margin == pytest.approx(share * SEVERAL.mean())
        excess = (SEVERAL - 0.02) - (1 + share) * SEVERAL
        assert j.lead.gap.value == pytest.approx(excess.mean())
        assert j.lead.gap.error == pytest.approx(scipy.stats.sem(excess))


@pytest.mark.parametrize(
    ("share_of", "gap", "a", "b"), [("worse", 0.016, 1, 1.1), ("better", 0.01, 0.9, 1)]
)
def test_a_share_that_all_seeds_agree_on_has_the_error_of_its_episodes(share_of, gap, a, b):
    """Of 100 episodes 50 and 44 succeed: 52 and 46 of 104, drawn towards a half."""
    cells = [cell("a", [0.5] * 5), cell("b", [0.44] * 5)]
    (j,) = claims.judge([dataclasses.replace(A_OVER_B, share=0.1, share_of=share_of)], cells)
    assert j.lead is not None and j.lead.gap.value == pytest.approx(gap)
    variance = (a**2 * 52 * 52 + b**2 * 46 * 58) / 104**3
    assert j.lead.gap.error == pytest.approx(variance**0.5)
    assert j.verdict == "undecided" and j.p > 0.4


def test_equivalence_is_shown_on_both_sides():
    same = dataclasses.replace(A_OVER_B, equivalent=True, margin=0.05)
    noise = np.array([0.01, -0.01, 0.0, 0.01, -0.01])
    for shift, expected in (
        (0.0, "reproduced"), (0.2, "not reproduced"), (-0.2, "not reproduced"), (0.05, "undecided"),
    ):  # fmt: skip
        cells = [cell("a", SEVERAL + shift + noise), cell("b", SEVERAL)]
        assert verdicts(same, cells=cells) == [expected]


def test_p_values_are_adjusted_over_the_suite():
    better = SEVERAL + np.array([0.02, 0.05, 0.01, 0.08, 0.04])
    cells = [cell("a", better), cell("b", SEVERAL)]
    (alone,) = claims.judge([A_OVER_B], cells)
    assert alone.verdict == "reproduced" and 0.013 < alone.p < 0.025
    noise = cell("c", SEVERAL + np.array([0.1, -0.1, 0.1, -0.1, 0.01]))
    other = dataclasses.replace(A_OVER_B, better="c")
    first, second = claims.judge([A_OVER_B, other], [*cells, noise])
    assert first.p_adjusted == pytest.approx(2 * alone.p) and first.verdict == "undecided"
    assert second.p_adjusted == pytest.approx(second.p)


def test_missing_cells_are_said():
    places = (HERE, ("PointMass", 99, "scripted"))
    claim = dataclasses.replace(A_OVER_B, places=places)
    both = [cell("a", SEVERAL + 0.1 + WOBBLE), cell("b", SEVERAL)]
    assert verdicts(claim, cells=both) == ["reproduced", "no results"]
    assert verdicts(claim, cells=both[:1]) == ["no results"] * 2
    assert verdicts(A_OVER_B, cells=both[:1]) == []


def test_places_are_judged_together():
    """Two places of one task: their errors are one, the lead is the mean."""
    wobble = np.array([0.02, -0.02, 0.01, 0.0, 0.01])
    cells = [
        cell("a", SEVERAL + 0.1 + wobble), cell("b", SEVERAL),
        cell("a", SEVERAL + 0.2 + wobble, demos=20), cell("b", SEVERAL, demos=20),
    ]  # fmt: skip
    *single, together = claims.judge([A_OVER_B], cells)
    assert [j.pooled for j in single] == [0, 0] and together.pooled == 2
    assert together.place == "2 places together" and together.lead is not None
    assert together.lead.mean.value == pytest.approx(0.15 + wobble.mean())
    assert together.lead.mean.error == pytest.approx(scipy.stats.sem(wobble))
    assert together.lead.mean.freedom == 4
    tasks = ["PointMass", "Other"]
    leads_of_tasks = [j.lead for j in single if j.lead is not None]
    apart = leads.pooled_lead(A_OVER_B, leads_of_tasks, tasks)
    assert apart is not None and apart.mean.error < together.lead.mean.error
    returns = dataclasses.replace(A_OVER_B, measure="return")
    assert leads.pooled_lead(returns, leads_of_tasks, ["Unknown"] * 2) is None


def test_a_shrinking_lead():
    more = ("PointMass", 20, "scripted")
    claim = dataclasses.replace(A_OVER_B, shrinks=((HERE, more),))
    wobble = np.array([0.0, 0.01, 0.0, 0.01, 0.0])
    few = [cell("a", 0.8 + wobble), cell("b", 0.5 - wobble)]
    many = [cell("a", 0.9 + wobble, 20), cell("b", 0.8 + wobble, 20)]
    (j,) = claims.judge([claim], few + many)
    assert j.verdict == "reproduced" and j.lead is not None
    assert j.lead.mean.value == pytest.approx(0.2 + 2 * wobble.mean())
    back = dataclasses.replace(claim, shrinks=((more, HERE),))
    assert verdicts(back, cells=few + many) == ["not reproduced"]
    assert verdicts(claim, cells=few) == ["no results"]


@pytest.mark.parametrize("seeds", [5, 6])
def test_a_shrinking_lead_that_all_seeds_agree_on_has_the_error_of_its_episodes(seeds):
    more = ("PointMass", 20, "scripted")
    claim = dataclasses.replace(A_OVER_B, shrinks=((HERE, more),))
    cells = [
        cell("a", [0.5] * 5), cell("b", [0.44] * 5),
        cell("a", [0.5] * seeds, demos=20), cell("b", [0.5] * seeds, demos=20),
    ]  # fmt: skip
    (j,) = claims.judge([claim], cells)
    n = 20 * seeds + 4
    variance = (52 * 52 + 46 * 58) / 104**3 + 2 * 0.25 / n
    assert j.lead is not None and j.lead.gap.value == pytest.approx(0.06)
    assert j.lead.gap.error == pytest.approx(variance**0.5) and j.verdict == "undecided"


@pytest.mark.parametrize(
    ("second", "name"),
    [
        (("PointMass", 20, "scripted"), "PointMass 10, scripted expert against 20"),
        (("Other", 10, "scripted"), "PointMass 10, scripted expert against Other 10"),
    ],
)
def test_a_shrinking_lead_names_the_second_task_where_it_is_another(second, name):
    task, demos, _ = second
    claim = dataclasses.replace(A_OVER_B, shrinks=((HERE, second),))
    here = [cell("a", 0.3 + SEVERAL + WOBBLE), cell("b", SEVERAL)]
    there = [cell("a", 0.1 + SEVERAL, demos, task=task), cell("b", SEVERAL, demos, task=task)]
    (j,) = claims.judge([claim], here + there)
    assert (j.place, j.verdict) == (name, "reproduced") and j.lead is not None
    assert j.lead.mean.value == pytest.approx(0.2)
    (missing,) = claims.judge([claim], here)
    assert (missing.place, missing.verdict) == (name, "no results")


def test_a_claim_about_two_measures_or_two_places():
    frame = cell("a", [0.9, 0.8, 0.9, 0.7, 0.8])
    frame.curve["metric/value"] = [7.0, 8.0, 7.5, 7.0, 8.0]
    frame.curve["metric/discounted"] = [1.0, 2.0, 3.0, 1.0, 2.0]
    over = Claim("a overestimates", "a", "a", "x", measure="metric/value")
    over = dataclasses.replace(over, against="metric/discounted", places=(HERE,), margin=2.0)
    (j,) = claims.judge([over], [frame])
    assert j.verdict == "reproduced" and j.lead is not None
    assert j.lead.mean.value == pytest.approx(5.7)
    assert sections.claim_row(j)[2].startswith("+5.70 [")  # in the measure's units
    online = ("PointMass", 0, "scripted")
    claim = dataclasses.replace(A_OVER_B, places=(HERE,), better_at=(online,))
    elsewhere = cell("a", SEVERAL + 0.2 + WOBBLE, demos=0)
    assert verdicts(claim, cells=[elsewhere, cell("b", SEVERAL)]) == ["reproduced"]
    assert verdicts(claim, cells=[cell("a", SEVERAL), cell("b", SEVERAL)]) == ["no results"]
    back = dataclasses.replace(A_OVER_B, better="b", worse="a", places=(HERE,), worse_at=(online,))
    found = claims.judge([back], [elsewhere, cell("b", SEVERAL)])
    assert [(j.verdict, j.place) for j in found] == [("not reproduced", claims.place_name(HERE))]


def test_environments_that_differ_are_not_compared():
    with pytest.raises(UserError, match="a and b on PointMass 10, .* environment digests differ"):
        claims.judge([A_OVER_B], [cell("a", [0.5]), cell("b", [0.5], digest="y")])


def test_cells_are_compared_on_the_seeds_that_both_have():
    more = cell("b", np.array([*SEVERAL, 0.0, 0.1, 0.05]))
    (j,) = claims.judge([A_OVER_B], [cell("a", SEVERAL + 0.2 + WOBBLE), more])
    assert j.verdict == "reproduced" and j.seeds == 5
    assert j.lead is not None and j.lead.mean.value == pytest.approx(0.2)
    other = cell("b", SEVERAL)
    other.info["identity"]["seeds"] = [5, 6, 7, 8, 9]
    with pytest.raises(UserError, match="seeds differ"):
        claims.judge([A_OVER_B], [cell("a", SEVERAL), other])


def test_cells_with_fewer_episodes_are_compared_on_the_initial_states_that_both_have():
    rng = np.random.default_rng(0)
    few, many = rng.random((5, 4)), rng.random((5, 9))
    a = with_episodes(cell("a", few.mean(1), episodes=4), few)
    b = with_episodes(cell("b", many.mean(1), episodes=9), many)
    (j,) = claims.judge([A_OVER_B], [a, b])
    expected = few.mean(1) - many[:, :4].mean(1)
    assert j.lead is not None and j.lead.mean.value == pytest.approx(expected.mean())


@pytest.mark.parametrize("name", [n for n in suite_names() if published.claims_of(n)])
def test_the_cells_of_every_claim_share_training_seeds(name):
    """Five at least, in each profile that has both cells; one profile has them. The seeds of a
    cell are 0, 1, ..."""
    seeds = [
        {((c.task, c.demos, shown_by(c)), c.name): c.seeds for c in cells if not c.validation}
        for profile, cells in load_suite(name).profiles.items()
        if profile != "smoke"
    ]
    for claim in published.claims_of(name):
        places = [*claim.places, *(p for pair in claim.shrinks for p in pair)]
        sides = zip(claim.better_at or places, claim.worse_at or places, strict=True)
        for better, worse in sides:
            pair = (better, claim.better), (worse, claim.worse)
            shared = [min(x[cell] for cell in pair) for x in seeds if {*pair} <= x.keys()]
            assert shared and min(shared) >= 5, (claim.text, pair, shared)


def test_seeds_that_would_decide():
    z = scipy.stats.norm.ppf((np.arange(8) + 0.5) / 8)
    a, b = 0.52 + 0.1 * z, np.full(8, 0.5)
    (j,) = claims.judge([A_OVER_B], [cell("a", a), cell("b", b)])
    assert j.verdict == "undecided"
    needed = claims.seeds_to_decide(j)
    error = np.std(0.1 * z, ddof=1) / 8**0.5
    assert needed == pytest.approx(8 * ((1.96 + 0.84) * error / 0.02) ** 2, rel=0.02)
    assert f"about {needed:,} seeds" in sections.claim_row(j)[7]


def test_probability_of_improvement_is_the_u_statistic():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 6, 9), rng.integers(0, 6, 7)
    u = scipy.stats.mannwhitneyu(a, b).statistic
    assert stats.probability_of_improvement(a, b) == pytest.approx(u / 63)
    assert stats.probability_of_improvement(a, a) == 0.5


@pytest.mark.parametrize("name", [n for n in suite_names() if published.claims_of(n)])
def test_claims_are_about_cells_of_their_suite(name):
    profiles = load_suite(name).profiles
    cells = (*profiles["cpu"], *profiles["full"])
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


@functools.cache
def shown_by(c: Cell) -> str:
    """What `Result.expert` will be."""
    own = c.source.behaviour
    if own is not None:
        return own.name + (", as it learns" if c.source.concurrent else "")
    grade = "" if c.source.grade == "expert" else f", {c.source.grade}"
    if not c.demos:
        return ""
    if c.source.grade == "replay":
        kind = "goals" if envs.make(c.task).spec.goal else "returns"
        return REPLAY_LEARNERS[kind][0] + grade
    if c.source.grade == "clip":
        return "reference" + grade
    body = c.source.task
    experts = data.demonstrators(body or c.task, c.source.grade, c.source.expert)
    names = (x.name for x in experts)
    where = f", in {body}" if body else ""
    extra = c.source.extra
    plus = "" if extra is None else f" plus {c.source.extra_episodes} {extra.grade}"
    return " + ".join(dict.fromkeys(names)) + grade + where + plus


def test_the_command_says_each_verdict_and_its_exit_code_the_sum(tmp_path, capsys, monkeypatch):
    cells = [cell("a", SEVERAL + 0.2 + WOBBLE), cell("b", SEVERAL)]
    monkeypatch.setattr(store, "read_all", lambda root: cells if "toy" in str(root) else [])
    monkeypatch.setattr(registry, "SUITES", dict.fromkeys(("toy", "none"), load_suite("bcq")))
    found = {"toy": (A_OVER_B,), "none": ()}
    monkeypatch.setattr(published, "claims_of", lambda name: found[name])
    assert main.main(["verify", "--figure", str(tmp_path / "all")]) == 0
    out = capsys.readouterr().out
    assert "reproduced: a is above b [somebody]" in out
    assert f"written: {tmp_path / 'all.png'}" in out and (tmp_path / "all.svg").exists()
    found["toy"] = (dataclasses.replace(A_OVER_B, better="b", worse="a"),)
    assert main.main(["verify", "toy"]) == 1
    assert "1 not reproduced" in capsys.readouterr().out
    assert main.main(["verify", "none"]) == 2
    assert "suite none has no claims" in capsys.readouterr().err
    assert main.main(["verify", "toys"]) == 2
    assert "did you mean toy" in capsys.readouterr().err


def test_leads_in_metrics_and_entropies_have_three_digits():
    (j,) = claims.judge([A_OVER_B], [cell("a", SEVERAL + 0.3), cell("b", SEVERAL)])
    assert sections.format_lead(j).startswith("+30.0 [+")

    def written(measure: Any, value: float) -> str:
        assert j.lead is not None
        mean = j.lead.mean._replace(value=value, error=0.01 * value)
        claim = dataclasses.replace(A_OVER_B, measure=measure)
        return sections.format_lead(j._replace(claim=claim, lead=j.lead._replace(mean=mean)))

    assert written("metric/val_loss", 0.0012345).startswith("+0.00123")
    assert written("metric/val_loss", 0.0858).startswith("+0.0858")
    assert written("mode_entropy", 0.784).startswith("+0.784")
    assert written("return", 0.784).startswith("+0.8")
