"""BC and DAgger with policy heads, and with a running mean of the parameters."""

from __future__ import annotations

from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from imitbench import data, envs, experts
from imitbench.algos.cloning import bc, dagger
from imitbench.core import heads, rollout
from imitbench.core.streamed import HostArray, StreamedRows
from imitbench.utils.errors import UserError

KEY = jax.random.key(0)
KINDS = [k for k in get_args(heads.Kind) if k != "default"]


def config(kind: heads.Kind, **settings: Any) -> bc.Config:
    fields: dict[str, Any] = {"hidden": (32,), "steps": 20, "validation": 0.0, **settings}
    return bc.Config(head=heads.Config(kind, noise_steps=4, sample_steps=2), **fields)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_head_learns_the_demonstrations(kind, env, demos):
    """The loss falls, and the policy acts within the bounds."""
    rows = data.subset(demos, 8, [0], same=True)
    algo = bc.make(config(kind), env.spec)
    state = jax.jit(algo.init)(KEY, rows)
    state, first = jax.jit(algo.update)(KEY, state, rows)
    for i in range(10):
        state, last = jax.jit(algo.update)(jax.random.fold_in(KEY, i), state, rows)
    assert last["loss"] < first["loss"]
    action = jax.jit(algo.act)(KEY, state, rows.obs[:5])
    assert action.shape == (5, 2) and np.abs(action).max() <= 1


@pytest.mark.slow
def test_a_generative_clone_solves_the_toy_task(env, demos):
    rows = data.subset(demos, 12, [0], same=True)
    algo = bc.make(config("flow", hidden=(64, 64), steps=3000, lr_decay_steps=3000), env.spec)
    state, _ = jax.jit(algo.update)(KEY, algo.init(KEY, rows), rows)
    steps = rollout.episodes(env, lambda k, obs: algo.act(k, state, obs), KEY, 20)
    assert np.mean(rollout.summarise(steps)["success_any"]) > 0.8


def test_the_running_mean_is_that_of_the_parameters(env, demos):
    """Three gradient steps of updates of one step, against the recursion."""
    rows = data.subset(demos, 8, [0], same=True)
    algo = bc.make(bc.Config(hidden=(8,), steps=1, validation=0.0, ema=0.75), env.spec)
    plain = bc.make(bc.Config(hidden=(8,), steps=1, validation=0.0), env.spec)
    state, other = algo.init(KEY, rows), plain.init(KEY, rows)
    mean = state.params
    for i in range(3):
        state, _ = algo.update(jax.random.fold_in(KEY, i), state, rows)
        other, _ = plain.update(jax.random.fold_in(KEY, i), other, rows)
        mean = jax.tree.map(lambda m, p: 0.75 * m + 0.25 * p, mean, state.params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state.mean_params, mean)
    jax.tree.map(np.testing.assert_array_equal, state.params, other.params)
    acts = plain.act(KEY, other.replace(params=mean), rows.obs[:4])
    np.testing.assert_allclose(algo.act(KEY, state, rows.obs[:4]), acts, atol=1e-6)


@pytest.mark.slow
def test_held_out_errors_are_those_of_the_acting_parameters(env, demos):
    rows = data.subset(demos, 8, [0], same=True)
    learner = bc.supervised_learner(config("mixture", validation=0.25, ema=0.9), env.spec)
    pairs, rest = bc.split(learner.config, env.spec, rows)
    state, _ = learner.fit(KEY, learner.init(KEY, pairs), pairs)
    assert rest is not None
    state, metrics = learner.validate(state, rest)
    error, _ = learner.error(state.mean_params, state, rest, jax.random.key(0))
    assert float(metrics["val_loss"]) == pytest.approx(float(error))
    jax.tree.map(np.testing.assert_array_equal, state.best_params, state.mean_params)


@pytest.mark.slow
def test_a_head_of_dagger_covers_all_actions(env, demos):
    """Its first demonstrations do not show which labels will come."""
    clone = config("kmeans", steps=2)
    settings = dagger.Config(clone=clone, episodes=1, fits=1, start_fits=1)
    algo = dagger.make(settings, env.spec, env, experts.load("PointMass"))
    rows = data.subset(demos, 4, [0], same=True)
    state, _ = jax.jit(algo.update)(KEY, algo.init(KEY, rows), rows)
    fitted = state.clone.fitted
    np.testing.assert_array_equal(fitted.middle, np.zeros(2))
    np.testing.assert_array_equal(fitted.half, np.ones(2))
    alone = bc.make(clone, env.spec).init(KEY, rows).fitted
    spread = np.asarray(rows.intended_action).max(axis=0) - np.asarray(rows.intended_action).min(0)
    np.testing.assert_allclose(2 * alone.half, spread, rtol=1e-5)


def test_what_heads_cannot_do_is_named():
    with pytest.raises(UserError, match="loss=nll: expected mse, the default, beside head.kind"):
        bc.Config(loss="nll", head=heads.Config("mixture"))
    with pytest.raises(UserError, match="ema=1.0: expected a decay in"):
        bc.Config(ema=1.0)
    with pytest.raises(UserError, match="head.kind=ddpm: expected default, because the task"):
        bc.make(config("ddpm"), envs.make("ProbeAction").spec)
    learner = bc.supervised_learner(config("kmeans"), envs.make("PointMass").spec)
    on_disk: Any = StreamedRows(jnp.arange(4), HostArray(np.zeros((4, 2), np.float32)))
    with pytest.raises(UserError, match="head.kind=kmeans: cannot be fitted to data that stay"):
        learner.init(KEY, bc.Pairs(jnp.zeros((4, 6)), on_disk, jnp.ones(4)))
