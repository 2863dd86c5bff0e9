"""Which rows of `vins_rl` and `mix` end their episodes at the goal."""

from __future__ import annotations

import pytest

from imitbench.suites import mix, vins_rl


@pytest.mark.parametrize("profile", ["cpu", "full"])
def test_rows_with_a_discriminator_end_at_the_goal_as_vins_rl_does(profile):
    cells = vins_rl.SUITE.profiles[profile] + mix.SUITE.profiles[profile]
    ends = {c.name: c.config.td3.replay.goal_ends for c in cells if c.method == "dac"}
    assert set(ends.values()) == {True} and {"dac", "task", "mix-0.5-resets"} <= set(ends)
    assert {c.config.goal_ends for c in cells if c.method == "vins_rl"} == {True}
    others = {c.config.replay.goal_ends for c in cells if c.method in ("ddpg", "ddpg_demos")}
    assert others == {False}


def test_her_and_dac_have_a_place_where_they_are_judged():
    cells = vins_rl.SUITE.profiles["cpu"]
    assert {c.task for c in cells if c.name in ("her", "dac")} == {"FetchPush"}
