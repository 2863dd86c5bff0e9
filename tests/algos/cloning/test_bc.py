"""BC's losses by hand, its validation split, and that it learns."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, supervised
from imitbench.algos.cloning.pairs import best_weight
from imitbench.core import ops, rollout
from imitbench.core.distributions import Categorical, Deterministic, Gaussian
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.core.types import Transition
from imitbench.envs.base import make_spec
from imitbench.utils.errors import UserError


@pytest.fixture
def rows(demos):
    return data.subset(demos, 8, [0], same=True)


def first_loss(config: bc.Config, rows) -> tuple[float, bc.State, bc.Pairs]:
    """Loss of the initial parameters over all training rows, from a step of size zero."""
    spec = envs.make("PointMass").spec
    learner = bc.supervised_learner(config, spec)
    pairs, _ = bc.split(config, spec, rows)
    state = learner.init(jax.random.key(0), pairs)
    one = jax.tree.map(lambda x: x[:1], pairs)
    _, metrics = learner.fit(jax.random.key(1), state, one)
    return float(metrics["loss"]), state, one


def test_errors_by_hand():
    """The mean over components for mse, the sum for nll; rows of weight 0 do not count."""
    target = jnp.array([[0.5, 0.0], [0.0, 0.0], [9.0, 9.0]])
    pairs = bc.Pairs(jnp.zeros((3, 1)), target, jnp.array([1.0, 1.0, 0.0]))
    mode = jnp.array([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    mse = ops.weighted_mean(
        supervised.imitation_errors(Deterministic(mode), pairs.target), pairs.weight
    )
    assert float(mse) == pytest.approx((0.25 + 1.0) / 2 / 2)
    nll = ops.weighted_mean(
        supervised.imitation_errors(Gaussian(mode, jnp.zeros(2)), pairs.target), pairs.weight
    )
    assert float(nll) == pytest.approx(0.5 * (0.25 + 1.0) / 2 + np.log(2 * np.pi))
    choices = bc.Pairs(jnp.zeros((2, 1)), jnp.array([0, 2]), jnp.ones(2))
    uniform = ops.weighted_mean(
        supervised.imitation_errors(Categorical(jnp.zeros((2, 3))), choices.target), choices.weight
    )
    assert float(uniform) == pytest.approx(np.log(3))


def test_the_best_parameters_are_those_of_the_lowest_loss():
    norm = ops.Normaliser(jnp.zeros(1), jnp.ones(1))
    state = bc.State(jnp.array(2.0), (), norm, jnp.array(1.0), jnp.float32(0.5))
    worse, better = (
        supervised.keep_best(state, jnp.float32(0.6)),
        supervised.keep_best(state, jnp.float32(0.4)),
    )
    assert (float(worse.best_params), float(worse.best_loss)) == (1.0, 0.5)
    assert (float(better.best_params), float(better.best_loss)) == (2.0, pytest.approx(0.4))


def test_mse_by_hand(rows):
    loss, state, one = first_loss(bc.Config(lr=1e-12, batch=1, steps=1), rows)
    spec = envs.make("PointMass").spec
    action = bc.make(bc.Config(), spec).act(jax.random.key(0), state, one.obs)
    assert loss == pytest.approx(float(jnp.mean((action - one.target) ** 2)), rel=1e-5)


def test_nll_by_hand(rows):
    config = bc.Config(loss="nll", lr=1e-12, batch=1, steps=1)
    loss, state, one = first_loss(config, rows)
    # Read the network's own outputs: the last layer's first half is the mean before tanh.
    x = state.norm(one.obs, config.clip)
    layers = state.params["params"]
    for i in range(2):
        x = jax.nn.relu(x @ layers[f"Dense_{i}"]["kernel"] + layers[f"Dense_{i}"]["bias"])
    y = x @ layers["Dense_2"]["kernel"] + layers["Dense_2"]["bias"]
    mean, log_std = jnp.tanh(y[0, :2]), y[0, 2:]
    z = (one.target[0] - mean) / jnp.exp(log_std)
    expected = float(jnp.sum(0.5 * z**2 + log_std + 0.5 * np.log(2 * np.pi)))
    assert loss == pytest.approx(expected, rel=1e-5)


def test_l2_shrinks_the_parameters(rows):
    spec = envs.make("PointMass").spec
    norms = []
    for l2 in (0.0, 1.0):
        algo = bc.make(bc.Config(l2=l2, steps=50, hidden=(8,)), spec)
        state = algo.init(jax.random.key(0), rows)
        state, _ = jax.jit(algo.update)(jax.random.key(1), state, rows)
        norms.append(sum(float(jnp.sum(x**2)) for x in jax.tree.leaves(state.params)))
    assert norms[1] < 0.9 * norms[0]


def test_held_out_episodes_are_whole_and_not_trained_on(rows):
    spec = envs.make("PointMass").spec
    train, held_out = bc.split(bc.Config(validation=0.3), spec, rows)
    assert held_out is not None
    assert held_out.weight.shape[0] == 2 * spec.horizon  # 0.3 of 8 episodes, rounded down
    assert held_out.weight.all()
    np.testing.assert_array_equal(held_out.obs, rows.obs[6 * spec.horizon :])
    assert train.weight.shape[0] == 6 * spec.horizon and train.weight.all()
    assert bc.split(bc.Config(validation=0.0), spec, rows)[1] is None
    # Training never reads the held-out rows: spoiling them changes nothing but the validation loss.
    spoiled = rows.replace(intended_action=rows.intended_action.at[6 * spec.horizon :].set(1.0))
    algo = bc.make(bc.Config(validation=0.3, steps=5), spec)
    a, m_a = algo.update(jax.random.key(1), algo.init(jax.random.key(0), rows), rows)
    b, m_b = algo.update(jax.random.key(1), algo.init(jax.random.key(0), spoiled), spoiled)
    jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
    assert float(m_a["val_loss"]) != float(m_b["val_loss"])


def test_early_stopping_keeps_the_best_parameters(rows):
    """Held-out actions are 0, the others 0.9: the validation loss rises from the start."""
    spec = envs.make("PointMass").spec
    cut = 6 * spec.horizon
    rows = rows.replace(intended_action=jnp.zeros_like(rows.intended_action).at[:cut].set(0.9))
    config = bc.Config(validation=0.3, early_stopping=True, steps=5, hidden=(16,))
    algo = bc.make(config, spec)
    update = jax.jit(algo.update)
    state = algo.init(jax.random.key(0), rows)
    state, metrics = update(jax.random.key(0), state, rows)
    first, best = float(metrics["val_loss"]), state.params
    for i in range(1, 6):
        state, metrics = update(jax.random.key(i), state, rows)
    assert float(metrics["val_loss"]) > first == pytest.approx(float(state.best_loss))
    jax.tree.map(np.testing.assert_array_equal, state.best_params, best)
    key, obs = jax.random.key(0), rows.obs[:4]
    stopped = algo.act(key, state, obs)
    np.testing.assert_array_equal(stopped, algo.act(key, state.replace(params=best), obs))
    last = bc.make(bc.Config(validation=0.3, hidden=(16,)), spec).act(key, state, obs)
    assert float(jnp.mean(last)) > float(jnp.mean(stopped)) + 0.05


def test_the_step_size_decays_to_zero(rows):
    spec = envs.make("PointMass").spec
    algo = bc.make(bc.Config(lr_decay_steps=20, steps=20, validation=0.0), spec)
    state = algo.init(jax.random.key(0), rows)
    done, _ = algo.update(jax.random.key(1), state, rows)
    still, _ = algo.update(jax.random.key(2), done, rows)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-7), done.params, still.params
    )


@pytest.mark.slow
def test_intended_actions_are_cloned_not_noisy_ones(env):
    demos = data.collect(env, experts.load("PointMass"), 10, noise=0.5, only_success=False)
    rows = data.subset(demos, 10, [0], same=True)
    assert not np.allclose(rows.action, rows.intended_action)
    algo = bc.make(bc.Config(steps=1500, validation=0.0), env.spec)
    state, _metrics = jax.jit(algo.update)(
        jax.random.key(1), algo.init(jax.random.key(0), rows), rows
    )
    fit = algo.act(jax.random.key(0), state, rows.obs)
    assert float(jnp.mean((fit - rows.intended_action) ** 2)) < 0.02
    assert float(jnp.mean((fit - rows.action) ** 2)) > 0.05


@pytest.mark.parametrize(
    ("share", "kept"), [(0.3, [1, 3]), (0.5, [1, 3]), (0.51, [0, 1, 3]), (0.01, [3])]
)
def test_the_best_episodes_are_kept(share, kept):
    """Four episodes of 2, 3, 1 and 2 steps return 2, 3, 1 and 5; two rows are filled up. Returns
    count thinned steps, too."""
    reward = jnp.array([1.0, 1, 1, 1, 1, 1, 0, 5, 9, 9])
    last = jnp.array([0, 1, 0, 0, 1, 1, 0, 1, 0, 0], bool)
    weight = jnp.array([1.0, 1, 1, 0, 1, 1, 1, 1, 0, 0])
    zeros = jnp.zeros((10, 1))
    flags = jnp.zeros(10, bool)
    demos = Transition(zeros, zeros, zeros, reward, zeros, flags, last, flags, weight)
    episode = np.array([0, 0, 1, 1, 1, 2, 3, 3, 9, 9])
    expected = np.where(np.isin(episode, kept), weight, 0.0)
    np.testing.assert_array_equal(best_weight(share, demos), expected)
    pairs, _ = bc.split(bc.Config(best_share=share), make_spec([("x", 1)], 1, 3), demos)
    np.testing.assert_array_equal(pairs.weight, expected)


def test_observations_as_they_are(rows):
    config = bc.Config(normalise_obs=False, validation=0.0)
    spec = envs.make("PointMass").spec
    learner = bc.supervised_learner(config, spec)
    state = learner.init(jax.random.key(0), bc.split(config, spec, rows)[0])
    far = 100.0 * rows.obs[:3]  # beyond the bound of normalised observations
    np.testing.assert_array_equal(learner.view.inputs(state.norm, far), far)
    assert learner.act(jax.random.key(0), state, far).shape == (3, 2)


def test_features_are_seen_beside_the_observation(rows):
    spec = envs.make("PointMass").spec
    config = bc.Config(features=("desired_goal - pos",), validation=0.0)
    learner = bc.supervised_learner(config, spec)
    obs = rows.obs[:3]
    goal, pos = (obs[:, spec.fields[f]] for f in ("desired_goal", "pos"))
    np.testing.assert_allclose(learner.view.see(obs), np.hstack([obs, goal - pos]), rtol=1e-6)
    state = learner.init(jax.random.key(0), bc.split(config, spec, rows)[0])
    seen = learner.view.see(rows.obs)
    np.testing.assert_allclose(state.norm.mean, seen.mean(axis=0), atol=1e-5)
    kernels = [x.shape[0] for x in jax.tree.leaves(state.params) if x.ndim == 2]
    assert spec.obs_size + 2 in kernels and spec.obs_size not in kernels
    assert learner.act(jax.random.key(0), state, obs).shape == (3, 2)


def test_wrong_features_are_named():
    with pytest.raises(UserError, match="unknown field of the observation 'hand'"):
        bc.make(bc.Config(features=("hand",)), envs.make("PointMass").spec)
    with pytest.raises(UserError, match="features needs a task with goals"):
        bc.make(bc.Config(features=("obs",)), envs.make("Tightrope-10").spec)
    config = bc.Config(features=("desired_goal - pos",))
    learner = bc.supervised_learner(config, envs.make("PointMass").spec)
    on_disk: Any = StreamedRows(jnp.arange(4), HostArray(np.zeros((4, 6), np.float32)))
    with pytest.raises(UserError, match="cannot be computed of data that stay in files"):
        learner.view.fit_normaliser(bc.Pairs(on_disk, jnp.zeros((4, 2)), jnp.ones(4)))


def test_bc_solves_the_toy_task(env, demos):
    rows = data.subset(demos, 12, [0], same=True)
    algo = bc.make(bc.Config(steps=2000, validation=0.0), env.spec)
    state, _ = jax.jit(algo.update)(jax.random.key(1), algo.init(jax.random.key(0), rows), rows)
    steps = rollout.episodes(env, lambda k, o: algo.act(k, state, o), jax.random.key(2), 50)
    assert float(rollout.summarise(steps)["success_final"].mean()) > 0.8


@pytest.mark.parametrize(
    "bad",
    [{"validation": 1.0}, {"lr": 0.0}, {"batch": 0}, {"l2": -1.0}, {"steps": 0},
     {"early_stopping": True, "validation": 0.0}],
)  # fmt: skip
def test_bad_settings(bad):
    with pytest.raises(UserError, match=next(iter(bad))):
        bc.Config(**bad)


@pytest.mark.slow
def test_settings_can_be_vmapped(rows):
    """A grid of learning rates in one program equals the runs apart."""
    spec = envs.make("PointMass").spec
    rates = jnp.array([1e-4, 3e-3])

    def run(lr):
        config = dataclasses.replace(bc.Config(steps=5, validation=0.0, hidden=(8,)), lr=lr)
        algo = bc.make(config, spec)
        return algo.update(jax.random.key(1), algo.init(jax.random.key(0), rows), rows)[0].params

    grid = jax.vmap(run)(rates)
    for i in range(2):
        apart = run(float(rates[i]))
        in_grid = jax.tree.map(lambda x, i=i: x[i], grid)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), in_grid, apart)
