"""Checks and warnings before a method learns from a data set."""

from __future__ import annotations

import re

import numpy as np
import pytest

from imitbench import data
from imitbench.data.validate import check_steps, constant_warnings
from imitbench.utils.errors import UserError


@pytest.fixture
def lines(demos, env):
    def run(rewards: bool = True, **changes) -> list[str]:
        steps = demos.steps.replace(**changes)
        return data.warnings(demos.replace(steps=steps), env.spec, rewards=rewards)

    return run


def test_good_data_give_no_warning(lines):
    assert lines() == []


def test_data_without_rewards_is_refused_by_methods_that_need_them(lines, demos):
    none = np.zeros_like(demos.steps.reward)
    with pytest.raises(UserError, match="PointMass has no rewards .* such as bc"):
        lines(reward=none)
    assert lines(reward=none, rewards=False) == []
    (line,) = lines(reward=none - 1)
    assert "every reward of PointMass is -1" in line


def test_methods_that_need_reached_goals_refuse_data_without(demos, env):
    never = demos.steps.replace(success=np.zeros_like(demos.steps.success))
    with pytest.raises(UserError, match="no step of the data set of PointMass reaches the goal"):
        data.warnings(demos.replace(steps=never), env.spec, rewards=False, success=True)
    assert data.warnings(demos, env.spec, rewards=False, success=True) == []


def test_a_time_limit_marked_as_an_end_gives_a_warning(lines, demos):
    terminated = demos.steps.truncated.copy()
    (line,) = lines(terminated=terminated)
    assert re.search("marked as terminated after 20 steps.*time limit", line)
    early = terminated.copy()
    early[0] = False
    assert lines(terminated=early) == []


def test_components_that_never_change_are_named(demos, env):
    obs = demos.steps.obs.copy()
    obs[..., 2] = 0.5
    still = demos.replace(steps=demos.steps.replace(obs=obs))
    (line,) = constant_warnings(still, env.spec)
    assert line.startswith("observation components 2 of PointMass (")
    assert constant_warnings(demos, env.spec) == []
    assert data.warnings(still, env.spec, rewards=False) == []


def test_actions_beyond_their_bounds_are_refused(demos, env):
    action = demos.steps.action.copy()
    action[1, 3] = 2.5
    with pytest.raises(UserError, match=r"x\.npz: an action component of magnitude 2\.5, expected"):
        check_steps(demos.replace(steps=demos.steps.replace(action=action)), env.spec, "x.npz")
    check_steps(demos, env.spec, "x.npz")
