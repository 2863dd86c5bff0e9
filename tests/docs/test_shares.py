"""Published shares of an expert's return beside ours."""

from __future__ import annotations

import pytest

from docs._generate import baselines, shares, sources
from imitbench.results import scores


def test_shares_by_hand():
    found = {(s.suite, s.label, s.place): s.share for s in shares.published()}
    assert found["gail", "bc", ("Hopper", 11, "learned")] == pytest.approx(1025.84 / 3571.38)
    assert found["inverse", "dac_sac", ("HalfCheetah", 1, "learned")] == pytest.approx(
        0.80, abs=5e-3
    )
    assert found["offline", "bc-top-40", ("Hopper", 25, "learned, stochastic-mixed")] == 1.112
    replay = found["offline", "td3_bc", ("HalfCheetah", 50, "replay of sac")]
    assert replay == pytest.approx(0.448)


def test_the_best_episodes_say_that_theirs_are_a_tenth():
    best = [s for s in shares.published() if s.label.startswith("bc-top")]
    assert {s.label for s in best} == {"bc-top-40", "bc-top-10"}
    assert all(s.source.endswith("data; theirs is 10% BC") for s in best)
    assert all(shares.in_a_profile(s) for s in shares.published() if s.suite == "offline")


def test_each_suite_has_rows_and_ours_are_those_of_the_cells():
    table = shares.table()
    for suite in ("gail", "inverse", "offline"):
        assert f"[`{suite}`]" in table
    for r in sources.shipped_results("inverse"):
        if r.identity["label"] == "iq_learn" and r.place == ("Hopper", 1, "learned"):
            value, low, high = scores.normalised(r)
            assert f"| {value:.2f} [{low:.2f}, {high:.2f}] |" in table
    shown = [s for s in shares.published() if shares.in_a_profile(s)]
    assert table.count("\n") == len(shown) + 1
    left_out = {(s.label, s.place[0]) for s in shares.published() if s not in shown}
    assert ("gail", "Ant-27") in left_out and ("bc", "Hopper") not in left_out


@pytest.mark.slow
def test_a_suite_that_lacks_a_method_is_named_as_not_run():
    rows = {line.split("`")[1]: line for line in baselines.overview().splitlines()[2:]}
    assert "[`offline`](suites/offline.md) (not run yet)" in rows["td3_bc"]
    assert "[`vins`](suites/vins.md)," in rows["bc"]
