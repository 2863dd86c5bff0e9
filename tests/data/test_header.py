"""Headers of data sets, made from the outcomes of episodes."""

from __future__ import annotations

import numpy as np

from imitbench.data.header import describe, make_header


def test_rates_and_mean_return_are_over_all_attempted_episodes():
    returns, success_any = np.array([1.0, 2.0, 6.0]), np.array([True, True, False])
    success_final = np.array([True, False, False])
    header = make_header(
        "PointMass",
        returns,
        (success_any, success_final),
        expert="scripted",
        engine="native",
        grade="noisy",
        seed=7,
        episodes=1,
        noise=0.2,
        only_success=True,
    )
    assert (header.episodes, header.attempted, header.seed) == (1, 3, 7)
    assert (header.success_any, header.success_final) == (2 / 3, 1 / 3)
    assert header.mean_return == 3.0 and header.grade == "noisy"
    assert describe(header) == (
        "PointMass: 1 episodes of 3 run (grade noisy, scripted expert, engine native, seed 7, "
        "action noise 0.2); success any 66.7%, final 33.3%, return 3.00"
    )


def test_tasks_without_success_have_no_rates():
    header = make_header(
        "Hopper", [1.0, 2.0], None, expert="sac", engine="native", grade="replay", seed=0
    )
    assert header.success_any is None and header.success_final is None
    assert (header.episodes, header.attempted, header.mean_return) == (2, 2, 1.5)
    assert "success" not in describe(header)
