"""Evaluation under noise on what policies see: its size, who sees it, and who does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.fake_results import cell

from imitbench import algos, data, envs, experts
from imitbench.algos.cloning import bc
from imitbench.core import buffer, rollout
from imitbench.core.actor import Actor, from_policy, with_noisy_observations
from imitbench.core.types import Algorithm, Cost, Decision, Env, EnvState
from imitbench.results import comparability
from imitbench.results.tables import marks
from imitbench.suites import overrides
from imitbench.suites.checks import check_cell
from imitbench.suites.schema import Cell, cell_identity, cell_key
from imitbench.training import loop
from imitbench.training.evaluation import observation_noise
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
TASK = "ProbeGoal"  # position [2], goal [2]
CELL = Cell("PointMass", 3, "bc", bc.Config(), grad_steps=100)


@pytest.fixture(scope="module")
def env() -> Env:
    return envs.make(TASK)


@pytest.fixture(scope="module")
def demos(env) -> data.Demos:
    return data.collect(env, experts.load(TASK), 6, only_success=False)


def test_the_actor_sees_noise_and_the_episode_has_none(env):
    """The policy hands on what it sees as its action, which the probe clips."""
    policy = from_policy(lambda key, obs: obs[..., :2])
    std = jnp.array([0.1, 0.3, 0.0, 5.0])
    steps = rollout.episodes(env, with_noisy_observations(policy, std), KEY, 200)
    noise = np.asarray(steps.action - steps.obs[..., :2]).reshape(-1, 2)
    np.testing.assert_allclose(noise.std(axis=0), [0.1, 0.3], rtol=0.05)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.02)
    assert abs(np.corrcoef(noise[:-200, 0], noise[200:, 0])[0, 1]) < 0.05  # anew in each step
    plain = rollout.episodes(env, policy, KEY, 200)
    np.testing.assert_array_equal(steps.obs[0], plain.obs[0])  # the same initial states


def test_the_noise_has_nothing_to_do_with_the_actors_own_randomness(env):
    """Also where a policy splits its key, as heads and VINS do."""

    def draws(key: Any, obs: jax.Array) -> jax.Array:
        own = jax.random.normal(jax.random.split(key)[1], obs.shape)
        return jnp.concatenate([obs, own], axis=-1)

    state = jax.vmap(env.reset)(jax.random.split(KEY, 1_000))
    seen, _ = with_noisy_observations(from_policy(draws), jnp.ones(4)).act(KEY, (), state)
    assert not isinstance(seen, Decision)
    noise, own = np.asarray(seen[:, :4] - state.obs).ravel(), np.asarray(seen[:, 4:]).ravel()
    assert abs(np.corrcoef(noise, own)[0, 1]) < 0.06


@pytest.mark.slow
def test_a_memory_begins_with_a_noisy_observation(env):
    def act(key: Any, memory: jax.Array, state: EnvState) -> tuple[jax.Array, jax.Array]:
        return memory, memory

    first = Actor(lambda key, state: state.obs[:, :2], act)
    steps = rollout.episodes(env, with_noisy_observations(first, 0.2 * jnp.ones(4)), KEY, 300)
    off = np.asarray(steps.action[0] - steps.obs[0, :, :2])
    np.testing.assert_allclose(off.std(), 0.2, rtol=0.1)


def test_its_size_is_that_of_the_demonstrations(demos):
    """Of each seed's own, by hand; rows of weight 0 do not count."""
    rows = data.subset(demos, 3, [0, 1])
    weight = np.ones(rows.weight.shape, np.float32)
    weight[:, -4:] = 0
    rows = rows.replace(weight=jnp.asarray(weight))
    expected = [0.5 * np.asarray(rows.obs[s, :-4]).std(axis=0) for s in range(2)]
    found: Any = observation_noise(rows, 0.5, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    shared = jax.tree.map(lambda x: x[0], rows)
    of_both: Any = observation_noise(shared, 0.5, 2)
    np.testing.assert_allclose(of_both, expected[:1] * 2, rtol=1e-4)
    assert observation_noise(rows, 0.0, 2) is None
    with pytest.raises(UserError, match="obs_noise=-1: expected 0 or more"):
        observation_noise(rows, -1, 2)


def watcher() -> Algorithm:
    """Pushes to where it sees the goal, and counts its updates."""

    def act(key: Any, state: Any, obs: jax.Array) -> jax.Array:
        return jnp.clip(5.0 * (obs[..., 2:] - obs[..., :2]), -1, 1)

    def update(key: Any, state: Any, demos: Any) -> tuple[Any, Any]:
        return state + 1, {"mean": jnp.mean(demos.obs)}

    return Algorithm(lambda key, demos: jnp.float32(0), update, act, Cost(grad_steps=1))


@pytest.mark.parametrize("seeds_by", ["threads", pytest.param("vmap", marks=pytest.mark.slow)])
def test_only_evaluations_have_it(demos, env, seeds_by):
    rows = data.subset(demos, 3, [0, 1])
    keys = jax.random.split(KEY, 2)
    options: dict[str, Any] = {"num_updates": 2, "num_evals": 2, "eval_episodes": 40}

    def train(noise: float) -> tuple[loop.TrainState, loop.Eval]:
        return loop.train(
            watcher(), rows, keys, env=env, obs_noise=noise, seeds_by=seeds_by, **options
        )

    (clean, a), (state, b) = train(0.0), train(1.0)
    np.testing.assert_array_equal(clean.algo, state.algo)
    np.testing.assert_array_equal(a.metrics["mean"], b.metrics["mean"])
    assert (b.returns < a.returns - 1).all()
    with pytest.raises(UserError, match="obs_noise=1.0: it is measured by the demonstrations"):
        loop.train(watcher(), buffer.no_rows(env.spec), keys, env=env, obs_noise=1.0, **options)


def test_it_is_part_of_a_cells_identity_where_there_is_any():
    noisy = dataclasses.replace(CELL, obs_noise=0.03)
    plain, other = (cell_identity("s", "cpu", c, "native") for c in (CELL, noisy))
    assert other == plain | {"obs_noise": 0.03} and cell_key(other) != cell_key(plain)
    assert "obs_noise" not in plain
    assert overrides.label("bc", ["lr=1"], 0.03) == "bc-lr=1-obs_noise=0.03"
    assert overrides.label("bc", ["lr=1"]) == "bc-lr=1"


def test_bad_sizes_are_refused():
    check_cell(dataclasses.replace(CELL, obs_noise=0.5))
    for wrong in (-0.1, float("nan"), float("inf"), True, "0.1"):
        broken: Any = dataclasses.replace(CELL, obs_noise=wrong)  # type: ignore[arg-type]
        with pytest.raises(UserError, match="obs_noise=.*: expected a number, 0 or more"):
            check_cell(broken)
    learner = Cell("PointMass", 0, "ppo", algos.ppo.Config(), env_steps=8, obs_noise=0.1)
    with pytest.raises(UserError, match="obs_noise=0.1: it is measured by .* ppo has none; set 0"):
        check_cell(learner)


def test_cells_with_other_noise_stay_paired_and_are_marked_apart():
    seen = [0.2, 0.4, 0.6]
    plain, noisy = cell("a", [0.5, 0.7, 0.9]), cell("b", seen)
    noisy.identity["obs_noise"] = 0.03
    (difference,) = comparability.differences(plain, noisy)
    assert str(difference) == (
        "noises on the observations differ (0.0, 0.03): one policy saw less noise"
    )
    assert comparability.are_paired(plain, noisy)
    worse = cell("c", [0.1, 0.3, 0.2])
    worse.identity["obs_noise"] = 0.03
    assert marks.is_best([plain, noisy, worse], "success_any")[:2] == [False, True]
