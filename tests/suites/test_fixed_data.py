"""The suites about fixed data, `offline` and `bcq`: their budgets, rows and claims."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from imitbench.algos.rl import weighted_regression
from imitbench.suites import bcq, offline, published
from imitbench.suites.schema import PROFILES


@pytest.mark.parametrize("suite", [offline.SUITE, bcq.SUITE])
def test_each_seed_draws_out_of_ten_times_as_many_episodes(suite):
    cells = [c for profile in PROFILES for c in suite.profiles[profile] if c.demos]
    collected = [c for c in cells if c.source.behaviour is None]
    many = {c.source.pool // c.demos for c in collected if c.demos <= 50}
    assert many == {10} and {c.source.pool // c.demos for c in collected} <= {2, 5, 10}


def test_the_control_of_awr_has_another_temperature_alone():
    for size in (offline.CPU, offline.FULL):
        cells, tasks = offline.cells(size), set(size.tasks)
        controls = [c for c in cells if c.name == "awr-unweighted"]
        assert {(c.task, c.source.grade) for c in controls} == {(t, "stochastic") for t in tasks}
        for control in controls:
            (awr,) = (
                c
                for c in cells
                if (c.name, c.task, c.source) == ("awr", control.task, control.source)
            )
            config = dataclasses.replace(control.config, temperature=awr.config.temperature)
            assert dataclasses.replace(control, label="awr", config=config) == awr


def test_a_temperature_of_a_million_weighs_all_steps_alike():
    advantage = jnp.array([-50.0, 0.0, 3.0, 900.0])
    weight, _ = weighted_regression.advantage_weights(
        advantage,
        jnp.ones(4),
        standardise=True,
        temperature=offline.EQUAL_WEIGHTS,
        max_weight=20.0,
    )
    np.testing.assert_allclose(weight, 1.0, atol=1e-4)


def test_no_row_but_awr_and_rwr_clips_observations_to_where_robots_are():
    """HalfCheetah at rest is 5.7 standard deviations from the mean of its expert."""
    for profile in ("cpu", "full"):
        cells = offline.SUITE.profiles[profile]
        clips: Any = {c.name: c.config.clip for c in cells if hasattr(c.config, "clip")}
        assert set(clips) == {"bc", "bc-top-40", "bc-top-10", "bc-nll", "marwil"}
        assert min(clips.values()) >= 100


def test_bcq_is_on_the_mixed_data_of_one_task():
    cells = [c for c in offline.SUITE.profiles["cpu"] if c.name == "bcq"]
    found = [(c.task, c.source.grade, c.seeds) for c in cells]
    assert found == [("HalfCheetah", "stochastic-mixed", 5)]


def test_learners_on_fixed_data_have_the_gradient_steps_of_the_behaviour():
    cells = bcq.SUITE.profiles["cpu"]
    learners = {c.grad_steps for c in cells if c.demos}
    assert {(c.source.behaviour is not None or not c.demos, c.seeds) for c in cells} == {
        (True, 10), (False, 5),
    }  # fmt: skip
    behaviour = {c.env_steps - c.config.replay.warmup for c in cells if not c.demos}
    assert learners == behaviour == {45_000}
    assert {c.demos for c in cells if c.demos} == {47}


def test_the_margin_covers_the_missing_share_of_a_value():
    """A return of -30 and a value estimate without extrapolation error, after 45,000 steps."""
    (claim,) = (c for c in published.claims_of("bcq") if c.measure == "log metric/value")
    value = -30 * (1 - math.exp(-0.01 * 0.005 * 45_000))
    lead = math.log1p(30) - math.log1p(-value)
    assert 0.1 < lead < claim.margin == 0.12
    assert not [c for c in published.claims_of("bcq") if "overestimate" in c.measure]


GUARDED = ("iql", "td3_bc")


def test_verdicts_against_methods_with_few_steps_are_withheld():
    claims = published.claims_of("offline")
    judged = {(c.better, c.source_steps) for c in claims if c.better in GUARDED}
    assert judged == {("iql", 1_000_000), ("td3_bc", 1_000_000)}
    cells = {(c.name, c.grad_steps) for c in offline.SUITE.profiles["cpu"] if c.name in GUARDED}
    assert cells == {("iql", 30_000), ("td3_bc", 60_000)}  # far fewer than a quarter
    of_bcq = [c for c in published.claims_of("bcq") if c.better == "bcq"]
    assert {c.source_steps for c in of_bcq} == {1_000_000} and len(of_bcq) == 7
