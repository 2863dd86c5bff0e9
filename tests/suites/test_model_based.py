"""The suite model_based: what its claims need to be about running, and what its rows share."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import envs
from imitbench.algos.model_based.slbo import slbo
from imitbench.core import buffer, rollout
from imitbench.suites import model_based
from imitbench.suites.published import model_based as published
from imitbench.suites.published.schema import OURS


def test_each_claim_about_a_speed_has_its_floor():
    """The same policy after the same steps, above the untrained one by 0.2 m/s for 500 steps."""
    speeds = [c for c in published.CLAIMS if c.places == published.SPEEDS]
    after = {c.after for c in speeds}
    assert after == {
        (0, 10_000), (10_000, 10_000), (20_000, 20_000), (0, 0), (10_000, 0), (20_000, 0)
    }  # fmt: skip
    assert {(c.better, c.worse, c.margin) for c in speeds} == {("slbo-after-5", "slbo", 100.0)}


def test_the_end_of_the_curve_is_judged_against_no_source():
    (at_the_end,) = (c for c in published.CLAIMS if c.after == (20_000, 20_000))
    assert at_the_end.source == OURS
    ends = {c.env_steps for c in model_based.cells(model_based.CPU) if "speed" in c.task}
    assert ends == {20_000}


def test_the_claim_beside_sac_is_not_refuted_at_a_fifth_of_the_steps():
    (claim,) = (c for c in published.CLAIMS if c.worse == "sac")
    assert claim.source_steps == 1_000_000
    steps = [
        {c.env_steps for c in model_based.cells(size) if c.method == "sac"}
        for size in (model_based.CPU, model_based.FULL)
    ]
    assert steps == [{100_000}, {1_000_000}]
    assert [c.worse for c in published.CLAIMS if c.source_steps] == ["sac"]


def test_rows_that_slbo_is_compared_with_have_evaluations_where_it_has():
    cells = [c for c in model_based.cells(model_based.CPU) if c.task == "HalfCheetah-known-reward"]
    steps = {c.name: (c.env_steps, c.env_steps // c.num_evals) for c in cells}
    assert steps.pop("slbo") == steps.pop("trpo") == (200_000, 25_000)
    assert set(steps.values()) == {(100_000, 25_000)} and len(steps) == 4


def test_trpo_on_real_steps_has_the_entropy_itself():
    for cell in model_based.cells(model_based.CPU):
        if cell.method == "trpo":
            assert (cell.config.entropy, cell.config.entropy_limit) == (0.005, 0.0)
        elif cell.method == "slbo":
            assert cell.config.trpo.entropy_limit == 2.0


@pytest.mark.slow
def test_an_untrained_policy_stands_still():
    """At 1 m/s that is -1 in each of 500 steps; random actions cost more, and run backwards."""
    env = envs.make("HalfCheetah-speed-1")
    algo = slbo.make(model_based.CPU.slbo, env.spec, env)
    state = jax.jit(algo.init)(jax.random.key(0), buffer.no_rows(env.spec))

    def returns(policy) -> np.ndarray:
        steps = rollout.episodes(env, policy, jax.random.key(1), 4)
        return np.asarray(jnp.sum(steps.reward * steps.weight, axis=0))

    def random(key: jax.Array, obs: jax.Array) -> jax.Array:
        return jax.random.uniform(key, (*obs.shape[:-1], 6), minval=-1.0)

    still = returns(lambda key, obs: algo.act(key, state, obs))
    np.testing.assert_allclose(still, -500.0, atol=5.0)
    assert returns(random).mean() < -530.0
